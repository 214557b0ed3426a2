"""Merges the details of rows that were planned as a whole crowd: in bulk, in the turn that claims them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.content.details import values_for
from outreach.content.group_parts import groups_for
from outreach.deliveries.composing import Revision
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER
from outreach.deliveries.sets import NUMBER, OBJECT, WORDS, rows_of
from outreach.screen import World

C = LEDGER.c
LINK_PURPOSES = ("unsubscribe", "preferences", "view")
"""What the links of every message carry, as `outbox` registers it for rows that are planned one by one."""


def merge(
    session: Session,
    rows: Sequence[Any],
    revisions: Mapping[int, Revision],
    *,
    now: datetime,
    world: World,
    house: House,
) -> list[Any]:
    """The claimed rows, in their order, each with details; those that had none have them stored.

    Their contacts' tokens are known from then on. Statements: two, one update and one registration, and per message
    one per 500 contacts and one per group and 500.
    """
    missing = [row for row in rows if row.details is None]
    if not missing:
        return list(rows)
    found = details_of(session, missing, revisions, now=now, world=world, house=house)
    known = rows_of(
        session,
        "known",
        {"id": NUMBER, "token": WORDS, "details": OBJECT},
        [(row.id, row.token, found[row.id]) for row in missing],
    )
    session.execute(
        update(LEDGER)
        .where(C.id == known.c.id, C.token == known.c.token, C.state == "claimed")
        .values(details=known.c.details)
    )
    _register(session, {row.contact_id for row in missing if row.contact_id is not None}, key=world.key)
    return [row._replace(details=found[row.id]) if row.details is None else row for row in rows]


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
    there = set(session.scalars(select(tokens.PublicToken.digest).where(tokens.PublicToken.digest.in_(list(first)))))
    tokens.register(
        session.connection(),
        [
            (tokens.derive(key, purpose, each), purpose, each, "", 0)
            for digest, each in first.items()
            if digest not in there
            for purpose in LINK_PURPOSES
        ],
    )
