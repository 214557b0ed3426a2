"""The pages of sources: who they are, their status and next step, what they sent and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, cards_for
from outreach.contacts.standing import Standing
from outreach.referrals.judging.effort import Effort, judge, middle
from outreach.referrals.judging.gathering import SourceFacts, facts_of
from outreach.referrals.judging.overview import YEAR, from_contacts, months_of
from outreach.referrals.judging.potential import Prospect, prospects
from outreach.referrals.judging.status_facts import in_status
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.judging.status_words import NEVER, QUIET, WORDS, StatusWords
from outreach.referrals.models import Referral

PAGE = 50
COMPARED = 200
"""The sources that sent most in twelve months: their middle is what one source's minutes are compared with."""


_COLUMNS: tuple[Any, ...] = (SourceStatus, Contact.id, Standing.expected_90)


@dataclass(frozen=True)
class SourceLine:
    """One source of the list. `expected` is its yield."""

    card: ContactCard
    standing: Standing | None
    status: StatusWords
    since_on: date | None
    facts: SourceFacts
    effort: Effort


@dataclass(frozen=True)
class SourcePage:
    """A page; `after` is where the next one begins, or empty at the end."""

    lines: list[SourceLine]
    total: int
    after: str


def sources(session: Session, *, today: date, zone: ZoneInfo, status: str = "", after: str = "") -> SourcePage:
    """The sources of a status (of all, without one), highest yield first."""
    wanted = _wanted(select(*_COLUMNS), status)
    if place := _place(after):
        expected, last_id = place
        # The first condition leads the index to where the page begins: an "or" alone leads it nowhere.
        behind = or_(Standing.expected_90 < expected, Standing.contact_id < last_id)
        wanted = wanted.where(Standing.expected_90 <= expected, behind)
    rows = session.execute(
        wanted.order_by(Standing.expected_90.desc(), Standing.contact_id.desc()).limit(PAGE + 1)
    ).all()
    more, rows = len(rows) > PAGE, rows[:PAGE]
    total = session.scalar(_wanted(select(func.count()), status)) or 0
    lines = _lines(session, {row[0].contact_id: row[0] for row in rows}, today=today, zone=zone)
    return SourcePage(lines, total, f"{rows[-1].expected_90!r}:{rows[-1].id}" if more else "")


def line_of(session: Session, contact_id: int, *, today: date, zone: ZoneInfo) -> SourceLine:
    """One source as the list would show it, also at the stage before any referral."""
    kept = session.get(SourceStatus, contact_id)
    return _lines(session, {contact_id: kept}, today=today, zone=zone)[0]


def prospect_lines(session: Session, *, today: date, limit: int = PAGE) -> list[tuple[ContactCard, Prospect]]:
    """Those who never referred, most promising first."""
    found = prospects(session, today=today, limit=limit)
    cards = cards_for(session, [one.contact_id for one in found])
    return [(cards[one.contact_id], one) for one in found if one.contact_id in cards]


def never_count(session: Session) -> int:
    """How many could refer and never did."""
    live = (Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None), Contact.deceased_on.is_(None))
    return session.scalar(select(func.count(Contact.id)).where(in_status([NEVER]), *live)) or 0


def two_years(session: Session, contact_id: int, *, today: date) -> list[tuple[date, int, int]]:
    """The last twelve months of one source, each with the same month of the year before: (month, now, then)."""
    months = months_of(session, today=today, contact_id=contact_id)
    half = len(months) // 2
    return [(first, now, then) for (first, now), (_, then) in zip(months[half:], months[:half], strict=True)]


def typical_minutes(session: Session, *, today: date, zone: ZoneInfo) -> float | None:
    """Staff minutes per started referral in the middle of the sources that sent most; None while too few are known."""
    biggest = (
        select(Referral.contact_id)
        .where(*from_contacts(), Referral.received_on > today - YEAR, Referral.received_on <= today)
        .group_by(Referral.contact_id)
        .order_by(func.count(Referral.id).desc(), Referral.contact_id)
        .limit(COMPARED)
    )
    ids = [id_ for id_ in session.scalars(biggest) if id_ is not None]
    return middle(facts_of(session, ids, today=today, zone=zone).values())


def _lines(
    session: Session, kept: Mapping[int, SourceStatus | None], *, today: date, zone: ZoneInfo
) -> list[SourceLine]:
    ids = list(kept)
    cards, facts = cards_for(session, ids), facts_of(session, ids, today=today, zone=zone)
    standings = {one.contact_id: one for one in session.scalars(select(Standing).where(Standing.contact_id.in_(ids)))}
    typical = typical_minutes(session, today=today, zone=zone)
    lines = []
    for id_ in ids:
        own = kept[id_]
        lines.append(
            SourceLine(
                card=cards[id_],
                standing=standings.get(id_),
                status=WORDS[own.status if own else NEVER],
                since_on=own.since_on if own else None,
                facts=facts[id_],
                effort=judge(facts[id_], typical_minutes=typical, quiet=own is not None and own.status in QUIET),
            )
        )
    return lines


def _wanted(columns: Select[Any], status: str) -> Select[Any]:
    found = (
        columns.select_from(SourceStatus)
        .join(Contact, Contact.id == SourceStatus.contact_id)
        .join(Standing, Standing.contact_id == SourceStatus.contact_id)
        .where(Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
    )
    return found.where(SourceStatus.status == status) if status else found


def _place(after: str) -> tuple[float, int] | None:
    expected, _, last_id = after.partition(":")
    try:
        return float(expected), int(last_id[:15])
    except ValueError:
        return None
