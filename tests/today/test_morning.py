"""The plan of the day by email: to whom, when, once, what it says, and that it names no client."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts import tasks
from outreach.content.models import Message
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.events.away_models import Absence
from outreach.events.models import Event
from outreach.practice.models import Person, QuietDay
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today.habits import habits
from outreach.today.morning import sending
from outreach.today.morning.rules import has_something, morning_due, new_since
from tests.people import Cast, post
from tests.today.believable import TODAY

ZONE = ZoneInfo("America/New_York")
PLACE = "/settings/rhythm"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def at(clock: FrozenClock, text: str) -> None:
    clock.advance(local(text) - clock.now())


def plans(runtime: Runtime) -> dict[str, str]:
    """{address and day: what was said}."""
    work(runtime, job_named("morning-plan"))
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(
            select(Delivery.email, Delivery.occurrence, Message)
            .join(Message, Message.id == Delivery.message_id)
            .where(Delivery.source == "morning")
            .order_by(Delivery.id)
        )
        return {f"{row[0]} {row[1]}": row[2].subject + str(row[2].draft) for row in rows}


def duty(turn: Turn, owner: int, on: date, title: str = "Call", contact: int | None = None) -> None:
    tasks.add(
        turn.session, now=turn.now - timedelta(days=3), kind="call", title=title, due_on=on, owner_id=owner,
        contact_id=contact,
    )  # fmt: skip


def lunch(turn: Turn, on: date, *, host: int, presenter: int) -> None:
    starts = datetime(on.year, on.month, on.day, 12, tzinfo=ZONE).astimezone(UTC)
    turn.session.add(
        Event(
            type="lunch-and-learn", title="Lakeside {{lunch", status="booked", starts_on=on, starts_at=starts,
            ends_at=starts + timedelta(hours=1), time_zone="America/New_York", host_id=host, presenter_id=presenter,
            created_at=turn.now - timedelta(days=9), updated_at=turn.now,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("2026-03-06T06:59", None),
        ("2026-03-06T07:00", date(2026, 3, 6)),
        ("2026-03-06T11:59", date(2026, 3, 6)),
        ("2026-03-06T12:00", None),
        ("2026-03-07T08:00", None),
        ("2026-03-09T07:00", date(2026, 3, 9)),
    ],
)
def test_it_is_due_on_weekday_mornings_in_the_practices_zone(said: str, due: date | None) -> None:
    assert morning_due(local(said), zone=ZONE) == due


def test_a_morning_without_anything_new_brings_no_mail_but_mondays_tell_what_is_late() -> None:
    monday, tuesday, holiday = date(2026, 3, 9), date(2026, 3, 10), {date(2026, 3, 6)}
    assert new_since(tuesday, holiday) == tuesday
    assert new_since(monday, holiday) == date(2026, 3, 6), "what came due over the weekend and the holiday is new"
    assert not has_something(tuesday, meetings=0, due=0, late=3, quiet=False)
    assert has_something(monday, meetings=0, due=0, late=3, quiet=False)
    assert has_something(tuesday, meetings=0, due=1, late=0, quiet=False)
    assert not has_something(tuesday, meetings=0, due=1, late=0, quiet=True)
    assert has_something(tuesday, meetings=1, due=0, late=0, quiet=True)


def test_it_goes_once_to_everybody_whose_day_holds_something(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    with runtime.turn() as turn:
        lunch(turn, TODAY, host=cast.maya, presenter=cast.theo)
        duty(turn, cast.maya, TODAY, "Call <Raman>", cast.raman)
        duty(turn, cast.maya, TODAY - timedelta(days=1), "Ask Marisol for her story", cast.marisol)
        duty(turn, cast.maya, TODAY - timedelta(days=9), "An old one")
        duty(turn, cast.olive, TODAY + timedelta(days=1))
    at(clock, f"{TODAY}T06:59")
    assert plans(runtime) == {}
    at(clock, f"{TODAY}T07:01")
    told = plans(runtime)
    assert list(told) == [f"maya@cedarlane.example {TODAY}", f"theo@cedarlane.example {TODAY}"]
    mayas, theos = told.values()
    for said in (
        "Your Monday: 1 meeting and 2 tasks", "12:00 <strong>Lakeside ((lunch</strong>. You look after it.",
        "Call &lt;Raman&gt;: Dr. Priya Raman", "Client task (since Sunday)", "1 task from earlier is overdue",
        "/calendar/mine",
    ):  # fmt: skip
        assert said in mayas
    assert "You present." in theos
    assert "Marisol" not in mayas + theos
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.maya).email = "maya.jensen@cedarlane.example"
        duty(turn, cast.rita, TODAY)
        tasks.add(turn.session, now=turn.now, kind="call", title="New", due_on=TODAY, owner_id=cast.olive)
    at(clock, f"{TODAY}T11:30")
    later = list(plans(runtime))
    assert later[2:] == [f"rita@cedarlane.example {TODAY}"], "no second one, none for what is written down at eight"
    at(clock, f"{TODAY + timedelta(days=1)}T12:30")
    assert len(plans(runtime)) == 3, "and none in the afternoon"


def test_who_is_away_left_or_switched_it_off_gets_none(
    runtime: Runtime, cast: Cast, maya: FlaskClient, clock: FrozenClock
) -> None:
    with runtime.turn() as turn:
        for one in (cast.maya, cast.olive, cast.theo, cast.rita):
            duty(turn, one, TODAY)
        turn.session.get_one(Person, cast.rita).active = False
        days = {"from_on": TODAY, "until_on": TODAY, "made_at": turn.now, "started_at": turn.now}
        turn.session.add(Absence(person_id=cast.olive, colleague_id=cast.maya, **days))
        turn.session.add(QuietDay(on=TODAY + timedelta(days=1), name="Founders’ Day"))
        duty(turn, cast.theo, TODAY + timedelta(days=1))
    page = maya.get(PLACE).get_data(as_text=True)
    assert "Gets the Monday digest and the plan of the day at maya@cedarlane.example." in page
    said = post(maya, f"{PLACE}/morning", {"on": "no"}, form_at=PLACE, follow_redirects=True).get_data(as_text=True)
    assert "Saved. The digest comes to maya@cedarlane.example." in said
    at(clock, f"{TODAY}T07:30")
    assert list(plans(runtime)) == [f"theo@cedarlane.example {TODAY}"]
    at(clock, f"{TODAY + timedelta(days=1)}T07:30")
    assert len(plans(runtime)) == 1, "a holiday without a meeting is left in peace"
    with runtime.turn() as turn:
        assert not next(one for one in habits.habits_of(turn.session) if one.person_id == cast.maya).morning


def test_it_really_leaves(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    with runtime.turn() as turn:
        duty(turn, cast.maya, TODAY)
    at(clock, f"{TODAY}T07:05")
    plans(runtime)
    work(runtime, job_named("send"))
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Delivery.state).where(Delivery.source == "morning")).all() == ["sent"]


def test_a_plan_that_cannot_be_made_keeps_nobody_else_from_theirs(
    runtime: Runtime, cast: Cast, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runtime.turn() as turn:
        for one in (cast.maya, cast.theo):
            duty(turn, one, TODAY)
    real = sending.publishing.keep
    given = {"first": Refusal("no-words", "Nothing can be said.")}
    monkeypatch.setattr(
        sending.publishing, "keep", lambda *args, **kw: given.pop("first") if given else real(*args, **kw)
    )
    at(clock, f"{TODAY}T07:05")
    assert len(plans(runtime)) == 1
    assert len(plans(runtime)) == 2, "tried again at the next tick"
