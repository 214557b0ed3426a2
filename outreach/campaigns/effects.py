"""What follows from moving many people: collected first, then written with a few statements."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.campaigns import enrolling
from outreach.campaigns.models import Campaign, Enrollment, StepDone
from outreach.campaigns.rules import Action, Calendar, Chance
from outreach.campaigns.steps import Step
from outreach.campaigns.telling import stop_words, tell
from outreach.contacts import tasks
from outreach.contacts.models import Group, GroupMember
from outreach.deliveries import outbox
from outreach.deliveries.caps.cap_rules import MATTERS
from outreach.screen import World

SOURCE = "campaign"
OUTCOMES = {
    "send": "sent",
    "skip": "skipped",
    "too-late": "too-late",
    "task": "task",
    "group": "group",
    "start": "started",
}
"""What is noted of a step, by the kind of action."""
SAID = {
    "referred": "referred someone: say thank you",
    "replied": "replied: read it and answer",
    "clicked": "clicked a link: a good moment to call",
    "answered": "answered an invitation",
}


class AWay(Protocol):
    """One enrollment while it is moved (see stepping.Way)."""

    @property
    def row(self) -> Any:
        """Its columns."""

    @property
    def script(self) -> Any:
        """Its version."""

    @property
    def calendar(self) -> Calendar:
        """Days and hours in the contact's zone."""


@dataclass(frozen=True)
class HowItGoes:
    """What the outbox is told about a message: see `deliveries.planning.Plan`."""

    on_paper: bool
    weight: int
    own_share: bool
    in_order: bool

    @staticmethod
    def of(script: Any) -> "HowItGoes":
        """As the version's settings say; a campaign with a step of value keeps everybody equal."""
        setup = script.setup
        return HowItGoes(setup.letters, MATTERS[setup.matters][1], setup.own_share, not script.has_value)


@dataclass
class Effects:
    """All that a batch of people brings about."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    steps_done: list[dict[str, Any]] = field(default_factory=list)
    sends: dict[tuple[int, str, int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    """{(campaign, step key, message, occurrence): contacts}"""
    chances: dict[tuple[int, str, int, int], Chance] = field(default_factory=dict)
    """Until when a message is worth sending, by the keys of `sends`: that of whom it may reach last."""
    ways: dict[int, "HowItGoes"] = field(default_factory=dict)
    """How a message goes, where that differs from the usual."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    """{(group, "add" or "remove"): contacts}"""
    yields: set[int] = field(default_factory=set)
    """Groups that are filled by a campaign which rests on yield."""
    starts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    stops: dict[tuple[int, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    finishes: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    campaigns: dict[int, Campaign] = field(default_factory=dict)

    def take(self, way: AWay, step: Step, action: Action, *, now: datetime, chance: Chance | None = None) -> None:
        """One step has its effect; `chance` is that of an email which leaves."""
        match action.kind:
            case "send":
                key = (way.row.campaign_id, step["key"], way.script.messages[step["key"]], way.row.occurrence)
                self.sends[key].append(way.row.contact_id)
                self.ways[key[2]] = HowItGoes.of(way.script)
                assert chance is not None
                self.chances[key] = max(chance, self.chances.get(key, chance), key=lambda each: each.until_at)
            case "task":
                self._task(way, step, now=now)
            case "group" if step.get("group_id"):
                self.changes[(int(step["group_id"]), step.get("change", "add"))].append(way.row.contact_id)
                if way.script.campaign.from_yield:
                    self.yields.add(int(step["group_id"]))
            case "start" if step.get("campaign_id"):
                self.starts[int(step["campaign_id"])].append(way.row.contact_id)
        if action.kind in OUTCOMES or action.branch:
            self.done(way, step["key"], action.branch or OUTCOMES[action.kind], now)

    def done(self, way: AWay, key: str, outcome: str, now: datetime) -> None:
        """The step is on record for this person."""
        self.steps_done.append(
            {
                "enrollment_id": way.row.id,
                "version_id": way.row.version_id,
                "step_key": key,
                "outcome": outcome,
                "at": now,
            }
        )

    def wait(
        self,
        way: AWay,
        key: str,
        due_at: datetime,
        *,
        waits_for: str = "",
        late: bool = False,
        planned_at: datetime | None = None,
    ) -> None:
        """The person waits until then for the step `key` ("": the end). `planned_at` is when it would have come."""
        waiting = {"waits_for": waits_for, "planned_at": planned_at, "late": late}
        self._update(way, state="active", step_key=key, due_at=due_at, **waiting)

    def finish(self, way: AWay, *, now: datetime) -> None:
        """The person is through."""
        self._update(way, state="finished", step_key="", due_at=None, ended_at=now)
        self.campaigns[way.script.campaign.id] = way.script.campaign
        self.finishes[way.script.campaign.id].append((way.row.id, way.row.contact_id))

    def stop(self, way: AWay, reason: str, *, now: datetime) -> None:
        """The person's way ends early."""
        self._update(way, state="stopped", step_key=way.row.step_key, due_at=None, ended_at=now, stop_reason=reason)
        self.campaigns[way.script.campaign.id] = way.script.campaign
        self.stops[(way.script.campaign.id, reason)].append((way.row.id, way.row.contact_id))

    def tell_owner(self, way: AWay, reason: str, *, now: datetime) -> None:
        """The campaign's owner finds it on Today."""
        words = SAID.get(reason, "stopped early")
        step = {"task": "thank" if reason == "referred" else "write", "title": words.capitalize(), "key": "stop"}
        self._task(way, step, now=now, from_yield=reason == "referred")

    def _task(self, way: AWay, step: Step, *, now: datetime, from_yield: bool = False) -> None:
        campaign = way.script.campaign
        self.tasks.append(
            {
                "kind": step.get("task", "call"),
                "title": str(step.get("title") or "Call")[:500],
                "script": step.get("script", ""),
                "due_on": now.astimezone(way.calendar.zone).date(),
                "owner_id": step.get("owner_id") or way.row.owner_id or campaign.owner_id,
                "contact_id": way.row.contact_id,
                "event_id": None,
                "origin": f"{SOURCE}:{campaign.id}:{step['key']}:{way.row.id}",
                "from_yield": from_yield or campaign.from_yield,
                "has_value": bool(step.get("has_value")),
                "created_at": now,
            }
        )

    def _update(self, way: AWay, **columns: Any) -> None:
        blank = {"waits_for": "", "planned_at": None, "ended_at": None, "stop_reason": "", "late": False}
        self.updates.append({"b_id": way.row.id, **blank, **columns})


