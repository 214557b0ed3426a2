"""The ledger: one row per message to one person, written before anything is sent, and what became of it."""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Table, UniqueConstraint, false, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id, Line, Name, Word, one_of
from outreach.deliveries import arrows
from outreach.deliveries.rules import AUDIENCES, INBOUND_KINDS, LEASED, OUTCOMES, STATES, WAITING

IS_WAITING = one_of("state", WAITING)
IS_LEASED = one_of("state", LEASED)
WAS_SENT = one_of("state", ("sent", "delivered", "bounced", "complained"))
CAN_EXPIRE = f"{one_of('state', (*WAITING, 'held'))} AND not_after_at IS NOT NULL"
NEEDS_A_LOOK = one_of("state", ("held", "failed", "unconfirmed"))
STOPPED = ("suppressed", "expired", "cancelled", "duplicate-address", "abandoned")
IS_STOPPED = one_of("state", STOPPED)
IS_PAPER = "transport = 'print'"
"""These stand as text in partial indexes; a query repeats them literally so that the index can be used."""
SHORT_LENGTH = 16
SHORT_HASH = f"substr(address_hash, 1, {SHORT_LENGTH})"
"""64 bits of a keyed hash: by chance two of a million addresses share them once in 37 million crowds."""


class Delivery(Base):
    """One message to one person. States move only along `rules.ARROWS`.

    `due_at` is when it is looked at next: the planned instant, then the next try. A window of None is always open.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("source", "source_id", "step", "contact_id", "occurrence", name="uq_delivery_once"),
        # Two contacts with one mailbox do not get two mails: the second row is final at once as duplicate-address and
        # has no hash. The index names no state, so that a mail on its way does not rewrite it three times. What differs
        # most stands first in it, and only its beginning: an index of half the size costs a crowd half the time.
        Index("uq_delivery_address", text(SHORT_HASH), "source", "source_id", "step", "occurrence", unique=True),
        CheckConstraint("state != 'duplicate-address' OR address_hash IS NULL", name="duplicate_address"),
        # SQLite looks a word up in a longer list each time: what most rows are when they are made stands before it.
        CheckConstraint(f"state = 'scheduled' OR {one_of('state', STATES)}", name="state"),
        CheckConstraint(f"audience_class = 'provider' OR {one_of('audience_class', AUDIENCES)}", name="audience_class"),
        CheckConstraint(f"({IS_LEASED}) = (token IS NOT NULL)", name="token"),
        CheckConstraint("(token IS NULL) = (lease_until_at IS NULL)", name="lease"),
        CheckConstraint(f"state = 'scheduled' OR NOT ({WAS_SENT}) OR sent_at IS NOT NULL", name="sent"),
        CheckConstraint("(window_from_at IS NULL) = (window_until_at IS NULL)", name="window"),
        CheckConstraint("window_from_at < window_until_at", name="window_order"),
        CheckConstraint("NOT (audience_class = 'client' AND transport = 'sendgrid')", name="client_not_by_sendgrid"),
        Index(
            "ix_delivery_due",
            "kind",
            "due_at",
            "priority",
            "transport",
            sqlite_where=text(IS_WAITING),
            postgresql_where=text(IS_WAITING),
        ),
        Index(
            "ix_delivery_lease",
            "lease_until_at",
            sqlite_where=text(IS_LEASED),
            postgresql_where=text(IS_LEASED),
        ),
        Index(
            "ix_delivery_not_after_at",
            "not_after_at",
            sqlite_where=text(CAN_EXPIRE),
            postgresql_where=text(CAN_EXPIRE),
        ),
        Index(
            "ix_delivery_needs_a_look",
            "state",
            "id",
            sqlite_where=text(NEEDS_A_LOOK),
            postgresql_where=text(NEEDS_A_LOOK),
        ),
        Index(
            "ix_delivery_stopped",
            "id",
            sqlite_where=text(IS_STOPPED),
            postgresql_where=text(IS_STOPPED),
        ),
        Index(
            "ix_delivery_paper",
            "state",
            "id",
            sqlite_where=text(IS_PAPER),
            postgresql_where=text(IS_PAPER),
        ),
        Index(
            "ix_delivery_message_waiting",
            "message_id",
            sqlite_where=text(IS_WAITING),
            postgresql_where=text(IS_WAITING),
        ),
        Index("ix_delivery_contact_id_sent_at", "contact_id", "sent_at"),
        Index(
            "ix_delivery_sent_at",
            "sent_at",
            sqlite_where=text("sent_at IS NOT NULL"),
            postgresql_where=text("sent_at IS NOT NULL"),
        ),
        Index(
            "ix_delivery_provider_message_id",
            "provider_message_id",
            sqlite_where=text("provider_message_id IS NOT NULL"),
            postgresql_where=text("provider_message_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    source: Mapped[Word]
    source_id: Mapped[int]
    step: Mapped[str] = mapped_column(String(60), default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    occurrence: Mapped[str] = mapped_column(String(60), default="")

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    """The immutable message revision (content)."""
    kind: Mapped[Word]
    mail_class: Mapped[Word]
    topic: Mapped[Word]
    """What an opt-out must name to stop it; "all" for relationship mail, which only "stop everything" stops."""
    audience_class: Mapped[str] = mapped_column(String(20))
    """Stamped at `put` and compared with the contact's present class at the fence."""
    email: Mapped[str] = mapped_column(String(320), default="")
    to_name: Mapped[Name] = mapped_column(default="")
    address_hash: Mapped[str | None] = mapped_column(String(64))
    """The keyed hash of `email`; None in a row that waits for nothing because somebody else has the same address."""
    details: Mapped[dict[str, Any] | None] = mapped_column(default=dict)
    """The merged values, without any public token. None until it is claimed where a whole crowd was planned at once."""

    state: Mapped[Word] = mapped_column(default="scheduled")
    reason: Mapped[str] = mapped_column(String(60), default="")
    priority: Mapped[int] = mapped_column(default=0)
    weight: Mapped[int] = mapped_column(default=0, server_default="0")
    """What goes first when the limits of one person bind, of the kinds that count to them; see caps.cap_rules."""
    own_share: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Has a place of the limits to itself, and each fifth place in the queue, so that no yield order starves it."""
    zone: Mapped[str] = mapped_column(String(60))
    local_minute: Mapped[int | None]
    """The intended time of day in `zone`, when there is one; `due_at` is what it resolved to."""
    not_before_at: Mapped[datetime]
    due_at: Mapped[datetime]
    window_from_at: Mapped[datetime | None]
    window_until_at: Mapped[datetime | None]
    not_after_at: Mapped[datetime | None]
    end_moves: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Its last moment moves along while it waits for its person's sake; without it that wait makes it expire."""

    transport: Mapped[str | None] = mapped_column(String(20))
    token: Mapped[str | None] = mapped_column(String(32))
    lease_until_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_attempt_at: Mapped[datetime | None]
    fenced_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    fact_rank: Mapped[int] = mapped_column(default=0)
    """The strongest provider fact so far (`sendgrid_events.RANKS`): facts arrive in any order and only move forward."""
    provider_message_id: Mapped[str | None] = mapped_column(String(200))
    message_id_header: Mapped[str | None] = mapped_column(String(200))
    rendered_hash: Mapped[str | None] = mapped_column(String(64))
    last_error: Mapped[Line] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


