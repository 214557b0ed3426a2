"""What deliveries put on a contact's timeline."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.content.details import in_words
from outreach.content.models import Message
from outreach.deliveries.sets import INSTANT, NUMBER, WORDS, rows_of
from outreach.deliveries.words import reason_words
from outreach.practice.queries import practice_of

TOLD_STATES = ("suppressed", "expired", "failed")


class About(Protocol):
    """A delivery as far as the timeline needs to know."""

    @property
    def id(self) -> int:
        """The delivery."""

    @property
    def contact_id(self) -> int | None:
        """Its contact; typed addresses have none and no timeline."""

    @property
    def message_id(self) -> int:
        """The message revision."""


class Stop(About, Protocol):
    """A delivery that will not leave."""

    @property
    def state(self) -> str:
        """What it became."""

    @property
    def reason(self) -> str:
        """Why."""


def not_sent(session: Session, stopped: Sequence[Stop], *, now: datetime) -> None:
    """The timeline says which email was not sent, and why."""
    told = [row for row in stopped if row.state in TOLD_STATES]
    subjects = subjects_of(session, {row.message_id for row in told})
    _add(
        session,
        told,
        "not-sent",
        [f"“{subjects[row.message_id]}” was not sent: {reason_words(row.reason)}" for row in told],
        at=now,
    )


def happened(
    session: Session, rows: Sequence[About], kind: str, *, at: datetime | Mapping[int, datetime], words: str = ""
) -> None:
    """The timeline says what happened with these messages: emailed, clicked, bounced, complained, replied.

    `at` is one instant for all, or {delivery: instant}.
    """
    subjects = subjects_of(session, {row.message_id for row in rows})
    _add(session, rows, kind, [f"“{subjects[row.message_id]}”{words}" for row in rows], at=at)


def subjects_of(session: Session, message_ids: Collection[int]) -> dict[int, str]:
    """The subjects in words, by message revision."""
    if not message_ids:
        return {}
    practice = practice_of(session)
    return {
        row.id: in_words(row.subject, practice)
        for row in session.execute(select(Message.id, Message.subject).where(Message.id.in_(message_ids)))
    }


def _add(
    session: Session, rows: Sequence[About], kind: str, texts: Sequence[str], *, at: datetime | Mapping[int, datetime]
) -> None:
    told = [
        (row.contact_id, at if isinstance(at, datetime) else at[row.id], words, f"delivery:{row.id}")
        for row, words in zip(rows, texts, strict=True)
        if row.contact_id is not None
    ]
    if told:
        columns = {"contact_id": NUMBER, "at": INSTANT, "text": WORDS, "origin": WORDS}
        made = rows_of(session, "told", columns, told).c
        timeline.add_selected(session, select(made.contact_id, literal(kind), made.at, made.text, made.origin))
