"""Any day of a campaign, past or to come: what went or would go out, to whom, and why the others are left out.

What is past stands in the ledger. What is to come is walked through as things are now: nobody replies, clicks or
refers until then, and who enters is known as far as the calendar tells.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from outreach.campaigns import drafting, enrolling, facts, rules, saying, stepping, steps, waiting_mail, walking
from outreach.campaigns.audience import WORDS, Reach
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.effects import SOURCE
from outreach.campaigns.entries import EVENTS
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment, StepDone
from outreach.campaigns.results import WAITS
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step, Steps
from outreach.campaigns.telling import stop_words
from outreach.campaigns.walking import Burden, Line
from outreach.deliveries.caps.cap_rules import AFTER, AWAY, REPLY
from outreach.deliveries.models import Delivery
from outreach.deliveries.pacing import resolved
from outreach.deliveries.returns import answering
from outreach.deliveries.returns.answering import Pause
from outreach.deliveries.rules import LEASED, WAITING
from outreach.deliveries.words import reason_words, state_words
from outreach.screen import World

MOST_WALKED = 2000
"""So many people are walked through for one day; the page says so when there are more."""
MOST_DAYS_AHEAD = 60
"""So far ahead it is looked who will enter by the calendar."""
GONE = ("sent", "delivered", "bounced", "complained", "unconfirmed")
SHOWN_KINDS = ("email", "task")
NOT_DONE = {
    "skipped": "it fell due during a hold and was skipped",
    "too-late": "it could only have left after its last day",
}
"""What became of steps that were passed over, by outcome."""


@dataclass(frozen=True)
class Out:
    """One email or task of the day. `done`: it is in the ledger."""

    at: datetime
    contact_id: int
    kind: str
    key: str
    title: str
    done: bool = False
    note: str = ""


@dataclass
class Day:
    """One local day. `left` are (contact id, why), `others` {why: how many more}, who are not named."""

    on: date
    out: list[Out] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    more: bool = False
    """Not everybody was walked through."""
    happened_to: set[int] = field(default_factory=set)
    """Whoever the ledger tells something about: no guess is made for them besides."""

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why people are left out, with how many, the most frequent first."""
        return (Counter(why for _, why in self.left) + self.others).most_common()


@dataclass(frozen=True)
class _Asked:
    session: Session
    now: datetime
    world: World
    campaign: Campaign
    version: CampaignVersion
    setup: Setup
    calendars: Calendars
    start: datetime
    end: datetime

    def is_on(self, at: datetime) -> bool:
        return self.start <= at < self.end


def replay(
    session: Session,
    *,
    now: datetime,
    world: World,
    campaign: Campaign,
    calendars: Calendars,
    reach: Reach,
    on: date,
) -> Day:
    """The day `on` of the campaign. `reach` is whom it reaches now (`audience.reach_of`). Nothing is written."""
    version = drafting.version_in(session, campaign.id, "published") or drafting.shown_version(session, campaign.id)
    zone = calendars.house.zone
    asked = _Asked(
        session=session,
        now=now,
        world=world,
        campaign=campaign,
        version=version,
        setup=Setup.from_json(version.settings),
        calendars=calendars,
        start=resolved(on, 0, zone),
        end=resolved(on + timedelta(days=1), 0, zone),
    )
    day = Day(on)
    if campaign.status != "draft":
        _happened(asked, day)
        if asked.end > now:
            _in_the_outbox(asked, day)
        day.happened_to = {out.contact_id for out in day.out} | {contact_id for contact_id, _ in day.left}
    if asked.end > now and campaign.status == "live":
        _on_their_way(asked, day)
    if asked.end > now and campaign.status in ("live", "draft") and asked.setup.entry != "hand":
        _newcomers(asked, day, reach.fresh)
    if asked.end > now:
        for reason, number in reach.left_out.items():
            day.others[f"In the group, but not written to: {WORDS[reason]}"] += number
    _others(asked, day)
    day.out.sort(key=lambda each: (each.at, each.contact_id))
    return day


