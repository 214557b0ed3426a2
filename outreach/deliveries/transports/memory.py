"""Keeps messages in a list: for tests and stories. Answers can be scripted."""

import threading
from collections import deque
from collections.abc import Sequence

from outreach.deliveries.mail import mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports.protocol import Accepted, GoOn, Outcome, Permanent, one_by_one


class MemoryTransport:
    """`sent` holds what was accepted, in order; `answers` (first in, first out) replace the next acceptances."""

    name = "memory"
    kind = "memory"
    leaves_nothing = True
    lanes = 1

    def __init__(self) -> None:
        """Empty."""
        self.sent: list[OutgoingMessage] = []
        self.answers: deque[Outcome] = deque()
        self._lock = threading.Lock()

    def send(self, message: OutgoingMessage) -> Outcome:
        """Accepted, unless another answer waits. The bytes are built as for SMTP, so that what SMTP refuses fails."""
        try:
            mime.build(message)
        except ValueError as broken:
            return Permanent(str(broken))
        with self._lock:
            answer = self.answers.popleft() if self.answers else Accepted(f"memory-{message.delivery_id}")
            if isinstance(answer, Accepted):
                self.sent.append(message)
        return answer

    def to(self, email: str) -> list[OutgoingMessage]:
        """What one address got, in order."""
        return [message for message in self.sent if message.to_email == email]

    def at_once(self, kind: str) -> int:
        """Each message goes by itself."""
        return 1

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """One after the other."""
        return one_by_one(self, messages, go_on)

    def close(self) -> None:
        """Nothing to give back; what was sent stays readable."""
