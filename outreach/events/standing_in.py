"""Absences begin and end by themselves, and the people concerned hear of it by email; no client is named there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.contacts.tasks import Task
from outreach.deliveries import noticing
from outreach.errors import Refusal
from outreach.events import handing_over
from outreach.events.away_models import Absence
from outreach.events.handing_over import AHEAD, Moved, spoken
from outreach.events.models import Event
from outreach.practice.models import Person, Practice
from outreach.screen import World
from outreach.ui import count

FROM_HOUR = 6
"""Things change hands at six in the morning of the practice, before anybody reads mail."""
OVER_SHOWN = 5


@dataclass(frozen=True)
class AwayLine:
    """One absence on the screen. `state`: planned, running or over."""

    absence: Absence
    who: str
    to: str
    state: str


def follow(session: Session, *, now: datetime, world: World) -> int:
    """What has begun is handed over, what is over came back; answers how many absences changed. Idempotent."""
    zone = session.scalar(select(Practice.time_zone))
    if zone is None:
        return 0
    local = now.astimezone(ZoneInfo(zone))
    today, changed = local.date(), 0
    for absence in session.scalars(select(Absence).where(Absence.ended_at.is_(None)).order_by(Absence.id)).all():
        first = absence.started_at is None
        if first and local.hour < FROM_HOUR:
            continue
        if _is_over(session, absence, local):
            come_back(session, absence, now=now, world=world)
        elif absence.from_on <= today:
            begin(session, absence, now=now, today=today, world=world)
        changed += absence.ended_at is not None or (first and absence.started_at is not None)
    return changed


def announce(session: Session, absence: Absence, *, now: datetime, world: World) -> None:
    """The colleague has been told of a planned absence, long before it begins."""
    person, colleague = _people(session, absence)
    first, last = spoken(absence.from_on), spoken(absence.until_on)
    words = [
        f"{person.name} will be away from {first} to {last}, and you were chosen to stand in. "
        "What is due then comes to you on the first day by itself; you get a mail again that morning.",
        "If that does not suit you, talk to each other: it can be changed under Events, Hand over.",
    ]
    _tell(session, colleague, f"You are to stand in for {person.name} from {first}", words, now=now, world=world)


def begin(session: Session, absence: Absence, *, now: datetime, today: date, world: World) -> Moved:
    """What is due has gone over, and the colleague has been told on the first time."""
    first = absence.started_at is None
    moved = handing_over.start(session, absence, now=now, today=today)
    if first:
        _tell_colleague(session, absence, moved, now=now, today=today, world=world)
    return moved


def come_back(session: Session, absence: Absence, *, now: datetime, world: World) -> Moved:
    """What is left has come back, and both have been told; the colleague alone of what had not begun. Idempotent."""
    if absence.ended_at is not None:
        return Moved(0, 0)
    had_begun = absence.started_at is not None
    moved = handing_over.end(session, absence, now=now)
    person, colleague = _people(session, absence)
    if colleague.active:
        _tell_it_is_over(session, absence, moved, begun=had_begun, now=now, world=world)
    if had_begun and person.active:
        words = f"{colleague.name} looked after your things while you were away. {_done(moved)}"
        back = f"{_things(moved)} came back to you." if moved.tasks or moved.events else "Nothing is left open."
        _tell(session, person, "Welcome back", [words, back], now=now, world=world)
    return moved


def change_last_day(
    session: Session, absence: Absence, until_on: date, *, now: datetime, today: date, world: World
) -> Moved | Refusal:
    """Back sooner or later than planned, and the colleague knows. Refusals: those of `handing_over.change_last_day`."""
    before = absence.until_on
    moved = handing_over.change_last_day(session, absence, until_on, now=now, today=today)
    if isinstance(moved, Refusal) or until_on == before:
        return moved
    person, colleague = _people(session, absence)
    words = f"{person.name} is away until {spoken(until_on)} now, not {spoken(before)}. You stand in until then."
    _tell(session, colleague, f"{person.name} is away until {spoken(until_on)}", [words], now=now, world=world)
    return moved


def lines(session: Session, *, person_id: int | None = None) -> list[AwayLine]:
    """Absences that run or are planned, then the last that are over; of everybody, or of one person on either side."""
    away, to = aliased(Person), aliased(Person)
    found = (
        select(Absence, away.name, to.name)
        .join(away, away.id == Absence.person_id)
        .join(to, to.id == Absence.colleague_id)
    )
    if person_id is not None:
        found = found.where(or_(Absence.person_id == person_id, Absence.colleague_id == person_id))
    ahead = session.execute(found.where(Absence.ended_at.is_(None)).order_by(Absence.from_on, Absence.id)).all()
    over = session.execute(
        found.where(Absence.ended_at.is_not(None))
        .order_by(Absence.ended_at.desc(), Absence.id.desc())
        .limit(OVER_SHOWN)
    ).all()
    return [AwayLine(absence, who, whom, _state(absence)) for absence, who, whom in (*ahead, *over)]


def away_between(session: Session, first: date, last: date) -> Sequence[tuple[Absence, str, str]]:
    """(absence, who is away, who stands in) on these local days, for calendars."""
    away, to = aliased(Person), aliased(Person)
    rows = session.execute(
        select(Absence, away.name, to.name)
        .join(away, away.id == Absence.person_id)
        .join(to, to.id == Absence.colleague_id)
        .where(
            Absence.from_on <= last,
            Absence.until_on >= first,
            or_(Absence.ended_at.is_(None), Absence.started_at.is_not(None)),
        )
        .order_by(Absence.from_on, Absence.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def stand_ins(session: Session) -> dict[int, int]:
    """{who is away now: who stands in}."""
    running = select(Absence.person_id, Absence.colleague_id).where(
        Absence.ended_at.is_(None), Absence.started_at.is_not(None)
    )
    return {row[0]: row[1] for row in session.execute(running)}


def presents(session: Session, absence: Absence) -> list[Event]:
    """Events of these days at which the person was to speak: somebody must choose who does, this is not handed over."""
    return list(
        session.scalars(
            select(Event)
            .where(
                Event.presenter_id == absence.person_id,
                Event.status.in_(AHEAD),
                Event.starts_on.between(absence.from_on, absence.until_on),
            )
            .order_by(Event.starts_at, Event.id)
        )
    )


def left_behind(session: Session) -> list[tuple[int, str, int]]:
    """(id, name, open tasks and coming events) of everybody who left and still holds some."""
    open_tasks = (
        select(func.count())
        .where(Task.owner_id == Person.id, Task.closed_at.is_(None))
        .correlate(Person)
        .scalar_subquery()
    )
    events = (
        select(func.count())
        .where(Event.host_id == Person.id, Event.status.in_(AHEAD))
        .correlate(Person)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Person.id, Person.name, open_tasks + events)
        .where(Person.active.is_(False))
        .order_by(Person.name, Person.id)
    )
    return [(row[0], row[1], row[2]) for row in rows if row[2]]


def _is_over(session: Session, absence: Absence, local: datetime) -> bool:
    """The last day is past, or one of the two left the practice."""
    ended = absence.until_on < local.date() and local.hour >= FROM_HOUR
    return ended or not all(person.active for person in _people(session, absence))


def _state(absence: Absence) -> str:
    return "over" if absence.ended_at else "running" if absence.started_at else "planned"


def _people(session: Session, absence: Absence) -> tuple[Person, Person]:
    return session.get_one(Person, absence.person_id), session.get_one(Person, absence.colleague_id)


def _tell_colleague(
    session: Session, absence: Absence, moved: Moved, *, now: datetime, today: date, world: World
) -> None:
    person, colleague = _people(session, absence)
    until = spoken(absence.until_on)
    words = [
        f"{person.name} is away until {until}. You look after {_things(moved)} for that time. "
        "What comes in meanwhile for these days comes to you too, and what is left goes back by itself.",
    ]
    speaks = presents(session, absence)
    if speaks:
        named = ", ".join(f"{event.title} on {spoken(event.starts_on or today)}" for event in speaks[:OVER_SHOWN])
        words.append(f"{person.name} was to present: {named}. Choose who presents on the page of the event.")
    words.append("Everything stands under Tasks and Events in Outreach. No client is named in this mail.")
    _tell(session, colleague, f"You stand in for {person.name} until {until}", words, now=now, world=world)


def _tell_it_is_over(
    session: Session, absence: Absence, moved: Moved, *, begun: bool, now: datetime, world: World
) -> None:
    person, colleague = _people(session, absence)
    if begun:
        subject, words = f"{person.name} is back", f"Thank you for standing in. {_things(moved)} went back."
    else:
        subject = f"You need not stand in for {person.name}"
        words = f"The absence from {spoken(absence.from_on)} to {spoken(absence.until_on)} was called off."
    _tell(session, colleague, subject, [words], now=now, world=world)


def _tell(
    session: Session, person: Person, subject: str, paragraphs: list[str], *, now: datetime, world: World
) -> None:
    # A way out that is missing stops no hand-over.
    noticing.notify(
        session, now=now, world=world, email=person.email, name=person.name, subject=subject, paragraphs=paragraphs
    )


def _things(moved: Moved) -> str:
    return f"{count(moved.tasks, 'task')} and {count(moved.events, 'event')}"


def _done(moved: Moved) -> str:
    return f"{count(moved.done, 'task')} {'was' if moved.done == 1 else 'were'} finished."
