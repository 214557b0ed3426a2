"""The yield of one contact as its profile explains it: the number, its parts, the change and its cause, plain facts."""

import math
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.referrals.duties.thanking import Sources, waiting_for_thanks
from outreach.referrals.judging.gathering import SourceFacts, facts_of
from outreach.referrals.judging.settings import settings_of
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.judging.status_words import NEVER, WORDS, StatusWords
from outreach.referrals.lapse_alerts import Alert
from outreach.referrals.models import LapseAlert, Referral, ScoringRun, YieldScore
from outreach.referrals.queries import got_to
from outreach.referrals.scoring import row_of
from outreach.referrals.yield_explained import amount, explain, explain_alert, said_change
from outreach.referrals.yield_params import KIND_CODE, KINDS, YieldKind
from outreach.referrals.yield_table import YieldRow

TIMES_TYPICAL = 4
"""The bar of a rate is full at four times what similar contacts send."""
DEFAULT_SHARE = 0.05


@dataclass(frozen=True)
class YieldView:
    """A contact's yield as the profile explains it: the number, its parts, its rank, in words."""

    contact_id: int
    row: YieldRow
    standing: Standing
    sentence: str
    number: str
    headline: str
    value_text: str
    parts: list[dict[str, object]]
    rank_text: str
    change_text: str
    alert_text: str
    status: StatusWords
    status_since_on: date | None
    next_step: str
    facts: list[tuple[str, str]]
    entry_dates_unsure: bool


def yield_view(
    session: Session, contact: Contact, *, now: datetime, zone: ZoneInfo, thanks_sources: Sources = ()
) -> YieldView | None:
    """What the profile shows of a contact's yield, or None when it was never scored."""
    today = now.astimezone(zone).date()
    standing, row = session.get(Standing, contact.id), row_of(session, contact.id)
    if standing is None or row is None:
        return None
    run = session.scalars(select(ScoringRun).order_by(ScoringRun.id.desc()).limit(1)).one()
    status = session.get(SourceStatus, contact.id)
    facts = facts_of(session, [contact.id], today=today, zone=zone)[contact.id]
    meaning = WORDS[status.status if status else NEVER]
    unthanked, last_on = waiting_for_thanks(session, contact.id, today=today, sources=thanks_sources)
    return YieldView(
        contact_id=contact.id,
        row=row,
        standing=standing,
        sentence=explain(row, name=contact.name),
        number=amount(row.expected_started),
        headline=_headline(row),
        value_text=_value_text(row, settings_of(session).value_of),
        parts=_parts(row),
        rank_text=_rank_text(standing, run.means.get("sizes", {}).get(row.kind, 0), KINDS[KIND_CODE[row.kind]]),
        change_text=_change_text(session, contact.id, row, zone=zone),
        alert_text=_alert_text(session, contact, row, today=today),
        status=meaning,
        next_step=_thank(unthanked, last_on) if last_on else meaning.next_step,
        status_since_on=status.since_on if status else None,
        facts=beside(facts),
        entry_dates_unsure=run.entry_dates_unsure,
    )


def _thank(number: int, last_on: date) -> str:
    if number > 1:
        return f"Thank them for the last {number} referrals: nobody has yet."
    return f"Thank them for the referral of {last_on:%B} {last_on.day}: nobody has yet."


def beside(facts: SourceFacts) -> list[tuple[str, str]]:
    """The counts that stand beside the yield, each as "n of m" where it is a share; empty ones are left out."""
    if not facts.received:
        return []
    said = [
        ("Last 90 days", _count(facts.quarter, "referral")),
        ("Last 12 months", _count(facts.year, "referral")),
        ("Completed plans", f"{facts.completed} of {facts.started} started" if facts.started else ""),
        ("In network", f"{facts.in_network} of {facts.known_payer} with a known payer" if facts.known_payer else ""),
        ("Did not show", f"{facts.missed} of {facts.received}"),
    ]
    return [(label, text) for label, text in said if text]


def _headline(row: YieldRow) -> str:
    expected, started = amount(row.expected_referrals), amount(row.expected_started)
    span = f"in the next {row.horizon_days} days ({row.lo80} to {row.hi80})"
    return f"About {started} referrals that start care {span}, of {expected} expected"


def _value_text(row: YieldRow, value_of: str) -> str:
    if row.expected_value is None or value_of == "nothing" or row.expected_started <= 0:
        return ""
    each = row.expected_value / row.expected_started
    if value_of == "dollars":
        return f"Worth about ${row.expected_value:,.0f}: {amount(row.expected_started)} × ${each:,.0f} each."
    return f"About {row.expected_value:,.1f} visits: {amount(row.expected_started)} × {each:,.1f} visits each."


