"""Administrators set up the ways out on the screen; web and worker use them at once, and no key is ever seen again."""

import html
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.deliveries import releasing, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.models import TransportState
from outreach.deliveries.transports.registry import open_transports
from outreach.deliveries.ways import throttling
from outreach.deliveries.ways.transport_models import TransportSetting, TransportThrottle
from outreach.deliveries.ways.ways_shown import NOT_REACHED, health
from outreach.schema import load_all
from tests.contracts.servers import SmtpServer
from tests.deliveries.posting import delivery, put, send, states
from tests.people import post, sign_in

AT = "/outbox/transports"
AT_TEN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CANARY = "canary-Zq81-password"
KEY = "SG." + "c" * 22 + "." + "y" * 43


@pytest.fixture
def olive(app, runtime):
    """The administrator's browser."""
    return sign_in(app, runtime, "olive@cedarlane.example")


@pytest.fixture
def smtp():
    server = SmtpServer()
    yield server
    server.close()


def page(answer):
    return html.unescape(answer.get_data(as_text=True))


def server_at(port=2525, **more):
    typed = {"host": "127.0.0.1", "port": str(port), "tls": "plain", "sign_in": "none", "most_per_session": "100"}
    return typed | {"revision": "", **{name: str(value) for name, value in more.items()}}


def set_smtp(browser, **typed):
    return post(browser, f"{AT}/smtp/set", server_at(**typed), form_at=f"{AT}/smtp/set")


def revision(runtime, name="smtp"):
    with runtime.turn(write=False) as turn:
        return turn.session.get_one(TransportSetting, name).revision


def test_a_server_that_was_set_up_carries_mail_without_a_restart_and_so_does_its_successor(runtime, cast, olive, smtp):
    assert set_smtp(olive, port=smtp.port).status_code == 303
    put(runtime, cast.raman)
    send(runtime)
    assert states(runtime) == {"sent": 1}
    old = runtime.transports["smtp"]
    other = SmtpServer()
    set_smtp(olive, port=other.port, revision=revision(runtime))
    put(runtime, cast.denise, step="2")
    send(runtime)
    other.close()
    assert (len(smtp.mailbox.mails()), len(other.mailbox.mails())) == (1, 1)
    assert runtime.transports["smtp"] is not old


def test_only_what_was_changed_is_made_anew(runtime, olive):
    set_smtp(olive)
    olive.get(AT)
    before = runtime.transports["smtp"]
    post(olive, f"{AT}/sendgrid/set", {"key": KEY, "region": "eu", "revision": ""}, form_at=f"{AT}/sendgrid/set")
    olive.get(AT)
    assert runtime.transports.names == ("sendgrid", "smtp")
    assert runtime.transports["smtp"] is before


def test_no_key_is_on_any_page_in_any_log_entry_or_dump(runtime, olive, maya, caplog):
    caplog.set_level(logging.DEBUG)
    where = {"host": "mail.example.com", "tls": "tls", "sign_in": "password", "user": "olive"}
    set_smtp(olive, **where, password=CANARY)
    post(olive, f"{AT}/sendgrid/set", {"key": KEY, "region": "us", "revision": ""}, form_at=f"{AT}/sendgrid/set")
    refused = set_smtp(olive, **{**where, "host": "https://mail.example.com/"}, password=CANARY + "2")
    assert refused.status_code == 422
    seen = [page(refused), *(page(olive.get(f"{AT}{path}")) for path in ("", "/smtp/set", "/sendgrid/set"))]
    assert "by Olive Stone. Leave it empty to keep it." in seen[2]
    seen += [page(maya.get(AT)), page(olive.get("/settings/audit/")), caplog.text]
    olive.get(AT)
    seen += [repr(vars(runtime.transports["sendgrid"])["_pool"]), repr(runtime.transports)]
    with runtime.turn(write=False) as turn:
        for table in load_all().metadata.sorted_tables:
            seen += [str(row) for row in turn.session.execute(select(table))]
    whole = "\n".join(seen)
    assert not [word for word in (CANARY, KEY, "c" * 22) if word in whole]