def carry_out(session: Session, effects: Effects, *, now: datetime, world: World) -> None:
    """Everything that was collected is in the database and the outbox."""
    _put_mail(session, effects, now=now, world=world)
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    if effects.steps_done:
        session.execute(build(StepDone).on_conflict_do_nothing(), effects.steps_done)
    tasks.add_many(session, _once_by_hand(session, effects.tasks, now=now))
    _change_groups(session, effects, now=now)
    _update(session, effects.updates)
    for campaign_id, contact_ids in effects.starts.items():
        enrolling.start_for(session, now=now, world=world, campaign_id=campaign_id, contact_ids=contact_ids)
    _tell_ends(session, effects, now=now)


def _once_by_hand(session: Session, rows: Sequence[dict[str, Any]], *, now: datetime) -> list[dict[str, Any]]:
    """Without the notes by hand to people who are owed one already, by an event or another campaign."""
    wanted = {row["contact_id"] for row in rows if tasks.is_by_hand(row["kind"], row["title"])}
    owed = tasks.owed_by_hand(session, wanted, now=now)
    kept = []
    for row in rows:
        if tasks.is_by_hand(row["kind"], row["title"]):
            if row["contact_id"] in owed:
                continue
            owed.add(row["contact_id"])
        kept.append(row)
    return kept


def _put_mail(session: Session, effects: Effects, *, now: datetime, world: World) -> None:
    for (campaign_id, key, message_id, occurrence), contact_ids in effects.sends.items():
        chance = effects.chances[(campaign_id, key, message_id, occurrence)]
        outbox.put(
            session,
            now=now,
            world=world,
            message_id=message_id,
            kind="drip",
            source=SOURCE,
            source_id=campaign_id,
            step=key,
            contact_ids=contact_ids,
            occurrence=str(occurrence),
            not_after_at=chance.until_at,
            end_moves=chance.moves,
            print_allowed=effects.ways[message_id].on_paper,
            weight=effects.ways[message_id].weight,
            own_share=effects.ways[message_id].own_share,
            in_order=effects.ways[message_id].in_order,
        )


def _update(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Enrollment.__table__
    columns = [name for name in rows[0] if name != "b_id"]
    session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(table.c.id == bindparam("b_id"))
        .values({name: bindparam(name) for name in columns}),
        list(rows),
    )


def _change_groups(session: Session, effects: Effects, *, now: datetime) -> None:
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for (group_id, change), contact_ids in effects.changes.items():
        group = session.get(Group, group_id)
        if group is None or not group.fixed or group.deleted_at:
            continue
        if change == "add":
            rows = [{"group_id": group_id, "contact_id": each, "since_at": now} for each in contact_ids]
            session.execute(build(GroupMember).on_conflict_do_nothing(), rows)
            # Whoever is put there because of yield makes it a group that rests on yield (architecture 3).
            group.from_yield = group.from_yield or group_id in effects.yields
        else:
            inside = (GroupMember.group_id == group_id, GroupMember.contact_id.in_(contact_ids))
            session.execute(delete(GroupMember).where(*inside))


def _tell_ends(session: Session, effects: Effects, *, now: datetime) -> None:
    for (campaign_id, reason), people in effects.stops.items():
        campaign = effects.campaigns[campaign_id]
        outbox.cancel(
            session,
            now=now,
            source=SOURCE,
            source_id=campaign_id,
            contact_ids=[contact_id for _, contact_id in people],
            why=reason,
        )
        words = f"“{campaign.name}” stopped early: {stop_words(reason)}"
        tell(session, campaign, people, "stopped", words, at=now, from_yield=reason == "referred")
    for campaign_id, people in effects.finishes.items():
        campaign = effects.campaigns[campaign_id]
        tell(session, campaign, people, "finished", f"Went through “{campaign.name}” to the end", at=now)
