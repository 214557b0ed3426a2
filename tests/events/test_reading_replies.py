"""Calendar answers that come by mail: token, UID, address; once; never older than what the person said last."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from outreach import tokens
from outreach.clock import FrozenClock
from outreach.contacts.tasks import Task
from outreach.deliveries.models import InboundMail
from outreach.events import rescheduling, rsvping
from outreach.events.models import CalendarAnswer, Event, Invitation, Rsvp
from outreach.runtime import Runtime
from tests.events.lunches import lunch_with, tick
from tests.events.test_rescheduling import LATER
from tests.people import Cast

STAMP = datetime(2026, 3, 2, 15, 30)  # noqa: DTZ001  written as the UTC stamp of a calendar program


def reply(
    uid: str,
    *,
    answer: str = "ACCEPTED",
    attendee: str = "p.raman@lakeside.example",
    token: str = "",
    sequence: int = 0,
    stamp: datetime = STAMP,
    method: str = "REPLY",
) -> bytes:
    to = f"rsvp+{token}@in.cedarlane.example" if token else "maya@cedarlane.example"
    calendar = "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "PRODID:-//Test//EN",
            "VERSION:2.0",
            f"METHOD:{method}",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            f"SEQUENCE:{sequence}",
            f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}",
            "DTSTART:20260326T161500Z",
            f"ATTENDEE;PARTSTAT={answer}:mailto:{attendee}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
    )
    head = f"From: {attendee}\r\nTo: {to}\r\nSubject: Re\r\nMIME-Version: 1.0\r\n"
    return f"{head}Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n{calendar}".encode()


def arrive(runtime: Runtime, raw: bytes) -> str:
    """The mail came in and was read; answers what became of it."""
    with runtime.turn() as turn:
        many = len(turn.session.scalars(select(InboundMail)).all())
        mail = InboundMail(kind="calendar", raw=raw, digest=f"{many}", received_at=turn.now)
        turn.session.add(mail)
        turn.session.flush()
        number = mail.id
    tick(runtime, "read-event-answers")
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(InboundMail, number).handled_at is not None
        return turn.session.get_one(CalendarAnswer, number).outcome


def invited(runtime: Runtime) -> Invitation:
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(Invitation).order_by(Invitation.id)).first()  # type: ignore[return-value]


def token_of(runtime: Runtime) -> str:
    return tokens.derive(runtime.key, "reply", invited(runtime).id, "rsvp", 0)


@pytest.fixture
def lunch(runtime: Runtime, cast: Cast, clock: FrozenClock) -> int:
    """Dr. Raman is invited; an hour has passed."""
    event_id = lunch_with(runtime, cast, cast.raman)
    clock.advance(timedelta(hours=1))
    return event_id


@pytest.mark.parametrize(("partstat", "said"), [("ACCEPTED", "yes"), ("DECLINED", "no"), ("TENTATIVE", "maybe")])
def test_an_answer_from_the_calendar_counts(runtime: Runtime, lunch: int, partstat: str, said: str) -> None:
    one = invited(runtime)
    assert arrive(runtime, reply(one.uid or "", answer=partstat, token=token_of(runtime))) == "applied"
    assert invited(runtime).answer == said


def test_a_token_speaks_for_an_alias_and_an_address_for_itself(runtime: Runtime, lunch: int) -> None:
    uid = invited(runtime).uid or ""
    alias = reply(uid, attendee="priya@home.example", token=token_of(runtime))
    assert arrive(runtime, alias) == "applied"
    later = STAMP + timedelta(minutes=5)
    plain = reply(uid, attendee="P.RAMAN@lakeside.example", answer="DECLINED", stamp=later)
    assert arrive(runtime, plain) == "applied"
    assert invited(runtime).answer == "no"


def test_a_stranger_changes_nothing(runtime: Runtime, lunch: int) -> None:
    uid = invited(runtime).uid or ""
    assert arrive(runtime, reply(uid, attendee="eve@elsewhere.example")) == "stranger"
    assert arrive(runtime, reply("99-99@in.cedarlane.example", token=token_of(runtime))) == "stranger"
    assert arrive(runtime, reply("99-99@in.cedarlane.example")) == "stranger"
    assert invited(runtime).answer == "none"


def test_the_same_answer_twice_is_one_answer(runtime: Runtime, lunch: int) -> None:
    raw = reply(invited(runtime).uid or "", token=token_of(runtime))
    assert [arrive(runtime, raw), arrive(runtime, raw)] == ["applied", "again"]
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(Rsvp)).all()) == 1


def test_an_answer_to_the_earlier_time_is_kept_as_stale(runtime: Runtime, lunch: int) -> None:
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, lunch)
        rescheduling.move(turn.session, event, LATER, now=turn.now, world=runtime, by_id=None)
    assert arrive(runtime, reply(invited(runtime).uid or "", token=token_of(runtime), sequence=0)) == "stale"
    assert invited(runtime).answer == "none"
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Rsvp.stale)).one() == "answers-earlier-version"


def test_what_the_person_said_last_wins_over_an_older_calendar_answer(
    runtime: Runtime, lunch: int, clock: FrozenClock
) -> None:
    with runtime.turn() as turn:
        one = turn.session.scalars(select(Invitation)).one()
        rsvping.answer(turn.session, one, now=turn.now, answer="no", source="page")
    assert arrive(runtime, reply(invited(runtime).uid or "", token=token_of(runtime))) == "stale"
    newer = STAMP + timedelta(hours=2)
    assert arrive(runtime, reply(invited(runtime).uid or "", token=token_of(runtime), stamp=newer)) == "applied"
    assert invited(runtime).answer == "yes"


def test_an_answer_to_a_cancelled_or_past_event_changes_nothing(
    runtime: Runtime, lunch: int, clock: FrozenClock
) -> None:
    raw = reply(invited(runtime).uid or "", token=token_of(runtime), sequence=9)
    clock.advance(timedelta(days=60))
    assert arrive(runtime, raw) == "stale"
    clock.advance(-timedelta(days=60))
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, lunch)
        rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
    later = STAMP + timedelta(minutes=9)
    raw = reply(invited(runtime).uid or "", token=token_of(runtime), sequence=9, stamp=later)
    assert arrive(runtime, raw) == "cancelled"
    assert invited(runtime).answer == "none"


def test_another_proposed_time_goes_to_a_person(runtime: Runtime, lunch: int, cast: Cast) -> None:
    raw = reply(invited(runtime).uid or "", token=token_of(runtime), method="COUNTER")
    assert arrive(runtime, raw) == "needs-person"
    with runtime.turn(write=False) as turn:
        task = turn.session.scalars(select(Task).where(Task.origin.startswith("calendar-answer:"))).one()
        assert (task.owner_id, task.contact_id) == (cast.maya, cast.raman)
        assert "proposes another time" in task.title


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (lambda raw: raw[:-60], "truncated"),
        (lambda raw: raw.replace(b"END:VEVENT", b"X-NOISE:" + b"x" * 300_000 + b"\r\nEND:VEVENT"), "too-large"),
        (lambda raw: b"From: a@b.example\r\n\r\nHello", "no-calendar"),
        (lambda raw: bytes(range(256)) * 40, "no-calendar"),
    ],
)
def test_noise_is_put_aside_with_its_reason(runtime: Runtime, lunch: int, spoil: object, outcome: str) -> None:
    raw = reply(invited(runtime).uid or "", token=token_of(runtime))
    assert arrive(runtime, spoil(raw)) == outcome  # type: ignore[operator]
    assert invited(runtime).answer == "none"
