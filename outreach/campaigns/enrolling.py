"""Who gets in: everybody of the group, or to whom the event happened, once per rule, whatever runs twice; some are held
out by lot to measure lift."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Float,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.campaigns import fence, rules, spacing, steps
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.entries import GRACE_DAYS, Moment, who_enters
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.campaigns.setup import Setup
from outreach.campaigns.telling import tell_entered
from outreach.contacts import groups, tasks
from outreach.contacts.models import Contact, Group
from outreach.contacts.standing import Standing
from outreach.deliveries import sets
from outreach.deliveries.house import house_of
from outreach.errors import Refusal
from outreach.screen import World

FIRST = (func.coalesce(Standing.expected_90, 0).desc(), Contact.id)
UNDO_SECONDS = 60
"""Nothing of a new version leaves within its first minute: time to hold it again (ui-guide 5.4)."""


STARTS = "start"
"""Origin of the tasks for whom a campaign on hold could not take in: start:campaign:contact:occurrence."""


def enroll(session: Session, *, now: datetime, world: World, limit: int = 2000) -> int:
    """Whoever matches the group of a live campaign, and had its event where it is entered by one, is in it once per its
    re-entry rule; answers how many entered.

    People with the highest standing first. Idempotent: a second run at the same time finds nobody new.
    """
    calendars = Calendars(house_of(session, now=now, transports=world.transports, settings=world.settings))
    rows = session.execute(
        select(Campaign, CampaignVersion)
        .join(CampaignVersion, CampaignVersion.campaign_id == Campaign.id)
        .where(Campaign.status == "live", Campaign.entry != "hand", CampaignVersion.state == "published")
        .order_by(Campaign.id)
    ).all()
    entered = 0
    for campaign, version in rows:
        if entered >= limit:
            break
        wanted = new_people(session, campaign, version, now=now, world=world, zone=calendars.house.zone)
        people = session.execute(wanted.limit(limit - entered)).all() if wanted is not None else []
        entered += put_in(session, campaign, version, people, now=now, calendars=calendars)
    return entered


def enroll_contact(
    session: Session, *, now: datetime, world: World, campaign: Campaign, contact_id: int, by_id: int | None
) -> bool | Refusal:
    """The contact is in the campaign, by a person's hand: no lot is drawn.

    Refusals: not-live, unknown-contact, already-in, held-out, been-through, other-audience, and the left-out reasons.
    """
    version = published_version(session, campaign.id)
    if campaign.status != "live" or version is None:
        return Refusal("not-live", "This campaign is not live. Publish or resume it first.")
    return _by_hand(session, campaign, version, contact_id, now=now, world=world, by_id=by_id)


def start_for(session: Session, *, now: datetime, world: World, campaign_id: int, contact_ids: Sequence[int]) -> int:
    """Another campaign's step starts this one for these people: those who may be in it are, once. Idempotent.

    While it is on hold nobody gets in; who would have is a task for a person, so that nobody is lost by the hold.
    """
    campaign = session.get(Campaign, campaign_id)
    version = published_version(session, campaign_id)
    if campaign is None or version is None or campaign.status not in ("live", "held") or not contact_ids:
        return 0
    calendars = Calendars(house_of(session, now=now, transports=world.transports, settings=world.settings))
    people = session.execute(
        _columns(campaign).where(Contact.id.in_(contact_ids), *may_enter(campaign, version, now=now))
    ).all()
    if campaign.status == "held":
        asked = [(person.id, person.occurrence) for person in people]
        _ask_to_put_in(session, campaign, asked, now=now, zone=calendars.house.zone)
        return 0
    return put_in(session, campaign, version, people, now=now, calendars=calendars, draw=False)


def _ask_to_put_in(
    session: Session, campaign: Campaign, people: Sequence[tuple[int, int]], *, now: datetime, zone: ZoneInfo
) -> None:
    shared: dict[str, object] = {"kind": "other", "script": "", "event_id": None, "created_at": now}
    shared |= {"due_on": now.astimezone(zone).date(), "owner_id": campaign.owner_id}
    shared |= {"from_yield": False, "has_value": False}
    shared["title"] = f"Put them in by hand once “{campaign.name}” goes on: it was on hold when they were to enter"
    asked = [{**shared, "contact_id": each, "origin": f"{STARTS}:{campaign.id}:{each}:{time}"} for each, time in people]
    tasks.add_many(session, asked)


def put_in(
    session: Session,
    campaign: Campaign,
    version: CampaignVersion,
    people: Sequence[Any],
    *,
    now: datetime,
    calendars: Calendars,
    by_id: int | None = None,
    draw: bool = True,
) -> int:
    """These people are in the campaign (or held out by lot); rows of (id, time_zone, expected_90, occurrence)."""
    if not people:
        return 0
    setup = Setup.from_json(version.settings)
    drawn = drawn_of(session, campaign, len(people), share_pct=campaign.holdout_pct if draw else 0)
    earliest = max(now, (version.published_at or now) + timedelta(seconds=UNDO_SECONDS))
    rows = [
        (person.id, person.occurrence, None if out else calendars.entry_at(earliest, zone, setup), person.expected_90)
        for person, out in zip(people, drawn, strict=True)
        for zone in (person.time_zone,)
    ]
    entered = _write(session, campaign, version, rows, now=now, by_id=by_id)
    tell_entered(session, campaign, at=now)
    return entered


def _write(
    session: Session,
    campaign: Campaign,
    version: CampaignVersion,
    rows: Sequence[tuple[Any, ...]],
    *,
    now: datetime,
    by_id: int | None,
) -> int:
    """The enrollments stand, from (contact, occurrence, due or None, expected): one statement for a whole crowd."""
    columns = {"contact_id": sets.NUMBER, "occurrence": sets.NUMBER, "due_at": sets.INSTANT, "expected_90": Float()}
    new = sets.rows_of(session, "new", columns, rows)
    held_out = new.c.due_at.is_(None)
    values: dict[str, Any] = {
        **dict(new.c),
        "campaign_id": literal(campaign.id),
        "version_id": literal(version.id),
        "state": case((held_out, "held-out"), else_="active"),
        "step_key": case((held_out, ""), else_=steps.first_key(version.steps)),
        "entered_at": literal(now, sets.INSTANT),
        "by_id": literal(by_id, sets.NUMBER),
        "waits_for": literal(""),
        "late": false(),
        "stop_reason": literal(""),
    }
    table = cast(Table, Enrollment.__table__)
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # "where": without it SQLite takes the "on" of "on conflict" for that of a join.
    chosen = select(*values.values()).where(new.c.contact_id > 0)
    made = build(table).from_select(list(values), chosen, include_defaults=False).on_conflict_do_nothing()
    return cast("CursorResult[Any]", session.connection().execute(made)).rowcount


def drawn_of(session: Session, campaign: Campaign, count: int, *, share_pct: int) -> list[bool]:
    """Whether each of the next `count` people who enter is held out by lot, in their order."""
    if not share_pct:
        return [False] * count
    before = select(func.count()).select_from(Enrollment).filter_by(campaign_id=campaign.id, by_id=None)
    return rules.assign_holdout(session.scalar(before) or 0, count, share_pct=share_pct, seed=campaign.seed)


def people_of(session: Session, campaign: Campaign, contact_ids: Sequence[int]) -> Sequence[Any]:
    """These contacts as `put_in` wants them, in the given order."""
    rows = {row.id: row for row in session.execute(_columns(campaign).where(Contact.id.in_(contact_ids)))}
    return [rows[each] for each in contact_ids if each in rows]


def published_version(session: Session, campaign_id: int) -> CampaignVersion | None:
    """The version that new people get, or None."""
    return session.scalar(select(CampaignVersion).filter_by(campaign_id=campaign_id, state="published"))


def new_people(
    session: Session, campaign: Campaign, version: CampaignVersion, *, now: datetime, world: World, zone: ZoneInfo
) -> Any:
    """The query of whoever would enter now, in the order in which they enter, or None when nobody can."""
    group = session.get(Group, campaign.group_id) if campaign.group_id else None
    if group is None:
        return None
    has_value = fence.has_value_steps(version.steps)
    # A list that yield filled after the campaign was published: a lunch or a gift stays out of its reach.
    if has_value and group.from_yield:
        return None
    inside = groups.members(group, now=now, zone=zone, facts=world.group_facts)
    found = _columns(campaign).where(Contact.id.in_(inside), *may_enter(campaign, version, now=now))
    happened = whom_it_happened_to(campaign, Setup.from_json(version.settings), now=now, world=world, zone=zone)
    if happened is not None:
        found = found.where(happened)
    # Who is offered something of value does not even stand in the order of yield.
    return found.order_by(Contact.id) if has_value else found.order_by(*FIRST)


def may_enter(campaign: Campaign, version: CampaignVersion, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Contact: there, of an audience it was checked for, may be written to, not inside, not too soon."""
    unasked = spacing.not_asked_lately(campaign, now=now)
    # Whoever is inside is sorted out first: of a crowd that enters in many batches that is the cheapest question.
    return (*_not_in_already(campaign, now), *_may_be_written(version, campaign.topic), *unasked)


