"""One story per contact: what happened with them, in both directions. Other rooms write facts, none is called up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, false, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id, Prose


@dataclass(frozen=True)
class TouchKind:
    """A sort of fact that a room puts on the timeline. `from_yield` ones are hidden from rooms that choose food."""

    name: str
    label: str
    icon: str
    personal: bool = False
    """Counts as a touch: a call, visit, note or meeting. Newsletters do not."""
    from_yield: bool = False


OWN_KINDS = (
    TouchKind("call", "Call", "phone", personal=True),
    TouchKind("visit", "Visit", "car", personal=True),
    TouchKind("drop-off", "Drop-off", "car", personal=True),
    TouchKind("meeting", "Meeting", "users", personal=True),
    TouchKind("note", "Note", "note", personal=True),
    TouchKind("thank-you", "Thank-you", "heart-handshake", personal=True),
    TouchKind("imported", "Imported", "download"),
    TouchKind("edited", "Changed", "pencil"),
    TouchKind("merged", "Merged", "users"),
    TouchKind("unsubscribed", "Unsubscribed", "x"),
    TouchKind("permission", "Permission", "shield-check"),
    TouchKind("held", "On hold", "player-pause"),
)
PERSONAL = (*(kind.name for kind in OWN_KINDS if kind.personal), "attended")


class Touch(Base):
    """One thing that happened with one contact."""

    __tablename__ = "touch"
    __table_args__ = (
        UniqueConstraint("origin", "kind", "contact_id"),
        Index("ix_touch_contact_id_at", "contact_id", "at"),
        Index("ix_touch_kind_at", "kind", "at"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    text: Mapped[Prose] = mapped_column(default="")
    minutes: Mapped[int | None]
    cost_cents: Mapped[int | None]
    """What it cost beside time: printing, mileage, parking. Meals and gifts stand in the ledger of gifts alone."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_yield: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str | None] = mapped_column(String(80))
    """What made it, as "delivery:12" or "referral:7": the same origin tells its story once. None for typed ones."""


def add(
    session: Session,
    *,
    now: datetime,
    contact_id: int,
    kind: str,
    text: str = "",
    at: datetime | None = None,
    by_id: int | None = None,
    minutes: int | None = None,
    origin: str | None = None,
    from_yield: bool = False,
) -> None:
    """The fact is on the contact's timeline once; idempotent for a given origin, kind and contact."""
    add_many(
        session,
        [
            {
                "contact_id": contact_id,
                "kind": kind,
                "at": at or now,
                "text": text,
                "minutes": minutes,
                "by_id": by_id,
                "origin": origin,
                "from_yield": from_yield,
            }
        ],
    )


def add_many(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Many facts in one statement; rows have the columns of Touch, all with the same keys."""
    if not rows:
        return
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(build(Touch).on_conflict_do_nothing(), list(rows))


def add_selected(session: Session, rows: Select[*tuple[Any, ...]]) -> None:
    """As `add_many`, from a query with columns contact_id, kind, at, text and origin."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    chosen = rows.add_columns(false().label("from_yield")).where(true())
    names = ["contact_id", "kind", "at", "text", "origin", "from_yield"]
    session.execute(build(Touch).from_select(names, chosen, include_defaults=False).on_conflict_do_nothing())


def story(contact_id: int, *, kinds: Sequence[str] = (), limit: int = 50) -> Select[Touch]:
    """The contact's timeline, newest first."""
    found = select(Touch).where(Touch.contact_id == contact_id).order_by(Touch.at.desc(), Touch.id.desc())
    return (found.where(Touch.kind.in_(kinds)) if kinds else found).limit(limit)


def neutral() -> Select[Touch]:
    """The timeline without anything that rests on referrals or yield: the only one events and gifts may read."""
    return select(Touch).where(Touch.from_yield.is_(False))
