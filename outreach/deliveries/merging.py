"""Merges the details of rows that were planned as a whole crowd: in bulk, in the turn that claims them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, literal, select, true, update
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.content.details import values_for
from outreach.content.group_parts import groups_for
from outreach.deliveries.house import House
from outreach.deliveries.links import OPTING_OUT
from outreach.deliveries.mail.composing import Revision
from outreach.deliveries.models import LEDGER, builder_for
from outreach.deliveries.sets import NUMBER, OBJECT, WORDS, Prepared, Rows, rows_of
from outreach.screen import World

TOKENS = Rows("made", {"digest": WORDS, "subject_id": NUMBER})


def merged(
    session: Session,
    rows: Sequence[Any],
    revisions: Mapping[int, Revision],
    *,
    now: datetime,
    world: World,
    house: House,
) -> dict[int, dict[str, str]]:
    """{delivery id: details} of those rows that have none yet; the tokens of all their contacts are known from then on.

    Statements: one for the tokens, and per message one for the contacts and one per group and 500.
    """
    # Those that have details too: they may have gone over to another contact since, by merging.
    _register(session, {row.contact_id for row in rows if row.contact_id is not None}, key=world.key)
    missing = [row for row in rows if row.details is None]
    if not missing:
        return {}
    return details_of(session, missing, revisions, now=now, world=world, house=house)


def merge(
    session: Session,
    rows: Sequence[Any],
    revisions: Mapping[int, Revision],
    *,
    now: datetime,
    world: World,
    house: House,
) -> None:
    """Claimed rows that have no details have them stored, for letters; mail stores them with its claim."""
    found = merged(session, rows, revisions, now=now, world=world, house=house)
    if found:
        known = rows_of(session, "known", {"id": NUMBER, "details": OBJECT}, list(found.items()))
        session.execute(
            update(LEDGER).where(LEDGER.c.id == known.c.id, LEDGER.c.state == "claimed").values(details=known.c.details)
        )


def details_of(
    session: Session,
    rows: Sequence[Any],
    revisions: Mapping[int, Revision],
    *,
    now: datetime,
    world: World,
    house: House,
) -> dict[int, dict[str, str]]:
    """{delivery id: its details}: the stored ones, or else those that would be merged now. Reads only, for previews."""
    missing: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if row.details is None:
            missing[row.message_id].append(row)
    details = {row.id: row.details for row in rows if row.details is not None}
    for message_id, chosen in missing.items():
        revision, contacts = revisions[message_id], [row.contact_id for row in chosen if row.contact_id is not None]
        values = values_for(session, contacts, only=revision.details)
        inside = groups_for(session, contacts, revision.groups, now=now, zone=house.zone, facts=world.group_facts)
        for row in chosen:
            own, groups = values.get(row.contact_id, {}), inside.get(row.contact_id)
            details[row.id] = {**own, **groups} if groups else own
    return details


def _register(session: Session, contact_ids: Collection[int], *, key: bytes) -> None:
    """The tokens that these contacts' links carry are known from now on."""
    # In the order of the key: neighbours in the index are written together.
    known = sorted((tokens.digest(tokens.derive(key, OPTING_OUT, each)), each) for each in contact_ids)
    if known:
        _KNOWN.run(session, TOKENS.given(session, known))


def _made_known(sqlite: bool) -> Executable:
    made = TOKENS.table(sqlite).c
    chosen = select(made.digest, literal(OPTING_OUT), made.subject_id, literal(""), literal(0)).where(true())
    names = ["digest", "purpose", "subject_id", "topic", "generation"]
    made_known: Executable = builder_for(sqlite)(tokens.PublicToken).from_select(names, chosen).on_conflict_do_nothing()
    return made_known


_KNOWN = Prepared(_made_known)
