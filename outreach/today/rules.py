"""Whom to reach today and in which order: by the gain of one more touch per minute, under the limits. Pure.

The gain rule is that of the yield paper, section 10. It orders calls, visits and notes only: food and gifts are
chosen in rooms that cannot see it.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from outreach.deliveries.caps.cap_rules import Limits

PLACES = 10
FAIR_SHARE = 2
WEEK_GOAL = 20
"""Touches a week: a coordinator with half a day in the field and half an hour each morning gets about there."""
MOST_A_WEEK = 200
CHANCE_SHARE = 0.1
"""A tenth of the places goes to somebody drawn by chance: it keeps us learning and spares us a self-fulfilling list."""
LIFT = 0.05
WIN_BACK = 0.05
"""Assumed (section 10): what one touch adds, until hold-outs have measured it, and how often it wins somebody back."""
MINUTES = {"Thank": 5, "Call": 10, "Visit": 45, "Send": 5, "Write": 10}
"""Assumed: what one touch of each sort takes. The order is by gain per minute: a visit has to be worth five calls."""
FATIGUE_HALF_DAYS = 30
QUARTER_DAYS = 91
USUAL = Limits()
"""Architecture 9.14: the caps over drips, newsletters, asks and what Today suggests, until the practice chooses."""
WELCOME_DAYS = 60

REASONS = (
    "thanks",
    "lapse",
    "task",
    "promise",
    "new-referrer",
    "event",
    "anniversary",
    "rhythm",
    "welcome",
    "chance",
)
"""In the order in which they claim a place; what has a date comes before what can wait a day."""
SUGGESTIONS = ("lapse", "rhythm", "anniversary", "welcome", "chance")
"""Our own idea, so the caps hold. The others answer something: a referral, a visit, a promise, a dated duty."""
ACTIONS = ("Thank", "Call", "Visit", "Send", "Write")


@dataclass(frozen=True)
class Cause:
    """One reason to reach one contact, with its one action and the sentence on the row."""

    contact_id: int
    reason: str
    action: str
    sentence: str
    why: str = ""
    task_id: int | None = None
    due_on: date | None = None
    owner_id: int | None = None
    """Whose duty it is, where it is one person's."""


@dataclass(frozen=True)
class Person:
    """What the order needs to know of a contact. *Units*: referrals in 90 days; chances and shares 0-1; local days."""

    id: int
    expected_referrals: float = 0.0
    p_active: float | None = None
    active_rate_90: float = 0.0
    """The rate on the day of the last referral: what winning them back would be worth."""
    referral_count: int = 0
    convert_rate: float = 1.0
    counted_on: tuple[date, ...] = ()
    """Days of touches and capped mail in the last quarter."""
    touched_on: date | None = None
    gone: bool = False
    """Deceased, trashed or asked not to be contacted: never on the list."""
    quiet: bool = False
    """Stopped all mail, without permission, or on hold after something went wrong: nothing that is only our idea."""
    owner_id: int | None = None
    """Who looks after the contact, if that person still works here: their week is the budget."""
    limits: Limits = USUAL
    """What one person gets at most; touches take places here whether or not they count to mail."""


@dataclass(frozen=True)
class Planned:
    """A row of Today. `also` holds the sentences of the contact's other causes."""

    contact_id: int
    reason: str
    action: str
    sentence: str
    why: str
    gain: float
    """Started referrals that this touch is expected to add in 90 days; `priority` is that per minute."""
    priority: float = 0.0
    task_id: int | None = None
    owner_id: int | None = None
    """Who looks after the contact."""
    also: tuple[str, ...] = ()


def gain(person: Person, *, today: date, answering: bool = False, lift: float = LIFT) -> float:
    """Started referrals that one touch is expected to add in 90 days: lift plus win-back, less the fatigue.

    A sort of touch that was measured to take something away (`lift` below 0) adds nothing. Nobody tires of an answer:
    a thank-you, a kept promise and a dated duty count in full, however fresh the last touch.
    """
    won = 0.0
    if person.referral_count >= 2 and person.p_active is not None:
        won = WIN_BACK * (1 - person.p_active) * person.active_rate_90
    fresh = 1.0 if answering else freshness(person.touched_on, today=today)
    return (max(lift, 0.0) * person.expected_referrals + won) * person.convert_rate * fresh


def freshness(touched_on: date | None, *, today: date) -> float:
    """1 - 2^(-days since the last touch / 30): 0 on the day of a touch, half after a month, 1 when never met."""
    if touched_on is None:
        return 1.0
    return float(1 - 2 ** (-max((today - touched_on).days, 0) / FATIGUE_HALF_DAYS))


def within_caps(counted_on: Iterable[date], *, today: date, limits: Limits = USUAL) -> bool:
    """Whether one more touch of our own idea is allowed: none within the gap, a place left in the quarter."""
    recent = [day for day in counted_on if today - timedelta(days=QUARTER_DAYS) < day <= today]
    return len(recent) < limits.per_quarter and all((today - day).days >= limits.gap_days for day in recent)


def asleep(until_on: date | None, *, referred_since: bool, today: date) -> bool:
    """Whether a snooze still holds: before its day, or (without a day) until the contact refers again."""
    return today < until_on if until_on is not None else not referred_since