def test_an_empty_key_keeps_the_one_that_is_there(runtime, olive):
    where = {"host": "mail.example.com", "tls": "tls", "sign_in": "password", "user": "olive"}
    assert set_smtp(olive, **where).status_code == 422
    set_smtp(olive, **where, password=CANARY)
    assert set_smtp(olive, **where, port=465, revision=revision(runtime)).status_code == 303
    olive.get(AT)
    assert runtime.transports["smtp"]._server.password == CANARY


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"host": ""}, "Type the name of the server"),
        ({"host": "https://mail.example.com"}, "Only the name of the server"),
        ({"host": "mail.example.com\r\nRCPT TO:<x>"}, "no server name"),
        ({"host": "me@mail.example.com"}, "Only the name of the server"),
        ({"host": "mail..example.com"}, "no server name"),
        ({"host": "999.1.1.1"}, "no server name"),
        ({"port": "0"}, "1 to 65535"),
        ({"port": "99999"}, "1 to 65535"),
        ({"port": "smtp"}, "valid integer"),
        ({"port": ""}, "1 to 65535"),
        ({"host": "mail.example.com", "tls": "plain"}, "Without encryption"),
        ({"sign_in": "password", "user": "", "password": "x"}, "This is needed"),
        ({"sign_in": "token", "user": "x", "password": ""}, "This is needed"),
        ({"sign_in": "password", "user": "a\r\nb", "password": "x"}, "line break"),
        ({"sign_in": "password", "user": "a", "password": "x\r\nQUIT"}, "line break"),
        ({"tls": "rot13"}, "Not a valid choice"),
        ({"most_per_session": "-1"}, "between 1 and 10000"),
    ],
)
def test_what_is_no_server_is_refused_with_words_and_nothing_is_kept(runtime, olive, typed, words):
    answer = set_smtp(olive, **{**server_at(), **typed})
    assert answer.status_code == 422
    assert words in page(answer)
    with runtime.turn(write=False) as turn:
        assert turn.session.get(TransportSetting, "smtp") is None


@pytest.mark.parametrize("key", ["", "x", "SG.short", KEY + " and more", "sk_live_123"])
def test_what_is_no_sendgrid_key_is_refused(olive, key):
    typed = {"key": key, "region": "us", "revision": ""}
    answer = post(olive, f"{AT}/sendgrid/set", typed, form_at=f"{AT}/sendgrid/set")
    assert answer.status_code == 422


def test_in_the_demo_only_this_machine_can_be_named(runtime, olive):
    object.__setattr__(runtime.settings, "mode", "demo")
    assert "no mail leaves this machine" in page(set_smtp(olive, host="mail.example.com", tls="tls"))
    assert set_smtp(olive, host="localhost").status_code == 303
    post(olive, f"{AT}/sendgrid/set", {"key": KEY, "region": "us", "revision": ""}, form_at=f"{AT}/sendgrid/set")
    olive.get(AT)
    assert "sendgrid" not in runtime.transports.names


def test_two_administrators_do_not_overwrite_each_other(runtime, olive):
    set_smtp(olive)
    seen = revision(runtime)
    set_smtp(olive, port=2526, revision=seen)
    set_smtp(olive, port=2527, revision=seen)
    assert "Somebody else changed this meanwhile" in page(olive.get(AT))
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(TransportSetting, "smtp").facts["port"] == 2526


def test_what_the_environment_sets_wins_and_cannot_be_changed_here(runtime, olive):
    set_smtp(olive)
    object.__setattr__(runtime.settings, "smtp_url", "smtp://127.0.0.1:2600")
    runtime.transports = open_transports(runtime.settings)
    assert "set outside, in the environment" in page(olive.get(AT))
    set_smtp(olive, port=2526, revision=revision(runtime))
    assert "can only be changed there" in page(olive.get(AT))
    assert runtime.transports["smtp"]._server.port == 2600


def test_taking_a_way_out_away_says_how_many_wait_and_keeps_them_for_another(runtime, cast, clock, olive, smtp):
    set_smtp(olive, port=smtp.port)
    post(olive, f"{AT}/smtp/pause", form_at=AT)
    planned = put(runtime, cast.raman)
    asked = page(olive.get(f"{AT}/smtp/remove"))
    assert "<b>1 email</b> waits to leave this way" in asked
    post(olive, f"{AT}/smtp/remove", {"revision": revision(runtime)}, form_at=f"{AT}/smtp/remove")
    assert "1 email is kept" in page(olive.get(AT))
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason) == ("held", "no-transport")
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        releasing.release(turn.session, now=turn.now, world=runtime)
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.transport) == ("sent", "memory")


