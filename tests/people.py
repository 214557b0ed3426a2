"""The named cast. Cedar Lane Therapy and the people around it: everybody in the tests is one of them."""

import re
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import address_hash, grant
from outreach.contacts.models import Contact, Membership, Organization
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.practice.models import Participation, Payer, Person, Practice, Role, Service
from outreach.runtime import Runtime

STAFF = (
    ("Maya Jensen", "maya@cedarlane.example", "coordinator", "Outreach coordinator"),
    ("Olive Stone", "olive@cedarlane.example", "administrator", "Owner"),
    ("Theo Park", "theo@cedarlane.example", "clinician", "Physical therapist"),
    ("Rita Bloom", "rita@cedarlane.example", "read-only", "Billing"),
)
PLACES = (
    ("Lakeside Orthopedics", "medical-practice"),
    ("Northgate Clinic", "medical-practice"),
    ("Elm Park Senior Center", "senior-center"),
    ("Handworks OT", "therapy-practice"),
)
CONTACTS: tuple[dict[str, Any], ...] = (
    {
        "key": "raman",
        "kind": "physician",
        "prefix": "Dr.",
        "first": "Priya",
        "last": "Raman",
        "email": "p.raman@lakeside.example",
        "at": "Lakeside Orthopedics",
        "specialty": "Orthopaedic surgery",
        "npi": "1234567893",
        "stark": True,
    },
    {
        "key": "okafor",
        "kind": "physician",
        "prefix": "Dr.",
        "first": "Samuel",
        "last": "Okafor",
        "email": "s.okafor@northgate.example",
        "at": "Northgate Clinic",
        "specialty": "Family medicine",
        "stark": True,
    },
    {
        "key": "denise",
        "kind": "office-staff",
        "prefix": "",
        "first": "Denise",
        "last": "Ortiz",
        "email": "front@lakeside.example",
        "at": "Lakeside Orthopedics",
    },
    {
        "key": "greta",
        "kind": "community-organization",
        "prefix": "",
        "first": "Greta",
        "last": "Lindqvist",
        "email": "greta@elmpark.example",
        "at": "Elm Park Senior Center",
    },
    {
        "key": "tom",
        "kind": "peer-therapist",
        "prefix": "",
        "first": "Tom",
        "last": "Brandt",
        "email": "tom@handworks.example",
        "at": "Handworks OT",
    },
    {
        "key": "marisol",
        "kind": "former-client",
        "prefix": "",
        "first": "Marisol",
        "last": "Vega",
        "email": "marisol.vega@mail.example",
        "at": None,
    },
    {
        "key": "silent",
        "kind": "physician",
        "prefix": "Dr.",
        "first": "Elena",
        "last": "Marsh",
        "email": None,
        "at": "Northgate Clinic",
        "specialty": "Pediatrics",
        "stark": True,
    },
)


def furnish(session: Session, *, now: datetime, key: bytes) -> None:
    """The practice, its staff, places, payers and contacts are in the database."""
    session.add(_practice(now))
    roles = {name: Role(name=name) for name in ("administrator", "coordinator", "clinician", "read-only")}
    for name, email, role, title in STAFF:
        session.add(
            Person(
                name=name,
                email=email,
                title=title,
                created_at=now,
                fs_uniquifier=email,
                roles=[roles[role]],
                confirmed_at=now,
            )
        )
    session.add_all(
        Service(name=name, discipline=d)
        for name, d in (("Shoulder and knee", "PT"), ("Hand therapy", "OT"), ("Speech and swallowing", "SLP"))
    )
    payers = [Payer(name="Medicare", payer_class="medicare"), Payer(name="Blue Cross PPO"), Payer(name="Acme Health")]
    session.add_all(payers)
    session.flush()
    session.add_all(
        Participation(payer_id=payer.id, status="in-network", since_on=now.date().replace(year=2024))
        for payer in payers[:2]
    )
    places = {name: Organization(name=name, type=kind, created_at=now) for name, kind in PLACES}
    session.add_all(places.values())
    session.flush()
    for row in CONTACTS:
        _add_contact(session, row, places, now=now, key=key)


def _practice(now: datetime) -> Practice:
    return Practice(
        id=1,
        name="Cedar Lane Therapy",
        street="12 Cedar Lane, Suite 100",
        city="Millbrook",
        state="NY",
        zip5="12545",
        phone="(555) 014-7710",
        time_zone="America/New_York",
        sender_name="Maya at Cedar Lane Therapy",
        sender_email="maya@cedarlane.example",
        reply_to_email="maya@cedarlane.example",
        inbound_domain="in.cedarlane.example",
        public_url="https://outreach.cedarlane.example",
        created_at=now,
    )


def _add_contact(
    session: Session, row: dict[str, Any], places: dict[str, Organization], *, now: datetime, key: bytes
) -> None:
    place = places.get(row["at"] or "")
    contact = Contact(
        kind=row["kind"],
        prefix=row["prefix"],
        first_name=row["first"],
        last_name=row["last"],
        email=row["email"],
        address_hash=address_hash(key, row["email"]) if row["email"] else None,
        sort_name=f"{row['last']} {row['first']}".lower(),
        organization_id=place.id if place else None,
        specialty=row.get("specialty", ""),
        npi=row.get("npi"),
        stark_physician=row.get("stark", False),
        added_on=now.date(),
        created_at=now,
        updated_at=now,
        phone="(555) 014-2287",
    )
    session.add(contact)
    session.flush()
    if place:
        session.add(Membership(contact_id=contact.id, organization_id=place.id))
    if row["kind"] == "former-client":
        grant(session, now=now, contact_id=contact.id, source="paper form")


class Cast:
    """Ids by the name everybody uses: `cast.raman`, `cast.maya`."""

    def __init__(self, runtime: Runtime) -> None:
        with runtime.turn(write=False) as turn:
            by_name = {c.last_name.lower(): c.id for c in turn.session.scalars(select(Contact))}
            by_first = {c.first_name.lower(): c.id for c in turn.session.scalars(select(Contact))}
            staff = {p.name.split()[0].lower(): p.id for p in turn.session.scalars(select(Person))}
        self._ids = {**by_name, **by_first, "silent": by_name["marsh"], **staff}

    def __getattr__(self, name: str) -> int:
        return self._ids[name]


def sign_in(app: Flask, runtime: Runtime, email: str) -> FlaskClient:
    """A browser signed in as that person, without typing a password."""
    with runtime.turn(write=False) as turn:
        person = turn.session.scalar(select(Person).where(Person.email == email))
        assert person is not None
        uniquifier = person.fs_uniquifier
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = uniquifier
        session["_fresh"] = True
    return client


def csrf_of(page: str) -> str:
    """The CSRF token that a page carries."""
    found = re.search(r'name="csrf[-_]token"[^>]*(?:content|value)="([^"]+)"', page)
    assert found, "the page carries no CSRF token"
    return found.group(1)


def to_others(runtime: Runtime) -> list[OutgoingMessage]:
    """What left by the memory transport for anybody but our own people: they get a digest on Mondays."""
    sent = runtime.transports["memory"].sent
    return [mail for mail in sent if not mail.to_email.endswith("@cedarlane.example")]


def post(
    client: FlaskClient, path: str, data: dict[str, Any] | None = None, *, form_at: str | None = None, **more: Any
) -> Any:
    """A POST as the browser makes it: with the token of the page that the form stands on (default: the same path)."""
    page = client.get(form_at or path).get_data(as_text=True)
    return client.post(path, data={**(data or {}), "csrf_token": csrf_of(page)}, **more)
