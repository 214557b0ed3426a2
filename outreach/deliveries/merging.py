"""Merges the details of rows that were planned as a whole crowd: in bulk, in the turn that claims them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, true, update
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.content.details import values_for
from outreach.content.group_parts import groups_for
from outreach.deliveries.house import House
from outreach.deliveries.mail.composing import Revision
from outreach.deliveries.models import LEDGER, builder
from outreach.deliveries.sets import NUMBER, OBJECT, WORDS, rows_of
from outreach.screen import World

LINK_PURPOSES = ("unsubscribe", "preferences", "view")
"""What the links of every message carry, as `outbox` registers it for rows that are planned one by one."""


def merged(
    session: Session,
    rows: Sequence[Any],
    revisions: Mapping[int, Revision],
    *,
    now: datetime,
    world: World,
    house: House,
) -> dict[int, dict[str, str]]:
    """{delivery id: details} of those rows that have none yet; their contacts' tokens are known from then on.

    Statements: two for the tokens, and per message one per 500 contacts and one per group and 500.
    """
    missing = [row for row in rows if row.details is None]
    if not missing:
        return {}
    _register(session, {row.contact_id for row in missing if row.contact_id is not None}, key=world.key)
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
            details[row.id] = {**values.get(row.contact_id, {}), **inside.get(row.contact_id, {})}
    return details


def _register(session: Session, contact_ids: Collection[int], *, key: bytes) -> None:
    """Tokens of contacts that have none yet: who has one purpose has all."""
    first = {tokens.digest(tokens.derive(key, LINK_PURPOSES[0], each)): each for each in contact_ids}
    digests = rows_of(session, "asked", {"digest": WORDS}, [(digest,) for digest in first])
    known = select(tokens.PublicToken.digest).where(tokens.PublicToken.digest.in_(select(digests.c.digest)))
    there = set(session.scalars(known))
    fresh = [(digest, LINK_PURPOSES[0], each) for digest, each in first.items() if digest not in there]
    fresh += [
        (tokens.digest(tokens.derive(key, purpose, each)), purpose, each)
        for _, _, each in tuple(fresh)
        for purpose in LINK_PURPOSES[1:]
    ]
    if fresh:
        # In the order of the key: neighbours in the index are written together.
        made = rows_of(session, "made", {"digest": WORDS, "purpose": WORDS, "subject_id": NUMBER}, sorted(fresh)).c
        chosen = select(made.digest, made.purpose, made.subject_id, literal(""), literal(0)).where(true())
        names = ["digest", "purpose", "subject_id", "topic", "generation"]
        session.execute(builder(session)(tokens.PublicToken).from_select(names, chosen).on_conflict_do_nothing())
