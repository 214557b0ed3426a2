"""Letters that are printed because no email may reach the person: sheets, mailed on, put back.

A letter is a delivery whose transport is `print`: claimed while it is on a sheet, sent when somebody mailed it. It
passes the same gates as email, once when the sheet is made and once more when it is mailed.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, insert, select, text, update
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.deliveries import gates, merging, stopping, telling
from outreach.deliveries.claiming import CLAIMED, Claimed
from outreach.deliveries.house import House, house_of
from outreach.deliveries.mail import composing
from outreach.deliveries.models import IS_PAPER, LEDGER, Attempt, Delivery, builder
from outreach.deliveries.paper.paper_models import LetterSheet, PaperSource, SheetLetter
from outreach.deliveries.rules import PRINT, WAITING
from outreach.deliveries.sets import is_one_of
from outreach.deliveries.stopping import Stopped, returned
from outreach.errors import Refusal
from outreach.screen import World

C = LEDGER.c
PER_SHEET = 100
LOOKED_AT = 1000
LEASE = timedelta(days=30)
"""Time to print, fold and mail; then the letters wait again by the ordinary sweep."""
FREE = {"token": None, "lease_until_at": None}
KIND = "mailed"


def switch(session: Session, source: str, source_id: int, *, on: bool, now: datetime) -> None:
    """Letters are allowed for this source from now on, or not any more. Idempotent."""
    if on:
        allow(session, source, source_id, now=now)
    else:
        forbid(session, source, source_id)


def allow(session: Session, source: str, source_id: int, *, now: datetime) -> None:
    """People of this source whom no email may reach get a letter, those held already too. Idempotent."""
    row = {"source": source, "source_id": source_id, "since_at": now}
    session.execute(builder(session)(PaperSource).values(row).on_conflict_do_nothing())


def forbid(session: Session, source: str, source_id: int) -> None:
    """Nobody else of this source gets a letter; those that wait stay. Idempotent."""
    kept = session.get(PaperSource, (source, source_id))
    if kept is not None:
        session.delete(kept)
        session.flush()


def make_sheet(
    session: Session, *, now: datetime, world: World, after: int, by_id: int | None, scope: str = ""
) -> LetterSheet | Refusal:
    """Up to a hundred letters with a complete address are on a new sheet; whoever may get none is stopped by name.

    `after` is the newest sheet that the person saw, 0 for none: when there is a newer one, that one is answered, so
    two clicks make one sheet. `scope` ("campaign:12") limits it. Refusals: nothing-to-print.
    """
    newest = session.scalar(select(func.max(LetterSheet.id))) or 0
    if newest > after:
        return session.get_one(LetterSheet, newest)
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    made = session.execute(
        builder(session)(LetterSheet)
        .values(previous_id=newest, made_at=now, made_by_id=by_id, until_at=now + LEASE, letters=0, mailed=0)
        .on_conflict_do_nothing()
        .returning(LetterSheet.id)
    ).scalar()
    if made is None:
        return session.scalars(select(LetterSheet).where(LetterSheet.previous_id == newest)).one()
    sheet = session.get_one(LetterSheet, made)
    rows = _claim(session, sheet, now=now, house=house, scope=scope)
    if not rows:
        session.delete(sheet)
        session.flush()
        return Refusal("nothing-to-print", "No letter can be printed now.")
    merging.merge(
        session,
        rows,
        composing.revisions_of(session, {row.message_id for row in rows}),
        now=now,
        world=world,
        house=house,
    )
    session.execute(insert(SheetLetter), [{"sheet_id": sheet.id, "delivery_id": row.id} for row in rows])
    sheet.letters = len(rows)
    session.flush()
    return sheet


def mark_mailed(
    session: Session,
    sheet_id: int,
    *,
    now: datetime,
    world: World,
    mailed_on: date,
    by_id: int | None,
) -> int | Refusal:
    """The letters of the sheet are sent and on the timelines; answers how many. A second time answers the same.

    Letters of people who may get none any more are not sent but stopped with the reason. Refusals: in-the-future,
    before-the-sheet, on-hold, nothing-left.
    """
    sheet = session.get_one(LetterSheet, sheet_id, with_for_update=True)
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    if sheet.mailed_on is not None:
        return sheet.mailed
    if mailed_on > house.today:
        return Refusal("in-the-future", "That day has not come yet. Say when the letters were taken to the post.")
    if mailed_on < sheet.made_at.astimezone(house.zone).date():
        return Refusal("before-the-sheet", "That is before the sheet was made. Say when the letters were mailed.")
    mine = (C.token == sheet.token, C.state == "claimed", C.lease_until_at > now)
    if session.scalar(select(func.count()).where(*mine, gates.on_hold())):
        return Refusal("on-hold", "These letters are on hold: nothing was changed. Resume first, or put them back.")
    rows = _fenced(session, mine, now=now, house=house)
    stopped = _stopped(session, sheet, now=now, house=house)
    if not rows and not stopped:
        return Refusal("nothing-left", "No letter of this sheet waits to be mailed any more.")
    at = now if mailed_on == house.today else datetime.combine(mailed_on, time(12), house.zone).astimezone(now.tzinfo)
    _record(session, sheet, rows, now=now, at=min(at, now), mailed_on=mailed_on, house=house, key=world.key)
    sheet.mailed, sheet.mailed_on, sheet.closed_at, sheet.closed_by_id = len(rows), mailed_on, now, by_id
    session.flush()
    return len(rows)


def put_back(
    session: Session, sheet_id: int, *, now: datetime, by_id: int | None, delivery_id: int | None = None
) -> int:
    """The letters of the sheet (or one) wait for another sheet; answers how many. What was mailed stays. Idempotent."""
    sheet = session.get_one(LetterSheet, sheet_id, with_for_update=True)
    chosen = [C.token == sheet.token, C.state == "claimed"]
    if delivery_id is not None:
        chosen.append(C.id == delivery_id)
    back = session.execute(
        update(LEDGER).where(*chosen).values(state="scheduled", reason="", updated_at=now, **FREE).returning(C.id)
    ).all()
    left = session.scalar(select(func.count()).where(C.token == sheet.token))
    if not left and sheet.closed_at is None:
        sheet.closed_at, sheet.closed_by_id = now, by_id
    session.flush()
    return len(back)


def waiting(*, now: datetime, scope: str = "") -> tuple[ColumnElement[bool], ...]:
    """The conditions on letters that wait for a sheet and whose time has come."""
    chosen: list[Any] = [text(f"delivery.{IS_PAPER}"), Delivery.state.in_(WAITING), Delivery.due_at <= now]
    source, _, which = scope.partition(":")
    if which:
        chosen += [Delivery.source == source, Delivery.source_id == int(which)]
    return tuple(chosen)


def has_address() -> ColumnElement[bool]:
    """The post office can find the contact of the delivery: street, city, state and ZIP are there.

    Only an address of their own counts: what an organization gets may be opened by anybody there.
    """
    parts = (Contact.street, Contact.city, Contact.state, Contact.zip5)
    return exists().where(Contact.id == Delivery.contact_id, *(part != "" for part in parts)).correlate(Delivery)


def closed_gates(*, now: datetime, house: House) -> tuple[gates.Gate, ...]:
    """What stops a letter whenever it is looked at."""
    return gates.lasting(now=now, today=house.today, ways=house.ways)


def at_the_post(*, now: datetime, house: House) -> tuple[gates.Gate, ...]:
    """A letter that was printed in time is not too late because somebody said so a day after."""
    return tuple(gate for gate in closed_gates(now=now, house=house) if gate.state != "expired")


def _claim(session: Session, sheet: LetterSheet, *, now: datetime, house: House, scope: str) -> list[Claimed]:
    looked_at = select(C.id).where(*waiting(now=now, scope=scope)).order_by(C.priority.desc(), C.due_at, C.id)
    ids = list(session.scalars(looked_at.limit(LOOKED_AT)))
    stopped = stopping.stop_what_may_not_leave(session, ids, now=now, house=house)
    telling.not_sent(session, stopped, now=now)
    closed = gates.any_closed(closed_gates(now=now, house=house))
    free = (*waiting(now=now, scope=scope), has_address(), ~gates.on_hold(), ~closed)
    chosen = select(C.id).where(*free).order_by(C.priority.desc(), C.due_at, C.id).limit(PER_SHEET)
    # Not as a part of the update: PostgreSQL may ask it once per row, and every answer is another hundred.
    mine = list(session.scalars(chosen.with_for_update(skip_locked=True)))
    rows = session.execute(
        update(LEDGER)
        .where(is_one_of(session, C.id, mine), C.state.in_(WAITING))
        .values(state="claimed", reason="", token=sheet.token, lease_until_at=sheet.until_at, updated_at=now)
        .returning(*CLAIMED)
    )
    return [Claimed(*row) for row in rows]


def _fenced(
    session: Session, mine: Sequence[ColumnElement[bool]], *, now: datetime, house: House
) -> Sequence[Row[Any]]:
    """As every delivery, a letter is `sending` before it is sent: everything is asked once more."""
    closed = gates.any_closed(at_the_post(now=now, house=house))
    return session.execute(
        update(LEDGER)
        .where(*mine, ~closed)
        .values(
            state="sending",
            attempts=C.attempts + 1,
            first_attempt_at=func.coalesce(C.first_attempt_at, now),
            fenced_at=now,
            updated_at=now,
        )
        .returning(*CLAIMED)
    ).all()


def _stopped(session: Session, sheet: LetterSheet, *, now: datetime, house: House) -> list[Stopped]:
    state, reason = gates.verdict(at_the_post(now=now, house=house))
    found = session.execute(
        update(LEDGER)
        .where(C.token == sheet.token, C.state == "claimed", C.lease_until_at > now)
        .values(state=state, reason=reason, updated_at=now, **FREE)
        .returning(*returned())
    )
    stopped = [Stopped(*row) for row in found]
    telling.not_sent(session, stopped, now=now)
    return stopped


def _record(
    session: Session,
    sheet: LetterSheet,
    rows: Sequence[Row[Any]],
    *,
    now: datetime,
    at: datetime,
    mailed_on: date,
    house: House,
    key: bytes,
) -> None:
    if not rows:
        return
    revisions = composing.revisions_of(session, {row.message_id for row in rows})
    said = {
        row.id: composing.digest(composing.compose(row, revisions[row.message_id], None, now=now, house=house, key=key))
        for row in rows
    }
    for row in rows:
        session.execute(
            update(LEDGER)
            .where(C.id == row.id, C.token == sheet.token, C.state == "sending")
            .values(state="sent", reason="", sent_at=at, rendered_hash=said[row.id], updated_at=now, **FREE)
        )
    session.execute(
        insert(Attempt),
        [
            {
                "delivery_id": row.id,
                "number": row.attempts,
                "transport": PRINT,
                "started_at": sheet.made_at,
                "finished_at": now,
                "outcome": "accepted",
                "text": f"Sheet {sheet.id}, mailed on {mailed_on:%B} {mailed_on.day}, {mailed_on.year}.",
            }
            for row in rows
        ],
    )
    telling.happened(session, rows, KIND, at=at, words=" as a letter")
