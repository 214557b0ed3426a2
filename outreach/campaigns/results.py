"""What a campaign brought, per step and per person. Success is clicks by people, replies and referrals; never opens."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.campaigns import saying, steps
from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment, StepDone
from outreach.campaigns.telling import stop_words
from outreach.contacts.queries import ContactCard, cards_for
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery, LinkClick

SENT = ("sent", "delivered", "bounced", "complained")
WINDOW = timedelta(days=90)
PAGE = 50
STATES = {
    "active": "On their way",
    "on-hold": "On hold",
    "finished": "Through",
    "stopped": "Stopped early",
    "held-out": "Kept out by lot",
}


@dataclass
class StepResult:
    """One email or task: how many people."""

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
    got: list[str] = field(default_factory=list)


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
    )


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
    cards = cards_for(session, [way.contact_id for way in ways])
    return [
        PersonRow(
            card=cards.get(way.contact_id),
            contact_id=way.contact_id,
            state=way.state,
            entered_at=way.entered_at,
            due_at=way.due_at,
            title=saying.title_of(steps.step_of(tree, way.step_key), tree) if way.step_key else "The end",
            why=_why(way),
        )
        for way in ways
    ]


def _why(way: Enrollment) -> str:
    if way.state == "stopped":
        return stop_words(way.stop_reason)
    if way.waits_for == "cap":
        return "waits: two weeks between emails"
    if way.state == "held-out":
        return "to measure what the campaign brings"
    return "put in by hand" if way.by_id else ""


def _by_step(session: Session, campaign: Campaign, tree: steps.Steps) -> list[StepResult]:
    found = {
        place.step["key"]: StepResult(place.step["key"], place.step["kind"], saying.title_of(place.step, tree))
        for place in steps.walk(tree)
        if place.step["kind"] in ("email", "task")
    }
    rows = session.execute(
        select(Delivery.id, Delivery.step, Delivery.contact_id, Delivery.state, Delivery.sent_at).where(
            Delivery.source == SOURCE, Delivery.source_id == campaign.id, Delivery.kind == "drip"
        )
    ).all()
    for key in {row.step for row in rows} - set(found):
        found[key] = StepResult(key, "email", "An email of an earlier version")
    clicked = set(
        session.scalars(
            select(LinkClick.delivery_id)
            .join(Delivery, Delivery.id == LinkClick.delivery_id)
            .where(Delivery.source == SOURCE, Delivery.source_id == campaign.id, LinkClick.machine.is_(False))
        )
    )
    after = _touches(session, {row.contact_id for row in rows if row.sent_at and row.contact_id})
    for row in rows:
        result = found[row.step]
        result.planned += 1
        if row.sent_at is None:
            result.not_sent += row.state not in ("scheduled", "claimed", "sending", "resend-approved")
            continue
        result.sent += row.state in SENT
        result.delivered += row.state == "delivered"
        result.clicked += row.id in clicked
        result.replied += f"delivery:{row.id}" in after["replied"][row.contact_id]
        result.referred += any(row.sent_at <= at <= row.sent_at + WINDOW for at in after["referred"][row.contact_id])
    _add_tasks(session, campaign, found)
    return list(found.values())


def _touches(session: Session, contact_ids: Collection[int]) -> dict[str, dict[int, list[object]]]:
    found: dict[str, dict[int, list[object]]] = {"replied": defaultdict(list), "referred": defaultdict(list)}
    ids = list(contact_ids)
    for start in range(0, len(ids), 500):
        rows = session.execute(
            select(Touch.contact_id, Touch.kind, Touch.at, Touch.origin).where(
                Touch.contact_id.in_(ids[start : start + 500]), Touch.kind.in_(tuple(found))
            )
        )
        for contact_id, kind, at, origin in rows:
            found[kind][contact_id].append(at if kind == "referred" else origin)
    return found


def _add_tasks(session: Session, campaign: Campaign, found: dict[str, StepResult]) -> None:
    rows = session.execute(
        select(StepDone.step_key, func.count())
        .join(CampaignVersion, CampaignVersion.id == StepDone.version_id)
        .where(CampaignVersion.campaign_id == campaign.id, StepDone.outcome == "task")
        .group_by(StepDone.step_key)
    )
    for key, number in rows:
        found.setdefault(key, StepResult(key, "task", "A task of an earlier version")).planned = number


def _referred_of(session: Session, campaign: Campaign, *, held_out: bool) -> tuple[int, int]:
    """(people, how many of them referred within 90 days of entering)."""
    arm = Enrollment.state == "held-out" if held_out else Enrollment.state != "held-out"
    people = session.execute(
        select(Enrollment.contact_id, func.min(Enrollment.entered_at))
        .where(Enrollment.campaign_id == campaign.id, arm)
        .group_by(Enrollment.contact_id)
    ).all()
    entered = {row[0]: row[1] for row in people}
    rows = session.execute(
        select(Touch.contact_id, Touch.at)
        .join(Enrollment, Enrollment.contact_id == Touch.contact_id)
        .where(Enrollment.campaign_id == campaign.id, arm, Touch.kind == "referred", Touch.at >= Enrollment.entered_at)
    )
    return len(entered), len({contact_id for contact_id, at in rows if at <= entered[contact_id] + WINDOW})
