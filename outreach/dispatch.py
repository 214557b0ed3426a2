"""The seam between planning work and spreading it over machines. A lost or repeated call is harmless: tables rule."""

from typing import Protocol

from sqlalchemy.orm import Session


class Dispatcher(Protocol):
    """Tells other workers that there is work; architecture 7."""

    def enqueue(self, session: Session, work: str, *, count: int) -> bool:
        """Announce `count` due pieces of `work` within the session's own transaction.

        False when nobody is told, so that whoever asks does the work itself.
        """

    def tidy(self) -> int:
        """What was announced to workers that died is announced again; answers how often. Idempotent."""

    def health(self) -> str | None:
        """None when all is well, else one sentence for `outreach doctor`."""


class EmbeddedDispatcher:
    """One machine: the worker's own loop looks at the tables, so nothing needs announcing."""

    def __init__(self, note: str | None = None) -> None:
        """`note` is what `outreach doctor` says when this is not what the installation should have."""
        self._note = note

    def enqueue(self, session: Session, work: str, *, count: int) -> bool:
        """Nobody to tell: the next tick sees the rows."""
        return False

    def tidy(self) -> int:
        """Nothing was announced."""
        return 0

    def health(self) -> str | None:
        """There is nothing that could be down."""
        return self._note
