"""Finds the causes for which somebody is reached today: one set-based query each, none of them per contact."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.campaigns.contributes import THANKS_SOURCES
from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.practice.models import Person
from outreach.referrals import rhythms
from outreach.referrals.duties.thanking import mailed_since
from outreach.referrals.models import LapseAlert, Referral
from outreach.referrals.rules import STARTED_STAGES
from outreach.today import wording
from outreach.today.rules import WELCOME_DAYS, Cause, draw_ids

THANK_WITHIN_DAYS = 14
NEW_FOR_DAYS = 60
FOLLOW_UP_WITHIN_DAYS = 14
ANNIVERSARY_DAYS = 3
SHORTLIST = 60
"""As many of one cause as are looked at: the list has ten places, and the caps and snoozes take some away."""
PROMISE = "promise:"
"""How the origin of a task begins that keeps a promise."""
ATTENDED = "attended"
MET = tuple(kind for kind in PERSONAL if kind != ATTENDED)


def all_causes(session: Session, *, now: datetime, today: date, zone: ZoneInfo) -> list[Cause]:
    """Every cause that stands today, in no order; snoozes, caps and places come later."""
    return [
        *thanks_due(session, now=now, today=today, zone=zone),
        *lapses(session, today=today, zone=zone),
        *duties(session, today=today),
        *new_referrers(session, today=today, zone=zone),
        *past_their_rhythm(session, today=today, zone=zone),
        *after_events(session, now=now, today=today, zone=zone),
        *anniversaries(session, today=today),
        *to_welcome(session, today=today),
    ]


def thanks_due(session: Session, *, now: datetime, today: date, zone: ZoneInfo) -> list[Cause]:
    """Referrals of the last two weeks after which nobody said thank you."""
    sent, thanked = aliased(Touch), aliased(Touch)
    unthanked = ~exists().where(
        thanked.contact_id == sent.contact_id, thanked.kind == "thank-you", thanked.at >= sent.at
    )
    ever = select(func.count(Referral.id)).where(_live_from(sent.contact_id)).scalar_subquery()
    rows = session.execute(
        select(sent.contact_id, func.count().label("sent"), func.min(sent.at), func.max(sent.at), ever.label("ever"))
        .where(sent.kind == "referred", sent.at >= now - timedelta(days=THANK_WITHIN_DAYS), unthanked)
        .where(~mailed_since(sent.contact_id, sent.at, THANKS_SOURCES))
        .group_by(sent.contact_id)
        .order_by(func.max(sent.at).desc(), sent.contact_id)
        .limit(SHORTLIST)
    )
    return [
        Cause(contact_id, "thanks", "Thank", *_thanks(count, first, last, ever, today=today, zone=zone))
        for contact_id, count, first, last, ever in rows
    ]


def lapses(session: Session, *, today: date, zone: ZoneInfo) -> list[Cause]:
    """Open alerts about a silence, until somebody called or visited."""
    rows = session.scalars(
        select(LapseAlert)
        .where(LapseAlert.ended_on.is_(None))
        .order_by(LapseAlert.raised_on.desc(), LapseAlert.id)
        .limit(SHORTLIST)
    )
    alerts = {alert.contact_id: alert for alert in rows}
    met = _met_days(session, alerts, zone=zone)
    return [
        Cause(
            alert.contact_id,
            "lapse",
            "Call",
            *wording.lapse(
                (today - alert.last_on).days, alert.usual_gap_days, alert.p_active, share=alert.share or 0.05
            ),
        )
        for alert in alerts.values()
        if met.get(alert.contact_id, date.min) < alert.raised_on
    ]


def duties(session: Session, *, today: date) -> list[Cause]:
    """Tasks about a contact that are due, promises among them; what `ranked` leaves out stands among what waits."""
    rows = session.execute(
        select(Task, Person.name)
        .outerjoin(Person, Person.id == Task.owner_id)
        .where(Task.closed_at.is_(None), Task.due_on <= today, Task.contact_id.is_not(None), ranked())
        .order_by(Task.due_on, Task.id)
        .limit(SHORTLIST)
    )
    return [_duty(task, owner or "", today=today) for task, owner in rows]


def ranked() -> ColumnElement[bool]:
    """Tasks that may stand in an order which yield decides: nothing of an event, where food is, or of value."""
    return and_(Task.event_id.is_(None), Task.has_value.is_(False))


def new_referrers(session: Session, *, today: date, zone: ZoneInfo) -> list[Cause]:
    """Whose first referral ever came in the last two months, and whom nobody visited since."""
    since = today - timedelta(days=NEW_FOR_DAYS)
    earlier = aliased(Referral)
    older = exists().where(
        earlier.contact_id == Referral.contact_id,
        earlier.direction == "in",
        earlier.deleted_at.is_(None),
        earlier.received_on < since,
    )
    started = case((or_(Referral.stage.in_(STARTED_STAGES), Referral.started_on.is_not(None)), 1), else_=0)
    rows = session.execute(
        select(Referral.contact_id, func.min(Referral.received_on), func.sum(started))
        .where(_incoming(), Referral.contact_id.is_not(None), Referral.received_on >= since, ~older)
        .group_by(Referral.contact_id)
        .order_by(func.min(Referral.received_on).desc(), Referral.contact_id)
        .limit(SHORTLIST)
    ).all()
    visited = _met_days(session, [row[0] for row in rows], kinds=("visit", "meeting", ATTENDED), zone=zone)
    return [
        Cause(contact_id, "new-referrer", "Visit", *wording.new_referrer((today - first).days, started))
        for contact_id, first, started in rows
        if visited.get(contact_id, date.min) < first
    ]


def past_their_rhythm(session: Session, *, today: date, zone: ZoneInfo) -> list[Cause]:
    """Tier contacts whom nobody reached for longer than their tier's interval."""
    days = rhythms.rhythms_of(session)
    last = (
        select(func.max(Touch.at))
        .where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL))
        .correlate(Contact)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Contact.id, Standing.tier, last)
        .join(Standing, Standing.contact_id == Contact.id)
        .where(rhythms.counted(), rhythms.overdue(days, on=today, zone=zone))
        .order_by(Standing.expected_90.desc(), Contact.id)
        .limit(SHORTLIST)
    )
    causes = []
    for contact_id, tier, at in rows:
        since = (today - at.astimezone(zone).date()).days if at else None
        if tier is not None:
            causes.append(Cause(contact_id, "rhythm", "Call", *wording.rhythm(tier, days[tier], since)))
    return causes


