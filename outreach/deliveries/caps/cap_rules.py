"""How much one person may get, and what goes first when that binds. Pure; instants are aware.

Architecture 9.14: at most one message in 14 days and 6 in a quarter, over all campaigns, newsletters and asks. Calls
and visits take places of the quarter too; they move no message by days, so that a note after a visit comes in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from outreach.deliveries.pacing import CAP_GAP, CAP_PER_QUARTER, CAP_QUARTER

SLACK = timedelta(hours=12)
"""Days are counted, not hours: what is planned for nine o'clock two weeks later leaves at nine o'clock."""
WEIGHTS = {"consent-request": 30, "drip": 20, "newsletter": 10}
"""What matters most of the kinds that count: words to one person before words to everybody."""
OVER, AFTER, REPLY, AWAY = "over-the-cap", "after-another", "reply-first", "away"
PUT_OFF = (OVER, AFTER, REPLY, AWAY)
"""The reasons of mail that waits for its person's sake."""
SHARE_EACH = 5
"""Each fifth place in the queue is kept for mail with a share of its own, while there is some."""
MATTERS = {
    "first": ("Goes before other campaigns and newsletters", 25),
    "usual": ("Goes before newsletters", 20),
    "last": ("Can wait: newsletters go first", 5),
}
"""What a campaign may say of itself; the weights stand among those of the kinds."""
RHYTHM_DAYS = {"referring": 21, "peers": 30, "aftercare": 30, "acquaintances": 21}
"""Topics whose emails come at most once in so many days to one person, where that is rarer than the limits say: what
goes to colleagues and clients comes monthly (domain 6.3, 7), more about referring after three weeks."""


@dataclass(frozen=True)
class Limits:
    """What one person gets at most. `with_touches`: calls, visits, meetings and thank-yous count to the quarter."""

    gap_days: int = CAP_GAP.days
    per_quarter: int = CAP_PER_QUARTER
    with_touches: bool = True

    def gap_of(self, topic: str) -> timedelta:
        """The pause between two messages about the topic; "" for two that share none."""
        return max(timedelta(days=self.days_of(topic)) - SLACK, timedelta(0))

    def days_of(self, topic: str) -> int:
        """The rhythm of a topic: one message about it in so many days."""
        return max(self.gap_days, RHYTHM_DAYS.get(topic, 0))

    def said(self) -> str:
        """ "one message in 14 days and 6 in three months"."""
        gap = "one message a day" if self.gap_days == 1 else f"one message in {self.gap_days} days"
        return f"{gap} and {self.per_quarter} in three months" if self.gap_days else f"{self.per_quarter} in 3 months"


class Mail(NamedTuple):
    """A counted message of one person. `at` is when it left or is planned to; `waits`: it has not left yet."""

    id: int
    at: datetime
    weight: int
    own_share: bool = False
    waits: bool = False
    again: bool = False
    """A person decided that it is sent once more: nothing keeps it back."""
    parked: bool = False
    """It waits for somebody of ours to answer, nobody knows how long: nothing else waits for it."""
    topic: str = ""
    """What it is about: some topics have a slower rhythm of their own."""


@dataclass(frozen=True)
class Load:
    """All that counts to one person's limits: messages of the last quarter and those that wait, and touches."""

    mails: tuple[Mail, ...] = ()
    touched_at: tuple[datetime, ...] = ()

    def without(self, mail_id: int) -> "Load":
        """The others."""
        return Load(tuple(mail for mail in self.mails if mail.id != mail_id), self.touched_at)

    def without_parked(self) -> "Load":
        """Without what waits for an answer of ours."""
        return Load(tuple(mail for mail in self.mails if not mail.parked), self.touched_at)

    def left_only(self) -> "Load":
        """Without what still waits."""
        return Load(tuple(mail for mail in self.mails if not mail.waits), self.touched_at)

    def and_mail(self, mail: Mail) -> "Load":
        """With one more."""
        return Load((*self.mails, mail), self.touched_at)


def allowed_from(load: Load, mail: Mail, *, limits: Limits, earliest: datetime | None = None) -> datetime:
    """The first instant from `earliest` on (None: from `mail.at` on) at which this message keeps to the limits, given
    the others in `load`.

    What waits counts only when it goes before this one: by its own share while that is unused, then by weight, then by
    its time. One place of the quarter is kept for mail with a share of its own as long as such mail waits.
    """
    used = any(other.own_share and not other.waits for other in load.mails)
    before = [other for other in load.mails if not other.waits or _place(other, used) > _place(mail, used)]
    kept = 0 if mail.own_share or used else any(other.own_share for other in load.mails)
    places = max(limits.per_quarter - kept, 0)
    at = earliest or mail.at
    while (
        later := max(_after_gap(before, mail.topic, at, limits), _after_quarter(before, load, at, limits, places))
    ) > at:
        at = later
    return at


def _place(mail: Mail, used: bool) -> tuple[bool, int, float, int]:
    """Higher goes first: an unused share of its own, the weight, the earlier time, the earlier row."""
    return mail.own_share and not used, mail.weight, -mail.at.timestamp(), -mail.id


def _after_gap(before: Sequence[Mail], topic: str, at: datetime, limits: Limits) -> datetime:
    gaps = ((other.at, limits.gap_of(topic if other.topic == topic else "")) for other in before)
    return max((other_at + gap for other_at, gap in gaps if other_at - gap < at < other_at + gap), default=at)


def _after_quarter(before: Sequence[Mail], load: Load, at: datetime, limits: Limits, places: int) -> datetime:
    touches = load.touched_at if limits.with_touches else ()
    taken = sorted(each for each in (*(mail.at for mail in before), *touches) if at - CAP_QUARTER < each <= at)
    if len(taken) < max(places, 1):
        return at
    return taken[-max(places, 1)] + CAP_QUARTER


def interleaved(rows: Sequence[Any], shared: Sequence[Any], limit: int) -> list[Any]:
    """The queue with those of an own share in it: each fifth place is theirs as long as there are some."""
    taken = set(shared)
    chosen, own, others = list[Any](), iter(shared), (row for row in rows if row not in taken)
    while len(chosen) < limit:
        one = next(own, None) if len(chosen) % SHARE_EACH == SHARE_EACH - 1 else None
        one = one if one is not None else next(others, None)
        one = one if one is not None else next(own, None)
        if one is None:
            break
        chosen.append(one)
    return chosen
