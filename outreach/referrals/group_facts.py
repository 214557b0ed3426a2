"""What a group can ask about referrals and yield. Every fact carries the mark of yield (architecture 3)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, select, true
from sqlalchemy.orm import Session

from outreach.contacts.group_asking import among, linked_fact, named_rows, words_of
from outreach.contacts.group_rules import Choices, Fact, as_list, as_number
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.practice.models import Location, Payer, Service
from outreach.referrals.models import LapseAlert, Referral

YEAR_DAYS = 365
WITHIN = ("within-days", "not-within-days")
COUNTED = ("at-least", "at-most")
KEPT = Referral.deleted_at.is_(None)
RECEIVED = (Referral.direction == "in", KEPT)
YES_NO = words_of({"yes": "Yes", "no": "No"})


def _rows(operator: str, *where: ColumnElement[bool], seeking: bool) -> ColumnElement[bool]:
    if seeking:
        found = among(Referral.contact_id, *where)
    else:
        found = exists().where(Referral.contact_id == Contact.id, *where)
    return not_(found) if operator in ("not-within-days", "never", "is-not") else found


def _within(name: str, label: str, *where: ColumnElement[bool]) -> Fact:
    """Whether such a referral was received within so many local days."""

    def ask(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
        since = now.astimezone(zone).date() - timedelta(days=as_number(value))
        return _rows(operator, *where, Referral.received_on >= since, seeking=seeking)

    return _either_way(name, label, WITHIN, ask)


def _counted(name: str, label: str, *where: ColumnElement[bool]) -> Fact:
    """How many such referrals were received in the last twelve months."""

    def more_than(count: int, since: Any, seeking: bool) -> ColumnElement[bool]:
        rows: Select[Any] = select(Referral.contact_id).where(*where, Referral.received_on >= since)
        if seeking:
            rows = rows.where(Referral.contact_id.is_not(None)).group_by(Referral.contact_id)
            return Contact.id.in_(rows.having(func.count() > count))
        mine = select(func.count()).where(Referral.contact_id == Contact.id, *where, Referral.received_on >= since)
        return mine.scalar_subquery() > count

    def ask(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
        since, count = now.astimezone(zone).date() - timedelta(days=YEAR_DAYS), as_number(value)
        if operator == "at-most":
            return not_(more_than(count, since, seeking))
        return more_than(count - 1, since, seeking) if count else true()

    return _either_way(name, label, COUNTED, ask)


def _either_way(
    name: str,
    label: str,
    operators: tuple[str, ...],
    ask: Callable[[str, Any, datetime, ZoneInfo, bool], ColumnElement[bool]],
    choose: Callable[[Session], Choices] | None = None,
) -> Fact:
    return Fact(
        name,
        label,
        operators,
        lambda operator, value, now, zone: ask(operator, value, now, zone, False),
        choose or (lambda _session: ()),
        from_yield=True,
        seek=lambda operator, value, now, zone: ask(operator, value, now, zone, True),
    )


def _first(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
    since = now.astimezone(zone).date() - timedelta(days=as_number(value))
    recent = _rows("is", *RECEIVED, Referral.received_on >= since, seeking=seeking)
    return and_(recent, not_(_rows("is", *RECEIVED, Referral.received_on < since, seeking=False)))


def _ever(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
    return _rows("is" if as_list(value)[0] == "yes" else "never", *RECEIVED, seeking=seeking)


def _tier(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
    there = Standing.tier.in_(as_list(value))
    if seeking:
        return among(Standing.contact_id, there)
    return exists().where(Standing.contact_id == Contact.id, there)


def _lapsing(operator: str, value: Any, now: datetime, zone: ZoneInfo, seeking: bool) -> ColumnElement[bool]:
    open_ = LapseAlert.ended_on.is_(None)
    asked = exists().where(LapseAlert.contact_id == Contact.id, open_)
    found = among(LapseAlert.contact_id, open_) if seeking else asked
    return found if as_list(value)[0] == "yes" else not_(found)


_TIERS = words_of({"A": "A", "B": "B", "C": "C"})
REFERRAL_FACTS = (
    _within("referred", "Referred a client", *RECEIVED),
    _either_way("first-referred", "Sent their first client ever", ("within-days",), _first),
    _either_way("ever-referred", "Has ever referred", ("is",), _ever, YES_NO),
    _counted("referrals-in-a-year", "Referrals in the last 12 months", *RECEIVED),
    _counted(
        "started-in-a-year", "Referrals in 12 months that became clients", *RECEIVED, Referral.started_on.is_not(None)
    ),
    _within(
        "lost-out-of-network",
        "A client was lost as out of network",
        *RECEIVED,
        Referral.close_reason == "out-of-network",
    ),
    _within("referred-to", "We referred a client to them", Referral.direction == "out", KEPT),
    linked_fact(
        "referred-payer",
        "Referred a client with the payer",
        Referral.contact_id,
        Referral.payer_id,
        named_rows(Payer.id, Payer.name),
        *RECEIVED,
        from_yield=True,
    ),
    linked_fact(
        "referred-service",
        "Referred a client for the service",
        Referral.contact_id,
        Referral.service_id,
        named_rows(Service.id, Service.name),
        *RECEIVED,
        from_yield=True,
    ),
    linked_fact(
        "referred-location",
        "Referred a client to the location",
        Referral.contact_id,
        Referral.location_id,
        named_rows(Location.id, Location.name),
        *RECEIVED,
        from_yield=True,
    ),
    _either_way("tier", "Yield tier", ("is",), _tier, _TIERS),
    _either_way("lapsing", "Lapsing (unusually quiet)", ("is",), _lapsing, YES_NO),
)
