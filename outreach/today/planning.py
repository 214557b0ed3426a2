"""Makes the day's list: causes, people, snoozes and what is done, handed to the rules; keeps its draw and its count."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.groups import eligibility
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries.caps.cap_rules import Limits
from outreach.deliveries.caps.capping import limits_of
from outreach.deliveries.models import Delivery, builder
from outreach.events import standing_in
from outreach.practice.models import Practice
from outreach.referrals.lift_models import TouchLift, touch_lifts
from outreach.referrals.models import Referral, YieldScore
from outreach.today import causes
from outreach.today.habits import habits
from outreach.today.models import DayDone, DayPlan, Snooze
from outreach.today.rules import QUARTER_DAYS, WEEK_GOAL, Cause, Person, Planned, asleep, plan_touches

CAPPED = tuple(kind.name for kind in MESSAGE_KINDS.values() if kind.counts_to_cap)
WITHOUT_MAIL = ("no-email", "bounced")
"""Reasons for no mail that say nothing about a call or a visit."""
GONE = ("deceased", "do-not-contact")


@dataclass(frozen=True)
class Facts:
    """All that the lists of one day are made from, whoever looks: gathered once, in a constant number of queries."""

    today: date
    seed: int
    causes: Sequence[Cause]
    draws: Sequence[Cause]
    awake: AbstractSet[int]
    """Contacts neither put off nor reached today."""
    people: Mapping[int, Person]
    left: Mapping[int, int]
    """{person id: touches that the week still has room for}, of everybody who works here and logs."""
    lifts: Mapping[str, TouchLift]
    """{action: what one such touch adds}, as reckoned last night; what is missing is assumed."""

    def has_own(self, person_id: int) -> bool:
        """Whether something of today, done or put off included, is this person's by name."""
        return person_id in self.left and any(self._owner(cause) == person_id for cause in self.causes)

    def of_others(self, person_id: int) -> bool:
        """Whether something of today is somebody else's by name."""
        return any(self._owner(cause) not in (None, person_id) for cause in self.causes)

    def list_for(self, person_id: int | None) -> list[Planned]:
        """The list of one person (theirs and nobody's), or of everybody together."""
        everybody = person_id is None or person_id not in self.left
        left = max(self.left.values(), default=WEEK_GOAL) if everybody else self.left[person_id or 0]
        return plan_touches(
            [cause for cause in self.causes if cause.contact_id in self.awake and self._is_for(cause, person_id)],
            self.people,
            today=self.today,
            seed=self.seed,
            draws=[cause for cause in self.draws if cause.contact_id in self.awake and self._is_for(cause, person_id)],
            week_left=left,
            budgets=self.left,
            lifts={action: one.lift for action, one in self.lifts.items()},
        )

    def usual_list(self, person_id: int) -> list[Planned]:
        """What the person sees when Today opens: their own list when something is theirs, else everybody's."""
        return self.list_for(person_id if self.has_own(person_id) else None)

    def _owner(self, cause: Cause) -> int | None:
        """Whose it is by name: the duty's owner before the contact's; nobody's when that person left."""
        person = self.people.get(cause.contact_id)
        for owner in (cause.owner_id, person.owner_id if person else None):
            if owner in self.left:
                return owner
        return None

    def _is_for(self, cause: Cause, person_id: int | None) -> bool:
        return person_id is None or self._owner(cause) in (None, person_id)


def gather(session: Session, *, now: datetime, today: date, zone: ZoneInfo) -> Facts:
    """The facts of the day; the same facts give the same lists all day."""
    seed = seed_of(session, today)
    found = causes.all_causes(session, now=now, today=today, zone=zone)
    drawn = causes.draws(session, seed=seed)
    ids = {cause.contact_id for cause in (*found, *drawn)}
    goals = habits.week_goals(session)
    made = touches_by_person(session, monday_of(today), today, zone=zone)
    return Facts(
        today=today,
        seed=seed,
        causes=found,
        draws=drawn,
        awake=ids - _put_off(session, ids, today=today, zone=zone) - _done_today(session, today),
        people=_people(session, ids, now=now, zone=zone),
        left={person: max(goal - made.get(person, 0), 0) for person, goal in goals.items()},
        lifts=touch_lifts(session),
    )


def plan(
    session: Session, *, now: datetime, today: date, zone: ZoneInfo, person_id: int | None = None
) -> list[Planned]:
    """The people of the day in their order: of one person, or of everybody."""
    return gather(session, now=now, today=today, zone=zone).list_for(person_id)


def keep_plan(session: Session, *, now: datetime) -> int:
    """The lists of the practice's local day are kept with their draw, for the count in the sidebar. Idempotent."""
    name = session.scalar(select(Practice.time_zone))
    if name is None:
        return 0
    zone = ZoneInfo(name)
    today = now.astimezone(zone).date()
    facts = gather(session, now=now, today=today, zone=zone)
    planned = facts.list_for(None)
    made = {
        "contact_ids": _ids(planned),
        "by_person": {str(one): _ids(facts.list_for(one)) for one in facts.left if facts.has_own(one)},
        "made_at": now,
    }
    kept = builder(session)(DayPlan).values(on=today, seed=facts.seed, **made)
    session.execute(kept.on_conflict_do_update(index_elements=["on"], set_=made))
    return len(planned)


def purge_plans(session: Session, *, now: datetime) -> int:
    """Lists and snoozes that are a year old are gone; answers how many. Idempotent."""
    old = session.scalars(select(DayPlan).where(DayPlan.made_at < now - timedelta(days=365)).limit(200)).all()
    for kept in old:
        session.delete(kept)
    return len(old)


