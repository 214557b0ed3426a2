"""What a campaign brought, per step and per person. Success is clicks by people, replies and referrals; never opens."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, func, literal, select, text
from sqlalchemy.orm import Session

from outreach.campaigns import saying, steps
from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment, StepDone
from outreach.campaigns.telling import stop_words
from outreach.contacts.queries import ContactCard, cards_for
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.deliveries.caps.cap_rules import AWAY, PUT_OFF, REPLY
from outreach.deliveries.models import IS_WAITING, Delivery, LinkClick

SENT = ("sent", "delivered", "bounced", "complained")
WINDOW = timedelta(days=90)
NEVER = datetime.max.replace(tzinfo=UTC)
PAGE = 50
WAITS = {
    "cap": "waits: they had enough mail from us for now",
    "reply": "waits: they wrote back, and somebody has to answer",
    "away": "waits: an automatic answer says they are away",
}
STATES = {
    "active": "On their way",
    "on-hold": "On hold",
    "finished": "Through",
    "stopped": "Stopped early",
    "held-out": "Kept out by lot",
}


@dataclass
class StepResult:
    """One email or task: how many people. Of tasks `sent` counts those that somebody did, `referred` what came within
    90 days after that."""

    key: str
    kind: str
    title: str
    planned: int = 0
    sent: int = 0
    delivered: int = 0
    not_sent: int = 0
    clicked: int = 0
    replied: int = 0
    referred: int = 0


@dataclass(frozen=True)
class Results:
    """The whole campaign. `referred` counts people who referred within 90 days of entering, of `entered`."""

    steps: list[StepResult]
    states: Mapping[str, int]
    entered: int
    referred: int
    held_out: int
    referred_held_out: int
    next_at: datetime | None
    waiting: Mapping[str, int] = field(default_factory=dict)
    """How many people wait for their own sake, by why: a key of WAITS."""

    def waiting_said(self) -> str:
        """ "3 people wait: they had enough mail from us for now. 1 person waits: …", or ""."""
        lines = []
        for why, number in self.waiting.items():
            who = "1 person waits" if number == 1 else f"{number:,} people wait"
            lines.append(f"{who}: {WAITS[why].removeprefix('waits: ')}.")
        return " ".join(lines)


@dataclass
class Did:
    """What one person got of a campaign and did: emails sent, delivered, clicked in and answered, and how often they
    referred within 90 days of one of them. Opens are not counted."""

    sent: int = 0
    delivered: int = 0
    clicked: int = 0
    replied: int = 0
    referred: int = 0

    def said(self) -> str:
        """ "3 sent, 3 delivered, 1 clicked, replied, referred twice"; "" before the first email."""
        times = {1: "once", 2: "twice"}
        parts = [
            f"{self.sent} sent" if self.sent else "",
            f"{self.delivered} delivered" if self.delivered else "",
            f"{self.clicked} clicked" if self.clicked else "",
            "replied" if self.replied else "",
            f"referred {times.get(self.referred, f'{self.referred} times')}" if self.referred else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class PersonRow:
    """One person's way."""

    card: ContactCard | None
    contact_id: int
    state: str
    entered_at: datetime
    due_at: datetime | None
    title: str
    why: str
    did: Did = field(default_factory=Did)


def results_of(session: Session, campaign: Campaign, tree: steps.Steps) -> Results:
    """All numbers of the campaign over all versions; a constant number of statements."""
    by_state = select(Enrollment.state, func.count()).filter_by(campaign_id=campaign.id).group_by(Enrollment.state)
    states = {row[0]: row[1] for row in session.execute(by_state)}
    due = select(func.min(Enrollment.due_at)).filter_by(campaign_id=campaign.id, state="active")
    entered, referred = _referred_of(session, campaign, held_out=False)
    held_out, referred_held_out = _referred_of(session, campaign, held_out=True)
    return Results(
        steps=_by_step(session, campaign, tree),
        states=states,
        entered=entered,
        referred=referred,
        held_out=held_out,
        referred_held_out=referred_held_out,
        next_at=session.scalar(due),
        waiting=_waiting(session, campaign),
    )


def _waiting(session: Session, campaign: Campaign) -> dict[str, int]:
    """Those who wait on their way, and those whose email waits in the outbox."""
    ways = select(Enrollment.waits_for, func.count()).where(Enrollment.waits_for.in_(WAITS))
    found = Counter(
        dict(_pairs(session, ways.filter_by(campaign_id=campaign.id, state="active").group_by(Enrollment.waits_for)))
    )
    mails = select(Delivery.reason, func.count()).where(
        text(f"delivery.{IS_WAITING}"), Delivery.kind == "drip", *_of_campaign(campaign), Delivery.reason.in_(PUT_OFF)
    )
    for reason, number in _pairs(session, mails.group_by(Delivery.reason)):
        found[{REPLY: "reply", AWAY: "away"}.get(reason, "cap")] += number
    return {why: found[why] for why in WAITS if found[why]}


