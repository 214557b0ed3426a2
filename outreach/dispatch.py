"""The seam between planning work and spreading it over machines. A lost or repeated call is harmless: tables rule."""

from typing import Protocol

from sqlalchemy.orm import Session


class Dispatcher(Protocol):
    """Tells other workers that there is work; architecture 7."""

    def enqueue(self, session: Session, work: str, *, count: int) -> None:
        """Announce `count` due pieces of `work` within the session's own transaction."""

    def health(self) -> str | None:
        """None when all is well, else one sentence for `outreach doctor`."""


class EmbeddedDispatcher:
    """One machine: the worker's own loop looks at the tables, so nothing needs announcing."""

    def enqueue(self, session: Session, work: str, *, count: int) -> None:
        """Nothing to do: the next tick sees the rows."""

    def health(self) -> str | None:
        """Always well: there is nothing that could be down."""
        return None
