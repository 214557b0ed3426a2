"""What is over the limit says how much, since when, and until when paying it back mends it."""

from dataclasses import replace
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.audit import AuditEntry
from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.gifts import curing, passing, paying_back, queries, recording, rules
from outreach.gifts.locking import LEDGER_LOCK
from outreach.gifts.models import ValueEntry
from outreach.gifts.payback_models import LimitPass, ValuePayback
from outreach.gifts.paying_back import Back
from outreach.gifts.recording import Given
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post

TODAY = date(2026, 3, 2)
OVER = rules.Excess(
    contact_id=1, name="Dr. Raman", cents=1_500, limit_cents=53_500, since=TODAY, on_purpose=False, earlier_year=None
)


def ate(turn: Turn, contact_id: int, cents: int, on: date = TODAY, event_id: int | None = None) -> None:
    given = Given(contact_id, on, "meal", "Lunch", cents, event_id=event_id)
    made = recording.record_eaten(turn.session, given, now=turn.now, today=TODAY, by_id=None)
    assert isinstance(made, recording.Recorded), made


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 3, 2), date(2026, 8, 29)),
        (date(2026, 7, 4), date(2026, 12, 31)),
        (date(2026, 7, 5), date(2026, 12, 31)),
        (date(2026, 12, 31), date(2026, 12, 31)),
    ],
)
def test_it_is_paid_back_within_180_days_and_the_same_year(since: date, until: date) -> None:
    assert replace(OVER, since=since).until == until


@pytest.mark.parametrize(
    ("changed", "today", "words"),
    [
        ({}, TODAY, "mended when $15 are paid back by Aug 29, 2026, once in three years"),
        ({}, date(2026, 8, 29), "paid back by Aug 29, 2026"),
        ({}, date(2026, 8, 30), "ended on Aug 29, 2026. Ask a lawyer"),
        ({"cents": 26_750}, TODAY, "mended when $267.50 are paid back"),
        ({"cents": 26_751}, TODAY, "more than half of the limit"),
        ({"on_purpose": True}, TODAY, "let pass with a reason"),
        ({"earlier_year": 2024}, TODAY, "There was one in 2024 too"),
    ],
)
def test_the_words_say_what_can_still_be_done(changed: dict[str, object], today: date, words: str) -> None:
    assert words in rules.cure(replace(OVER, **changed), today=today)  # type: ignore[arg-type]


def test_the_days_count_from_the_plate_that_passed_the_limit(turn: Turn, cast: Cast) -> None:
    ate(turn, cast.raman, 2_000, date(2026, 2, 20))
    ate(turn, cast.raman, 53_000, date(2026, 1, 10))
    ate(turn, cast.raman, 1_000, date(2026, 2, 25))
    ate(turn, cast.okafor, 53_500)
    ate(turn, cast.denise, 90_000)
    [one] = curing.excesses(turn.session, 2026)
    assert (one.contact_id, one.cents, one.since) == (cast.raman, 2_500, date(2026, 2, 20))
    assert curing.said_of(turn.session, cast.okafor, 2026, today=TODAY) == ""


def test_an_excess_of_the_three_years_before_is_named(turn: Turn, cast: Cast) -> None:
    for year, name in ((2022, cast.okafor), (2023, cast.raman)):
        ate(turn, name, 60_000, date(year, 5, 1))
        ate(turn, name, 60_000)
    found = {one.contact_id: one.earlier_year for one in curing.excesses(turn.session, 2026)}
    assert found == {cast.raman: 2023, cast.okafor: None}


