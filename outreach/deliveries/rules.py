"""What a delivery may become, what an answer of a transport means, and who may carry what. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

AUDIENCES = ("provider", "organization", "peer", "client", "staff")
"""The contacts' classes, and our own people and addresses typed for a test."""
STATES = (
    "scheduled",
    "claimed",
    "sending",
    "sent",
    "delivered",
    "bounced",
    "complained",
    "unconfirmed",
    "resend-approved",
    "abandoned",
    "held",
    "suppressed",
    "expired",
    "cancelled",
    "failed",
    "duplicate-address",
)
WAITING = ("scheduled", "resend-approved")
LEASED = ("claimed", "sending")
PRINT = "print"
"""The way out that is paper: no server takes it, a person prints and mails it."""
STOPPABLE = ("scheduled", "resend-approved", "claimed", "held")
"""Not handed over yet: what `outbox.cancel` may take back."""
_STOPS = ("held", "suppressed", "expired", "cancelled", "failed")
ARROWS: dict[str, tuple[str, ...]] = {
    "scheduled": ("claimed", "unconfirmed", *_STOPS),
    "resend-approved": ("claimed", "unconfirmed", "sent", "delivered", "bounced", "complained", *_STOPS),
    "claimed": ("scheduled", "sending", "unconfirmed", *_STOPS),
    "sending": ("sent", "scheduled", "failed", "unconfirmed"),
    "sent": ("delivered", "bounced", "complained"),
    "delivered": ("bounced", "complained"),
    "bounced": ("complained",),
    "complained": (),
    "unconfirmed": ("sent", "delivered", "bounced", "complained", "resend-approved", "abandoned"),
    "held": ("scheduled", "suppressed", "expired", "cancelled", "failed"),
    "failed": ("scheduled",),
    "abandoned": (),
    "suppressed": (),
    "expired": (),
    "cancelled": (),
    "duplicate-address": (),
}
"""From each state, the states that may follow. `sending` goes back to `scheduled` only when surely not accepted. A fact
that comes while `resend-approved` waits tells that the first mail did arrive: there is no second one; so does a late
"accepted" from the worker that had lost its lease (both also lead from `unconfirmed` to `sent`). What waits in a
database that is an old copy may have left already: it becomes `unconfirmed` (reliability C7)."""

OUTCOMES = ("accepted", "not-handed-over", "refused-for-now", "unknown", "permanent", "account-problem")
INBOUND_KINDS = ("bounce", "unsubscribe", "auto-reply", "reply", "calendar", "unknown")

STATE_OF_FACT = {
    "processed": "sent",
    "deferred": "sent",
    "delivered": "delivered",
    "open": "delivered",
    "click": "delivered",
    "dropped": "bounced",
    "bounce": "bounced",
    "unsubscribe": "delivered",
    "group_unsubscribe": "delivered",
    "spamreport": "complained",
}

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)
"""Reliability B4: 1 minute doubled with full jitter, at most an hour, until `not_after` or 24 hours."""
BOUNCES = (100, 0.05)
COMPLAINTS = (300, 0.001, 2)
"""Architecture 9.14: mail of one source stops itself at bounces above 5 % after 100, or complaints of at least 0.1 %
and at least 2 after 300."""


@dataclass(frozen=True)
class Way:
    """A way out as the rules see it. `leaves_nothing`: folder and memory, from which no mail goes anywhere."""

    name: str
    leaves_nothing: bool
    baa_signed_on: date | None
    usable: bool = True


def may_become(state: str, other: str) -> bool:
    """Whether that arrow is drawn."""
    return other in ARROWS[state]


def may_carry(way: Way, audience: str, *, on: date) -> bool:
    """Whether mail to this class may leave this way on that day: client mail only under a signed agreement."""
    if audience != "client" or way.leaves_nothing:
        return True
    return way.name != "sendgrid" and way.baa_signed_on is not None and way.baa_signed_on <= on


def retry_at(
    now: datetime,
    *,
    attempts: int,
    chance: float,
    first_attempt_at: datetime,
    not_before_at: datetime | None = None,
    not_after_at: datetime | None = None,
) -> datetime | None:
    """When to try again after `attempts` tries; None when it is time to give up.

    `chance` is between 0 and 1 (full jitter). Never before `not_before_at`, the provider's own word.
    """
    longest = min(FIRST_WAIT * 2 ** min(max(attempts - 1, 0), 10), LONGEST_WAIT)
    at = now + max(longest * chance, timedelta(seconds=1))
    at = max(at, not_before_at) if not_before_at else at
    last = first_attempt_at + GIVE_UP_AFTER
    last = min(last, not_after_at) if not_after_at else last
    return at if at < last else None


def newer_state(state: str, fact: str) -> str | None:
    """The state that a provider's fact leads to from `state`, or None when it changes nothing."""
    target = STATE_OF_FACT.get(fact)
    return target if target and target != state and may_become(state, target) else None


def too_bad(sent: int, bounced: int, complained: int) -> str:
    """Why the mail of a source must stop itself, in words for a person, or ""."""
    if sent >= BOUNCES[0] and bounced > BOUNCES[1] * sent:
        return f"{bounced} of {sent} emails came back. Look at the addresses, then resume."
    least, share, number = COMPLAINTS
    if sent >= least and complained >= number and complained >= share * sent:
        return f"{complained} of {sent} people reported it as spam. Look at the texts and the group, then resume."
    return ""