def _pairs(session: Session, chosen: Select[*tuple[Any, ...]]) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in session.execute(chosen)]


def people_in(
    session: Session, campaign: Campaign, tree: steps.Steps, *, state: str = "", step: str = "", offset: int = 0
) -> list[PersonRow]:
    """A page of people, whose next step is nearest first, then the others, newest first."""
    chosen = select(Enrollment).where(Enrollment.campaign_id == campaign.id)
    if state in STATES:
        chosen = chosen.where(Enrollment.state == state)
    if step:
        got = select(Delivery.contact_id).where(
            Delivery.source == SOURCE, Delivery.source_id == campaign.id, Delivery.step == step
        )
        done = select(StepDone.enrollment_id).where(StepDone.step_key == step)
        chosen = chosen.where(Enrollment.contact_id.in_(got) | Enrollment.id.in_(done))
    ways = session.scalars(
        chosen.order_by(Enrollment.due_at.is_(None), Enrollment.due_at, Enrollment.id.desc())
        .limit(PAGE + 1)
        .offset(offset)
    ).all()
    ids = [way.contact_id for way in ways]
    cards, did = cards_for(session, ids), _did(session, campaign, ids)
    return [
        PersonRow(
            card=cards.get(way.contact_id),
            contact_id=way.contact_id,
            state=way.state,
            entered_at=way.entered_at,
            due_at=way.due_at,
            title=saying.title_of(steps.step_of(tree, way.step_key), tree) if way.step_key else "The end",
            why=_why(way),
            did=did[way.contact_id],
        )
        for way in ways
    ]


def _why(way: Enrollment) -> str:
    if way.state == "stopped":
        return stop_words(way.stop_reason)
    if way.waits_for in WAITS:
        return WAITS[way.waits_for]
    if way.state == "held-out":
        return "to measure what the campaign brings"
    return "put in by hand" if way.by_id else ""


def _by_step(session: Session, campaign: Campaign, tree: steps.Steps) -> list[StepResult]:
    found = {
        place.step["key"]: StepResult(place.step["key"], place.step["kind"], saying.title_of(place.step, tree))
        for place in steps.walk(tree)
        if place.step["kind"] in ("email", "task")
    }
    for name, counts in _counted(session, campaign).items():
        for key, number in counts.items():
            result = found.setdefault(key, StepResult(key, "email", "An email of an earlier version"))
            setattr(result, name, number)
    _add_tasks(session, campaign, found)
    _add_left_out(session, campaign, found)
    return list(found.values())


def _counted(session: Session, campaign: Campaign) -> dict[str, dict[str, int]]:
    """{what is counted: {step key: how many emails}}; counted by the database, however many people there are."""
    ours = (*_of_campaign(campaign), Delivery.kind == "drip")
    left = and_(Delivery.sent_at.is_not(None), Delivery.state.in_(SENT))
    waits = ("scheduled", "claimed", "sending", "resend-approved")
    totals = session.execute(
        select(
            Delivery.step,
            func.count(),
            func.count(case((left, 1))),
            func.count(case((and_(left, Delivery.state == "delivered"), 1))),
            func.count(case((and_(Delivery.sent_at.is_(None), Delivery.state.not_in(waits)), 1))),
        )
        .where(*ours)
        .group_by(Delivery.step)
    ).all()
    named = ("planned", "sent", "delivered", "not_sent")
    counts: dict[str, dict[str, int]] = {
        name: {row[0]: int(row[place + 1]) for row in totals} for place, name in enumerate(named)
    }
    for name, acts in (("clicked", _clicks(*ours)), ("replied", _replies(*ours)), ("referred", _referrals(*ours))):
        by_step: dict[str, set[int]] = defaultdict(set)
        for act in session.execute(acts):
            if name != "referred" or act.at <= act.sent_at + WINDOW:
                by_step[act.step].add(act.id)
        counts[name] = {key: len(ids) for key, ids in by_step.items()}
    return counts


def _of_campaign(campaign: Campaign) -> tuple[ColumnElement[bool], ...]:
    return Delivery.source == SOURCE, Delivery.source_id == campaign.id