def plan_touches(
    causes: Sequence[Cause],
    people: Mapping[int, Person],
    *,
    today: date,
    seed: int,
    draws: Sequence[Cause] = (),
    week_left: int = WEEK_GOAL,
    budgets: Mapping[int, int] | None = None,
    places: int = PLACES,
    lifts: Mapping[str, float] | None = None,
) -> list[Planned]:
    """At most `places` contacts, one action each, by gain per minute; after them a tenth of the places by chance.

    What has a date claims its place before what can wait, and every cause gets two places before any gets a third, so
    that ten thank-yous never hide a silence or a promise; the order on the list is the gain's alone. `draws` are the
    candidates for chance in drawn order. `budgets` are what each owner's weekly goal leaves for suggestions, and
    `week_left` what is left for contacts of nobody; duties are never dropped for either. `lifts` is what one touch of
    each action adds, where it was measured. The same input, the same list.
    """
    left, lifts = _Budget(week_left, budgets or {}), lifts or {}
    kept = _chosen(_in_order(causes, people, today=today, lifts=lifts), places, left)
    by_chance, taken = _chance_places(len(kept), seed), {one.contact_id for one in kept}
    drawn: list[Planned] = []
    for cause in draws:
        if len(drawn) == by_chance:
            break
        person = people.get(cause.contact_id)
        if person is None or cause.contact_id in taken or not _allowed(cause, person, today=today):
            continue
        if left.take(person.owner_id) or _gives_way(kept, person.owner_id, left):
            drawn.append(_planned([cause], person, today=today, lifts=lifts))
    # Who claimed a place last makes room for chance.
    return _ranked(kept[: places - len(drawn)]) + drawn


def draw_ids(highest_id: int, seed: int, *, how_many: int = 200) -> list[int]:
    """Numbers from 1 to the highest id in drawn order: those of them that are eligible are an even draw."""
    dice = random.Random(seed)  # noqa: S311 - fairness, not secrecy
    return dice.sample(range(1, highest_id + 1), min(how_many, max(highest_id, 0)))


def _in_order(
    causes: Sequence[Cause], people: Mapping[int, Person], *, today: date, lifts: Mapping[str, float]
) -> list[Planned]:
    by_contact: dict[int, list[Cause]] = {}
    for cause in causes:
        if _allowed(cause, people.get(cause.contact_id), today=today):
            by_contact.setdefault(cause.contact_id, []).append(cause)
    planned = [_planned(own, people[contact_id], today=today, lifts=lifts) for contact_id, own in by_contact.items()]
    return sorted(planned, key=lambda one: (REASONS.index(one.reason), -one.priority, one.contact_id))


def _ranked(planned: Iterable[Planned]) -> list[Planned]:
    return sorted(planned, key=lambda one: (-one.priority, REASONS.index(one.reason), one.contact_id))


def _allowed(cause: Cause, person: Person | None, *, today: date) -> bool:
    if person is None or person.gone:
        return False
    if cause.reason not in SUGGESTIONS:
        return True
    return not person.quiet and within_caps(person.counted_on, today=today, limits=person.limits)


def _planned(causes: Collection[Cause], person: Person, *, today: date, lifts: Mapping[str, float]) -> Planned:
    first, *others = sorted(causes, key=lambda c: (REASONS.index(c.reason), c.due_on or date.max, c.task_id or 0))
    lift, answering = lifts.get(first.action, LIFT), first.reason not in SUGGESTIONS
    worth = gain(person, today=today, answering=answering, lift=lift)
    return Planned(
        contact_id=person.id,
        reason=first.reason,
        action=first.action,
        sentence=first.sentence,
        why=first.why,
        gain=worth,
        priority=worth / MINUTES[first.action],
        task_id=first.task_id,
        owner_id=person.owner_id,
        also=tuple(cause.sentence for cause in others),
    )


class _Budget:
    """What each owner's week leaves; one place is taken at a time. Contacts of nobody share one purse."""

    def __init__(self, week_left: int, budgets: Mapping[int, int]) -> None:
        self.left: dict[int | None, int] = {None: week_left} | dict(budgets)

    def purse(self, owner_id: int | None) -> int | None:
        """Whose week a contact of this owner is taken from."""
        return owner_id if owner_id in self.left else None

    def take(self, owner_id: int | None, *, always: bool = False) -> bool:
        """Whether there was room; `always` takes without asking, as duties do."""
        purse = self.purse(owner_id)
        if self.left[purse] <= 0 and not always:
            return False
        self.left[purse] -= 1
        return True


def _chosen(ordered: Sequence[Planned], places: int, left: _Budget) -> list[Planned]:
    """Who stands on the list, in the order in which they claimed a place."""
    kept: dict[int, Planned] = {}
    dated_first = sorted(ordered, key=lambda one: one.reason in SUGGESTIONS)
    for share, in_turn in ((FAIR_SHARE, ordered), (places, dated_first)):
        taken = Counter(one.reason for one in kept.values())
        for one in in_turn:
            if one.contact_id in kept or taken[one.reason] >= share or len(kept) >= places:
                continue
            if left.take(one.owner_id, always=one.reason not in SUGGESTIONS):
                kept[one.contact_id] = one
                taken[one.reason] += 1
    return list(kept.values())


def _gives_way(kept: list[Planned], owner_id: int | None, left: _Budget) -> bool:
    """Whether our last idea out of the same purse left the list, because that week is full."""
    for one in reversed(kept):
        if one.reason in SUGGESTIONS and left.purse(one.owner_id) == left.purse(owner_id):
            kept.remove(one)
            return True
    return False


def _chance_places(filled: int, seed: int) -> int:
    whole, rest = divmod(filled * CHANCE_SHARE, 1)
    dice = random.Random(f"places {seed}")  # noqa: S311 - fairness, not secrecy
    return int(whole) + (dice.random() < rest)


def greeting(local: datetime) -> str:
    """ "Good morning" until noon, "Good afternoon" until five, then "Good evening"."""
    if local.hour < 12:
        return "Good morning"
    return "Good afternoon" if local.hour < 17 else "Good evening"
