"""What the practice offers, where, and for whose clients it is paid."""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice import service_area
from outreach.practice.models import (
    DISCIPLINES,
    PAYER_STATUSES,
    Location,
    Participation,
    Payer,
    Practice,
    Service,
)

PAYER_CLASSES = ("commercial", "medicare", "medicaid", "workers-compensation", "auto", "school", "self-pay", "other")


def add_payer(session: Session, *, name: str, payer_class: str) -> Payer | Refusal:
    """The payer is known; whether it is taken is said by `participate`. Refusals: `no-name`, `known-name`."""
    refused = _new_name(session, Payer, name)
    if refused is not None:
        return refused
    payer = Payer(name=name.strip(), payer_class=payer_class if payer_class in PAYER_CLASSES else "other")
    session.add(payer)
    session.flush()
    return payer


def participate(
    session: Session, payer: Payer, *, status: str, since_on: date, until_on: date | None
) -> Participation | Refusal:
    """From `since_on` (to the end of `until_on`, if given) the payer has this status; earlier days keep theirs.

    Refusals: `unknown-status`, `ends-before-it-begins`. Idempotent: the same first day replaces what was said of it.
    """
    if status not in PAYER_STATUSES:
        return Refusal("unknown-status", "Choose in network, out of network or pending.")
    if until_on is not None and until_on < since_on:
        return Refusal("ends-before-it-begins", "The last day lies before the first.")
    row = session.scalar(
        select(Participation).where(Participation.payer_id == payer.id, Participation.since_on == since_on)
    )
    if row is None:
        row = Participation(payer_id=payer.id, since_on=since_on)
        session.add(row)
    row.status, row.until_on = status, until_on
    session.flush()
    return row


def save_service(
    session: Session, service: Service | None, *, name: str, discipline: str, **details: Any
) -> Service | Refusal:
    """The service stands as given; None adds one. `details`: ages, summary, telehealth.

    Refusals: `no-name`, `known-name`, `unknown-discipline`.
    """
    refused = _new_name(session, Service, name, but=service)
    if refused is not None:
        return refused
    if discipline not in DISCIPLINES:
        return Refusal("unknown-discipline", "A service belongs to physical, occupational or speech therapy.")
    service = service or Service(name="", discipline=discipline)
    service.name, service.discipline = name.strip(), discipline
    for detail, value in details.items():
        setattr(service, detail, value)
    session.add(service)
    session.flush()
    return service


def retire_service(session: Session, service: Service, *, on: date | None) -> Service:
    """From `on` it is offered no more (None: it is offered again); what was logged keeps its name. Idempotent."""
    service.retired_on = on
    return service


def save_location(
    session: Session, location: Location | None, practice: Practice, *, name: str, **details: Any
) -> Location | Refusal:
    """The clinic stands as given, its distances with it; None adds one. Refusals: `no-name`.

    `details`: street, city, state, zip5, phone.
    """
    if not name.strip():
        return Refusal("no-name", "Give the location a name.")
    location = location or Location(name="")
    location.name, zip_before = name.strip(), location.zip5
    for detail, value in details.items():
        setattr(location, detail, value.strip())
    location.state = location.state or practice.state
    session.add(location)
    session.flush()
    if location.zip5 != zip_before:
        service_area.measure(session, [location])
    return location


def close_location(session: Session, location: Location, *, on: date | None) -> Location:
    """From `on` nobody is treated there (None: it is open again). Idempotent."""
    location.closed_on = on
    return location


def _new_name(session: Session, table: Any, name: str, *, but: Any = None) -> Refusal | None:
    if not name.strip():
        return Refusal("no-name", "Give it a name.")
    known = session.scalar(select(table.id).where(func.lower(table.name) == name.strip().lower()))
    if known is not None and (but is None or known != but.id):
        return Refusal("known-name", f"There is one called {name.strip()} already.")
    return None
