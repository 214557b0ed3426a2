"""The service catalogue: what each service is, what changed, whether it is still right, and how clients did."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice import offering
from outreach.practice.catalogue_models import FEWEST_PEOPLE, ServiceChange, ServiceOutcome
from outreach.practice.models import Service

GOOD_FOR = timedelta(days=365)
"""A text that nobody confirmed for so long is flagged (domain, S23)."""
LABELS = {
    "name": "Name",
    "ages": "Ages",
    "summary": "Description",
    "telehealth": "Video visits",
    "location_ids": "Locations",
    "payer_ids": "Payers",
    "referral_criteria": "When to refer",
}


def save(
    session: Session, service: Service | None, *, now: datetime, today: date, by_id: int | None, **typed: Any
) -> Service | Refusal:
    """The service stands as typed and is confirmed today; what changed waits to be told. None adds one.

    Refusals: those of `offering.save_service`. Saving what is there already only confirms it.
    """
    before = {name: getattr(service, name) for name in LABELS} if service else None
    saved = offering.save_service(session, service, **typed)
    if isinstance(saved, Refusal):
        return saved
    saved.confirmed_on = today
    if before is None:
        note(session, saved, "added", now=now, by_id=by_id)
    else:
        parts = [label for name, label in LABELS.items() if _said(before[name]) != _said(getattr(saved, name))]
        if parts:
            note(session, saved, "changed", now=now, by_id=by_id, parts=parts)
    return saved


def _said(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value.split() if isinstance(value, str) else value


def retire(session: Session, service: Service, *, now: datetime, on: date | None, by_id: int | None) -> Service:
    """From `on` it is offered no more (None: it is again), and that waits to be told. Idempotent."""
    if (service.retired_on is None) != (on is None):
        note(session, service, "back" if on is None else "retired", now=now, by_id=by_id)
    return offering.retire_service(session, service, on=on)


def note(
    session: Session, service: Service, what: str, *, now: datetime, by_id: int | None, parts: list[str] | None = None
) -> None:
    """The change waits to be told; further changes of the same service join one that waits."""
    waiting = session.scalar(
        select(ServiceChange).where(ServiceChange.service_id == service.id, ServiceChange.told_at.is_(None)).limit(1)
    )
    if waiting is None:
        session.add(ServiceChange(service_id=service.id, what=what, parts=parts or [], at=now, by_id=by_id))
    elif {waiting.what, what} in ({"retired", "back"}, {"added", "retired"}):
        session.delete(waiting)
    else:
        waiting.what = waiting.what if waiting.what == "added" or what == "changed" else what
        waiting.parts = list(dict.fromkeys([*waiting.parts, *(parts or [])]))
        waiting.at, waiting.by_id = now, by_id
    session.flush()


def confirm(service: Service, *, today: date) -> Service:
    """A person says that all of it is still right. Idempotent."""
    service.confirmed_on = today
    return service


def is_stale(service: Service, *, today: date) -> bool:
    """Whether nobody confirmed its text for twelve months."""
    return service.confirmed_on is None or today - service.confirmed_on > GOOD_FOR


def add_outcome(
    session: Session,
    service: Service,
    *,
    now: datetime,
    today: date,
    by_id: int | None,
    finding: str,
    source: str,
    from_on: date,
    until_on: date,
    people: int,
) -> ServiceOutcome | Refusal:
    """The figure may be shown with the service. Refusals: no-finding, no-source, bad-period, too-few-people."""
    finding, source = " ".join(finding.split())[:500], " ".join(source.split())[:500]
    if not finding:
        return Refusal("no-finding", "Say what was found, such as: 87% could climb stairs without pain.")
    if not source:
        return Refusal("no-source", "Say where the figure comes from.")
    if until_on < from_on or until_on > today:
        return Refusal("bad-period", "The period ends before it begins, or is not over yet.")
    if people < FEWEST_PEOPLE:
        text = f"A figure over fewer than {FEWEST_PEOPLE} people may point to one of them. Take a longer period."
        return Refusal("too-few-people", text)
    outcome = ServiceOutcome(
        service_id=service.id,
        finding=finding,
        source=source,
        from_on=from_on,
        until_on=until_on,
        people=people,
        entered_at=now,
        entered_by_id=by_id,
    )
    session.add(outcome)
    session.flush()
    return outcome


def outcomes_of(session: Session, service_id: int) -> list[ServiceOutcome]:
    """The figures of a service, youngest period first."""
    found = select(ServiceOutcome).where(ServiceOutcome.service_id == service_id)
    return list(session.scalars(found.order_by(ServiceOutcome.until_on.desc(), ServiceOutcome.id.desc())))


def remove_outcome(session: Session, service_id: int, outcome_id: int) -> ServiceOutcome | None:
    """The figure is gone; messages that were approved keep it. None when there is none."""
    outcome = session.get(ServiceOutcome, outcome_id)
    if outcome is None or outcome.service_id != service_id:
        return None
    session.delete(outcome)
    return outcome


def untold(session: Session, *, limit: int = 50) -> list[ServiceChange]:
    """Changes that no draft tells yet, oldest first."""
    waiting = select(ServiceChange).where(ServiceChange.told_at.is_(None))
    return list(session.scalars(waiting.order_by(ServiceChange.id).limit(limit)))