def test_the_ledger_says_the_deadline_beside_the_name(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert "paid back" not in maya.get("/gifts/").get_data(as_text=True)
    with runtime.turn() as turn:
        ate(turn, cast.raman, 55_000)
    page = maya.get("/gifts/").get_data(as_text=True)
    assert "Dr. Priya Raman:" in page
    assert "$15 are paid back by Aug 29, 2026" in page


def test_maya_enters_what_came_back_strikes_it_and_the_year_end_export_has_both(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        ate(turn, cast.raman, 55_000)
        passing.let_pass(turn.session, 7, cast.okafor, now=turn.now, reason="Counsel agreed", by_id=cast.olive)
    here = f"/gifts/excess/{cast.raman}?year=2026"
    assert here in maya.get("/gifts/").get_data(as_text=True)
    typed = {"amount": "20", "paid_on": "2026-03-02", "how": "Check 114", "proof": "Blue binder"}
    refused = post(maya, here, typed)
    assert refused.status_code == 422
    said = refused.get_data(as_text=True)
    assert "Only $15 are still owed" in said
    assert 'value="Blue binder"' in said
    assert post(maya, here, {**typed, "amount": "5"}).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert "$10 are still owed" in page
    assert "Check 114. Proof: Blue binder" in page
    sheet = maya.get("/gifts/export.csv?year=2026").get_data(as_text=True)
    row = "2026-03-02,Dr. Priya Raman,Lakeside Orthopedics,Paid back,For the limit of 2026,-5.00,Check 114"
    assert row in sheet
    assert "Dr. Samuel Okafor,Northgate Clinic,Allowed over the limit,Event 7,,,Counsel agreed,Olive Stone," in sheet
    with runtime.turn(write=False) as turn:
        number = turn.session.scalars(select(ValuePayback.id)).one()
    strike = f"/gifts/paybacks/{number}/strike"
    assert post(maya, strike, {"why": "It bounced"}).headers["Location"] == here
    page = maya.get(here).get_data(as_text=True)
    assert "It bounced" in page
    assert "$15 are paid back by" in page
    assert maya.get(f"/gifts/excess/{cast.okafor}?year=2026").status_code == 200
    with runtime.turn(write=False) as turn:
        kept = select(AuditEntry.action).where(AuditEntry.subject_type == "value-payback").order_by(AuditEntry.id)
        assert list(turn.session.scalars(kept)) == ["recorded", "struck"]


def look(turn: Turn, cast: Cast, event_id: int) -> Task:
    """What the meal of that event asked an administrator to look at."""
    return tasks.add(
        turn.session,
        now=turn.now,
        kind="other",
        title="Look",
        due_on=TODAY,
        contact_id=cast.raman,
        event_id=event_id,
        origin=f"value:{event_id}:{cast.raman}",
    )


def back(cast: Cast, cents: int, on: date = TODAY, how: str = "Check 114, in the binder") -> Back:
    return Back(contact_id=cast.raman, year=2026, cents=cents, paid_on=on, how=how)


def test_what_comes_back_shrinks_what_is_owed_until_it_is_mended(turn: Turn, cast: Cast) -> None:
    def pay(given: Back) -> object:
        return paying_back.pay_back(turn.session, given, now=turn.now, today=TODAY, by_id=cast.maya)

    def refused(given: Back) -> str:
        no = pay(given)
        assert isinstance(no, Refusal), no
        return no.reason

    assert refused(back(cast, 100)) == "no-excess"
    ate(turn, cast.raman, 55_000, date(2026, 2, 20), event_id=7)
    assert refused(back(cast, 1_501)) == "more-than-owed"
    assert refused(back(cast, 500, date(2026, 2, 19))) == "bad-date"
    assert refused(back(cast, 500, date(2026, 3, 3))) == "bad-date"
    assert refused(back(cast, 500, how=" ")) == "no-text"
    asked = look(turn, cast, 7)
    first = pay(back(cast, 500))
    assert isinstance(first, ValuePayback)
    assert pay(back(cast, 500)) is first, "a double click is one payback"
    assert "$5 came back by Mar 2, 2026, $10 are still owed" in curing.said_of(
        turn.session, cast.raman, 2026, today=TODAY
    )
    assert queries.total_of(turn.session, cast.raman, 2026) == 54_500
    pay(back(cast, 1_000))
    [one] = curing.excesses(turn.session, 2026)
    assert (one.owed_cents, one.in_time) == (0, True)
    assert "it is mended" in rules.cure(one, today=date(2026, 12, 1))
    assert queries.spent(turn.session, 2026) == {cast.raman: 53_500}
    assert asked.outcome == "dropped"
    assert refused(back(cast, 1)) == "no-excess"
    assert isinstance(paying_back.strike(turn.session, first, now=turn.now, by_id=None, why=" "), Refusal)
    assert paying_back.strike(turn.session, first, now=turn.now, by_id=None, why="It bounced") is None
    turn.session.flush()
    assert curing.excesses(turn.session, 2026)[0].owed_cents == 500
    assert asked.closed_at is None
    [entry] = turn.session.scalars(select(ValueEntry))
    recording.strike(turn.session, entry, now=turn.now, by_id=None, why="Somebody else's")
    turn.session.flush()
    assert queries.total_of(turn.session, cast.raman, 2026) == 0, "nobody is below nothing"


def test_a_payback_drops_only_what_it_mends_and_reopens_only_what_it_dropped(turn: Turn, cast: Cast) -> None:
    then = date(2025, 5, 1)
    ate(turn, cast.raman, 30_000, then, event_id=5)
    ate(turn, cast.raman, 25_000, then, event_id=6)
    ate(turn, cast.raman, 55_000, event_id=7)
    by_hand, earlier, this_year = (look(turn, cast, each) for each in (5, 6, 7))
    tasks.close(turn.session, by_hand, now=turn.now, by_id=cast.maya, outcome="dropped")

    def pay(year: int, cents: int, on: date) -> ValuePayback:
        given = Back(cast.raman, year, cents, on, "Check 9")
        made = paying_back.pay_back(turn.session, given, now=turn.now, today=TODAY, by_id=cast.maya)
        assert isinstance(made, ValuePayback), made
        return made

    late = pay(2025, 3_100, date(2025, 12, 1))
    assert earlier.closed_at is None, "too late: somebody still has to look"
    assert paying_back.strike(turn.session, late, now=turn.now, by_id=None, why="Wrong day") is None
    in_time = pay(2025, 3_100, date(2025, 5, 9))
    assert (earlier.outcome, this_year.closed_at) == ("dropped", None)
    pay(2026, 1_500, TODAY)
    assert this_year.closed_at is None, "paying back mends it once in three years"
    assert paying_back.strike(turn.session, in_time, now=turn.now, by_id=None, why="It bounced") is None
    assert (earlier.closed_at, by_hand.outcome) == (None, "dropped")


def test_what_came_back_too_late_mends_nothing() -> None:
    late = replace(OVER, paid=((date(2026, 8, 30), 1_500),))
    assert "ended on Aug 29, 2026. Ask a lawyer" in rules.cure(late, today=date(2026, 9, 1))


def test_an_administrator_lets_one_person_come_and_the_ledger_says_so(turn: Turn, cast: Cast) -> None:
    def passing_by(by_id: int | None, reason: str) -> object:
        return passing.let_pass(turn.session, 7, cast.raman, now=turn.now, reason=reason, by_id=by_id)

    for no in (passing_by(cast.maya, "Counsel agreed"), passing_by(cast.olive, " ")):
        assert isinstance(no, Refusal)
    assert isinstance(passing_by(cast.olive, "Counsel agreed"), LimitPass)
    assert passing.passed_ids(turn.session, 7) == {cast.raman}
    plate = Given(cast.raman, TODAY, "meal", "Lunch", 60_000, event_id=7)
    made = recording.record_eaten(turn.session, plate, now=turn.now, today=TODAY, by_id=cast.maya)
    assert isinstance(made, recording.Recorded)
    assert (made.entry.override_reason, made.entry.approved_by_id) == ("Counsel agreed", cast.olive)


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["a pass", "a limit", "a struck entry"])
def test_who_decides_has_the_ledger_to_themselves(runtime: Runtime, cast: Cast, what: str) -> None:
    with runtime.turn() as turn:
        ate(turn, cast.raman, 1_000)
    with runtime.turn() as turn:
        if what == "a pass":
            passing.let_pass(turn.session, 7, cast.raman, now=turn.now, reason="Counsel agreed", by_id=cast.olive)
        elif what == "a limit":
            recording.set_limit(turn.session, 2027, 54_000, now=turn.now, by_id=cast.olive)
        else:
            entry = turn.session.scalars(select(ValueEntry)).one()
            recording.strike(turn.session, entry, now=turn.now, by_id=cast.olive, why="Entered twice")
        with runtime.turn(write=False) as other:
            assert not other.session.scalar(select(func.pg_try_advisory_xact_lock(LEDGER_LOCK)))
