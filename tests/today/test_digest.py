"""The Monday digest: to whom, when, once, what it says, and that it never names a client."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact
from outreach.content.models import Message
from outreach.deliveries.models import Delivery
from outreach.practice.models import Person, Practice
from outreach.referrals.models import LapseAlert, Referral
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today.digest.composing import draft_of
from outreach.today.digest.numbers import numbers_of
from outreach.today.digest.rules import monday_due
from outreach.today.habits import habits
from tests.people import Cast
from tests.today.believable import TODAY

ZONE = ZoneInfo("America/New_York")
MONDAY = TODAY


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


@pytest.fixture(autouse=True)
def _settled(runtime: Runtime) -> None:
    """The practice has been here for a while."""
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).created_at = turn.now - timedelta(days=100)


def digests(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(
            select(Delivery.email, Delivery.occurrence).where(Delivery.source == "digest").order_by(Delivery.email)
        )
        return [(row.email, row.occurrence) for row in rows]


def tick(runtime: Runtime) -> None:
    work(runtime, job_named("monday-digest"))


def text_of(turn: Turn, monday: date = MONDAY) -> str:
    draft = draft_of(numbers_of(turn.session, monday, zone=ZONE), address="https://outreach.example")
    return draft.subject + draft.blocks[0]["html"]


@pytest.mark.parametrize(
    ("local", "due"),
    [
        ("2026-03-02T06:59", None),
        ("2026-03-02T07:00", date(2026, 3, 2)),
        ("2026-03-04T23:59", date(2026, 3, 2)),
        ("2026-03-05T00:00", None),
        ("2026-03-08T23:00", None),
        ("2026-03-09T07:00", date(2026, 3, 9)),
        ("2026-11-02T07:00", date(2026, 11, 2)),
    ],
)
def test_it_is_due_from_monday_at_seven_in_the_practices_zone_until_wednesday(local: str, due: date | None) -> None:
    assert monday_due(datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC), zone=ZONE) == due


def test_on_monday_it_goes_once_to_those_who_want_it(runtime: Runtime, clock: FrozenClock) -> None:
    for _ in range(3):
        tick(runtime)
        clock.advance(timedelta(minutes=15))
    both = [("maya@cedarlane.example", "2026-03-02"), ("olive@cedarlane.example", "2026-03-02")]
    assert digests(runtime) == both
    clock.advance(timedelta(days=7))
    tick(runtime)
    assert len(digests(runtime)) == 4


def test_a_worker_that_was_down_on_monday_sends_it_when_it_is_back(runtime: Runtime, clock: FrozenClock) -> None:
    clock.advance(timedelta(days=2))
    tick(runtime)
    assert [on for _, on in digests(runtime)] == ["2026-03-02", "2026-03-02"]


def test_a_worker_that_was_down_all_week_sends_no_old_news(runtime: Runtime, clock: FrozenClock) -> None:
    clock.advance(timedelta(days=4))
    tick(runtime)
    assert digests(runtime) == []


def test_who_left_or_switched_it_off_gets_none(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        habits.choose(turn.session, cast.maya, now=turn.now, digest=False)
        olive = turn.session.scalars(select(Person).where(Person.name == "Olive Stone")).one()
        olive.active = False
    tick(runtime)
    assert digests(runtime) == []


def test_a_new_address_in_the_week_brings_no_second_digest(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    tick(runtime)
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.maya).email = "maya.jensen@cedarlane.example"
    clock.advance(timedelta(hours=1))
    tick(runtime)
    assert len(digests(runtime)) == 2


def test_a_practice_set_up_this_morning_gets_its_first_one_next_week(runtime: Runtime) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).created_at = turn.now - timedelta(hours=1)
    tick(runtime)
    assert digests(runtime) == []


def test_it_says_what_is_new_who_is_quiet_and_who_is_overdue_beside_the_week_before(turn: Turn, cast: Cast) -> None:
    turn.session.execute(LapseAlert.__table__.delete())
    turn.session.add(
        LapseAlert(
            contact_id=cast.okafor, raised_on=MONDAY - timedelta(days=2), last_on=MONDAY - timedelta(days=80),
            usual_gap_days=20.0, p_active=0.4,
        )
    )  # fmt: skip
    refer(turn, cast.silent, MONDAY - timedelta(days=3))
    refer(turn, cast.silent, MONDAY)
    said = text_of(turn)
    assert "New sources: <strong>1</strong>, 1 more than the week before (0). Dr. Elena Marsh." in said
    assert "Unusually quiet now: <strong>1</strong>, 1 more than the week before (0)." in said
    assert "Noticed last week: Dr. Samuel Okafor." in said
    assert "February 23 to March 1" in said
    assert re.search(
        r"Overdue for a touch: <strong>\d+</strong>, .*\d+ of \d+ contacts with a tier were met in time", said
    )
    assert "1 newly quiet" in said


def test_no_client_is_ever_named(turn: Turn, cast: Cast) -> None:
    refer(turn, cast.marisol, MONDAY - timedelta(days=2))
    turn.session.execute(
        Referral.__table__.delete().where(Referral.__table__.c.received_on < MONDAY - timedelta(days=2))
    )
    turn.session.execute(Referral.__table__.update().values(client_number="C-4711"))
    refer(turn, cast.silent, MONDAY - timedelta(days=2))
    turn.session.add(
        LapseAlert(
            contact_id=cast.marisol, raised_on=MONDAY - timedelta(days=2), last_on=MONDAY - timedelta(days=80),
            usual_gap_days=20.0, p_active=0.4,
        )
    )  # fmt: skip
    turn.session.flush()
    said = text_of(turn)
    assert "Dr. Elena Marsh and 1 other." in said
    assert "Vega" not in said
    assert "Marisol" not in said
    assert "C-4711" not in said


@pytest.mark.parametrize(
    "name", ["{{ first_name }}", "{{ unknown }}", "<script>x</script>", "Zoë Ångström", "李小龍", "עדי כהן", "A{%b"]
)
def test_a_name_in_any_script_or_with_brackets_stops_nothing(runtime: Runtime, cast: Cast, name: str) -> None:
    with runtime.turn() as turn:
        contact = turn.session.get_one(Contact, cast.silent)
        contact.prefix, contact.first_name, contact.last_name = "", name, ""
        refer(turn, cast.silent, MONDAY - timedelta(days=2))
    tick(runtime)
    assert len(digests(runtime)) == 2
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(Message).where(Message.subject.startswith("Your week"))).one()
        assert "<script>" not in str(kept.segments["html"])
        assert "{{" not in str(kept.draft)
        if name.isalpha():
            assert name in str(kept.draft)


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8000", "https://outreach.cedarlane.example"])
def test_without_a_public_https_address_it_leaves_without_links(runtime: Runtime, address: str) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).public_url = address
    object.__setattr__(runtime.settings, "public_url", None)
    tick(runtime)
    assert len(digests(runtime)) == 2
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(Message).where(Message.subject.startswith("Your week"))).one()
        assert ("See whom to reach first" in str(kept.draft)) == address.startswith("https")


def test_it_really_leaves(runtime: Runtime) -> None:
    tick(runtime)
    work(runtime, job_named("send"))
    with runtime.turn(write=False) as turn:
        states = set(turn.session.scalars(select(Delivery.state).where(Delivery.source == "digest")))
    assert states <= {"sent", "delivered"}
    assert states


def test_the_week_costs_the_same_statements_for_one_source_as_for_many(runtime: Runtime, cast: Cast) -> None:
    from tests.today.counting import statements

    def spent() -> int:
        with statements(runtime) as said, runtime.turn(write=False) as turn:
            numbers_of(turn.session, MONDAY, zone=ZONE)
        return len(said)

    few = spent()
    with runtime.turn() as turn:
        for one in turn.session.scalars(select(Contact.id)).all():
            refer(turn, one, MONDAY - timedelta(days=1))
    assert spent() == few


def refer(turn: Turn, contact_id: int, day: date) -> None:
    turn.session.add(
        Referral(contact_id=contact_id, received_on=day, discipline="PT", stage="received", created_at=turn.now)
    )
    turn.session.flush()
