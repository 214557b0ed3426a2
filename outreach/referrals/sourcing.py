"""Who is meant by the words of a source: names as exports write them, words that a person explained, merged records."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.clinical import words
from outreach.contacts.models import Contact, Organization
from outreach.referrals.source_models import SourceAlias

LONGEST_CHAIN = 20
_TITLES = frozenset(
    (
        *(
            "dr",
            "doctor",
            "mr",
            "mrs",
            "ms",
            "prof",
            "md",
            "do",
            "np",
            "pa",
            "pac",
            "pa-c",
            "fnp",
            "fnp-c",
            "pnp",
            "cnp",
        ),
        *("aprn", "arnp", "rn", "dpm", "dc", "dpt", "pt", "ot", "otr", "slp", "ccc-slp", "lcsw", "phd", "mph", "facs"),
        *("faaos", "jr", "sr", "ii", "iii"),
    )
)

_ON_EVERY_DOOR = frozenset(
    {"clinic", "center", "medical", "health", "care", "group", "associates", "practice", "family"}
)


def source_words(text: str) -> str:
    """The words of a source in plain small letters, so that "Lee Wong, MD" and "LEE WONG MD" are one."""
    return words(text)[:200]


def name_keys(text: str) -> list[str]:
    """What the contact's `sort_name` ("last first") may be for a name as written in a referral, likeliest first.

    Read are "Raman, Priya S., MD", "Dr. Priya Raman" and "Priya S. Raman MD"; of a place its own name.
    """
    front, comma, back = text.partition(",")
    behind = [word for word in _plain(back) if word not in _TITLES]
    before = _plain(front)
    named = [word for word in before if word not in _TITLES]
    keys = []
    if comma and behind:
        last, first = " ".join(named), behind
        keys = [f"{last} {first[0]}", f"{last} {' '.join(first)}"]
    elif len(named) > 1:
        keys = [f"{named[-1]} {named[0]}", f"{named[-1]} {' '.join(named[:-1])}", f"{' '.join(named[1:])} {named[0]}"]
    return list(dict.fromkeys([*keys, " ".join(text.lower().split())]))


def survivor(session: Session, contact_id: int) -> Contact | None:
    """The contact, or the one it was merged into (also in several steps); None when it is in the trash or unknown."""
    for _ in range(LONGEST_CHAIN):
        found = session.get(Contact, contact_id)
        if found is None or found.merged_into_id is None:
            return found if found is not None and found.deleted_at is None else None
        contact_id = found.merged_into_id
    return None


def by_npi(session: Session, numbers: Collection[str]) -> dict[str, int]:
    """Live contacts by NPI."""
    rows = session.execute(
        select(Contact.npi, Contact.id).where(Contact.npi.in_(numbers), Contact.deleted_at.is_(None))
    )
    return {npi: contact_id for npi, contact_id in rows if npi is not None} if numbers else {}


def by_alias(session: Session, texts: Collection[str]) -> dict[str, int]:
    """Contacts by words that somebody explained; keys as `source_words` makes them."""
    if not texts:
        return {}
    rows = session.execute(
        select(SourceAlias.words, SourceAlias.contact_id)
        .join(Contact, Contact.id == SourceAlias.contact_id)
        .where(SourceAlias.words.in_(texts), Contact.deleted_at.is_(None))
    )
    return {row[0]: row[1] for row in rows}


def by_name(session: Session, keys: Collection[str]) -> dict[str, list[tuple[int, str]]]:
    """Live contacts as (id, place in plain words) by `sort_name`, in one query."""
    found: dict[str, list[tuple[int, str]]] = {}
    if not keys:
        return found
    rows = session.execute(
        select(Contact.sort_name, Contact.id, Organization.name)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Contact.sort_name.in_(keys), Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
    )
    for sort_name, contact_id, place in rows:
        found.setdefault(sort_name, []).append((contact_id, words(place or "")))
    return found


def place_named(session: Session, text: str) -> Organization | None:
    """The one organization of exactly this name, in any case; None for none or several."""
    plain = " ".join(text.lower().split())
    wanted = select(Organization).where(func.lower(Organization.name) == plain, Organization.deleted_at.is_(None))
    found = session.scalars(wanted.limit(2)).all() if plain else []
    return found[0] if len(found) == 1 else None


def the_one(found: dict[str, list[tuple[int, str]]], keys: Sequence[str], place: str) -> int | None:
    """The contact that is meant for certain: the only one of that name, or the only one of it at that place.

    None when several are, or when the only one is somewhere else: a wrong match would be believed.
    """
    said = words(place)
    for key in keys:
        alike = found.get(key, [])
        there = [one for one in alike if said and one[1] == said]
        near = [one for one in alike if not said or not one[1] or _akin(one[1], said)]
        if len(there) == 1 or len(near) == 1:
            return (there if len(there) == 1 else near)[0][0]
        if alike:
            return None
    return None


def remember(session: Session, text: str, contact_id: int, *, now: datetime) -> None:
    """These words mean this contact from now on; what a person said last counts. Idempotent."""
    plain = source_words(text)
    if not plain:
        return
    known = session.get(SourceAlias, plain)
    if known is None:
        session.add(SourceAlias(words=plain, contact_id=contact_id, since_at=now))
    else:
        known.contact_id, known.since_at = contact_id, now
    session.flush()


def _akin(one: str, other: str) -> bool:
    """Whether two names of places share a word that is not on every door."""
    return any(len(word) >= 4 and word in other.split() for word in one.split() if word not in _ON_EVERY_DOOR)


def _plain(text: str) -> list[str]:
    return re.sub(r"[^\w'\- ]+", " ", text.lower()).split()
