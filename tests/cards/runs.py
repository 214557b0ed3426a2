"""Runs of cards for the tests of this room: short ways to make them."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from outreach.cards import approving, dispatching, editing, listing
from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Contact
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.newsletters.issues import group

NOVEMBER = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
"""Monday, 16 November 2026, 10:00 in New York: ten days before Thanksgiving."""
ADDRESS = {"street": "5 Oak Street", "city": "Millbrook", "state": "NY", "zip5": "12545"}


def housed(turn: Turn, *contact_ids: int, **address: str) -> None:
    """These contacts have a complete postal address."""
    for each in contact_ids:
        contact = turn.session.get_one(Contact, each)
        for name, value in {**ADDRESS, **address}.items():
            setattr(contact, name, value)
    turn.session.flush()


def changed(turn: Turn, contact_id: int, **columns: Any) -> Contact:
    """A contact with other facts."""
    contact = turn.session.get_one(Contact, contact_id)
    for name, value in columns.items():
        setattr(contact, name, value)
    turn.session.flush()
    return contact


def run(turn: Turn, runtime: Runtime, *contact_ids: int, occasion: str = "thanksgiving", **columns: Any) -> CardRun:
    """A draft for these people, with its list made."""
    made = editing.start(turn.session, OCCASIONS[occasion], now=turn.now, world=runtime, by_id=None)
    made.group_ids = [group(turn, f"For {occasion} {made.id}", *contact_ids).id]
    for name, value in columns.items():
        setattr(made, name, value)
    turn.session.flush()
    listing.prepare(turn.session, made, now=turn.now, world=runtime)
    return made


def ways(turn: Turn, made: CardRun) -> dict[int, tuple[str, str]]:
    """{contact: (way, reason)} of a list."""
    rows = turn.session.scalars(select(CardRecipient).where(CardRecipient.run_id == made.id))
    return {row.contact_id: (row.way, row.reason) for row in rows}


def approve(turn: Turn, runtime: Runtime, made: CardRun, **seen: Any) -> Any:
    """Approved by somebody who saw the counts as they are, unless told otherwise."""
    counts = listing.counts_of(turn.session, made.id)
    seen = {"version": made.version, "by_email": counts["email"], "on_paper": counts["print"], **seen}
    return approving.approve(turn.session, made, now=turn.now, world=runtime, by_id=None, **seen)


def dispatch(runtime: Runtime, limit: int = 500) -> int:
    """The tick, once."""
    with runtime.turn() as turn:
        return dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=limit)


def on(month: int, day: int, hour: int = 15, year: int = 2026) -> datetime:
    """An instant of a day; 15:00 UTC is 10:00 in New York in winter."""
    return datetime.combine(date(year, month, day), datetime.min.time(), UTC).replace(hour=hour)
