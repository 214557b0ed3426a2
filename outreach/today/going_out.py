"""What leaves today, in time order: from the ledger, from issues that wait for their time, from events' timelines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, distinct, func, select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.cards.models import CardRun
from outreach.content.kinds import MESSAGE_KINDS
from outreach.content.models import Message
from outreach.deliveries.models import Delivery, LinkClick
from outreach.deliveries.rules import LEASED, WAITING
from outreach.events.models import Event, EventMessage, Invitation
from outreach.events.timelines import MESSAGES
from outreach.newsletters.models import Issue
from outreach.practice.models import Practice
from outreach.today.planning import midnight
from outreach.ui import amount, count, time_of_day

HOMES = {"campaign": "/campaigns/{}", "newsletter": "/newsletters/{}", "event": "/events/{}", "card": "/cards/{}"}
"""The sources whose mail stands in the list, and where each is looked at. Tests and system mail are left out."""
EVENT_WORDS = {
    "none": "Reminder to answer",
    "maybe": "Reminder to decide",
    "yes": "Reminder",
    "attended": "Thank-you",
}
DETAIL = re.compile(r"\{\{\s*\w+\s*(?:\|\s*([^}]*?)\s*)?\}\}")
AT_ONCE = timedelta(minutes=15)


@dataclass(frozen=True)
class Leaving:
    """One send of the day. `alert`: it waits for a person. `done`: all of it left."""

    at: datetime
    title: str
    sub: str
    href: str
    alert: bool = False
    done: bool = False
    hold: str = ""
    """Where a POST holds it; empty where nothing can be held."""


@dataclass(frozen=True)
class _Lot:
    source: str
    source_id: int
    step: str
    kind: str
    subject: str
    at: datetime
    waiting: int = 0
    sent: int = 0
    stuck: int = 0


def going_out(session: Session, *, now: datetime, today: date, zone: ZoneInfo) -> list[Leaving]:
    """The sends of the local day, what left already included."""
    start, end = midnight(today, zone), midnight(today + timedelta(days=1), zone)
    lots = _lots(session, start=start, end=end)
    lines = [
        *_ledger_lines(session, lots, start=start, now=now),
        *_issues(session, lots, today=today, end=end, now=now),
    ]
    lines += [*_cards(session, lots, today=today), *_event_messages(session, start=start, end=end)]
    return sorted(lines, key=lambda line: (line.at, line.title))


def still_to_leave(lines: Iterable[Leaving]) -> int:
    """How many of the sends of the day are still ahead."""
    return sum(not line.done for line in lines)


def _lots(session: Session, *, start: datetime, end: datetime) -> list[_Lot]:
    waiting = Delivery.state.in_((*WAITING, *LEASED))
    stuck = Delivery.state.in_(("held", "failed", "unconfirmed"))
    planned = (waiting & (Delivery.due_at < end)) | (stuck & (Delivery.due_at >= start) & (Delivery.due_at < end))
    left = (Delivery.sent_at >= start) & (Delivery.sent_at < end)
    found = []
    for scope, moment in ((planned, Delivery.due_at), (left, Delivery.sent_at)):
        rows = session.execute(
            select(
                Delivery.source,
                Delivery.source_id,
                Delivery.step,
                func.min(Delivery.kind),
                func.min(Message.subject),
                func.min(moment),
                func.sum(case((waiting, 1), else_=0)),
                func.sum(case((Delivery.sent_at.is_not(None), 1), else_=0)),
                func.sum(case((stuck, 1), else_=0)),
            )
            .join(Message, Message.id == Delivery.message_id)
            .where(scope, Delivery.source.in_(HOMES))
            .group_by(Delivery.source, Delivery.source_id, Delivery.step)
        )
        found += [_Lot(*row) for row in rows]
    return _joined(found)


def _joined(lots: list[_Lot]) -> list[_Lot]:
    by_key: dict[tuple[str, int, str], _Lot] = {}
    for lot in lots:
        key = (lot.source, lot.source_id, lot.step)
        known = by_key.get(key)
        by_key[key] = (
            lot
            if known is None
            else replace(
                known,
                at=min(known.at, lot.at),
                waiting=known.waiting + lot.waiting,
                sent=known.sent + lot.sent,
                stuck=known.stuck + lot.stuck,
            )
        )
    return list(by_key.values())


def _ledger_lines(session: Session, lots: list[_Lot], *, start: datetime, now: datetime) -> list[Leaving]:
    names, clicks = _names(session, lots), _clicks(session, start)
    return [
        Leaving(
            at=lot.at if lot.at >= start else now,
            title=_title(lot, names.get((lot.source, lot.source_id), "")),
            sub=_said(lot, clicks.get((lot.source, lot.source_id, lot.step), 0)),
            href=HOMES[lot.source].format(lot.source_id),
            alert=bool(lot.stuck),
            done=not lot.waiting and not lot.stuck,
        )
        for lot in lots
    ]


def _title(lot: _Lot, name: str) -> str:
    if lot.source == "campaign":
        return f"{name}: {plain_subject(lot.subject)}" if name else plain_subject(lot.subject)
    if lot.source == "event":
        kind = MESSAGE_KINDS[lot.kind].label if lot.kind in MESSAGE_KINDS else plain_subject(lot.subject)
        return f"{kind}: {name}" if name else kind
    return name or plain_subject(lot.subject)


def plain_subject(subject: str) -> str:
    """The subject with every detail shown as its fallback: what somebody unknown would read."""
    return DETAIL.sub(lambda found: found[1] or "…", subject)


def _said(lot: _Lot, clicked: int) -> str:
    people = count(lot.waiting + lot.sent + lot.stuck, "person")
    if lot.stuck:
        return f"{people}. {amount(lot.stuck)} {'is' if lot.stuck == 1 else 'are'} held back and {_wants(lot.stuck)}."
    if lot.waiting and lot.sent:
        return f"{amount(lot.sent)} of {people} sent."
    if lot.waiting:
        return f"{people}."
    return f"{people}. Sent" + (f", {amount(clicked)} clicked so far." if clicked else ".")


def _wants(number: int) -> str:
    return "needs a look" if number == 1 else "need a look"


def _names(session: Session, lots: list[_Lot]) -> dict[tuple[str, int], str]:
    ids: dict[str, set[int]] = {}
    for lot in lots:
        ids.setdefault(lot.source, set()).add(lot.source_id)
    wanted = (
        ("campaign", Campaign.id, Campaign.name),
        ("newsletter", Issue.id, Issue.title),
        ("card", CardRun.id, CardRun.title),
        ("event", Event.id, Event.title),
    )
    names: dict[tuple[str, int], str] = {}
    for source, column, title in wanted:
        rows = session.execute(select(column, title).where(column.in_(ids.get(source, ()))))
        names |= {(source, row[0]): row[1] for row in rows}
    return names


def _clicks(session: Session, start: datetime) -> dict[tuple[str, int, str], int]:
    rows = session.execute(
        select(Delivery.source, Delivery.source_id, Delivery.step, func.count(distinct(LinkClick.delivery_id)))
        .join(Delivery, Delivery.id == LinkClick.delivery_id)
        .where(LinkClick.machine.is_(False), Delivery.sent_at >= start)
        .group_by(Delivery.source, Delivery.source_id, Delivery.step)
    )
    return {(source, source_id, step): number for source, source_id, step, number in rows}


def _issues(session: Session, lots: list[_Lot], *, today: date, end: datetime, now: datetime) -> list[Leaving]:
    in_ledger = {lot.source_id for lot in lots if lot.source == "newsletter"}
    issues = session.scalars(
        select(Issue).where(
            Issue.deleted_at.is_(None),
            ((Issue.status == "draft") & (Issue.send_on == today))
            | (Issue.status.in_(("approved", "held")) & (Issue.send_at < end)),
        )
    )
    return [_issue_line(issue, now=now) for issue in issues if issue.id not in in_ledger]


def _issue_line(issue: Issue, *, now: datetime) -> Leaving:
    people = count(issue.counts.get("people") or issue.counted or 0, "person")
    at, href = issue.send_at or now, HOMES["newsletter"].format(issue.id)
    if issue.status == "approved":
        return Leaving(at, issue.title, f"{people}.", href)
    if issue.status == "held":
        return Leaving(at, issue.title, f"{people}. On hold: it leaves when you resume it.", href, alert=True)
    zone = ZoneInfo(issue.send_zone) if issue.send_zone else None
    if issue.send_on is not None and issue.send_minute is not None and zone is not None:
        at = midnight(issue.send_on, zone) + timedelta(minutes=issue.send_minute)
    by = time_of_day((at - AT_ONCE).astimezone(zone))
    return Leaving(at, issue.title, f"{people}. Needs your OK by {by}.", href, alert=True)


def _cards(session: Session, lots: list[_Lot], *, today: date) -> list[Leaving]:
    in_ledger = {lot.source_id for lot in lots if lot.source == "card"}
    runs = session.execute(
        select(CardRun, Practice.send_from_minute, Practice.time_zone)
        .join(Practice, Practice.id == 1)
        .where(CardRun.deleted_at.is_(None), CardRun.status.in_(("draft", "approved")), CardRun.send_on == today)
    )
    return [
        Leaving(
            at=midnight(today, ZoneInfo(zone)) + timedelta(minutes=opens),
            title=run.title,
            sub="Cards. Needs your OK before they can leave." if run.status == "draft" else "Cards.",
            href=HOMES["card"].format(run.id),
            alert=run.status == "draft",
        )
        for run, opens, zone in runs
        if run.id not in in_ledger
    ]


def _event_messages(session: Session, *, start: datetime, end: datetime) -> list[Leaving]:
    coming = (
        select(func.count(Invitation.id))
        .where(Invitation.event_id == Event.id, Invitation.state != "cancelled")
        .correlate(Event)
        .scalar_subquery()
    )
    rows = session.execute(
        select(EventMessage.due_at, EventMessage.step, Event.id, Event.title, coming)
        .join(Event, Event.id == EventMessage.event_id)
        .where(EventMessage.state == "planned", EventMessage.due_at >= start, EventMessage.due_at < end)
    )
    return [
        Leaving(due_at, f"{_event_word(step)}: {title}", f"{count(invited, 'person')} invited.", f"/events/{event_id}")
        for due_at, step, event_id, title, invited in rows
    ]


def _event_word(step: str) -> str:
    known = MESSAGES.get(step)
    return EVENT_WORDS.get(known.audience, known.title) if known else "Message"