def _parts(row: YieldRow) -> list[dict[str, object]]:
    rate, chance, share = row.parts
    own = f"{abs(row.own_weight):.0%} their own record"  # none at all comes as -0.0
    count = (
        "no referral yet" if row.referral_count == 0 else f"{row.referral_count} so far, recent ones count more; {own}"
    )
    if row.evidence == "prior only":
        count = "typical for contacts of this kind; not your own data yet"
    silent = "not shown with fewer than two referrals"
    if row.p_active is not None and row.last_on is not None:
        silent = "last referral today" if row.gap_days == 0 else f"last referral {_count(row.gap_days, 'day')} ago"
    finished = (
        f"{row.started_count} of {row.finished_count} finished referrals did"
        if row.finished_count
        else "none finished yet"
    )
    full = max(TIMES_TYPICAL * row.typical_rate_90, row.rate_90) or 1.0
    return [
        {"label": "Rate while active", "fact": count, "value": row.rate_90 / full, "text": amount(rate)},
        {"label": "Chance still active", "fact": silent, "value": chance, "text": f"{chance:.0%}"},
        {"label": "Share that starts care", "fact": finished, "value": share, "text": f"{share:.0%}"},
    ]


def _rank_text(standing: Standing, of_kind: int, kind: YieldKind) -> str:
    if not of_kind or standing.evidence == "prior only":
        return ""
    # The percentile of a place is its middle: the best of ten stands at 95.
    place = min(max(math.ceil(of_kind * (1 - standing.rank_pct / 100) - 1e-6), 1), of_kind)
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending} of {of_kind:,} {kind.plural if of_kind > 1 else kind.singular}"


def _change_text(session: Session, contact_id: int, row: YieldRow, *, zone: ZoneInfo) -> str:
    score = session.get(YieldScore, contact_id)
    if score is None or score.week_ago is None:
        return ""
    up = score.expected_started > score.week_ago
    because = _cause(session, contact_id, row, since=score.week_started_on, zone=zone, up=up)
    changed = said_change(score.week_ago, score.expected_started, since="last week", because=because)
    return changed or "Unchanged since last week."


def _cause(session: Session, contact_id: int, row: YieldRow, *, since: date, zone: ZoneInfo, up: bool) -> str:
    """What happened this week that moves a yield that way; without any, it was the others or the days that passed."""
    new, last_on, started, lost = session.execute(_this_week(contact_id, since, zone)).one()
    if up and new:
        on = f"{last_on:%B} {last_on.day}"
        return f"1 new referral on {on}" if new == 1 else f"{new} new referrals, the last on {on}"
    if up and started:
        return f"{_count(started, 'referral')} that started care"
    if not up and lost:
        return f"{_count(lost, 'referral')} that closed without starting care"
    quiet = min(row.gap_days, (row.as_of - since).days + 1)
    if not up and not new and quiet:
        return f"{_count(quiet, 'more quiet day')}"
    return "what similar contacts sent"


def _this_week(contact_id: int, since: date, zone: ZoneInfo) -> Any:
    # A referral entered this week may have come before: it is new to the yield all the same.
    new = or_(Referral.received_on >= since, Referral.created_at >= datetime.combine(since, time(), zone))
    begun = Referral.started_on >= since
    closed = and_(Referral.closed_on >= since, ~got_to("started"))
    return select(
        func.coalesce(func.sum(case((new, 1), else_=0)), 0),
        func.max(case((new, Referral.received_on))),
        func.coalesce(func.sum(case((begun, 1), else_=0)), 0),
        func.coalesce(func.sum(case((closed, 1), else_=0)), 0),
    ).where(Referral.contact_id == contact_id, Referral.direction == "in", Referral.deleted_at.is_(None))


def _alert_text(session: Session, contact: Contact, row: YieldRow, *, today: date) -> str:
    alert = session.scalar(
        select(LapseAlert).where(LapseAlert.contact_id == contact.id, LapseAlert.ended_on.is_(None)).limit(1)
    )
    if alert is None:
        return ""
    share = alert.share or DEFAULT_SHARE
    silence = Alert(
        id=contact.id,
        last_on=alert.last_on,
        gap_days=(today - alert.last_on).days,
        usual_gap_days=alert.usual_gap_days,
        surprise=row.surprise,
        p_active=alert.p_active,
        threshold=share,
        past_silences=0,
    )
    return explain_alert(silence, name=contact.name, alpha=share)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
