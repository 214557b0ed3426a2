"""A book of any number of contacts, with everything that rules can ask about them, and its search lines."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from outreach.contacts import searching
from outreach.contacts.consent import Consent, Suppression
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Organization
from outreach.contacts.search_models import note_everybody
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import Touch
from outreach.db import make_engine
from outreach.practice.models import Payer, Person
from outreach.referrals.models import LapseAlert, Referral
from outreach.schema import load_all

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 10_000
KINDS = (*("physician",) * 6, "office-staff", "former-client", "community-organization", "peer-therapist")
Row = dict[str, Any] | None


def build(path: Path, many: int) -> Path:
    """The book stands in a SQLite file, every line of its search written."""
    engine = make_engine(f"sqlite:///{path}")
    load_all().metadata.create_all(engine)
    places = max(10, many // 20)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER contact_unsearched_added")
        _fill(connection, Person, 1, _owner)
        _fill(connection, Payer, 12, lambda i: {"id": i, "name": f"Payer {i}"})
        _fill(connection, Organization, places, _place)
        _fill(connection, Contact, many, lambda i: _contact(i, places))
        for table, row in OF_CONTACTS:
            _fill(connection, table, many, row)
        note_everybody(connection)
    handled = 1
    while handled:
        with Session(engine) as session:
            handled = searching.keep(session, limit=2 * CHUNK)
            session.commit()
    engine.dispose()
    return path


def _fill(connection: Connection, model: Any, many: int, row: Callable[[int], Row]) -> None:
    for start in range(1, many + 1, CHUNK):
        rows = [one for i in range(start, min(start + CHUNK, many + 1)) if (one := row(i)) is not None]
        if rows:
            connection.execute(insert(model.__table__), rows)


def _owner(i: int) -> Row:
    return {"id": i, "name": "Maya", "email": "maya@cedarlane.example", "fs_uniquifier": "maya", "created_at": THEN}


def _place(i: int) -> Row:
    name = f"Practice {i} of the Valley"
    return {"id": i, "name": name, "type": "medical-practice", "city": f"Town {i % 300}", "created_at": THEN}


def _contact(i: int, places: int) -> Row:
    first, last = f"First{i % 997}", f"Last{i % 9973}"
    return {
        "id": i,
        "kind": "transport-partner" if i % 1000 == 9 else KINDS[i % 10],
        "prefix": "Dr.",
        "first_name": first,
        "last_name": last,
        "sort_name": f"{last} {first}".lower(),
        "organization_id": None if i % 10 == 7 else 1 + i % places,
        "email": None if i % 20 == 3 else f"person{i}@office{i % 997}.example",
        "address_hash": None if i % 20 == 3 else f"h{i}",
        "phone": f"(555) 01{i % 10}-{i % 10_000:04}",
        "city": f"Town {i % 300}",
        "state": "NY",
        "zip5": f"{10_000 + i % 900:05}",
        "npi": f"1{i:09}" if i % 10 < 6 else None,
        "specialty": f"Specialty {i % 40}",
        "owner_id": 1 if i % 50 == 4 else None,
        "added_on": (NOW - timedelta(days=i % 2000)).date(),
        "deceased_on": THEN.date() if i % 500 == 1 else None,
        "recovery_hold_at": THEN if i % 1000 == 2 else None,
        "created_at": THEN,
        "updated_at": THEN,
    }


def _standing(i: int) -> Row:
    if i % 2:
        return None
    tier = "A" if i % 100 >= 80 else "B" if i % 100 >= 50 else "C"
    more = {"rank_pct": i % 100, "tier": tier, "evidence": "full", "as_of_on": NOW.date()}
    return {"contact_id": i, "expected_90": (i % 9700) / 5000, **more}


def _tag(i: int) -> Row:
    return None if i % 4 else {"contact_id": i, "tag": f"tag{i % 200}"}


def _payer(i: int) -> Row:
    return None if i % 3 else {"contact_id": i, "payer_id": 1 + i % 12}


def _consent(i: int) -> Row:
    if i % 4 != 3:
        return None
    topic = "newsletter" if i % 3 else "all"
    return {"contact_id": i, "topic": topic, "granted": i % 11 != 0, "at": THEN, "source": "form", "words": ""}


def _suppression(i: int) -> Row:
    if i % 40 != 5:
        return None
    reason = "unsubscribed" if i % 3 else "bounced"
    return {"address_hash": f"h{i}", "topic": "all", "reason": reason, "source": "page", "since_at": THEN}


def _touch(i: int) -> Row:
    kind = ("call", "emailed", "visit")[i % 3]
    return {"contact_id": i, "kind": kind, "at": NOW - timedelta(days=i % 1500, hours=1), "text": "x"}


def _referral(i: int) -> Row:
    if i % 3:
        return None
    received = (NOW - timedelta(days=i % 1500)).date()
    return {"contact_id": i, "discipline": "PT", "received_on": received, "created_at": THEN}


def _lapse(i: int) -> Row:
    if i % 2000:
        return None
    day = THEN.date()
    return {"contact_id": i, "last_on": day, "raised_on": day, "usual_gap_days": 30.0, "p_active": 0.1}


OF_CONTACTS: tuple[tuple[Any, Callable[[int], Row]], ...] = (
    (Standing, _standing),
    (ContactTag, _tag),
    (ContactPayer, _payer),
    (Consent, _consent),
    (Suppression, _suppression),
    (Touch, _touch),
    (Referral, _referral),
    (LapseAlert, _lapse),
)