LEDGER = cast(Table, Delivery.__table__)
"""The ledger as a table: bulk statements go past the ORM."""
arrows.attach(LEDGER)


class DeliveryCalendar(Base):
    """The invitation file that goes along with one delivery."""

    __tablename__ = "delivery_calendar"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True)
    method: Mapped[str] = mapped_column(String(20))
    ics: Mapped[bytes] = mapped_column(LargeBinary)


class Attempt(Base):
    """One hand-over that was tried. Append-only."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        Index("ix_delivery_attempt_delivery_id", "delivery_id"),
    )

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"))
    number: Mapped[int]
    transport: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    outcome: Mapped[Word]
    text: Mapped[Line] = mapped_column(default="")


class ProviderEvent(Base):
    """One element of an event webhook, as it came; unique by the provider's event id, so replays are harmless."""

    __tablename__ = "provider_event"
    __table_args__ = (
        UniqueConstraint("event_id"),
        Index(
            "ix_provider_event_unhandled",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(String(100))
    event: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(40), default="")
    """applied, older, no-delivery, ignored"""


class Receipt(Base):
    """One fact from a provider about one delivery."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (
        UniqueConstraint("provider_event_id"),
        Index("ix_delivery_receipt_delivery_id", "delivery_id"),
    )

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"))
    provider_event_id: Mapped[int | None] = mapped_column(ForeignKey("provider_event.id", ondelete="SET NULL"))
    event: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    text: Mapped[Line] = mapped_column(default="")


class InboundMail(Base):
    """A mail that came back: stored whole and committed first, read by the rooms on their ticks."""

    __tablename__ = "inbound_mail"
    __table_args__ = (
        CheckConstraint(one_of("kind", INBOUND_KINDS), name="kind"),
        UniqueConstraint("digest"),
        Index(
            "ix_inbound_mail_unhandled",
            "kind",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[Word]
    token: Mapped[str] = mapped_column(String(100), default="")
    """What follows the plus sign in the address it was sent to."""
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id", ondelete="SET NULL"))
    """The message that it answers, when that is known."""
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class LinkClick(Base):
    """A tracked link was followed; rows are flagged as machine-made, never deleted."""

    __tablename__ = "delivery_link_click"
    __table_args__ = (Index("ix_delivery_link_click_delivery_id", "delivery_id", "at"),)

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"))
    link_number: Mapped[int]
    """Which of the message revision's `links`: the target is stored there."""
    at: Mapped[datetime]
    machine: Mapped[bool]
    signals: Mapped[str] = mapped_column(String(100), default="")
    """The signs of a machine that were seen: head, at-once, all-links, hidden, crowd, host, agent, burst."""
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    came_from: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """The keyed hash of the network address, to know again who reads the mail of many; empty where unknown."""


class TransportState(Base):
    """What the practice recorded about a way out, and how it is: agreement, pause, trouble, earliest next try."""

    __tablename__ = "transport_state"
    __table_args__ = (CheckConstraint("name != 'sendgrid' OR baa_signed_on IS NULL", name="no_baa_for_sendgrid"),)

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    baa_signed_on: Mapped[date | None]
    baa_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    baa_for: Mapped[str | None] = mapped_column(String(255))
    """The server with whose provider it was made; NULL when there is none to name. It counts for no other server."""
    paused_at: Mapped[datetime | None]
    paused_why: Mapped[Line] = mapped_column(default="")
    paused_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    not_before_at: Mapped[datetime | None]
    """A provider asked us to wait until then."""
    troubles: Mapped[int] = mapped_column(default=0)
    """Failed hand-overs in a row."""
    last_trouble_at: Mapped[datetime | None]
    last_trouble: Mapped[Line] = mapped_column(default="")
    last_sent_at: Mapped[datetime | None]


class Hold(Base):
    """Nothing in this scope leaves: "all", "campaign:12", "transport:smtp". Read inside the fence."""

    __tablename__ = "delivery_hold"
    __table_args__ = (
        Index(
            "ix_delivery_hold_live",
            "scope",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    scope: Mapped[str] = mapped_column(String(80))
    why: Mapped[Line] = mapped_column(default="")
    since_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None when the house held itself: the clock jumped, too many bounces."""
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


def builder(session: Session) -> Any:
    """The dialect's own `insert`, which knows ON CONFLICT."""
    return builder_for(session.get_bind().dialect.name == "sqlite")


def builder_for(is_sqlite: bool) -> Any:
    """The same where the dialect is known already."""
    return sqlite.insert if is_sqlite else postgresql.insert
