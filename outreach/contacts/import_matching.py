"""Who a row is: the contacts and organizations of a whole batch are looked up together, then each row is decided."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Integer, RowMapping, String, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from outreach.contacts.entry import sort_name
from outreach.contacts.imported import ImportedRow
from outreach.contacts.models import Contact, Organization

FILLED = (
    "prefix",
    "first_name",
    "last_name",
    "credentials",
    "title",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "zip5",
    "npi",
    "taxonomy",
    "specialty",
    "birthday_on",
    "organization_id",
)
"""What an import can fill in or change on a contact that is there already. Its kind is never changed."""
PLACE_FILLED = ("npi", "street", "city", "state", "zip5", "phone")
NEVER_REPLACED = ("email", "npi", "organization_id", "birthday_on")
"""Kept as they are even when the file says something else: another address or job may be the newer one."""

_CONTACT_COLUMNS = (
    Contact.id,
    Contact.version,
    Contact.address_hash,
    Contact.sort_name,
    *(getattr(Contact, name) for name in FILLED),
)
_PLACE_COLUMNS = (Organization.id, Organization.name, *(getattr(Organization, name) for name in PLACE_FILLED))

Found = RowMapping | dict[str, Any]


@dataclass(slots=True)
class Person:
    """A row that stands for a person, with what identifies it."""

    row: ImportedRow
    hashed: str | None
    first_name: str = ""
    last_name: str = ""
    sort_name: str = ""

    @classmethod
    def of(cls, row: ImportedRow, hashed: str | None) -> "Person":
        """The names folded into our two: middle names stand with the first, "Jr." with the last."""
        first, last = row.first_name, row.last_name
        if row.middle_name:
            first = f"{first} {row.middle_name}".strip()[:200]
        if row.suffix:
            last = f"{last} {row.suffix}".strip()[:200]
        return cls(row, hashed, first, last, sort_name(first, last) or row.email.lower()[:400])

    @property
    def named(self) -> bool:
        """Whether there is a name to find them by."""
        return bool(self.first_name or self.last_name)

    @property
    def identity(self) -> int:
        """The strongest thing that tells this person from others, as a number: equal for the same person."""
        row = self.row
        return hash(row.npi or self.hashed or (self.sort_name, row.zip5 or row.phone_e164 or row.organization))


def _same_person(contact: Found, row: ImportedRow, organization_id: int | None) -> bool:
    """Whether a namesake is the person of a row without a ZIP: same phone, same place, or nothing to tell."""
    if row.phone:
        return _digits(contact["phone"]) == _digits(row.phone)
    if row.organization:
        return organization_id is not None and contact["organization_id"] == organization_id
    return not (row.npi or row.email or contact["zip5"] or contact["phone"])


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))[-10:]


@dataclass
class Book:
    """The contacts and organizations that the rows of one batch may be."""

    by_npi: dict[str, Found] = field(default_factory=dict)
    by_hash: dict[str, Found] = field(default_factory=dict)
    by_name: dict[str, list[Found]] = field(default_factory=dict)
    by_name_and_zip: dict[tuple[str, str], Found] = field(default_factory=dict)
    by_id: dict[int, Found] = field(default_factory=dict)
    """The contacts that were in the database before this batch."""
    places: dict[str, list[Found]] = field(default_factory=dict)
    places_by_npi: dict[str, Found] = field(default_factory=dict)

    def find(self, person: Person) -> Found | None:
        """The contact this person is: by NPI, then address, then name and place. Two different NPIs are two people."""
        row = person.row
        if row.npi and row.npi in self.by_npi:
            return self.by_npi[row.npi]
        alike = self.by_hash.get(person.hashed) if person.hashed else None
        if alike is None and person.named:
            alike = self._namesake(person)
        if alike is not None and row.npi and alike["npi"] and alike["npi"] != row.npi:
            return None
        return alike

    def _namesake(self, person: Person) -> Found | None:
        row = person.row
        if row.zip5:
            return self.by_name_and_zip.get((person.sort_name, row.zip5))
        namesakes = self.by_name.get(person.sort_name)
        if not namesakes:
            return None
        place = self.find_place(row) if row.organization else None
        place_id = place.get("id", id(place)) if place else None
        return next((one for one in namesakes if _same_person(one, row, place_id)), None)

    def doubtful(self, person: Person) -> Found | None:
        """Somebody of the same name whom nothing else tells apart for certain: a person has to say who it is."""
        namesakes = self.by_name.get(person.sort_name, ()) if person.named else ()
        npi = person.row.npi
        return next((one for one in namesakes if not (npi and one["npi"]) and one.get("id")), None)

    def add(self, contact: Found) -> None:
        """The contact of the database is found from now on; the first of several that look the same stays."""
        if contact["id"] not in self.by_id:
            self.by_id[contact["id"]] = contact
            self.add_as(contact, contact["npi"], contact["address_hash"], contact["sort_name"], contact["zip5"])

    def add_as(self, contact: Found, npi: str | None, hashed: str | None, name: str, zip5: str) -> None:
        """The contact is found by these from now on."""
        if npi:
            self.by_npi.setdefault(npi, contact)
        if hashed:
            self.by_hash.setdefault(hashed, contact)
        if zip5:
            self.by_name_and_zip.setdefault((name, zip5), contact)
        self.by_name.setdefault(name, []).append(contact)

    def find_place(self, row: ImportedRow) -> Found | None:
        """The organization of that NPI, or of that name in the same ZIP (or where one of the two has none)."""
        named = self.places.get(row.organization.lower(), ())
        if row.kind != "organization":
            return named[0] if named else None
        own_npi, zip5 = row.npi, row.zip5
        if own_npi and own_npi in self.places_by_npi:
            return self.places_by_npi[own_npi]
        for place in named:
            same_zip = not zip5 or not place["zip5"] or place["zip5"] == zip5
            if same_zip and not (own_npi and place["npi"]):
                return place
        return None

    def add_place(self, place: Found) -> None:
        """The organization is found from now on."""
        self.places.setdefault(place["name"].lower(), []).append(place)
        if place["npi"]:
            self.places_by_npi[place["npi"]] = place


def look_up(session: Session, people: Sequence[Person], rows: Sequence[ImportedRow], *, to_write: bool = False) -> Book:
    """Everything that the people and the organizations of `rows` may be, in five queries whatever their number.

    `to_write` keeps what was found as it is until the turn ends: whoever edits it by hand meanwhile waits, or was seen.
    """
    book = Book()
    found = select(*_CONTACT_COLUMNS).where(Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
    if to_write:
        found = found.with_for_update()

    def ask(column: Any, values: set[str]) -> None:
        if values:
            for contact in session.execute(found.where(among(session, column, values)).order_by(Contact.id)).mappings():
                book.add(contact)

    ask(Contact.npi, {person.row.npi for person in people if person.row.npi})
    ask(Contact.address_hash, {person.hashed for person in people if person.hashed})
    unknown = (person for person in people if person.hashed not in book.by_hash and person.row.npi not in book.by_npi)
    ask(Contact.sort_name, {person.sort_name for person in unknown if person.named})
    _look_up_places(session, book, [row for row in rows if row.organization], to_write=to_write)
    return book


def among(session: Session, column: Any, values: Collection[str | int]) -> ColumnElement[bool]:
    """Whether the column is one of many thousand values: as one parameter, not as so many."""
    if session.get_bind().dialect.name == "postgresql":
        kind = column.type if isinstance(column.type, Integer) else String()
        return column == any_(literal(list(values), ARRAY(kind)))  # type: ignore[no-any-return]
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))  # type: ignore[no-any-return]


def _look_up_places(session: Session, book: Book, rows: Sequence[ImportedRow], *, to_write: bool) -> None:
    # SQLite's lower() knows ASCII only, PostgreSQL's knows all letters: ask for both spellings.
    said = {row.organization for row in rows}
    names = {name.lower() for name in said} | {
        "".join(c.lower() if c.isascii() else c for c in name) for name in said if not name.isascii()
    }
    numbers = {row.npi for row in rows if row.npi and row.kind == "organization"}
    known: set[int] = set()
    live = select(*_PLACE_COLUMNS).where(Organization.deleted_at.is_(None)).order_by(Organization.id)
    if to_write:
        live = live.with_for_update()
    for column, wanted in ((Organization.npi, numbers), (func.lower(Organization.name), names)):
        if wanted:
            for place in session.execute(live.where(among(session, column, wanted))).mappings():
                if place["id"] not in known:
                    known.add(place["id"])
                    book.add_place(place)


def contact_values(person: Person, organization_id: int | None) -> dict[str, Any]:
    """The columns of FILLED that the row says something about."""
    row = person.row
    said: dict[str, Any] = {
        "prefix": row.prefix,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "credentials": row.credentials,
        "title": row.title,
        "email": row.email,
        "phone": row.phone,
        "street": row.street,
        "city": row.city,
        "state": row.state,
        "zip5": row.zip5,
        "npi": row.npi,
        "taxonomy": row.taxonomy,
        "specialty": row.specialty,
        "birthday_on": row.birthday_on,
        "organization_id": organization_id,
    }
    return {name: value for name, value in said.items() if value}


def place_values(row: ImportedRow) -> dict[str, Any]:
    """The columns of PLACE_FILLED that an organization's own row says something about."""
    return {name: getattr(row, name) for name in PLACE_FILLED if getattr(row, name)}


def differing(found: Found, said: dict[str, Any], policy: str) -> dict[str, list[Any]]:
    """What would change, as column -> [before, after]: empty cells are filled, others replaced when told to."""
    changes = {}
    for name, value in said.items():
        before = found[name]
        if before in (None, "") or (policy == "update" and before != value and name not in NEVER_REPLACED):
            changes[name] = [before, value]
    return changes if policy != "skip" else {}