def whom_it_happened_to(
    campaign: Campaign, setup: Setup, *, now: datetime, world: World, zone: ZoneInfo
) -> ColumnElement[bool] | None:
    """For a campaign that is entered by an event: the condition that it happened and was not answered yet; else None.

    Before the campaign was published, as if it were now.
    """
    moment = Moment(now, campaign.published_at or now, zone, setup.days_after, world)
    happened = who_enters(setup.entry, moment)
    if happened is None:
        return None
    lately = and_(
        Enrollment.campaign_id == campaign.id,
        Enrollment.contact_id == Contact.id,
        Enrollment.entered_at > now - timedelta(days=GRACE_DAYS + 1),
    )
    return and_(happened, not_(exists().where(lately).correlate(Contact)))


def _columns(campaign: Campaign) -> Any:
    columns = (Contact.id, Contact.time_zone, Standing.expected_90, _occurrence(campaign).label("occurrence"))
    return select(*columns).outerjoin(Standing, Standing.contact_id == Contact.id)


def _occurrence(campaign: Campaign) -> ColumnElement[int]:
    """Which time it would be; not counted where nobody is let in twice."""
    if campaign.again_days is None:
        return literal(1)
    before = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.campaign_id == campaign.id, Enrollment.contact_id == Contact.id)
        .correlate(Contact)
        .scalar_subquery()
    )
    return before + 1


