"""When an issue leaves: the intention of a person, resolved into the next open sending time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from outreach.deliveries import pacing
from outreach.deliveries.house import House
from outreach.errors import Refusal

UNDO_FOR = timedelta(seconds=60)
LONGEST_AHEAD = timedelta(days=366)
NEVER_OPEN = Refusal("never-open", "No day is open for sending. Choose the days for sending under Settings.")


@dataclass(frozen=True)
class Intention:
    """A local day and minute in a zone, as somebody chose them."""

    on: date
    minute: int
    zone: str


@dataclass(frozen=True)
class When:
    """What an intention (or "now") came to. `moved`: outside sending hours, so it waits for `at`."""

    at: datetime
    wanted_at: datetime
    intention: Intention | None = None

    @property
    def moved(self) -> bool:
        """Whether it leaves at another time than was asked for."""
        return self.at != self.wanted_at

    @property
    def at_once(self) -> bool:
        """Whether it leaves as soon as the time for Undo is over."""
        return self.intention is None and not self.moved


def resolve(intention: Intention | None, *, now: datetime, house: House) -> When | Refusal:
    """The instant at which the first mail may leave. Without intention: after the time for Undo.

    Refusals: in-the-past, too-far, never-open.
    """
    if intention is None:
        wanted = now + UNDO_FOR
    else:
        wanted = pacing.resolved(intention.on, intention.minute, ZoneInfo(intention.zone))
        if wanted < now:
            return Refusal("in-the-past", "That time is over. Choose a later one, or send now.")
        if wanted > now + LONGEST_AHEAD:
            return Refusal("too-far", "That is more than a year ahead. Choose an earlier day.")
    slot = house.slot(wanted, house.zone.key, None)
    return When(slot.due_at, wanted, intention) if slot else NEVER_OPEN
