"""Holding a campaign, letting it go on, ending it, taking one person out. Nobody starts over."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from outreach.campaigns.effects import SOURCE
from outreach.campaigns.enrolling import STARTS
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.campaigns.telling import stop_words, tell
from outreach.contacts import tasks
from outreach.deliveries import outbox
from outreach.deliveries.guards import self_stopping
from outreach.errors import Refusal

INSIDE = ("active", "on-hold")


@dataclass(frozen=True)
class Left:
    """Who is inside, and how many emails wait to leave."""

    people: int
    emails: int
    overdue: int = 0


def scope_of(campaign: Campaign) -> str:
    """How the outbox calls this campaign."""
    return f"{SOURCE}:{campaign.id}"


def left_in(session: Session, campaign: Campaign, *, now: datetime) -> Left:
    """How many people are on their way, how many emails wait, and how many people fell due during a hold."""
    inside = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE))
    )
    return Left(
        people=session.scalar(inside) or 0,
        emails=outbox.waiting_in(session, scope_of(campaign)),
        overdue=session.scalar(inside.where(Enrollment.state == "on-hold", Enrollment.due_at <= now)) or 0,
    )


def hold(session: Session, *, now: datetime, campaign: Campaign, by_id: int | None, why: str = "") -> Left | Refusal:
    """Nobody moves on and nothing of it leaves until it is resumed; answers who waits. Refusals: not-live."""
    if campaign.status != "live":
        return Refusal("not-live", "Only a live campaign can be held.")
    campaign.status, campaign.held_at = "held", now
    _set_state(session, campaign, "active", "on-hold")
    outbox.hold(session, now=now, scope=scope_of(campaign), by_id=by_id, why=why)
    return left_in(session, campaign, now=now)


def resume(
    session: Session, *, now: datetime, campaign: Campaign, by_id: int | None, overdue: str = "skip"
) -> Left | Refusal:
    """The people who are left go on. `overdue`: "skip" leaves out the emails and tasks that fell due during the hold,
    "send" makes up for them now. Refusals: not-held."""
    if campaign.status != "held":
        return Refusal("not-held", "This campaign is not on hold.")
    if overdue == "skip":
        session.execute(
            update(Enrollment)
            .where(Enrollment.campaign_id == campaign.id, Enrollment.state == "on-hold", Enrollment.due_at <= now)
            .values(late=True)
        )
    campaign.status, campaign.held_at = "live", None
    _set_state(session, campaign, "on-hold", "active")
    outbox.resume(session, now=now, scope=scope_of(campaign), by_id=by_id)
    return left_in(session, campaign, now=now)


def end(session: Session, *, now: datetime, campaign: Campaign, by_id: int | None) -> int | Refusal:
    """The campaign is over for everybody inside: queued emails are cancelled, open tasks dropped; answers how many
    people that were. What they got and did stays. Refusals: not-begun, ended."""
    if campaign.status == "draft":
        return Refusal("not-begun", "This campaign was never published. Delete it instead.")
    if campaign.status == "ended":
        return Refusal("ended", "This campaign has ended already.")
    people = _inside(session, campaign)
    session.execute(
        update(Enrollment)
        .where(Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE))
        .values(state="stopped", stop_reason="campaign-ended", due_at=None, ended_at=now, late=False)
    )
    outbox.cancel(session, now=now, source=SOURCE, source_id=campaign.id, why="campaign-ended")
    outbox.resume(session, now=now, scope=scope_of(campaign), by_id=by_id)
    for asked in (SOURCE, STARTS):
        tasks.drop(session, f"{asked}:{campaign.id}:", now=now)
    tell(session, campaign, people, "stopped", f"“{campaign.name}” was ended", at=now, by_id=by_id)
    session.execute(
        update(CampaignVersion)
        .where(CampaignVersion.campaign_id == campaign.id, CampaignVersion.state == "published")
        .values(state="retired")
    )
    campaign.status, campaign.ended_at, campaign.held_at = "ended", now, None
    session.flush()
    return len(people)


def take_out(
    session: Session, *, now: datetime, campaign: Campaign, contact_id: int, by_id: int | None
) -> bool | Refusal:
    """The contact is no longer in the campaign; what was queued for them is cancelled. Refusals: not-in."""
    row = session.scalar(
        select(Enrollment).where(
            Enrollment.campaign_id == campaign.id,
            Enrollment.contact_id == contact_id,
            Enrollment.state.in_(INSIDE),
        )
    )
    if row is None:
        return Refusal("not-in", "This contact is not in the campaign any more.")
    row.state, row.stop_reason, row.due_at, row.ended_at, row.late = "stopped", "by-hand", None, now, False
    outbox.cancel(session, now=now, source=SOURCE, source_id=campaign.id, contact_ids=[contact_id], why="by-hand")
    words = f"“{campaign.name}” stopped early: {stop_words('by-hand')}"
    tell(session, campaign, [(row.id, contact_id)], "stopped", words, at=now, by_id=by_id)
    session.flush()
    return True


def follow_outbox(session: Session, *, now: datetime) -> int:
    """A campaign that the outbox holds by itself (too many bounces or complaints) says so; answers how many did."""
    scopes = outbox.held_scopes(session)
    if not any(scope.startswith(f"{SOURCE}:") for scope in scopes):
        return 0
    held = 0
    for campaign in session.scalars(select(Campaign).where(Campaign.status == "live")):
        if hold_row := scopes.get(scope_of(campaign)):
            campaign.status, campaign.held_at = "held", hold_row.since_at
            _set_state(session, campaign, "active", "on-hold")
            held += 1
    return held


def stop_itself(session: Session, *, now: datetime) -> int:
    """A live campaign whose mail came back or was reported too often is on hold, with the reason; answers how many.

    What was sent before a person last resumed it is not counted again.
    """
    held = 0
    for campaign in session.scalars(select(Campaign).where(Campaign.status == "live")).all():
        if why := self_stopping.why_stop(session, SOURCE, campaign.id):
            hold(session, now=now, campaign=campaign, by_id=None, why=why)
            held += 1
    return held


def why_held(session: Session, campaign: Campaign) -> str:
    """What was said when the campaign was put on hold, or ""."""
    row = outbox.held_scopes(session).get(scope_of(campaign))
    return row.why if row else ""


def _set_state(session: Session, campaign: Campaign, before: str, after: str) -> None:
    session.execute(
        update(Enrollment).where(Enrollment.campaign_id == campaign.id, Enrollment.state == before).values(state=after)
    )


def _inside(session: Session, campaign: Campaign) -> list[tuple[int, int]]:
    rows = session.execute(
        select(Enrollment.id, Enrollment.contact_id).where(
            Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE)
        )
    )
    return [(row.id, row.contact_id) for row in rows]
