"""Cards on paper stand in the ledger, pass its fence twice, and what left can be shown."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from outreach.cards import dispatching, listing, mailing, printing
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts import consent
from outreach.contacts.models import Contact, GroupMember
from outreach.content.models import Message
from outreach.deliveries import outbox
from outreach.deliveries.models import Attempt, Delivery
from outreach.deliveries.paper import paper_queries
from outreach.errors import Refusal
from tests.cards.runs import NOVEMBER, approve, changed, housed, run
from tests.newsletters.issues import group


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


@pytest.fixture
def made(runtime, cast, clock):
    """An approved run: Dr. Marsh (no email) and Marisol (a client) on paper."""
    with runtime.turn() as turn:
        housed(turn, cast.silent, cast.marisol)
        one = run(turn, runtime, cast.silent, cast.marisol, by_email=False)
        assert approve(turn, runtime, one) is one
        return one.id


def acted(runtime, run_id, verb, **more):
    with runtime.turn() as turn:
        return verb(turn.session, turn.session.get(CardRun, run_id), now=turn.now, **more)


def drawn(runtime, run_id):
    return acted(runtime, run_id, printing.draw, world=runtime)


def mailed(runtime, run_id):
    return acted(runtime, run_id, mailing.mark_mailed, world=runtime, mailed_on=date(2026, 11, 16), by_id=None)


def ledger(runtime):
    with runtime.turn(write=False) as turn:
        return {row.contact_id: row for row in turn.session.scalars(select(Delivery))}


def test_printed_is_claimed_mailed_is_sending_and_ten_minutes_later_sent(runtime, cast, clock, made):
    for _ in range(2):
        assert len(drawn(runtime, made).cards) == 2
    rows = ledger(runtime)
    assert {row.state for row in rows.values()} == {"claimed"}
    assert {(row.transport, row.email, row.address_hash, row.priority) for row in rows.values()} == {
        ("print", "", None, 0)
    }, "to no address, and everybody alike"
    assert mailed(runtime, made) == 2
    assert {row.state for row in ledger(runtime).values()} == {"sending"}
    clock.advance(timedelta(minutes=11))
    for _ in range(2):
        with runtime.turn() as turn:
            dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=10)
    assert {row.state for row in ledger(runtime).values()} == {"sent"}
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(Attempt)) == 2
        subject = select(Message.subject).where(Message.id == rows[cast.silent].message_id)
        assert turn.session.scalar(subject) == "Happy Thanksgiving"
        assert turn.session.get(CardRun, made).status == "done"


def test_mailed_is_taken_back_for_ten_minutes_and_not_after(runtime, cast, clock, made):
    drawn(runtime, made)
    mailed(runtime, made)
    assert acted(runtime, made, mailing.take_back) == 2
    assert {row.state for row in ledger(runtime).values()} == {"claimed"}
    assert mailed(runtime, made) == 2
    clock.advance(timedelta(minutes=11))
    with runtime.turn() as turn:
        dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=10)
    assert acted(runtime, made, mailing.take_back) == 0


def test_who_dies_or_says_no_between_printing_and_mailing_is_taken_out_of_the_pile(runtime, cast, clock, made):
    drawn(runtime, made)
    with runtime.turn() as turn:
        changed(turn, cast.silent, deceased_on=date(2026, 11, 16))
        marisol = turn.session.get(Contact, cast.marisol)
        consent.suppress(turn.session, now=turn.now, hashed=marisol.address_hash, reason="unsubscribed", source="page")
    answer = mailed(runtime, made)
    assert isinstance(answer, Refusal)
    rows = ledger(runtime)
    assert rows[cast.silent].reason == "deceased"
    assert rows[cast.marisol].reason == "unsubscribed"
    with runtime.turn(write=False) as turn:
        ways = turn.session.scalars(select(CardRecipient.way).where(CardRecipient.run_id == made)).all()
        assert set(ways) == {"skip"}


def test_a_bounced_address_stops_no_card_on_paper(runtime, cast, clock, made):
    with runtime.turn() as turn:
        marisol = turn.session.get(Contact, cast.marisol)
        consent.suppress(turn.session, now=turn.now, hashed=marisol.address_hash, reason="bounced", source="webhook")
    assert len(drawn(runtime, made).cards) == 2


def test_a_hold_stops_paper_too(runtime, cast, clock, made):
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope=f"card:{made}", by_id=None)
    assert drawn(runtime, made).reason == "on-hold"


def test_cards_are_no_letters_of_the_letters_page(runtime, cast, clock, made):
    drawn(runtime, made)
    clock.advance(timedelta(days=60))
    with runtime.turn(write=False) as turn:
        assert paper_queries.many_waiting(turn.session, now=turn.now) == 0


def test_an_approved_list_keeps_who_left_a_rule_but_not_who_was_taken_off_a_fixed_list(runtime, cast, clock):
    rules = {"all": [{"fact": "days-since-discharge", "op": "at-most", "value": "30"}]}
    with runtime.turn() as turn:
        housed(turn, cast.marisol)
        changed(turn, cast.marisol, discharged_on=date(2026, 11, 1))
        one = run(turn, runtime, cast.marisol, by_email=False)
        one.group_ids = [group(turn, "Lately", rules=rules).id]
        one.listed_at = one.edited_at
        assert approve(turn, runtime, one) is one
        fixed = run(turn, runtime, cast.silent, occasion="new-year", by_email=False)
        housed(turn, cast.silent)
        listing.prepare(turn.session, fixed, now=turn.now, world=runtime)
        assert approve(turn, runtime, fixed) is fixed
        ids = one.id, fixed.id
    clock.advance(timedelta(days=45))
    assert len(drawn(runtime, ids[0]).cards) == 1
    with runtime.turn() as turn:
        for row in turn.session.scalars(select(GroupMember).where(GroupMember.contact_id == cast.silent)):
            turn.session.delete(row)
    assert isinstance(drawn(runtime, ids[1]), Refusal)


@pytest.mark.parametrize("scope", ["all", "transport:print"])
def test_what_holds_everything_holds_cards_on_paper(runtime, clock, made, scope):
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope=scope, by_id=None)
    assert drawn(runtime, made).reason == "on-hold"
    with runtime.turn() as turn:
        outbox.resume(turn.session, now=turn.now, scope=scope, by_id=None)
    drawn(runtime, made)
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope=scope, by_id=None)
    assert mailed(runtime, made).reason == "on-hold"


def test_undo_takes_the_last_mailing_back_and_never_one_before_it(runtime, cast, clock, made):
    with runtime.turn() as turn:
        later = turn.session.get(CardRecipient, (made, cast.marisol))
        later.way, later.reason = "skip", "address-to-fix"
    drawn(runtime, made)
    assert mailed(runtime, made) == 1
    clock.advance(timedelta(minutes=3))
    with runtime.turn() as turn:
        later = turn.session.get(CardRecipient, (made, cast.marisol))
        later.way, later.reason = "print", ""
    drawn(runtime, made)
    assert mailed(runtime, made) == 1
    assert acted(runtime, made, mailing.take_back) == 1
    assert acted(runtime, made, mailing.take_back) == 0, "a double click"
    assert [card.contact_id for card in drawn(runtime, made).cards] == [cast.marisol], "nobody gets a second card"
    assert mailed(runtime, made) == 1
    clock.advance(timedelta(minutes=11))
    assert acted(runtime, made, mailing.take_back) == 0, "even when no worker settled it"