def _happened(asked: _Asked, day: Day) -> None:
    at = func.coalesce(Delivery.sent_at, Delivery.due_at)
    rows = _first_of(
        asked,
        day,
        select(Delivery.contact_id, Delivery.step, Delivery.state, Delivery.reason, at)
        .where(Delivery.source == SOURCE, Delivery.source_id == asked.campaign.id, at >= asked.start, at < asked.end)
        .where(Delivery.contact_id.is_not(None))
        .order_by(Delivery.id),
    )
    for found, key, state, reason, left_at in rows:
        contact_id = found or 0
        title = _title(asked, key)
        if state in GONE or state in LEASED:
            note = "" if state == "sent" else state_words(state)
            day.out.append(Out(left_at, contact_id, "email", key, title, done=state in GONE, note=note))
        elif state in WAITING:
            # From today on the outbox is asked instead: what waits may leave on another day than it was planned for.
            if asked.end <= asked.now:
                why = reason_words(reason) if reason else "it still waits in the Outbox"
                day.left.append((contact_id, f"{title}: {why}"))
        else:
            day.left.append((contact_id, f"{title}: {reason_words(reason) if reason else state_words(state).lower()}"))
    done = _first_of(
        asked,
        day,
        select(Enrollment.contact_id, StepDone.step_key, StepDone.outcome, StepDone.at)
        .join(Enrollment, Enrollment.id == StepDone.enrollment_id)
        .where(Enrollment.campaign_id == asked.campaign.id, StepDone.at >= asked.start, StepDone.at < asked.end)
        .where(StepDone.outcome.in_(("task", *NOT_DONE)))
        .order_by(StepDone.enrollment_id, StepDone.step_key),
    )
    for contact_id, key, outcome, done_at in done:
        if outcome == "task":
            day.out.append(Out(done_at, contact_id, "task", key, _title(asked, key), done=True))
        else:
            day.left.append((contact_id, f"{_title(asked, key)}: {NOT_DONE[outcome]}"))
    _ended(asked, day)


def _in_the_outbox(asked: _Asked, day: Day) -> None:
    """What waits there leaves on this day, or on another one, or not at all."""
    waiting = waiting_mail.forecast(
        asked.session,
        asked.campaign,
        asked.calendars,
        now=asked.now,
        before=asked.end,
        limit=MOST_WALKED + 1,
    )
    day.more = day.more or len(waiting) > MOST_WALKED
    for mail in waiting[:MOST_WALKED]:
        title, why = _title(asked, mail.key), reason_words(mail.reason)
        if mail.at is None:
            late = mail.reason in (AFTER, AWAY)
            day.left.append((mail.contact_id, f"{title}: {why}{', and later it is too late for it' if late else ''}"))
        elif asked.is_on(mail.at):
            note = "A letter to print" if mail.on_paper else "Waits in the Outbox"
            note = f"Later than planned: {why}" if mail.reason else note
            day.out.append(Out(mail.at, mail.contact_id, "email", mail.key, title, note=note))
        elif mail.at >= asked.end:
            day.left.append((mail.contact_id, f"{title} comes later: {why}"))


def _ended(asked: _Asked, day: Day) -> None:
    rows = _first_of(
        asked,
        day,
        select(Enrollment.contact_id, Enrollment.stop_reason)
        .where(Enrollment.campaign_id == asked.campaign.id, Enrollment.state == "stopped")
        .where(Enrollment.ended_at >= asked.start, Enrollment.ended_at < asked.end)
        .order_by(Enrollment.id),
    )
    day.left += [(contact_id, f"Stopped early: {stop_words(reason)}") for contact_id, reason in rows]


