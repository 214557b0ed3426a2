"""How many emails leave (or left) on which local day, per campaign, issue, run of cards and event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, literal, select, text
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.cards.models import CardRun
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries.models import IS_LEASED, IS_WAITING, NEEDS_A_LOOK, Delivery
from outreach.events.models import Event
from outreach.newsletters.models import Issue
from outreach.today.planning import midnight

TITLES: dict[str, tuple[Any, Any, str]] = {
    "campaign": (Campaign.id, Campaign.name, "Campaign"),
    "newsletter": (Issue.id, Issue.title, "Newsletter"),
    "card": (CardRun.id, CardRun.title, "Cards"),
    "event": (Event.id, Event.title, "Event"),
}
"""Whose mail is counted, and what its cause is called. Tests and mail to staff are left out."""

SCOPES = (
    (text(IS_WAITING) & Delivery.kind.in_(list(MESSAGE_KINDS)) & Delivery.sent_at.is_(None), Delivery.due_at),
    (text(IS_LEASED) & Delivery.sent_at.is_(None), Delivery.due_at),
    (Delivery.sent_at.is_not(None), Delivery.sent_at),
)
"""Each by an index of its own: what waits, what is on its way this minute, what left."""
ON_HOLD = text(NEEDS_A_LOOK) & (Delivery.state == "held") & Delivery.sent_at.is_(None)


@dataclass(frozen=True)
class MailDay:
    """The mail of one cause on one local day. `changed_at`: when the last of it was planned."""

    on: date
    source: str
    source_id: int
    number: int
    changed_at: datetime
    title: str = ""
    held: bool = False
    """It stands on hold, and does not leave before somebody resumes it."""


def mail_days(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[MailDay]:
    """What waits, stands on hold and left on these local days, both included, by day. At most eight queries."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    edges = [midnight(day, zone) for day in (*days, last + timedelta(days=1))]
    counted: dict[tuple[date, str, int, bool], MailDay] = {}
    for scope, moment, held in (*((*one, False) for one in SCOPES), (ON_HOLD, Delivery.due_at, True)):
        for one in _counted(session, scope, moment, days, edges):
            key = (one.on, one.source, one.source_id, held)
            known = counted.get(key)
            newest = max(one.changed_at, known.changed_at) if known else one.changed_at
            number = one.number + (known.number if known else 0)
            counted[key] = replace(one, number=number, changed_at=newest, held=held)
    titles = _titles(session, counted.values())
    named = (replace(one, title=titles.get((one.source, one.source_id), "")) for one in counted.values())
    return sorted(named, key=lambda one: (one.on, one.source, one.source_id, one.held))


def _counted(
    session: Session,
    scope: ColumnElement[bool],
    moment: Any,
    days: Sequence[date],
    edges: Sequence[datetime],
) -> list[MailDay]:
    rows = (
        select(
            Delivery.source,
            Delivery.source_id,
            Delivery.created_at,
            _number_of_day(moment, edges, 0, len(days)).label("day"),
        )
        # Not asked for its source here: SQLite would take the index of that, and read the whole ledger.
        .where(scope, moment >= edges[0], moment < edges[-1])
        .subquery()
    )
    found = session.execute(
        select(rows.c.day, rows.c.source, rows.c.source_id, func.count(), func.max(rows.c.created_at)).group_by(
            rows.c.day, rows.c.source, rows.c.source_id
        )
    )
    return [MailDay(days[row[0]], row[1], row[2], row[3], row[4]) for row in found if row[1] in TITLES]


def _number_of_day(moment: Any, edges: Sequence[datetime], low: int, high: int) -> ColumnElement[int]:
    """Which local day an instant lies in, for any database and through clock changes: halved until one is left."""
    if high - low == 1:
        return literal(low)
    half = (low + high) // 2
    before, after = _number_of_day(moment, edges, low, half), _number_of_day(moment, edges, half, high)
    return case((moment < edges[half], before), else_=after)


def _titles(session: Session, mail: Iterable[MailDay]) -> dict[tuple[str, int], str]:
    ids: dict[str, set[int]] = {}
    for one in mail:
        ids.setdefault(one.source, set()).add(one.source_id)
    titles: dict[tuple[str, int], str] = {}
    for source, wanted in ids.items():
        column, title, _ = TITLES[source]
        rows = session.execute(select(column, title).where(column.in_(wanted)))
        titles |= {(source, row[0]): row[1] for row in rows}
    return titles
