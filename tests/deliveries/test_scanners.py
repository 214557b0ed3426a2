"""Several signs together make a scanner: the same second in one office, all links of a short mail."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.contacts.timeline import Touch
from outreach.deliveries import clicks
from outreach.deliveries.links import HIDDEN_LINK
from outreach.deliveries.models import Delivery, LinkClick
from tests.deliveries.posting import put, send

PERSON, SCRIPT = "Mozilla/5.0 (Macintosh) Safari/605", "python-requests/2"


@pytest.fixture
def mails(runtime, cast, clock):
    """The ids of two mails to two people of one office, five minutes ago."""
    put(runtime, cast.raman, cast.okafor)
    send(runtime)
    with runtime.turn() as turn:
        sent = turn.session.scalars(select(Delivery).order_by(Delivery.id)).all()
        for place, row in enumerate(sent):
            turn.session.execute(update(Delivery).where(Delivery.id == row.id).values(email=f"n{place}@office.example"))
        ids = [row.id for row in sent]
    clock.advance(timedelta(minutes=5))
    return ids


def click(runtime, delivery_id, *, number=0, links=1, agent=PERSON, address=""):
    with runtime.turn() as turn:
        target = clicks.Target(delivery_id, number, "https://cedarlane.example/", links)
        asker = clicks.Asker("GET", agent, address, address and clicks.mark_of(b"key", address))
        return clicks.record(turn.session, target, asker, now=turn.now)


def rows(runtime):
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(LinkClick).order_by(LinkClick.id))
        return [(row.machine, row.signals) for row in found]


def touches(runtime):
    with runtime.turn(write=False) as turn:
        return len(turn.session.scalars(select(Touch).where(Touch.kind == "clicked")).all())


def test_the_same_second_in_one_office_is_a_sign_but_not_enough(runtime, mails):
    assert click(runtime, mails[0])
    assert click(runtime, mails[1])
    assert rows(runtime) == [(False, "crowd"), (False, "crowd")]
    assert touches(runtime) == 2


def test_with_a_second_sign_it_is_a_scanner(runtime, mails):
    assert click(runtime, mails[0])
    assert not click(runtime, mails[1], agent=SCRIPT)
    assert rows(runtime) == [(False, "crowd"), (True, "agent crowd")]


def test_the_first_of_a_crowd_is_judged_anew_and_its_touch_taken_back(runtime, mails):
    assert click(runtime, mails[0], agent=SCRIPT)
    assert touches(runtime) == 1
    click(runtime, mails[1])
    assert rows(runtime)[0] == (True, "agent crowd")
    assert touches(runtime) == 1


@pytest.mark.parametrize("apart", ["domain", "time"])
def test_other_offices_and_other_minutes_are_no_crowd(runtime, mails, clock, apart):
    if apart == "domain":
        with runtime.turn() as turn:
            turn.session.execute(update(Delivery).where(Delivery.id == mails[1]).values(email="n@other.example"))
    click(runtime, mails[0])
    if apart == "time":
        clock.advance(timedelta(seconds=30))
    click(runtime, mails[1])
    assert rows(runtime) == [(False, ""), (False, "")]


def test_both_links_of_a_mail_with_two_within_seconds_are_a_sign(runtime, mails):
    click(runtime, mails[0], number=0, links=2)
    assert not click(runtime, mails[0], number=1, links=2, agent=SCRIPT)
    assert [machine for machine, _ in rows(runtime)] == [True, True]
    assert touches(runtime) == 0


def test_two_links_of_a_long_mail_are_none(runtime, mails):
    click(runtime, mails[0], number=0, links=5)
    assert click(runtime, mails[0], number=1, links=5, agent=SCRIPT)


def test_who_takes_the_link_that_nobody_sees_is_a_machine_and_so_is_what_it_took_before(runtime, mails, clock):
    click(runtime, mails[0], links=5, agent=SCRIPT)
    clock.advance(timedelta(seconds=20))
    assert not click(runtime, mails[0], number=HIDDEN_LINK, links=5)
    assert rows(runtime) == [(True, "agent hidden"), (True, "hidden")]
    assert touches(runtime) == 0


def test_the_hidden_link_alone_speaks_for_one_sign_only_for_a_minute(runtime, mails, clock):
    click(runtime, mails[0], number=HIDDEN_LINK, links=5)
    clock.advance(timedelta(seconds=20))
    assert click(runtime, mails[0], links=5)
    assert not click(runtime, mails[0], number=1, links=5, agent=SCRIPT)
    clock.advance(timedelta(minutes=2))
    assert click(runtime, mails[0], links=5, agent=SCRIPT)


def test_the_only_link_of_a_mail_and_the_hidden_one_in_a_burst_are_two_signs(runtime, mails):
    click(runtime, mails[0], number=HIDDEN_LINK)
    assert not click(runtime, mails[0])
    assert touches(runtime) == 0


def test_a_network_of_servers_is_a_sign_but_not_enough(runtime, mails, clock):
    assert click(runtime, mails[0], address="40.107.22.9")
    clock.advance(timedelta(minutes=5))
    assert not click(runtime, mails[1], address="40.107.22.9", agent=SCRIPT)
    assert rows(runtime) == [(False, "host"), (True, "host agent")]


def test_one_address_that_reads_the_mail_of_many_domains_is_a_scanners_host(runtime, cast, mails, clock):
    """The others are told from it too, once it is known: each of them stood alone when it came."""
    put(runtime, cast.greta)
    send(runtime)
    with runtime.turn() as turn:
        rest = turn.session.scalars(select(Delivery).where(Delivery.id.not_in(mails)))
        ids = [*mails, *(row.id for row in rest)]
        for place, each in enumerate(ids):
            turn.session.execute(update(Delivery).where(Delivery.id == each).values(email=f"a@practice{place}.example"))
    clock.advance(timedelta(minutes=2))
    assert click(runtime, ids[0], address="203.0.113.9", agent=SCRIPT)
    assert click(runtime, ids[1], address="203.0.113.9")
    assert touches(runtime) == 2
    assert click(runtime, ids[2], address="203.0.113.9")
    assert rows(runtime) == [(True, "agent host"), (False, "host"), (False, "host")]
    assert touches(runtime) == 2
    clock.advance(timedelta(minutes=11))
    assert click(runtime, ids[0], number=1, links=5, address="203.0.113.9", agent=SCRIPT)


def test_what_was_clicked_before_the_mailbox_took_the_mail_was_no_person(runtime, mails, clock):
    assert click(runtime, mails[0], agent=SCRIPT)
    with runtime.turn() as turn:
        clicks.arrived(turn.session, {mails[0]: turn.now})
    assert rows(runtime) == [(True, "agent at-once")]
    assert touches(runtime) == 0
