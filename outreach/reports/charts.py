"""Shapes the numbers of analytics for the kit's strips, charts and bars; every cell knows the list behind it."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.deliveries.pacing import DAY_MINUTES, resolved
from outreach.referrals.rules import STAGE_LABELS
from outreach.reports import queries
from outreach.reports.lift import CampaignLift
from outreach.reports.queries import FUNNEL, SERIES, Quiet, Totals
from outreach.reports.rules import Span, compared, points
from outreach.reports.scope import Scope
from outreach.ui import amount, count, rate

Items = list[dict[str, Any]]
TONES = {"provider": "pine", "organization": "iris", "client": "gold", "peer": "sky", "other": "plain"}
MOST_PAYERS = 8
PER_PEOPLE = 10
LINE_WIDTH = 150.0


def kpis(session: Session, scope: Scope, *, now: Totals, before: Totals, quiet: Sequence[Quiet], sources: str) -> Items:
    """The strip of five: each with its change and its list."""
    more, tone = compared(now.received, before.received)
    moved, moved_tone = points(now.started, now.received, before.started, before.received)
    return [
        {"label": "Referrals", "value": amount(now.received), "note": more, "trend": tone, "href": scope.link()},
        {
            "label": "Became clients",
            "value": rate(now.started, now.received),
            "note": moved,
            "trend": moved_tone,
            "href": scope.link(reached="started"),
        },
        _days_kpi(session, scope),
        _active_kpi(session, scope, sources),
        {
            "label": "Lapsing now",
            "value": amount(len(quiet)),
            "note": _worth(quiet),
            "alert": bool(quiet),
            "href": "#lapsing",
        },
    ]


def _days_kpi(session: Session, scope: Scope) -> dict[str, Any]:
    days, before = queries.days_to_evaluation(session, scope), queries.days_to_evaluation(session, scope.before)
    note, tone = "", ""
    if days is not None and before is not None and days != before:
        note = f"{abs(days - before):g} {'faster' if days < before else 'slower'}"
        tone = "good" if days < before else "bad"
    return {
        "label": "Days to first visit",
        "value": f"{days:g}" if days is not None else "–",
        "note": note or "the middle one of all",
        "trend": tone,
        "href": scope.link(reached="evaluated"),
    }


def _active_kpi(session: Session, scope: Scope, sources: str) -> dict[str, Any]:
    now, before = queries.active_referrers(session, scope), queries.active_referrers(session, scope.before)
    gap = now - before
    return {
        "label": "Active referrers",
        "value": amount(now),
        "note": f"{abs(gap)} {'more' if gap > 0 else 'fewer'}" if gap else "as before",
        "trend": "good" if gap > 0 else "bad" if gap < 0 else "",
        "href": sources + ("&" if "?" in sources else "?") + "active=1",
    }


def _worth(quiet: Sequence[Quiet]) -> str:
    a_year = sum(one.a_year for one in quiet)
    return f"worth about {a_year:.0f} referrals a year" if a_year >= 1 else "nobody is unusually quiet"


def months_chart(scope: Scope, months: list[tuple[Span, dict[str, int]]], *, lifted: list[tuple[Span, str]]) -> Any:
    """Stacked columns by month and sort of source, with the campaigns that started; the finding in words."""
    shown = [group for group in SERIES if any(numbers[group] for _, numbers in months)] or ["provider"]
    rows = []
    for span, numbers in months:
        here = scope.over(span)
        cells = [
            {"value": numbers[group], "href": here.link(**{"class": group}) if numbers[group] else None}
            for group in shown
        ]
        rows.append([{"value": _month_word(span, months), "href": here.link()}, *cells])
    marks = [(_month_word(part, months), name) for part, name in lifted for one, _ in months if one == part]
    sums = {group: sum(numbers[group] for _, numbers in months) for group in shown}
    total = sum(sums.values())
    most = max(shown, key=lambda group: sums[group])
    finding = f"{SERIES[most]} sent the most: {rate(sums[most], total)}." if total else "No referrals in this time."
    tones = [TONES[group] for group in shown]
    return {"heads": ["Month", *(SERIES[g] for g in shown)], "rows": rows, "marks": marks, "finding": finding,
            "tones": tones}  # fmt: skip


def starts(session: Session, span: Span, *, zone: ZoneInfo) -> list[tuple[Span, str]]:
    """The campaigns that were first published in the span, by the month they began."""
    begin, end = resolved(span.first, 0, zone), resolved(span.last, DAY_MINUTES, zone)
    rows = session.execute(
        select(Campaign.name, Campaign.published_at)
        .where(Campaign.published_at >= begin, Campaign.published_at < end, Campaign.deleted_at.is_(None))
        .order_by(Campaign.published_at)
        .limit(4)
    )
    months = queries.months_in(span)
    return [
        (part, f"{name} on")
        for name, at in rows
        if at is not None
        for part in months
        if part.first <= at.astimezone(zone).date() <= part.last
    ]


def _month_word(span: Span, months: list[tuple[Span, dict[str, int]]]) -> str:
    # A year that starts inside a month shows that month twice: the years tell them apart.
    twice = sum(one.first.month == span.first.month for one, _ in months) > 1
    return f"{span.first:%b %y}" if twice else f"{span.first:%b}"


def funnel(scope: Scope, totals: Totals) -> Items:
    """How many got to each stage, with the share of the stage before."""
    items = []
    before = 0
    for stage in FUNNEL:
        number = totals.reached[stage]
        item: dict[str, Any] = {"label": STAGE_LABELS[stage], "value": number, "href": scope.link(reached=stage)}
        if stage != FUNNEL[0]:
            item["note"] = rate(number, before) if before else ""
        items.append(item)
        before = number
    return items


def payers_chart(scope: Scope, mix: list[tuple[int | None, str, int, int]]) -> Any:
    """In and out of network by payer; what is beyond the first eight stands together."""
    rows = []
    for payer_id, name, inside, outside in mix[:MOST_PAYERS]:
        which = {"payer": payer_id} if payer_id else {"known": "no"}
        rows.append(
            [
                {"value": name, "href": scope.link(**which)},
                {"value": inside, "href": scope.link(network="in", **which) if inside else None},
                {"value": outside, "href": scope.link(network="out", **which) if outside else None},
            ]
        )
    rest = mix[MOST_PAYERS:]
    if rest:
        rows.append([{"value": "Other plans"}, {"value": sum(r[2] for r in rest)}, {"value": sum(r[3] for r in rest)}])
    known = [row for row in mix if row[0] is not None]
    out, of_all = sum(row[3] for row in known), sum(row[2] + row[3] for row in known)
    finding = f"Out of network: {out} of {count(of_all, 'referral')} with a known payer." if of_all else "No payer yet."
    return {"heads": ["Payer", "In network", "Out"], "rows": rows, "finding": finding}


def reasons(scope: Scope, found: list[tuple[str, int]], parameter: str) -> Items:
    """Closed referrals by word, each with its list."""
    return [
        {
            "label": word.replace("-", " ").capitalize(),
            "value": number,
            "href": scope.link(stage="closed", **{parameter: word}),
            "tone": "plain",
        }
        for word, number in found
    ]


def lift_lines(lifted: Sequence[CampaignLift]) -> dict[int, dict[str, float]]:
    """Where the range of each campaign stands on one scale of 150 units: extra referrals per ten people."""
    ranges = {
        one.campaign_id: [PER_PEOPLE * part / one.uplift.people for part in one.uplift.extra]
        for one in lifted
        if one.uplift.extra is not None and one.uplift.people
    }
    low = min([0.0, *(part for three in ranges.values() for part in three)])
    high = max([0.0, *(part for three in ranges.values() for part in three)])
    scale = (LINE_WIDTH - 12) / ((high - low) or 1.0)

    def at(value: float) -> float:
        return round(6 + (value - low) * scale, 1)

    return {
        key: {"zero": at(0.0), "middle": at(middle), "low": at(first), "high": at(last), "value": middle}
        for key, (middle, first, last) in ranges.items()
    }