def _clicks(*which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The emails in which a person, and no machine, followed a link."""
    return (
        select(Delivery.step, Delivery.id, Delivery.contact_id, LinkClick.at, Delivery.sent_at)
        .join(LinkClick, LinkClick.delivery_id == Delivery.id)
        .where(*which, Delivery.sent_at.is_not(None), LinkClick.machine.is_(False))
    )


def _replies(*which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The emails that were answered."""
    return _touches("replied", *which).where(Touch.origin == literal("delivery:") + cast(Delivery.id, String))


def _referrals(*which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The emails after which their reader referred; the caller looks at the days."""
    return _touches("referred", *which).where(Touch.at >= Delivery.sent_at)


def _touches(kind: str, *which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(Delivery.step, Delivery.id, Delivery.contact_id, Touch.at, Delivery.sent_at)
        .join(Touch, and_(Touch.contact_id == Delivery.contact_id, Touch.kind == kind))
        .where(*which, Delivery.sent_at.is_not(None))
    )


def _did(session: Session, campaign: Campaign, contact_ids: Collection[int]) -> dict[int, Did]:
    """{contact id: what they got of this campaign and did}, for the people of one page, in four statements."""
    ours = (*_of_campaign(campaign), Delivery.kind == "drip", Delivery.contact_id.in_(contact_ids))
    found = {each: Did() for each in contact_ids}
    for contact_id, state in session.execute(
        select(Delivery.contact_id, Delivery.state).where(*ours, Delivery.sent_at.is_not(None))
    ):
        found[contact_id or 0].sent += state in SENT
        found[contact_id or 0].delivered += state == "delivered"
    for name, acts in (("clicked", _clicks(*ours)), ("replied", _replies(*ours)), ("referred", _referrals(*ours))):
        emails: dict[int, set[int]] = defaultdict(set)
        referred: dict[int, set[datetime]] = defaultdict(set)
        for act in session.execute(acts):
            emails[act.contact_id].add(act.id)
            if act.at <= act.sent_at + WINDOW:
                referred[act.contact_id].add(act.at)
        for contact_id, acted in (referred if name == "referred" else emails).items():
            setattr(found[contact_id], name, len(acted))
    return found


def _add_left_out(session: Session, campaign: Campaign, found: dict[str, StepResult]) -> None:
    """Emails that never came to the outbox because it was too late for them."""
    for key, number in _noted(session, campaign, "too-late"):
        step = found.setdefault(key, StepResult(key, "email", "An email of an earlier version"))
        step.planned, step.not_sent = step.planned + number, step.not_sent + number


def _noted(session: Session, campaign: Campaign, outcome: str) -> list[tuple[str, int]]:
    """(step key, how many people) of what was noted with that outcome, over all versions."""
    rows = (
        select(StepDone.step_key, func.count())
        .join(CampaignVersion, CampaignVersion.id == StepDone.version_id)
        .where(CampaignVersion.campaign_id == campaign.id, StepDone.outcome == outcome)
        .group_by(StepDone.step_key)
    )
    return _pairs(session, rows)


def _add_tasks(session: Session, campaign: Campaign, found: dict[str, StepResult]) -> None:
    for key, number in _noted(session, campaign, "task"):
        found.setdefault(key, StepResult(key, "task", "A task of an earlier version")).planned = number
    for key, closed_at, referred_at in _closed_tasks(session, campaign):
        if key in found and found[key].kind == "task":
            found[key].sent += 1
            found[key].referred += timedelta(0) <= referred_at - closed_at <= WINDOW


def _closed_tasks(session: Session, campaign: Campaign) -> list[tuple[str, datetime, datetime]]:
    """(step key, when it was done, when its contact referred next: far off for never) of each task that was done."""
    after = and_(Touch.contact_id == Task.contact_id, Touch.kind == "referred", Touch.at >= Task.closed_at)
    rows = session.execute(
        select(Task.origin, Task.closed_at, func.min(Touch.at))
        .outerjoin(Touch, after)
        .where(Task.origin.startswith(f"{SOURCE}:{campaign.id}:"), Task.closed_at.is_not(None))
        .where(Task.outcome != "dropped")
        .group_by(Task.id, Task.origin, Task.closed_at)
    )
    return [(str(row[0]).split(":")[2], row[1] or NEVER, row[2] or NEVER) for row in rows]


def _referred_of(session: Session, campaign: Campaign, *, held_out: bool) -> tuple[int, int]:
    """(people, how many of them referred within 90 days of entering)."""
    arm = Enrollment.state == "held-out" if held_out else Enrollment.state != "held-out"
    first = (
        select(Enrollment.contact_id, func.min(Enrollment.entered_at).label("at"))
        .where(Enrollment.campaign_id == campaign.id, arm)
        .group_by(Enrollment.contact_id)
        .subquery()
    )
    rows = session.execute(
        select(Touch.contact_id, Touch.at, first.c.at)
        .join(first, first.c.contact_id == Touch.contact_id)
        .where(Touch.kind == "referred", Touch.at >= first.c.at)
    )
    number = session.scalar(select(func.count()).select_from(first)) or 0
    return number, len({contact_id for contact_id, at, entered_at in rows if at <= entered_at + WINDOW})
