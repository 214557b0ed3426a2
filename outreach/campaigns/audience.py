"""Whom a version reaches now: how many match, who is left out and why, and which classes of readers they are."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from outreach.campaigns import spacing
from outreach.campaigns.enrolling import whom_it_happened_to
from outreach.campaigns.models import Campaign, Enrollment
from outreach.campaigns.setup import Setup
from outreach.contacts import group_rules, groups
from outreach.contacts.kinds import KIND_LABELS, audience_class
from outreach.contacts.models import Contact, Group
from outreach.content.kinds import PROVIDERS
from outreach.screen import World

ASKED = "asked-lately"
WORDS = {**groups.LEFT_OUT_WORDS, ASKED: "asked for a favor lately"}


@dataclass(frozen=True)
class Reach:
    """The group of a version, read now. `trouble` is a sentence when the group cannot be used."""

    group: Group | None = None
    trouble: str = ""
    matched: int = 0
    ids: list[int] = field(default_factory=list)
    """Who can be written to, highest standing first."""
    left_out: dict[str, int] = field(default_factory=dict)
    fresh: list[int] = field(default_factory=list)
    """Those of `ids` who enter and have not been in the campaign yet: whom publishing reaches."""
    audiences: tuple[str, ...] = PROVIDERS
    kinds: tuple[str, ...] = ()
    """The kinds of contacts in the group."""
    asked: frozenset[int] = frozenset()
    """For a campaign that asks for something: whom it leaves out because they were asked lately."""

    @property
    def from_yield(self) -> bool:
        """Whether the group rests on yield, tier or referral facts."""
        return bool(self.group and self.group.from_yield)

    @property
    def noun(self) -> tuple[str, str]:
        """What they are called, one and many: ("physician", "physicians"), or ("person", "people") when mixed."""
        word = KIND_LABELS[self.kinds[0]].partition(" (")[0].lower() if len(self.kinds) == 1 else ""
        return (word, f"{word}s") if word and not word.endswith(("y", "f")) else ("person", "people")

    @property
    def left_out_said(self) -> str:
        """ "3 left out: 2 unsubscribed, 1 no email address", or ""."""
        if not self.left_out:
            return ""
        parts = [f"{number} {WORDS[reason]}" for reason, number in self.left_out.items()]
        return f"{sum(self.left_out.values())} left out: {', '.join(parts)}"


def reach_of(
    session: Session, *, now: datetime, world: World, zone: ZoneInfo, campaign: Campaign, setup: Setup
) -> Reach:
    """Whom this campaign reaches with these settings at this moment."""
    group = session.get(Group, setup.group_id) if setup.group_id else None
    if group is None:
        return Reach(trouble="No group is chosen yet.")
    if group.deleted_at is not None:
        return Reach(group, f"The group “{group.name}” was deleted. Choose another one.")
    if problem := group_rules.problem(session, group, now=now, zone=zone, facts=world.group_facts):
        return Reach(group, problem)
    found = groups.audience(session, group, now=now, zone=zone, facts=world.group_facts, topic=setup.topic)
    inside = groups.members(group, now=now, zone=zone, facts=world.group_facts)
    kinds = sorted(session.scalars(select(Contact.kind).where(Contact.id.in_(inside)).distinct()))
    happened = whom_it_happened_to(campaign, setup, now=now, world=world, zone=zone)
    entering = found.ids if happened is None else _those(session, found.ids, happened)
    been = set(session.scalars(select(Enrollment.contact_id).where(Enrollment.campaign_id == campaign.id)))
    asked = _asked_lately(session, campaign, setup, now=now).difference(been)
    too_soon = sum(each in asked for each in found.ids)
    return Reach(
        group=group,
        matched=found.matched,
        ids=[each for each in found.ids if each not in asked],
        left_out={**found.left_out, **({ASKED: too_soon} if too_soon else {})},
        fresh=[each for each in entering if each not in been and each not in asked],
        audiences=tuple(sorted({audience_class(kind) for kind in kinds})) or PROVIDERS,
        kinds=tuple(kinds),
        asked=asked,
    )


def why_not(session: Session, contact: Contact, campaign: Campaign, setup: Setup, reach: Reach) -> str:
    """Why this contact would not enter now, as the second half of a sentence, or "" when they may."""
    if reach.trouble:
        return reach.trouble[:1].lower() + reach.trouble[1:].rstrip(".")
    if contact.id not in reach.ids:
        for reason, clause in groups.eligibility(setup.topic):
            if session.scalar(select(exists().where(Contact.id == contact.id, clause))):
                return groups.LEFT_OUT_WORDS[reason]
        if contact.id in reach.asked:
            return f"{contact.first_name or 'this person'} {spacing.TOO_SOON}"
        return f"they are not in “{reach.group.name if reach.group else ''}”"
    been = exists().where(Enrollment.campaign_id == campaign.id, Enrollment.contact_id == contact.id)
    return "they have been in this campaign" if session.scalar(select(been)) and not setup.again_days else ""


def _asked_lately(session: Session, campaign: Campaign, setup: Setup, *, now: datetime) -> frozenset[int]:
    if setup.topic != spacing.TOPIC:
        return frozenset()
    return frozenset(session.scalars(select(Contact.id).where(spacing.asked_lately(campaign, now=now))))


def _those(session: Session, ids: list[int], happened: ColumnElement[bool]) -> list[int]:
    # Asked of everybody: an event happens to a few, while `ids` may be a hundred thousand.
    found = set(session.scalars(select(Contact.id).where(happened)))
    return [each for each in ids if each in found]
