"""Several signs together make a scanner: the same second in one office, all links of a short mail."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.contacts.timeline import Touch
from outreach.deliveries import clicks
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


def click(runtime, delivery_id, *, number=0, links=1, agent=PERSON):
    with runtime.turn() as turn:
        target = clicks.Target(delivery_id, number, "https://cedarlane.example/", links)
        return clicks.record(turn.session, target, now=turn.now, method="GET", user_agent=agent)


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
