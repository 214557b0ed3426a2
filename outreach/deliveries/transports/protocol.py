"""What every way out promises, and the six answers that it may give. The adapter alone decides which answer it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from outreach.deliveries.mail.message import OutgoingMessage

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
"""Reliability B1 (6): a hand-over ends within this; the lease of a row is longer."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message over. `provider_id` is what its later facts name."""

    provider_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class NotHandedOver:
    """Nothing of the message reached the provider (no connection, no name, no TLS): it is tried again."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusedForNow:
    """The provider surely did not take it and asks to come back: 429, 503, SMTP 4yz."""

    text: str
    not_before_at: datetime | None = None
    """The provider's own word for when; None when it gave none."""
    wait_seconds: float | None = None
    busy: bool = False
    """The whole way is busy (rate limit), not this recipient's mailbox."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may or may not have been taken over: it is never sent again by itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Permanent:
    """This message is refused for good. `bad_address`: because of the recipient's address."""

    text: str
    bad_address: bool = False


@dataclass(frozen=True, slots=True)
class AccountProblem:
    """Our account is refused (401, 403, sender not verified): the way out is paused, the message waits."""

    text: str


Outcome = Accepted | NotHandedOver | RefusedForNow | Unknown | Permanent | AccountProblem
NAMES: dict[type[Outcome], str] = {
    Accepted: "accepted",
    NotHandedOver: "not-handed-over",
    RefusedForNow: "refused-for-now",
    Unknown: "unknown",
    Permanent: "permanent",
    AccountProblem: "account-problem",
}
"""As an Attempt stores them (`rules.OUTCOMES`)."""

LONGEST_WORDS = 500


def told(outcome: Outcome) -> str:
    """Its words as a database keeps them: what cannot be printed is a space, because the other side may say anything
    (PostgreSQL takes no NUL, and half a surrogate pair is no text at all). At most 500 characters."""
    text = outcome.text[:LONGEST_WORDS]
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


GoOn = Callable[[], bool]
"""Asked before each message of a group begins: False when the worker stops or its lease is about to end."""
NOT_BEGUN = NotHandedOver("The worker stopped before it was this message's turn.")


class Transport(Protocol):
    """A way out. `send` and `send_many` are called from several threads at once, at most `lanes`."""

    name: str
    kind: str
    leaves_nothing: bool
    """Folder and memory: no mail goes anywhere, so every class may be carried."""
    lanes: int

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is handed over, or the answer says why not. Never raises for what the other side does."""

    def at_once(self, kind: str) -> int:
        """How many messages of this kind one `send_many` may take; 1 where each goes by itself."""

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """The answer to each message, in their order; what was not begun when `go_on` said no is NotHandedOver.

        Never raises for what the other side does. At most `at_once` messages, none to the same address twice.
        """

    def close(self) -> None:
        """Connections are given back; the transport may be used again."""


def one_by_one(transport: Transport, messages: Sequence[OutgoingMessage], go_on: GoOn) -> list[Outcome]:
    """`send_many` for a way out that knows single messages only."""
    return [transport.send(message) if go_on() else NOT_BEGUN for message in messages]
