"""Contacts and referrals out of the database as the columns of the model, in pieces that fit any memory."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Select, String, and_, case, exists, or_, select, type_coerce
from sqlalchemy.orm import Session

from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact
from outreach.referrals.judging.status_models import ReferralValue
from outreach.referrals.models import Referral
from outreach.referrals.rules import STARTED_STAGES
from outreach.referrals.yield_facts import ContactColumns, ReferralColumns
from outreach.referrals.yield_params import KIND_CODE, OTHER

PIECE = 500
"""Rows that are objects at a time: so few die young, before the collector of garbage looks at them."""

FETCHED = 20_000
"""Rows that PostgreSQL sends at a time."""


def contacts_of(session: Session, today: date, contact_id: int | None = None) -> ContactColumns:
    """Everybody who can refer or has, or the one: by id. Who was added on a later day is taken as added today.

    A clock that was put back, or an office further east, must not stop the refresh of everybody.
    """
    referred = exists().where(
        Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None)
    )
    wanted = select(Contact.id, Contact.kind, day_of(session, Contact.added_on), Contact.specialty).where(
        or_(Contact.kind.in_(REFERRING_KINDS), referred), Contact.deleted_at.is_(None)
    )
    if contact_id is not None:
        wanted = wanted.where(Contact.id == contact_id)
    codes: dict[str, int] = {"": -1}
    parts = [
        (
            np.array(ids, dtype=np.int64),
            np.array([KIND_CODE.get(kind, OTHER) for kind in kinds], dtype=np.int64),
            np.array(added, dtype="datetime64[D]"),
            np.array([codes.setdefault(name or "", len(codes) - 1) for name in names], dtype=np.int64),
        )
        for ids, kinds, added, names in pieces(session, wanted.order_by(Contact.id))
    ]
    ids, kinds, added, places = _joined(parts, ("int64", "int64", "datetime64[D]", "int64"))
    names, specialty = _in_order(codes, places)
    added = np.minimum(added, np.datetime64(today, "D"))
    return ContactColumns(id=ids, kind=kinds, added_on=added, specialty=specialty, specialty_names=names)


def referrals_of(
    session: Session, today: date, contact_id: int | None = None, *, valued: bool = False
) -> ReferralColumns:
    """What contacts sent up to today, of all contacts or the one: by id. With `valued`, what each was worth."""
    # Only what was known on that day counts: a refresh as of last week sees last week's outcomes.
    started = and_(
        or_(Referral.stage.in_(STARTED_STAGES), Referral.started_on.is_not(None)),
        or_(Referral.started_on.is_(None), Referral.started_on <= today),
    )
    lost = and_(Referral.stage == "closed", or_(Referral.closed_on.is_(None), Referral.closed_on <= today))
    # The model's codes: 0 open, 1 started, 2 lost.
    outcome = case((started, 1), (lost, 2), else_=0)
    outcome_on = case((started, day_of(session, Referral.started_on)), (lost, day_of(session, Referral.closed_on)))
    facts = [Referral.id, Referral.contact_id, day_of(session, Referral.received_on), outcome, outcome_on]
    wanted: Select[Any] = select(*facts)
    if valued:
        wanted = wanted.add_columns(ReferralValue.value)
        wanted = wanted.outerjoin(ReferralValue, ReferralValue.referral_id == Referral.id)
    wanted = wanted.where(
        Referral.contact_id.is_not(None) if contact_id is None else Referral.contact_id == contact_id,
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        Referral.received_on <= today,
    )
    types = ("int64", "int64", "datetime64[D]", "int64", "datetime64[D]", "float64")[: 6 if valued else 5]
    ids, who, received, outcomes, outcome_days, *values = columns(session, wanted.order_by(Referral.id), types)
    return ReferralColumns(
        id=ids,
        contact_id=who,
        received_on=received,
        outcome=outcomes,
        outcome_on=outcome_days,
        value=values[0] if values else np.full(len(ids), np.nan),
    )


def day_of(session: Session, column: Any) -> Any:
    """The column as the database keeps it: SQLite's text is read by numpy far faster than objects made of it."""
    return type_coerce(column, String) if session.get_bind().dialect.name == "sqlite" else column


def columns(session: Session, wanted: Select[Any], types: Sequence[str]) -> list[Any]:
    """The columns of a query as arrays of these types."""
    found = pieces(session, wanted)
    parts = [tuple(np.array(cells, dtype=kind) for cells, kind in zip(piece, types, strict=True)) for piece in found]
    return _joined(parts, types)


def pieces(session: Session, wanted: Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a query as columns, 500 at a time. Days come as `day_of` makes them."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        for piece in connection.execute(wanted, execution_options={"yield_per": FETCHED}).partitions(PIECE):
            yield tuple(zip(*piece, strict=True))
        return
    session.flush()
    said = wanted.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    # The driver's own cursor: for millions of rows, a row object each would take longer than all that follows.
    driver = connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    cursor.execute(str(said))
    while piece := cursor.fetchmany(PIECE):
        yield tuple(zip(*piece, strict=True))
    cursor.close()


def _joined(parts: list[Any], types: Sequence[str]) -> list[Any]:
    if not parts:
        return [np.array([], dtype=kind) for kind in types]
    return [np.concatenate([part[place] for part in parts]) for place in range(len(types))]


def _in_order(codes: dict[str, int], places: Any) -> tuple[tuple[str, ...], Any]:
    """Specialties numbered by name, so that nothing depends on who came first."""
    names = tuple(sorted(name for name in codes if name))
    number = {name: place for place, name in enumerate(names)}
    turned = np.full(len(names) + 1, -1, dtype=np.int64)
    for name, code in codes.items():
        if name:
            turned[code] = number[name]
    return names, turned[places]
