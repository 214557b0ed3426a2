"""What the screen of Today shows: the rows with all that is needed to act, what is done, the week, the counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, select, true
from sqlalchemy.orm import Session

from outreach.contacts.groups import live
from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, Month, cards_for, months_of
from outreach.contacts.standing import Standing
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import OWN_KINDS, PERSONAL, Touch
from outreach.practice.models import Person
from outreach.referrals.lift_models import TouchLift
from outreach.referrals.models import Referral
from outreach.referrals.queries import UNMATCHED, out_of_network
from outreach.today import wording
from outreach.today.habits.habits import week_goals
from outreach.today.models import DayDone, DayPlan
from outreach.today.planning import midnight, monday_of
from outreach.today.rules import LIFT, WEEK_GOAL, Planned

PAYER_DAYS = 365
TOUCH_WORDS = {kind.name: kind.label for kind in OWN_KINDS} | {"attended": "Came to an event"}


@dataclass(frozen=True)
class Fit:
    """How many of a contact's referrals of the year with a known payer were in network."""

    inside: int
    known: int


@dataclass(frozen=True)
class LastTouch:
    """The latest personal touch, in a line."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Row:
    """One person of the list with everything needed to act without another click."""

    card: ContactCard
    planned: Planned
    standing: Standing | None
    months: list[Month]
    last_touch: LastTouch | None
    fit: Fit | None
    script: str
    lift: str = ""
    """What one such touch adds, and how we know."""

    @property
    def short_name(self) -> str:
        """How the person is called in a heading."""
        words = self.card.name.split(",")[0].split()
        return f"{words[0]} {words[-1]}" if len(words) > 2 and words[0].endswith(".") else self.card.name

    @property
    def why(self) -> str:
        """Everything that stands behind the rank, in sentences."""
        worth = wording.expected(self.standing.expected_90) if self.standing else ""
        return " ".join(filter(None, (self.planned.why, *self.planned.also, worth, self.lift)))


@dataclass(frozen=True)
class DoneRow:
    """Somebody who was reached today."""

    id: int
    contact_id: int
    name: str
    kind: str
    said: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Week:
    """Touches of this week so far, and of last week up to the same weekday."""

    made: int
    before: int
    goal: int = WEEK_GOAL

    @property
    def said(self) -> str:
        """The comparison in words, to stand under the ring."""
        more = self.made - self.before
        if not more:
            return "this week, as many as last week by now"
        return f"this week, {abs(more)} {'more' if more > 0 else 'fewer'} than last week by now"


def rows(
    session: Session,
    planned: Sequence[Planned],
    *,
    now: datetime,
    today: date,
    zone: ZoneInfo,
    lifts: Mapping[str, TouchLift],
) -> list[Row]:
    """The list of the day with all that is needed to act, in a constant number of queries."""
    ids = [one.contact_id for one in planned]
    cards = cards_for(session, ids)
    months = months_of(session, ids, now=now, zone=zone)
    standings = {s.contact_id: s for s in session.scalars(select(Standing).where(Standing.contact_id.in_(ids)))}
    touches, fits = _last_touches(session, ids), _fits(session, ids, today=today)
    scripts = _scripts(session, [one.task_id for one in planned if one.task_id])
    return [
        Row(
            card=cards[one.contact_id],
            planned=one,
            standing=standings.get(one.contact_id),
            months=months[one.contact_id],
            last_touch=touches.get(one.contact_id),
            fit=fits.get(one.contact_id),
            script=scripts.get(one.task_id or 0, ""),
            lift=lift_words(one.action, lifts[one.action]) if one.action in lifts else "",
        )
        for one in planned
        if one.contact_id in cards
    ]


def nobody_yet(session: Session) -> bool:
    """Whether no contact is in the book, as on the first day."""
    return session.scalar(select(Contact.id).where(live()).limit(1)) is None


def lift_words(action: str, known: TouchLift | None) -> str:
    """What one touch of this action adds, whether that is assumed or measured, and on how many people."""
    if known is None:
        return wording.lift(action, LIFT, 0, people=0, campaigns=0)
    return wording.lift(action, known.lift, known.told, people=known.people, campaigns=known.campaigns)


def last_and_fit(session: Session, contact_id: int, *, today: date) -> tuple[LastTouch | None, Fit | None]:
    """The last personal touch of one contact, and how their payers fit."""
    ids = [contact_id]
    return _last_touches(session, ids).get(contact_id), _fits(session, ids, today=today).get(contact_id)


def script_of(session: Session, task_id: int) -> str:
    """What the duty says to say."""
    return session.scalar(select(Task.script).where(Task.id == task_id)) or ""


def done_rows(session: Session, *, today: date) -> list[DoneRow]:
    """Who was reached today, the latest first."""
    found = session.execute(
        select(DayDone, Contact, Person.name)
        .join(Contact, Contact.id == DayDone.contact_id)
        .outerjoin(Person, Person.id == DayDone.by_id)
        .where(DayDone.on == today)
        .order_by(DayDone.at.desc(), DayDone.id.desc())
    )
    return [
        DoneRow(row.id, row.contact_id, contact.name, contact.kind, wording.DONE_WORDS[row.action], by or "", row.at)
        for row, contact, by in found
    ]


def week(session: Session, person_id: int, *, now: datetime, today: date, zone: ZoneInfo) -> Week:
    """The person's own touches this week, against last week's by the same weekday; everybody's for who only reads."""
    goals = week_goals(session)
    goal = goals.get(person_id)
    monday = midnight(monday_of(today), zone)
    last_monday = midnight(monday_of(today) - timedelta(days=7), zone)
    last_day = midnight(today - timedelta(days=6), zone)
    this_week = and_(Touch.at >= monday, Touch.at <= now)
    week_before = and_(Touch.at >= last_monday, Touch.at < last_day)
    made, before = session.execute(
        select(func.sum(case((this_week, 1), else_=0)), func.sum(case((week_before, 1), else_=0))).where(
            Touch.kind.in_(PERSONAL), Touch.at >= last_monday, true() if goal is None else Touch.by_id == person_id
        )
    ).one()
    return Week(made or 0, before or 0, sum(goals.values()) if goal is None else goal)


