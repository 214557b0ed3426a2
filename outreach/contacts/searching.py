"""Search over contacts by any part of name, place, phone, e-mail or NPI, in a million as in a hundred.

Every contact has one folded line (`search_models`), found by its trigrams: FTS5 on SQLite, pg_trgm on PostgreSQL. What
changed a moment ago and has no new line yet is compared as it stands, so that nothing typed just now is missing.
Every place that a person belongs to now stands in the line, the main one and the others.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    column,
    delete,
    exists,
    func,
    or_,
    select,
    table,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.search_models import (
    TRIGGERS,
    ContactSearch,
    ContactUnsearched,
    index,
    note_everybody,
    watch,
)

MOST_WORDS = 8
MOST_TRIGRAMS = 12
"""Of one word: more of them would hardly leave fewer lines to look at."""
FEW, MOST_FOUND = 1000, 5000
PHONE_SIGNS = frozenset("0123456789 ()+-./")
FURTHER = "\x02"
"""In the line of whoever belongs to a further place; lines of before lack it. White space would end a word."""
FTS = table("contact_search_fts", column("rowid"), column("contact_search_fts"))


def folded(said: str) -> str:
    """Without regard to case, accents and widths: "MUÑOZ" and "Munoz" are one."""
    apart = unicodedata.normalize("NFKD", said.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def words_of(said: str) -> list[str]:
    """What a typed text asks for: its folded words, or the digits of a telephone number."""
    digits = "".join(sign for sign in said if sign in "0123456789")
    if len(digits) >= 5 and PHONE_SIGNS.issuperset(said):
        return [digits[1:] if len(digits) == 11 and digits[0] == "1" else digits]
    return folded(said).split()[:MOST_WORDS]


def found(session: Session, said: str) -> ColumnElement[bool]:
    """The condition on Contact that every word stands somewhere, in the form that finds the contacts by their words.

    Up to 5,000 are looked up at once. What stands in more of them is met soon whichever way one goes: `stands_in`.
    """
    words = words_of(said)
    if not words:
        return true()
    lines = select(ContactSearch.contact_id).where(_has(words))
    long = [word for word in words if len(word) >= 3]
    if long and session.get_bind().dialect.name == "sqlite" and _is_indexed(session):
        asked = FTS.c.contact_search_fts.op("MATCH")(" AND ".join(_trigrams(long)))
        lines = select(FTS.c.rowid).join(ContactSearch, ContactSearch.contact_id == FTS.c.rowid)
        lines = lines.where(asked, _has(words))
    ids = session.scalars(lines.limit(MOST_FOUND + 1)).all()
    if len(ids) > MOST_FOUND:
        return stands_in(session, said)
    return _or_unsearched(session, Contact.id.in_(ids), said, words)


def stands_in(session: Session, said: str) -> ColumnElement[bool]:
    """The same condition in the form that looks at the line of a contact at hand: for walking along a list."""
    words = words_of(said)
    if not words:
        return true()
    line = exists().where(ContactSearch.contact_id == Contact.id, _has(words))
    return _or_unsearched(session, line, said, words)


def few(session: Session, where: ColumnElement[bool], said: str, limit: int = FEW) -> list[int] | None:
    """The ids of all contacts that match, when they are no more than `limit`; None when they are more.

    Few are best sorted, many best met while walking along the order that is wanted: this tells which.
    """
    ids = session.scalars(select(Contact.id).where(where, found(session, said)).limit(limit + 1)).all()
    return None if len(ids) > limit else list(ids)


def _has(words: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(ContactSearch.folded.contains(word, autoescape=True) for word in words))


def _trigrams(words: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for word in words:
        parts = [word[start : start + 3] for start in range(len(word) - 2)]
        step = max(1, -(-len(parts) // MOST_TRIGRAMS))
        found |= dict.fromkeys([*parts[::step], parts[-1]])
    return ['"{}"'.format(part.replace('"', '""')) for part in found]


def _is_indexed(session: Session) -> bool:
    named = text("SELECT 1 FROM sqlite_master WHERE name = 'contact_search_fts'")
    return session.scalar(named) is not None


def _or_unsearched(
    session: Session, condition: ColumnElement[bool], said: str, words: list[str]
) -> ColumnElement[bool]:
    if session.scalar(select(ContactUnsearched.contact_id).limit(1)) is None:
        return condition
    waiting = Contact.id.in_(select(ContactUnsearched.contact_id))
    typed = words if len(words) == 1 else said.lower().split()[:MOST_WORDS]
    now = and_(*(_as_it_stands(word) for word in typed))
    return or_(and_(condition, ~waiting), and_(waiting, now))


def _as_it_stands(word: str) -> ColumnElement[bool]:
    digits: ColumnElement[str] = Contact.phone.expression
    for sign in " ()+-./":
        digits = func.replace(digits, sign, "")
    columns = (
        *(func.lower(one) for one in (Contact.prefix, Contact.first_name, Contact.last_name, Contact.credentials)),
        *(func.lower(one) for one in (Contact.email, Contact.street, Contact.city)),
        *(Contact.sort_name, Contact.phone, Contact.npi, Contact.zip5, digits),
    )
    place = select(Organization.id).where(func.lower(Organization.name).contains(word, autoescape=True))
    stays = select(Membership.contact_id).where(Membership.until_on.is_(None), Membership.organization_id.in_(place))
    said = (one.contains(word, autoescape=True) for one in columns)
    return or_(*said, Contact.organization_id.in_(place), Contact.id.in_(stays))


def note(session: Session, contact_ids: Collection[int]) -> None:
    """The lines of these are out of date, for what no trigger sees: a change of their further places. Idempotent."""
    _note(session, select(Contact.id).where(Contact.id.in_(contact_ids)))


def note_people_of(session: Session, organization_id: int) -> None:
    """The lines of all who belong to this place now are out of date: it has another name. Idempotent."""
    here = (Membership.organization_id == organization_id, Membership.until_on.is_(None))
    _note(session, select(Membership.contact_id).where(*here).distinct())


def note_further(session: Session, *, limit: int) -> int:
    """Up to `limit` people whose line lacks their further places are noted; answers how many. Idempotent.

    For lines of before further places stood in them. Reads all open stays: once a day.
    """
    found = (
        select(Membership.contact_id)
        .join(Contact, Contact.id == Membership.contact_id)
        .join(ContactSearch, ContactSearch.contact_id == Contact.id)
        .where(
            Membership.until_on.is_(None),
            Membership.organization_id.is_distinct_from(Contact.organization_id),
            ~ContactSearch.folded.contains(FURTHER),
            Contact.id.not_in(select(ContactUnsearched.contact_id)),
        )
    )
    ids = session.scalars(found.distinct().limit(limit)).all()
    note(session, ids)
    return len(ids)


def _note(session: Session, whom: Select[int]) -> None:
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # "WHERE": without one SQLite takes "ON CONFLICT" for the condition of a join.
    rows = whom.where(true())
    session.execute(build(ContactUnsearched).from_select(["contact_id"], rows).on_conflict_do_nothing())


def keep(session: Session, *, limit: int) -> int:
    """Up to `limit` lines that were out of date are right; answers how many. Idempotent.

    What a database lacks of triggers and index (a fresh one, or a table that a migration wrote anew) is made first.
    """
    connection = session.connection()
    if not _is_watched(session):
        watch(connection)
        note_everybody(connection)
    if not _has_index(session):
        index(connection)
    # Taken before it is read: a change that comes meanwhile notes its contact again (PostgreSQL).
    some = select(ContactUnsearched.contact_id).order_by(ContactUnsearched.contact_id).limit(limit)
    ids = session.scalars(
        delete(ContactUnsearched)
        .where(ContactUnsearched.contact_id.in_(some))
        .returning(ContactUnsearched.contact_id)
        .execution_options(synchronize_session=False)
    ).all()
    if ids:
        _write(session, ids)
    return len(ids)


def _write(session: Session, ids: Collection[int]) -> None:
    further = _further(session, ids)
    rows = session.execute(
        select(
            Contact.id,
            *(Contact.prefix, Contact.first_name, Contact.last_name, Contact.credentials, Contact.sort_name),
            *(Organization.name, Contact.street, Contact.city, Contact.zip5, Contact.email, Contact.npi, Contact.phone),
        )
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Contact.id.in_(ids))
    )
    lines = [{"contact_id": row[0], "folded": _line((*further.get(row[0], ()), *row[1:]))} for row in rows]
    if not lines:
        return
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = build(ContactSearch)
    fresh = made.excluded.folded
    session.connection().execute(
        made.on_conflict_do_update(
            index_elements=["contact_id"], set_={"folded": fresh}, where=ContactSearch.folded != fresh
        ),
        lines,
    )


def _further(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    """The names of the further places of each, behind the sign that says so, in one query."""
    rows = session.execute(
        select(Membership.contact_id, Organization.name)
        .join(Contact, Contact.id == Membership.contact_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(
            Contact.id.in_(ids),
            Membership.until_on.is_(None),
            Membership.organization_id.is_distinct_from(Contact.organization_id),
        )
        .order_by(Membership.id)
    )
    names: dict[int, list[str]] = defaultdict(lambda: [FURTHER])
    for contact_id, name in rows:
        names[contact_id].append(name)
    return names


def _line(parts: Iterable[str | None]) -> str:
    said = [part for part in parts if part]
    digits = ["".join(sign for sign in part if sign in "0123456789") for part in said[-1:]]
    return " ".join(dict.fromkeys(word for part in (*said, *digits) for word in folded(part).split()))


def _is_watched(session: Session) -> bool:
    if session.get_bind().dialect.name == "sqlite":
        named = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'contact_unsearched_%'")
    else:
        named = text("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'contact_unsearched_%'")
    return (session.scalar(named) or 0) >= len(TRIGGERS)


def _has_index(session: Session) -> bool:
    if session.get_bind().dialect.name == "sqlite":
        return _is_indexed(session)
    # Without the extension there is none to be had: asked again at every run it would only fill the log.
    offered = text(
        "SELECT 1 FROM pg_class WHERE relname = 'ix_contact_search_folded' UNION ALL "
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') LIMIT 1"
    )
    return session.scalar(offered) is not None