def seed_of(session: Session, today: date) -> int:
    """The draw of the day: the kept one, else the one that will be kept."""
    return session.scalar(select(DayPlan.seed).where(DayPlan.on == today)) or today.toordinal()


def monday_of(day: date) -> date:
    """The first day of the week that the goal counts."""
    return day - timedelta(days=day.weekday())


def touches_between(session: Session, first: date, last: date, *, zone: ZoneInfo) -> int:
    """How many personal touches were made on these local days, both included."""
    return (
        session.scalar(
            select(func.count(Touch.id)).where(
                Touch.kind.in_(PERSONAL),
                Touch.at >= midnight(first, zone),
                Touch.at < midnight(last + timedelta(days=1), zone),
            )
        )
        or 0
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def touches_by_person(session: Session, first: date, last: date, *, zone: ZoneInfo) -> dict[int, int]:
    """{person id: personal touches that they made on these local days, both included}."""
    rows = session.execute(
        select(Touch.by_id, func.count(Touch.id))
        .where(
            Touch.kind.in_(PERSONAL),
            Touch.by_id.is_not(None),
            Touch.at >= midnight(first, zone),
            Touch.at < midnight(last + timedelta(days=1), zone),
        )
        .group_by(Touch.by_id)
    )
    return {person: number for person, number in rows if person is not None}


def _ids(planned: Sequence[Planned]) -> list[int]:
    return [one.contact_id for one in planned]


def _done_today(session: Session, today: date) -> set[int]:
    return set(session.scalars(select(DayDone.contact_id).where(DayDone.on == today)))


def _put_off(session: Session, contact_ids: Collection[int], *, today: date, zone: ZoneInfo) -> set[int]:
    referred = exists().where(
        Referral.contact_id == Snooze.contact_id,
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        Referral.created_at > Snooze.made_at,
    )
    latest = select(func.max(Snooze.id)).where(Snooze.contact_id.in_(contact_ids)).group_by(Snooze.contact_id)
    rows = session.execute(
        select(Snooze.contact_id, Snooze.until_on, referred).where(
            Snooze.id.in_(latest), or_(Snooze.until_on.is_(None), Snooze.until_on > today)
        )
    )
    return {contact_id for contact_id, until, since in rows if asleep(until, referred_since=since, today=today)}


def _people(session: Session, contact_ids: Collection[int], *, now: datetime, zone: ZoneInfo) -> dict[int, Person]:
    if not contact_ids:
        return {}
    # Whoever is away has a colleague look after their contacts too, as with their tasks.
    deputies = standing_in.stand_ins(session)
    counted, limits = _counted_days(session, contact_ids, now=now, zone=zone), limits_of(session)
    last = (
        select(func.max(Touch.at))
        .where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL))
        .correlate(Contact)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Contact.id, Contact.owner_id, _barred(), YieldScore.row, Standing.expected_90, last)
        .outerjoin(YieldScore, YieldScore.contact_id == Contact.id)
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(Contact.id.in_(contact_ids), Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
    )
    return {
        # Who never referred has no parts of their own: what similar contacts send is the whole forecast.
        contact_id: _person(
            contact_id,
            barred,
            score or {"expected_referrals": expected, "convert_rate": 1.0},
            counted.get(contact_id, ()),
            last_at,
            zone,
            deputies.get(owner_id or 0, owner_id),
            limits,
        )
        for contact_id, owner_id, barred, score, expected, last_at in rows
    }


def _person(
    contact_id: int,
    barred: str | None,
    score: dict[str, Any],
    counted: Collection[date],
    last_at: datetime | None,
    zone: ZoneInfo,
    owner_id: int | None,
    limits: Limits,
) -> Person:
    days = score.get("record_days") or 0.0
    return Person(
        id=contact_id,
        expected_referrals=score.get("expected_referrals") or 0.0,
        p_active=score.get("p_active"),
        active_rate_90=90 * (score.get("record_shape") or 0.0) / days if days else 0.0,
        referral_count=score.get("referral_count") or 0,
        convert_rate=score.get("convert_rate") or 0.0,
        counted_on=tuple(counted),
        touched_on=last_at.astimezone(zone).date() if last_at else None,
        gone=barred in GONE,
        quiet=barred is not None,
        owner_id=owner_id,
        limits=limits,
    )


def _barred() -> ColumnElement[str | None]:
    """Why nothing of our own idea may go to the contact; NULL when it may."""
    reasons = [(clause, name) for name, clause in eligibility("asks") if name not in WITHOUT_MAIL]
    return case(*reasons, else_=None)


def _counted_days(
    session: Session, contact_ids: Collection[int], *, now: datetime, zone: ZoneInfo
) -> dict[int, list[date]]:
    since = now - timedelta(days=QUARTER_DAYS)
    touches = select(Touch.contact_id, Touch.at).where(
        Touch.contact_id.in_(contact_ids), Touch.kind.in_(PERSONAL), Touch.at >= since
    )
    mails = select(Delivery.contact_id, Delivery.sent_at).where(
        and_(Delivery.contact_id.in_(contact_ids), Delivery.kind.in_(CAPPED), Delivery.sent_at >= since)
    )
    days: dict[int, list[date]] = {}
    for contact_id, at in (*session.execute(touches), *session.execute(mails)):
        if contact_id is not None and at is not None:
            days.setdefault(contact_id, []).append(at.astimezone(zone).date())
    return days