def _may_be_written(version: CampaignVersion, topic: str) -> tuple[ColumnElement[bool], ...]:
    allowed = not_(or_(*(clause for _, clause in groups.eligibility(topic))))
    return groups.live(), Contact.audience_class.in_(version.audiences), allowed


def _not_in_already(campaign: Campaign, now: datetime) -> tuple[ColumnElement[bool], ...]:
    been = and_(Enrollment.campaign_id == campaign.id, Enrollment.contact_id == Contact.id)
    if campaign.again_days is None:
        return (not_(exists().where(been).correlate(Contact)),)
    since = now - timedelta(days=campaign.again_days)
    # Held out means kept out for good; otherwise lift could not be measured.
    inside = or_(Enrollment.state.in_(("active", "on-hold", "held-out")), Enrollment.ended_at > since)
    return (not_(exists().where(been, inside).correlate(Contact)),)


def _by_hand(
    session: Session,
    campaign: Campaign,
    version: CampaignVersion,
    contact_id: int,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
) -> bool | Refusal:
    contact = session.get(Contact, contact_id)
    if contact is None or contact.deleted_at or contact.merged_into_id:
        return Refusal("unknown-contact", "This contact is no longer there.")
    states = set(session.scalars(select(Enrollment.state).filter_by(campaign_id=campaign.id, contact_id=contact_id)))
    if states & {"active", "on-hold"}:
        return Refusal("already-in", f"{contact.name} is already in this campaign.")
    if "held-out" in states:
        return Refusal("held-out", f"{contact.name} is kept out by lot, to measure what this campaign brings.")
    if states and campaign.again_days is None:
        return Refusal("been-through", f"{contact.name} has been through this campaign; it lets nobody in twice.")
    for reason, clause in groups.eligibility(campaign.topic):
        if session.scalar(select(exists().where(Contact.id == contact_id, clause))):
            return Refusal(reason, f"{contact.name} is left out: {groups.LEFT_OUT_WORDS[reason]}.")
    too_soon = exists().where(Contact.id == contact_id, spacing.asked_lately(campaign, now=now))
    if campaign.topic == spacing.TOPIC and session.scalar(select(too_soon)):
        return Refusal("asked-lately", f"{contact.name} {spacing.TOO_SOON}.")
    if contact.audience_class not in version.audiences:
        return Refusal("other-audience", f"{contact.name} is not of the kind that this campaign is written for.")
    calendars = Calendars(house_of(session, now=now, transports=world.transports, settings=world.settings))
    person = session.execute(_columns(campaign).where(Contact.id == contact_id)).all()
    return bool(put_in(session, campaign, version, person, now=now, calendars=calendars, by_id=by_id, draw=False))