def _first_of(asked: _Asked, day: Day, wanted: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """As many rows as a day shows; the day says when there are more."""
    rows = asked.session.execute(wanted.limit(MOST_WALKED + 1)).all()
    day.more = day.more or len(rows) > MOST_WALKED
    return rows[:MOST_WALKED]


def _on_their_way(asked: _Asked, day: Day) -> None:
    rows = asked.session.execute(
        stepping.way_columns()
        .where(Enrollment.campaign_id == asked.campaign.id, Enrollment.state == "active", Enrollment.due_at < asked.end)
        .order_by(Enrollment.due_at, Enrollment.id)
        .limit(MOST_WALKED + 1)
    ).all()
    day.more = day.more or len(rows) > MOST_WALKED
    for way in stepping.ways_of(asked.session, rows[:MOST_WALKED], now=asked.now, world=asked.world):
        script, row = way.script, way.row
        if ended := rules.should_exit(script.watching, way.facts):
            day.left.append((row.contact_id, f"Stops before: {stop_words(ended.reason)}"))
            continue
        if way.pause.unanswered:
            day.left.append((row.contact_id, f"Waits: {reason_words(REPLY)}"))
            continue
        lines = walking.go_on(
            script.tree,
            script.setup,
            row.step_key,
            max(row.due_at, asked.now),
            calendar=way.calendar,
            answer=_answer(way.facts),
            burden=way.burden,
            late=row.late,
            away_until=way.pause.away_until,
            planned_at=row.planned_at,
        )
        _take(asked, day, row.contact_id, lines, zone_known=asked.calendars.knows(row.time_zone))


def _newcomers(asked: _Asked, day: Day, fresh: Sequence[int]) -> None:
    seen: set[int] = set()
    days = max((day.on - asked.now.astimezone(asked.calendars.house.zone).date()).days, 0)
    event = EVENTS.get(asked.setup.entry)
    ahead = min(days, MOST_DAYS_AHEAD) if event and event.dated else 0
    for number in range(ahead + 1):
        at = asked.now + timedelta(days=number)
        people = [person for person in _entering(asked, fresh, at) if person.id not in seen]
        seen |= {person.id for person in people}
        room = MOST_WALKED - len(day.out) - len(day.left)
        day.more = day.more or len(people) > room
        _walk_newcomers(asked, day, people[: max(room, 0)], at)


def _entering(asked: _Asked, fresh: Sequence[int], at: datetime) -> Sequence[Any]:
    if asked.campaign.status == "draft":
        return enrolling.people_of(asked.session, asked.campaign, fresh[: MOST_WALKED + 1]) if at == asked.now else ()
    zone = asked.calendars.house.zone
    wanted = enrolling.new_people(asked.session, asked.campaign, asked.version, now=at, world=asked.world, zone=zone)
    return asked.session.execute(wanted.limit(MOST_WALKED + 1)).all() if wanted is not None else ()


def _walk_newcomers(asked: _Asked, day: Day, people: Sequence[Any], at: datetime) -> None:
    if not people:
        return
    tree, setup, campaign = asked.version.steps, asked.setup, asked.campaign
    names = facts.asked_by(tree)
    known = facts.facts_of(
        asked.session,
        [
            facts.Person(person.id, person.id, campaign.id, asked.now, setup.topic, setup.group_id, names)
            for person in people
        ],
        now=asked.now,
        world=asked.world,
        zone=asked.calendars.house.zone,
    )
    ids = [person.id for person in people]
    burdens = stepping.burdens_of(asked.session, ids, now=asked.now)
    pauses = answering.pauses_of(asked.session, ids, now=asked.now)
    drawn = enrolling.drawn_of(asked.session, campaign, len(people), share_pct=setup.holdout_pct)
    for person, held_out in zip(people, drawn, strict=True):
        if held_out:
            day.left.append((person.id, "Kept out by lot, to measure what the campaign brings"))
            continue
        pause = pauses.get(person.id, Pause())
        if pause.unanswered:
            day.left.append((person.id, f"Waits: {reason_words(REPLY)}"))
            continue
        calendar = asked.calendars.of(person.time_zone)
        entered_at = rules.entry_at(
            max(at, asked.now + timedelta(seconds=enrolling.UNDO_SECONDS)),
            calendar,
            minute=setup.minute,
            weekdays=setup.weekdays,
        )
        lines = walking.go_on(
            tree,
            setup,
            steps.first_key(tree),
            entered_at,
            calendar=calendar,
            answer=_answer(known[person.id]),
            burden=burdens.get(person.id, Burden()),
            away_until=pause.away_until,
        )
        _take(asked, day, person.id, lines, zone_known=asked.calendars.knows(person.time_zone))


def _take(asked: _Asked, day: Day, contact_id: int, lines: Iterable[Line], *, zone_known: bool) -> None:
    shown = [line for line in lines if line.kind in SHOWN_KINDS]
    today = [line for line in shown if asked.is_on(line.at)]
    for line in today:
        if line.lost:
            day.left.append((contact_id, f"{line.title}: {line.why_lost}"))
        elif line.kind == "email" and not zone_known:
            day.left.append((contact_id, f"{line.title}: {reason_words('unknown-zone')}"))
        else:
            day.out.append(Out(line.at, contact_id, line.kind, line.key, line.title, note=line.moved))
    if today or contact_id in day.happened_to:
        return
    later = next((line for line in shown if line.at >= asked.end), None)
    if later is None:
        day.left.append((contact_id, "Through by then"))
    elif later.moved:
        day.left.append((contact_id, f"{later.title} comes later: {later.moved}"))
    else:
        day.left.append((contact_id, "Nothing is due that day: the next step comes later"))


def _others(asked: _Asked, day: Day) -> None:
    """Whoever is or was inside on the day and is not named yet, counted only."""
    named = {out.contact_id for out in day.out} | {contact_id for contact_id, _ in day.left}
    rows = asked.session.execute(
        select(Enrollment.state, Enrollment.waits_for, func.count())
        .where(Enrollment.campaign_id == asked.campaign.id, Enrollment.entered_at < asked.end)
        .where(or_(Enrollment.ended_at.is_(None), Enrollment.ended_at >= asked.start))
        .where(Enrollment.contact_id.not_in(named) if len(named) <= MOST_WALKED else Enrollment.id.is_not(None))
        .group_by(Enrollment.state, Enrollment.waits_for)
    )
    words = {
        "held-out": "Kept out by lot, to measure what the campaign brings",
        "on-hold": "The campaign is on hold",
        "stopped": "Inside then, nothing was due",
    }
    for state, waits_for, number in rows:
        why = WAITS.get(waits_for, "").removeprefix("waits: ") if state == "active" else ""
        later = "The next step comes later" if asked.start > asked.now else "Inside, nothing is due that day"
        nothing = why[:1].upper() + why[1:] or later
        day.others[words.get(state, nothing)] += number


def _answer(known: rules.Facts) -> Any:
    def lane(step: Step) -> str:
        return "yes" if rules.answer(step, known) else "no"

    return lane


def _title(asked: _Asked, key: str) -> str:
    tree: Steps = asked.version.steps
    step = steps.step_of(tree, key)
    return saying.title_of(step, tree) if step else "A step of an earlier version"