def after_events(session: Session, *, now: datetime, today: date, zone: ZoneInfo) -> list[Cause]:
    """Guests of the last two weeks' events whom nobody called since."""
    came, later = aliased(Touch), aliased(Touch)
    followed = exists().where(later.contact_id == came.contact_id, later.kind.in_(MET), later.at > came.at)
    rows = session.execute(
        select(came.contact_id, came.text, came.at)
        .where(came.kind == ATTENDED, came.at >= now - timedelta(days=FOLLOW_UP_WITHIN_DAYS), came.at <= now, ~followed)
        .order_by(came.at.desc(), came.id)
        .limit(SHORTLIST)
    )
    return [
        Cause(contact_id, "event", "Call", *wording.after_event(text, (today - at.astimezone(zone).date()).days))
        for contact_id, text, at in rows
    ]


def anniversaries(session: Session, *, today: date) -> list[Cause]:
    """Former clients discharged a year ago, give or take three days."""
    days = [_year_before(today + timedelta(days=off)) for off in range(-ANNIVERSARY_DAYS, ANNIVERSARY_DAYS + 1)]
    rows = session.execute(
        select(Contact.id, Contact.discharged_on)
        .where(_reachable(), Contact.kind == "former-client", Contact.discharged_on.in_(days))
        .order_by(Contact.discharged_on, Contact.id)
        .limit(SHORTLIST)
    )
    return [
        Cause(contact_id, "anniversary", "Write", *wording.anniversary((_year_before(today) - left_on).days))
        for contact_id, left_on in rows
        if left_on is not None
    ]


def to_welcome(session: Session, *, today: date) -> list[Cause]:
    """Contacts of the last two months that can refer and were never reached."""
    met = exists().where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL))
    rows = session.execute(
        select(Contact.id, Contact.added_on)
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(
            _reachable(),
            Contact.kind.in_(REFERRING_KINDS),
            Contact.added_on > today - timedelta(days=WELCOME_DAYS),
            ~met,
        )
        .order_by(func.coalesce(Standing.expected_90, 0).desc(), Contact.id)
        .limit(SHORTLIST)
    )
    return [
        Cause(contact_id, "welcome", "Call", *wording.welcome((today - added_on).days)) for contact_id, added_on in rows
    ]


def draws(session: Session, *, seed: int) -> list[Cause]:
    """Contacts that can refer, in the order of the day's draw."""
    highest = session.scalar(select(func.max(Contact.id))) or 0
    ids = draw_ids(highest, seed)
    eligible = set(
        session.scalars(select(Contact.id).where(_reachable(), Contact.kind.in_(REFERRING_KINDS), Contact.id.in_(ids)))
    )
    return [Cause(one, "chance", "Call", *wording.by_chance()) for one in ids if one in eligible]


def _thanks(count: int, first: datetime, last: datetime, ever: int, *, today: date, zone: ZoneInfo) -> tuple[str, str]:
    days = (today - (first if count > 1 else last).astimezone(zone).date()).days
    return wording.thanks(count, days, first_ever=ever == 1)


def _duty(task: Task, owner: str, *, today: date) -> Cause:
    assert task.contact_id is not None
    kept = bool(task.origin and task.origin.startswith(PROMISE))
    said = (
        wording.promise(task.title, task.due_on, today)
        if kept
        else wording.task(task.title, task.due_on, today, owner=owner)
    )
    action = wording.ACTION_OF_TASK.get(task.kind, "Call")
    return Cause(
        task.contact_id,
        "promise" if kept else "task",
        action,
        *said,
        task_id=task.id,
        due_on=task.due_on,
        owner_id=task.owner_id,
    )


def _met_days(
    session: Session, contact_ids: Iterable[int], *, zone: ZoneInfo, kinds: tuple[str, ...] = PERSONAL
) -> dict[int, date]:
    # Contact by contact along its own touches: grouped, SQLite would walk through those of everybody.
    last = select(func.max(Touch.at)).where(Touch.contact_id == Contact.id, Touch.kind.in_(kinds)).scalar_subquery()
    rows = session.execute(select(Contact.id, last).where(Contact.id.in_(list(contact_ids))))
    return {contact_id: at.astimezone(zone).date() for contact_id, at in rows if at is not None}


def _incoming() -> ColumnElement[bool]:
    return and_(Referral.direction == "in", Referral.deleted_at.is_(None))


def _live_from(contact_id: object) -> ColumnElement[bool]:
    return and_(_incoming(), Referral.contact_id == contact_id)


def _reachable() -> ColumnElement[bool]:
    return and_(Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None), Contact.deceased_on.is_(None))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February: the day before stands for it
        return day.replace(year=day.year - 1, day=28)