def test_an_agreement_goes_with_the_server_it_was_made_with(runtime, olive):
    where = {"tls": "tls", "sign_in": "none"}
    set_smtp(olive, host="mail.example.com", **where)
    post(olive, f"{AT}/smtp/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    set_smtp(olive, host="mail.example.com", port=465, revision=revision(runtime), **where)
    assert agreement(runtime) is not None
    set_smtp(olive, host="other.example.com", revision=revision(runtime), **where)
    assert agreement(runtime) is None


def agreement(runtime, name="smtp"):
    with runtime.turn(write=False) as turn:
        return turn.session.get_one(TransportState, name).baa_signed_on


@pytest.mark.parametrize("host", ["smtp.sendgrid.net", "SMTP.SendGrid.net", "smtp.eu.sendgrid.net."])
def test_the_smtp_door_of_sendgrid_gets_no_agreement_either(runtime, olive, host):
    set_smtp(olive, host=host, tls="tls", sign_in="none")
    post(olive, f"{AT}/smtp/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    assert "sign no business associate agreement" in page(olive.get(AT))
    with runtime.turn(write=False) as turn:
        state = turn.session.get(TransportState, "smtp")
        assert state is None or state.baa_signed_on is None


def test_sendgrid_gets_no_agreement_through_any_door(runtime, olive):
    post(olive, f"{AT}/sendgrid/set", {"key": KEY, "region": "us", "revision": ""}, form_at=f"{AT}/sendgrid/set")
    post(olive, f"{AT}/sendgrid/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    assert "signs no business associate agreement" in page(olive.get(AT))
    with runtime.turn() as turn:
        assert (
            steering.record_agreement(turn.session, "sendgrid", turn.now.date(), today=turn.now.date(), by_id=2)
            is not None
        )


def test_the_mailbox_for_answers_has_an_agreement_of_its_own(runtime, olive):
    def agreed():
        with runtime.turn(write=False) as turn:
            return house_of(
                turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings
            ).inbound_agreed

    assert not agreed()
    post(olive, f"{AT}/inbound/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    assert not agreed(), "nobody keeps a mailbox: answers come by Inbound Parse only, and SendGrid signs none"
    assert "Connect the mailbox first" in page(olive.get(AT))
    typed = {
        "host": "imap.example.com",
        "port": "993",
        "tls": "tls",
        "sign_in": "password",
        "user": "in",
        "password": CANARY,
    }
    answer = post(olive, f"{AT}/inbound/set", {**typed, "folder": "INBOX", "revision": ""}, form_at=f"{AT}/inbound/set")
    assert answer.status_code == 303
    assert "in at imap.example.com" in page(olive.get(AT))
    assert not agreed()
    post(olive, f"{AT}/inbound/agreement", {"signed_on": "2026-02-01"}, form_at=AT)
    assert agreed()
    with runtime.turn() as turn:
        turn.session.get_one(TransportState, "inbound").baa_for = "old.example.com"
    assert not agreed()
    assert "another server" in page(olive.get(AT))


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"per_second": "2.5", "burst": "", "per_day": "500"}, 303),
        ({"per_second": "", "burst": "", "per_day": ""}, 303),
        ({"per_second": "-1"}, 422),
        ({"per_second": "nan"}, 422),
        ({"per_second": "inf"}, 422),
        ({"per_second": "0"}, 422),
        ({"per_day": "-1"}, 422),
        ({"per_day": "1000000000000"}, 422),
        ({"per_day": "ten"}, 422),
        ({"burst": "0"}, 422),
    ],
)
def test_limits_are_numbers_that_make_sense(runtime, olive, typed, status):
    assert post(olive, f"{AT}/memory/limits", typed, form_at=f"{AT}/memory/limits").status_code == status
    with runtime.turn(write=False) as turn:
        row = turn.session.get(TransportThrottle, "memory")
    assert (row is not None) == (status == 303)


def test_limits_are_shown_and_hold(runtime, olive):
    post(olive, f"{AT}/memory/limits", {"per_second": "2", "per_day": "500"}, form_at=f"{AT}/memory/limits")
    assert "2 a second; 500 a day" in page(olive.get(AT))
    with runtime.turn() as turn:
        assert throttling.take(turn.session, {"memory": 9}, now=turn.now) == {"memory": 2}


@pytest.mark.parametrize(("number", "status"), [("50", 303), ("0", 422), ("501", 422), ("x", 422), ("", 422)])
def test_how_many_at_once_has_bounds(runtime, olive, number, status):
    at = f"{AT}/at-once"
    assert post(olive, at, {"newsletter": number, "drip": "4"}, form_at=at).status_code == status
    with runtime.turn() as turn:
        chosen = throttling.in_flight(turn.session)
    assert (chosen["newsletter"], chosen["drip"]) == ((50, 4) if status == 303 else (500, 8))


