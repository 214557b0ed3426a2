"""A kept password, and an agreement on record, are for the server that they were given for and for no other."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from outreach.deliveries import gates
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER, Delivery, TransportState
from outreach.deliveries.rules import Way, may_carry
from outreach.deliveries.transports.registry import open_transports
from outreach.deliveries.ways import way_rules
from outreach.deliveries.ways.way_settings import inbound_agreed_on
from outreach.practice.models import KeptSecret
from tests.deliveries.posting import put
from tests.deliveries.test_setting_up_ways import (
    AT,
    CANARY,
    agreement,
    olive,
    page,
    revision,
    set_smtp,
)
from tests.people import post

__all__ = ["olive"]
SIGNED_IN = {"tls": "tls", "sign_in": "password", "user": "practice"}
BOX = {"port": "993", "folder": "INBOX", **SIGNED_IN}


def kept(runtime):
    with runtime.turn(write=False) as turn:
        return set(turn.session.scalars(select(KeptSecret.name)))


def test_a_kept_password_is_not_sent_to_another_server(runtime, olive):
    set_smtp(olive, host="mail.example.com", password=CANARY, **SIGNED_IN)
    other = {"host": "collects.example.net", "revision": revision(runtime)}
    answer = set_smtp(olive, **other, **SIGNED_IN)
    assert answer.status_code == 422
    assert "another server: type the password for it" in page(answer)
    assert set_smtp(olive, **other, password="its own", **SIGNED_IN).status_code == 303
    olive.get(AT)
    assert runtime.transports["smtp"]._server.password == "its own"


def test_nor_by_way_of_a_server_where_nobody_signs_in(runtime, olive):
    set_smtp(olive, host="mail.example.com", password=CANARY, **SIGNED_IN)
    set_smtp(olive, host="collects.example.net", tls="tls", sign_in="none", revision=revision(runtime))
    assert "smtp.password" not in kept(runtime)
    again = set_smtp(olive, host="collects.example.net", revision=revision(runtime), **SIGNED_IN)
    assert again.status_code == 422


def test_nor_that_of_the_mailbox(runtime, olive):
    typed = {"host": "imap.example.com", "password": CANARY, "revision": "", **BOX}
    assert post(olive, f"{AT}/inbound/set", typed, form_at=f"{AT}/inbound/set").status_code == 303
    typed |= {"host": "collects.example.net", "password": "", "revision": revision(runtime, "inbound")}
    assert post(olive, f"{AT}/inbound/set", typed, form_at=f"{AT}/inbound/set").status_code == 422


def test_an_agreement_with_the_server_of_the_environment_is_not_that_of_a_typed_one(runtime, olive):
    object.__setattr__(runtime.settings, "smtp_url", "smtp://127.0.0.1:2600")
    runtime.transports = open_transports(runtime.settings)
    post(olive, f"{AT}/smtp/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    assert agreement(runtime) is not None
    object.__setattr__(runtime.settings, "smtp_url", None)
    runtime.transports = open_transports(runtime.settings)
    set_smtp(olive, host="mail.example.com", tls="tls", sign_in="none")
    assert agreement(runtime) is None


def test_an_agreement_does_not_count_once_the_environment_names_another_server(runtime, olive):
    def counts():
        with runtime.turn(write=False) as turn:
            house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
            return any(way.name == "smtp" and may_carry(way, "client", on=house.today) for way in house.ways)

    for url, expected in (("smtp://127.0.0.1:2600", True), ("smtp://localhost:2600", False)):
        object.__setattr__(runtime.settings, "smtp_url", url)
        runtime.transports = open_transports(runtime.settings)
        if expected:
            post(olive, f"{AT}/smtp/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
        assert counts() is expected
        assert ("Signed on 2026-02-01" in page(olive.get(AT))) is expected
    post(olive, f"{AT}/smtp/agreement", {"signed_on": "2026-02-02"}, form_at=AT)
    assert counts()


def test_sendgrids_mail_server_carries_nothing_under_an_older_agreement(settings, runtime):
    with runtime.turn() as turn:
        signed_on = turn.now.date()
        turn.session.add(TransportState(name="smtp", baa_signed_on=signed_on))
    transports = open_transports(replace(settings, smtp_url="smtps://apikey:x@smtp.sendgrid.net"))
    ways = {way.name: way for way in transports.ways({"smtp": signed_on})}
    assert not may_carry(ways["smtp"], "client", on=signed_on)


def test_nor_does_the_fence_let_a_clients_mail_through_there(runtime, cast):
    row = put(runtime, cast.okafor).ids[cast.okafor]
    with runtime.turn() as turn:
        day = turn.now.date()
        turn.session.add(TransportState(name="smtp", baa_signed_on=day))
        turn.session.execute(update(LEDGER).where(LEDGER.c.id == row).values(audience_class="client", transport="smtp"))
        for signed_on, stopped in ((day, []), (None, [row])):
            closed = gates._client_without_agreement(day, [Way("smtp", False, signed_on)])
            found = turn.session.scalars(select(Delivery.id).where(Delivery.id == row, closed)).all()
            assert found == stopped


@pytest.mark.parametrize("host", ["fe80::1%eth0", "fe80::1%a\r\nRCPT", "::1%x"])
def test_an_address_with_anything_behind_it_is_no_server(host):
    assert way_rules.host_problem(host) is not None


def test_an_agreement_that_names_no_server_counts_for_none(settings, runtime):
    transports = open_transports(replace(settings, smtp_url="smtp://mail.example.com:2600"))
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
        turn.session.flush()
        states = turn.session.scalars(select(TransportState)).all()
        assert transports.agreements(states)["smtp"] is None
        states[0].baa_for = "mail.example.com"
        assert transports.agreements(states)["smtp"] == turn.now.date()


def test_the_mailbox_of_the_environment_needs_an_agreement_of_its_own(settings, runtime):
    def agreed(url):
        with runtime.turn(write=False) as turn:
            return inbound_agreed_on(turn.session, replace(settings, imap_url=url)) is not None

    with runtime.turn() as turn:
        day = turn.now.date()
        turn.session.add(TransportState(name="inbound", baa_signed_on=day, baa_for="imap.example.com"))
    assert agreed("imaps://in:x@imap.example.com/INBOX")
    assert not agreed("imaps://in:x@imap.example.org/INBOX")
    assert not agreed(None)