def nav_counts(session: Session, today: date, person_id: int | None = None) -> dict[str, int]:
    """The two numbers in the sidebar, for every page: people of the day as last planned, referrals without source."""
    kept = session.execute(select(DayPlan.contact_ids, DayPlan.by_person).where(DayPlan.on == today)).first()
    own = (kept.by_person or {}).get(str(person_id)) if kept else None
    planned = own if own is not None else kept.contact_ids if kept else ()
    unmatched = session.scalar(select(func.count(Referral.id)).where(UNMATCHED))
    return {"today_count": len(planned), "referrals_count": unmatched or 0}


def _last_touches(session: Session, contact_ids: list[int]) -> dict[int, LastTouch]:
    newest = func.row_number().over(partition_by=Touch.contact_id, order_by=(Touch.at.desc(), Touch.id.desc()))
    ranked = (
        select(Touch.contact_id, Touch.kind, Touch.text, Touch.at, newest.label("place"))
        .where(Touch.contact_id.in_(contact_ids), Touch.kind.in_(PERSONAL))
        .subquery()
    )
    found = session.execute(select(ranked).where(ranked.c.place == 1))
    return {row.contact_id: LastTouch(row.at, row.text.strip() or TOUCH_WORDS.get(row.kind, row.kind)) for row in found}


def _fits(session: Session, contact_ids: list[int], *, today: date) -> dict[int, Fit]:
    outside = func.sum(case((out_of_network(), 1), else_=0))
    found = session.execute(
        select(Referral.contact_id, func.count(Referral.id), outside)
        .where(
            Referral.contact_id.in_(contact_ids),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.payer_id.is_not(None),
            Referral.received_on > today - timedelta(days=PAYER_DAYS),
        )
        .group_by(Referral.contact_id)
    )
    return {contact_id: Fit(known - out, known) for contact_id, known, out in found if contact_id is not None}


def _scripts(session: Session, task_ids: list[int]) -> dict[int, str]:
    return {task.id: task.script for task in session.scalars(select(Task).where(Task.id.in_(task_ids)))}
