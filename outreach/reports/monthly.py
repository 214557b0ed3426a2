"""The owner's page: one month with the change since the month before. What was spent on meals stands elsewhere."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session, aliased

from outreach.contacts.consent import Suppression
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.deliveries.models import WAS_SENT, Delivery
from outreach.deliveries.pacing import DAY_MINUTES, resolved
from outreach.deliveries.rules import PRINT
from outreach.events.models import Event
from outreach.referrals import rhythms
from outreach.referrals.models import Referral
from outreach.reports import queries
from outreach.reports.rules import Span, compared
from outreach.reports.scope import Scope
from outreach.ui import amount, rate


@dataclass(frozen=True)
class Line:
    """One number of the month, the month before, the change in words, and the list behind it where there is one."""

    label: str
    value: str
    before: str
    change: str
    tone: str = ""
    href: str = ""


def lines(session: Session, span: Span, earlier: Span, *, today: date, zone: ZoneInfo) -> list[Line]:
    """Referrals, their outcome, sources and the work done, against the `earlier` month; constant queries."""
    scope = Scope(span)
    now, before = queries.totals(session, scope), queries.totals(session, scope.over(earlier))
    return [
        _count("Referrals received", now.received, before.received, scope.link()),
        Line(
            "Became clients",
            f"{now.started} ({rate(now.started, now.received)})",
            f"{before.started} ({rate(before.started, before.received)})",
            *compared(now.started, before.started),
            scope.link(reached="started"),
        ),
        Line("Still open", amount(now.open), amount(before.open), "", "", ""),
        _count("Sources that sent somebody", now.sources, before.sources),
        _count("New sources", new_sources(session, span), new_sources(session, earlier)),
        Line(
            "Out of network",
            f"{now.out_of_network} of {now.known_payer}",
            f"{before.out_of_network} of {before.known_payer}",
            *_fewer_is_good(now.out_of_network, before.out_of_network),
            scope.link(network="out"),
        ),
        *_work(session, span, earlier, today=today, zone=zone),
    ]


def new_sources(session: Session, span: Span) -> int:
    """Contacts whose first referral ever was received in these days."""
    earlier = aliased(Referral)
    older = exists().where(
        earlier.contact_id == Referral.contact_id,
        earlier.direction == "in",
        earlier.deleted_at.is_(None),
        earlier.received_on < span.first,
    )
    found = select(func.count(func.distinct(Referral.contact_id))).where(
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        Referral.received_on.between(span.first, span.last),
        ~older,
    )
    return session.scalar(found) or 0


def _work(session: Session, span: Span, before: Span, *, today: date, zone: ZoneInfo) -> list[Line]:
    touches_now, sent_now, events_now, stops_now = _done(session, span, zone)
    touches, sent, events, stops = _done(session, before, zone)
    met = rhythms.coverage(session, ("A", "B"), on=min(span.last, today), zone=zone)
    return [
        _count("Calls, visits, notes and meetings", touches_now, touches),
        Line("Tier A and B reached in time", f"{met.reached} of {met.of_all}", "", "", "", "/today/overdue"),
        _count("Emails sent", sent_now, sent),
        _count("Events that took place", events_now, events, "/events/"),
        Line("Stopped email", amount(stops_now), amount(stops), *_fewer_is_good(stops_now, stops)),
    ]


def _done(session: Session, days: Span, zone: ZoneInfo) -> list[int]:
    start, end = resolved(days.first, 0, zone), resolved(days.last, DAY_MINUTES, zone)
    touches = select(func.count(Touch.id)).where(Touch.kind.in_(PERSONAL), Touch.at >= start, Touch.at < end)
    by_email = func.coalesce(Delivery.transport, "") != PRINT
    left = (sql(WAS_SENT), Delivery.sent_at >= start, Delivery.sent_at < end, by_email)
    sent = select(func.count(Delivery.id)).where(*left)
    held = select(func.count(Event.id)).where(
        Event.status == "took-place", Event.starts_on.between(days.first, days.last)
    )
    stops = select(func.count(Suppression.id)).where(
        Suppression.since_at >= start, Suppression.since_at < end, Suppression.reason == "unsubscribed"
    )
    return [session.scalar(one) or 0 for one in (touches, sent, held, stops)]


def _count(label: str, now: int, before: int, href: str = "") -> Line:
    return Line(label, amount(now), amount(before), *compared(now, before), href)


def _fewer_is_good(now: int, before: int) -> tuple[str, str]:
    words, tone = compared(now, before)
    return words, {"good": "bad", "bad": "good"}.get(tone, "")
