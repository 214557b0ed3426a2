"""The hundred and twenty contacts of the demo: invented people of every kind, at the forty places."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import consent, specialties
from outreach.contacts.entry import sort_name
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Membership, Organization
from outreach.demo.places import PLACES
from outreach.practice.models import Payer, Person

FIRST_NAMES = (
    "Priya Samuel Hana Elena Marcus Ingrid Rafael Naomi Victor Leila Tomas Grace Omar Beatrice Dmitri "
    "Carmen Felix Aisha Jonas Mei Patrick Rosa Anders Fatima Hugo Lena Isaac Noor Pablo Ruth Stefan Tara "
    "Ulrich Vera Wendell Yara Zoe Arlo Bridget Caleb Dina Edgar Fiona Gideon Helga Ivan Joyce Karim "
    "Lottie Milan Nadia Oscar Paula Quinn Ramona Silas Thea Uma Vikram Willa"
)
LAST_NAMES = (
    "Raman Okafor Castillo Marsh Lindgren Abara Fontaine Petrov Nakamura Whitfield Duarte Holloway "
    "Kessler Ibrahim Moreau Sandoval Tanaka Vance Ashby Bellamy Corrigan Delgado Everett Fairbanks "
    "Galloway Hadley Inoue Jarvis Keating Lombardi Mancini Novak Ostrander Prescott Quigley Rasmussen "
    "Sorensen Thackeray Underhill Vasquez Winslow Yates Zimmer Alvarado Brennan Calloway Draper Espinoza "
    "Foley Guthrie Hartwell"
)
SPECIALTIES = {
    "Lakeside Orthopedics": "Orthopedic surgery",
    "Mercy Neuro Group": "Neurology",
    "Westside Pediatrics": "Pediatrics",
    "Little Oaks Pediatrics": "Pediatrics",
    "Harborview Sports Medicine": "Sports medicine",
    "Dutchess Spine Center": "Spine surgery",
    "Hudson Valley Rheumatology": "Rheumatology",
    "Riverbend ENT": "Otolaryngology",
    "Beacon Pain and Rehab": "Physical medicine and rehabilitation",
    "Women's Health of Dutchess": "Obstetrics and gynecology",
    "Fishkill Hand Surgery": "Hand surgery",
    "Maple Street Internal Medicine": "Internal medicine",
}
COMMUNITY = ("senior-center", "school", "employer", "sports-club", "faith-group", "support-group")
COMMUNITY_TITLES = {
    "senior-center": "Activities director",
    "school": "School nurse",
    "employer": "Safety manager",
    "sports-club": "Head coach",
    "faith-group": "Community coordinator",
    "support-group": "Group leader",
}


@dataclass(frozen=True)
class Draft:
    """A contact before it is written down."""

    kind: str
    place: str | None
    prefix: str = ""
    credentials: str = ""
    title: str = ""
    specialty: str = ""
    discipline: str | None = None


def furnish_people(
    session: Session, places: dict[str, Organization], *, now: datetime, key: bytes, chance: Random
) -> None:
    """All contacts are there, with their places, payers, tags and permissions."""
    names = _names(chance)
    maya = session.scalars(select(Person.id).where(Person.email == "maya@cedarlane.example")).one()
    payers = list(session.scalars(select(Payer.id).order_by(Payer.id)))
    for number, draft in enumerate(_drafts()):
        first, last = next(names)
        contact = _contact(draft, first, last, places, number=number, now=now, key=key, chance=chance)
        contact.owner_id = maya
        session.add(contact)
        session.flush()
        _surroundings(session, contact, payers, now=now, chance=chance)


def _drafts() -> Iterator[Draft]:
    practices = [place for place in PLACES if place.type == "medical-practice"]
    for number, place in enumerate(practices):
        specialty = SPECIALTIES.get(place.name, "Family medicine")
        yield from (
            Draft("physician", place.name, "Dr.", title=specialty, specialty=specialty) for _ in range(3 - number % 2)
        )
        if number % 2:
            yield Draft(
                "provider", place.name, "", "NP" if number % 4 == 1 else "PA-C", "Nurse practitioner", specialty
            )
        if number < 14:
            title = "Front desk" if number % 3 else "Referral coordinator"
            yield Draft("office-staff", place.name, title=title)
        if number % 4 == 2:
            yield Draft("office", place.name, title="Front desk of the office")
    for place in PLACES:
        if place.type in COMMUNITY:
            yield Draft("community-organization", place.name, title=COMMUNITY_TITLES[place.type])
        if place.type == "therapy-practice":
            for discipline, credentials in (("OT", "OTR/L"), ("SLP", "CCC-SLP")):
                yield Draft("peer-therapist", place.name, credentials=credentials, discipline=discipline)
        if place.type in ("payer", "transport-partner"):
            yield Draft(place.type, place.name, title="Provider relations")
    yield from (Draft("former-client", None) for _ in range(16))
    yield from (Draft("client", None) for _ in range(3))
    yield from (Draft("family", None) for _ in range(3))


def _names(chance: Random) -> Iterator[tuple[str, str]]:
    # The first eight are the ones of the drawings, so that a reader of the papers feels at home.
    known = [("Priya", "Raman"), ("Samuel", "Okafor"), ("Elena", "Marsh"), ("Hana", "Castillo")]
    pairs = [
        (first, last) for first in FIRST_NAMES.split() for last in LAST_NAMES.split() if (first, last) not in known
    ]
    chance.shuffle(pairs)
    seen: set[str] = {last for _, last in known}
    yield from known
    for first, last in pairs:
        if last not in seen or len(seen) >= len(LAST_NAMES.split()):
            seen.add(last)
            yield first, last


def _contact(
    draft: Draft,
    first: str,
    last: str,
    places: dict[str, Organization],
    *,
    number: int,
    now: datetime,
    key: bytes,
    chance: Random,
) -> Contact:
    place = places.get(draft.place or "")
    domain = next((p.domain for p in PLACES if p.name == draft.place), "mail.example")
    email = f"{first[0].lower()}.{last.lower()}@{domain}" if chance.random() > 0.06 or number < 8 else None
    added = (now - timedelta(days=chance.choice((8, 25, 70, 200, 400, 600, 720, 745)))).date()
    client = draft.kind in ("client", "former-client", "family")
    return Contact(
        kind=draft.kind,
        prefix=draft.prefix,
        first_name=first,
        last_name=last,
        credentials=draft.credentials,
        sort_name=sort_name(first, last),
        organization_id=place.id if place else None,
        title=draft.title,
        specialty=draft.specialty,
        taxonomy=specialties.code_of(draft.specialty) if draft.kind == "physician" else None,
        discipline=draft.discipline,
        stark_physician=draft.kind == "physician",
        email=email,
        address_hash=consent.address_hash(key, email) if email else None,
        phone=f"(555) 01{chance.randrange(10)}-{chance.randrange(2000, 9900)}",
        street=place.street if place else f"{chance.randrange(2, 90)} {chance.choice(('Oak', 'Elm', 'Hill'))} Street",
        city=place.city if place else chance.choice(("Millbrook", "Rhinebeck", "Hyde Park")),
        state="NY",
        zip5=place.zip5 if place else "12545",
        ask_for=chance.choice(("Denise", "Carla", "Moses", "")) if draft.kind in ("physician", "provider") else "",
        best_time=chance.choice(("Mon or Thu, 12:00 to 1:00", "Tue before 9:00", "Fri after 3:00", "")),
        discharged_on=_discharge(now.date(), number, chance) if draft.kind == "former-client" else None,
        birthday_on=date(2000, chance.randrange(1, 13), chance.randrange(1, 29)) if client else None,
        deceased_on=(now - timedelta(days=90)).date() if draft.kind == "former-client" and number % 11 == 0 else None,
        source="Demo practice",
        added_on=added,
        created_at=now - timedelta(days=(now.date() - added).days),
        updated_at=now - timedelta(days=(now.date() - added).days),
    )


def _discharge(today: date, number: int, chance: Random) -> date:
    # One former client's discharge is a year ago today: Today has an anniversary to show, whatever day it is.
    return today - timedelta(days=365 if number % 7 == 0 else chance.randrange(20, 640))


def _surroundings(session: Session, contact: Contact, payers: list[int], *, now: datetime, chance: Random) -> None:
    if contact.organization_id is not None:
        session.add(Membership(contact_id=contact.id, organization_id=contact.organization_id, role=contact.title))
    if contact.kind in ("physician", "provider", "office"):
        for payer in chance.sample(payers, 3):
            session.add(ContactPayer(contact_id=contact.id, payer_id=payer))
    if contact.kind == "community-organization" and chance.random() < 0.4:
        session.add(ContactTag(contact_id=contact.id, tag="health fair"))
    if contact.audience_class == "client" and chance.random() < 0.8:
        consent.grant(
            session,
            now=now - timedelta(days=200),
            contact_id=contact.id,
            source="intake form",
            words="Yes, you may write to me about the practice.",
        )
    if contact.address_hash and chance.random() < 0.04:
        consent.suppress(
            session, now=now - timedelta(days=60), hashed=contact.address_hash, reason="unsubscribed", source="page"
        )
