"""The look-back of education events (domain 6.3): what their offices sent in the 30 and 90 days after, and before.

Pooled over all events and shown from five offices up: what a single office sent is never set beside a lunch, and
nothing here knows what anything cost.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.events.models import Event
from outreach.events.rules import EDUCATION_TYPES
from outreach.referrals.models import Referral

SPANS = (30, 90)
LEAST_OFFICES = 5
"""Below that a sum would tell what single offices sent, and nothing else."""
REACH = timedelta(days=730)
"""Events of the last two years: older ones say little about today."""
MOST_EXACT = 12
"""Up to so many offices all 2^n signs are tried; beyond, the normal curve is near enough."""
CHANCE = 0.05


@dataclass(frozen=True)
class LookBack:
    """One span: how much is in it, and its two sums, which are None below five offices.

    `running`: events still inside their span. `near`: events so soon after another one at the same office that they
    are counted with it. `chance`: how often signs by chance alone would make a difference as large as this one.
    """

    days: int
    offices: int
    events: int
    running: int
    near: int
    before: int | None = None
    after: int | None = None
    chance: float | None = None

    @property
    def text(self) -> str:
        """What may be said, and no more."""
        if self.before is None or self.after is None:
            return f"Too few to judge: {self.offices} of the {LEAST_OFFICES} offices that it takes."
        if not self.before + self.after:
            return "These offices sent nobody, before or after."
        if self.chance is None or self.chance >= CHANCE:
            return "A difference like this one is often chance."
        way = "More" if self.after > self.before else "Fewer"
        return f"{way} than before, and by more than chance usually makes. Season and other work can be behind it."


def look_backs(session: Session, *, today: date) -> list[LookBack]:
    """One look-back for each of the spans, over the education events at offices we keep. Two queries."""
    held = _held(session, today)
    days = _referral_days(session, today) if held else {}
    return [look_back(held, days, span, today=today) for span in SPANS]


def look_back(
    held: Iterable[tuple[int, date]], days: dict[int, dict[date, int]], span: int, *, today: date
) -> LookBack:
    """The same from facts: (office, day of an event) by office and day, and {office: {day: referrals}}. Pure.

    The day of the event is in neither span. A second event at an office within twice the span is counted with the
    first, so that no referral stands on both sides.
    """
    apart, length = timedelta(days=2 * span), timedelta(days=span)
    changes: dict[int, list[int]] = {}
    last: dict[int, date] = {}
    events = running = near = before = after = 0
    for office, on in held:
        if office in last and on < last[office] + apart:
            near += 1
            continue
        last[office] = on
        if on + length >= today:
            running += 1
            continue
        sent = days.get(office, {})
        earlier = sum(many for day, many in sent.items() if on - length <= day < on)
        later = sum(many for day, many in sent.items() if on < day <= on + length)
        events, before, after = events + 1, before + earlier, after + later
        changes.setdefault(office, []).append(later - earlier)
    said = LookBack(days=span, offices=len(changes), events=events, running=running, near=near)
    if said.offices < LEAST_OFFICES:
        return said
    chance = by_chance([sum(each) for each in changes.values()])
    return LookBack(span, said.offices, events, running, near, before, after, chance)


def by_chance(changes: Sequence[int]) -> float:
    """How often a sum at least this large comes when each office's change is as likely up as down (sign flips)."""
    moved = [change for change in changes if change]
    total = abs(sum(moved))
    if not moved:
        return 1.0
    if len(moved) <= MOST_EXACT:
        sums = [abs(sum(sign * change for sign, change in zip(signs, moved, strict=True)))
                for signs in product((1, -1), repeat=len(moved))]  # fmt: skip
        return sum(one >= total for one in sums) / len(sums)
    return math.erfc(total / math.sqrt(2 * sum(change * change for change in moved)))


def _held(session: Session, today: date) -> list[tuple[int, date]]:
    rows = session.execute(
        select(Event.organization_id, Event.starts_on)
        .where(
            Event.type.in_(EDUCATION_TYPES),
            Event.status == "took-place",
            Event.organization_id.is_not(None),
            Event.starts_on.between(today - REACH, today),
        )
        .order_by(Event.organization_id, Event.starts_on, Event.id)
    )
    return [(office, on) for office, on in rows if office is not None and on is not None]


def _referral_days(session: Session, today: date) -> dict[int, dict[date, int]]:
    """{office: {day: referrals from its people}}, of the offices where an education event took place."""
    offices = select(Event.organization_id).where(
        Event.type.in_(EDUCATION_TYPES),
        Event.status == "took-place",
        Event.organization_id.is_not(None),
        Event.starts_on >= today - REACH,
    )
    rows = session.execute(
        select(Contact.organization_id, Referral.received_on, func.count())
        .join(Contact, Contact.id == Referral.contact_id)
        .where(
            Contact.organization_id.in_(offices),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on >= today - REACH - timedelta(days=max(SPANS)),
        )
        .group_by(Contact.organization_id, Referral.received_on)
    )
    found: dict[int, dict[date, int]] = {}
    for office, on, many in rows:
        if office is not None:
            found.setdefault(office, {})[on] = many
    return found