def test_a_double_click_on_test_sends_one(runtime, maya):
    for _ in range(2):
        post(maya, f"{AT}/memory/test", form_at=AT)
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_only_administrators_change_ways_and_each_change_is_on_record(runtime, olive, maya):
    for path in ("smtp/set", "memory/limits", "at-once", "smtp/remove"):
        assert maya.get(f"{AT}/{path}").status_code == 403
        assert post(maya, f"{AT}/{path}", server_at(), form_at=AT).status_code == 403
    for path in ("pigeon/set", "pigeon/remove", "pigeon/limits"):
        assert olive.get(f"{AT}/{path}").status_code == 404
    set_smtp(olive)
    post(olive, f"{AT}/smtp/limits", {"per_day": "5"}, form_at=f"{AT}/smtp/limits")
    post(olive, f"{AT}/smtp/remove", {"revision": revision(runtime)}, form_at=f"{AT}/smtp/remove")
    with runtime.turn(write=False) as turn:
        done = [entry.action for entry in turn.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert done[-3:] == ["change-transport", "limit-transport", "remove-transport"]


def test_a_key_that_cannot_be_read_any_more_is_said_and_stops_nothing_else(runtime, cast, olive):
    set_smtp(olive, host="mail.example.com", tls="tls", sign_in="password", user="olive", password=CANARY)
    object.__setattr__(runtime, "settings", replace(runtime.settings, secret_key=b"z" * 64))
    runtime.transports = open_transports(runtime.settings)
    put(runtime, cast.raman)
    send(runtime)
    assert states(runtime) == {"sent": 1}
    assert "cannot be read any more" in page(olive.get(AT))


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("403 The from address does not match a verified Sender Identity.", "Verify the sender's address or domain"),
        ("401 The provided authorization grant is invalid", "The key is not accepted"),
        ("553 5.1.8 sender not allowed", "does not let us send from our address"),
        ("550 5.7.1 not permitted to send as", "does not let us send from our address"),
        ("535 5.7.8 authentication failed", "user or password is not accepted"),
    ],
)
def test_a_way_that_is_refused_says_what_to_do_on_the_screen(runtime, olive, said, advice):
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="memory", paused_at=turn.now, paused_why=said))
    shown = page(olive.get(AT))
    assert advice in shown
    assert "Then press Resume: one email goes first" in shown


def test_mail_is_signed_with_the_key_that_was_put_in_which_is_never_shown(runtime, cast, olive, smtp):
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    secret = pem.decode().splitlines()[3]
    bad = set_smtp(olive, port=smtp.port, dkim_selector="spring", dkim_key="-----BEGIN NONSENSE " + secret)
    assert bad.status_code == 422
    assert secret not in page(bad)
    assert set_smtp(olive, port=smtp.port, dkim_selector="", dkim_key=pem.decode()).status_code == 422
    assert set_smtp(olive, port=smtp.port, dkim_selector="spring").status_code == 422
    assert set_smtp(olive, port=smtp.port, dkim_selector="spring", dkim_key=pem.decode()).status_code == 303
    assert secret not in page(olive.get(f"{AT}/smtp/set")) + page(olive.get(AT))
    put(runtime, cast.raman)
    send(runtime)
    assert "s=spring" in smtp.mailbox.mails()[0]["DKIM-Signature"]


@pytest.mark.parametrize(("state", "waiting", "said"), [
    (None, 0, ("Not used yet", "Send yourself a test.")), (None, 1, ("Not used yet", "1 message waits to leave.")),
    ({"last_trouble_at": AT_TEN, "troubles": 1}, 1, ("Not working yet", NOT_REACHED)),
    ({"last_trouble_at": AT_TEN, "last_sent_at": AT_TEN, "troubles": 2}, 0, ("Trouble", NOT_REACHED)),
    ({"last_trouble_at": AT_TEN, "last_sent_at": AT_TEN, "troubles": 0}, 0, ("Working", "")),
])  # fmt: skip
def test_a_way_says_how_it_is_from_its_first_test_on(state, waiting, said):
    found = health(TransportState(name="smtp", **state) if state else None, None, now=AT_TEN, waiting=waiting)
    assert found[1:] == said
