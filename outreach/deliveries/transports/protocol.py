"""What every way out promises, and the six answers that it may give. The adapter alone decides which answer it was."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from outreach.deliveries.message import OutgoingMessage

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


class Transport(Protocol):
    """A way out. `send` is called from several threads at once, at most `lanes`."""

    name: str
    kind: str
    leaves_nothing: bool
    """Folder and memory: no mail goes anywhere, so every class may be carried."""
    lanes: int

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is handed over, or the answer says why not. Never raises for what the other side does."""

    def close(self) -> None:
        """Connections are given back; the transport may be used again."""
