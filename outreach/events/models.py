"""Events, who is invited, what they answered, what is planned to be sent, and who came."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Name, Prose, Word, one_of
from outreach.events.rules import ANSWERS, DATED, STATUSES, TYPES

INVITATION_STATES = ("invited", "not-sent", "by-phone", "cancelled")
SOURCES = ("page", "reply", "staff")
MESSAGE_STATES = ("planned", "sent", "cancelled", "skipped")
NOW_ANSWERED = ("none", *ANSWERS, "waiting")
PLACE_ROLES = ("clinician", "staff", "ours", "other")


class Event(Base):
    """A lunch-and-learn or another meeting.

    The time is kept as the intention (local day, minutes after local midnight, IANA zone) and as the resolved
    instants. `sequence` rises with every change of time or place and with the cancellation (RFC 5546).
    """

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint(one_of("type", tuple(TYPES)), name="type"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("(starts_on IS NULL) = (starts_at IS NULL)", name="date"),
        CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name="end"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint(f"NOT ({one_of('status', DATED)}) OR starts_at IS NOT NULL", name="dated"),
        CheckConstraint("capacity IS NULL OR capacity > 0", name="capacity"),
        CheckConstraint("0 <= starts_minute AND starts_minute < 1440", name="starts_minute"),
        Index("ix_event_starts_at", "starts_at"),
        Index("ix_event_status", "status", "starts_at"),
        Index("ix_event_organization_id", "organization_id"),
    )

    id: Mapped[Id]
    type: Mapped[Word]
    title: Mapped[Name]
    status: Mapped[Word] = mapped_column(default="idea")
    topic: Mapped[Line] = mapped_column(default="")
    learning_points: Mapped[Prose] = mapped_column(default="")
    content_minutes: Mapped[int] = mapped_column(default=0)
    presenter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    host_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who looks after it: its tasks are theirs."""
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    place: Mapped[Line] = mapped_column(default="")
    starts_on: Mapped[date | None]
    starts_minute: Mapped[int] = mapped_column(default=12 * 60)
    minutes: Mapped[int] = mapped_column(default=60)
    time_zone: Mapped[str] = mapped_column(String(60))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(default=0)
    meal: Mapped[bool] = mapped_column(default=False)
    budget_cents: Mapped[int | None]
    """Per head. One budget for every office: nothing here can see what an office refers."""
    cost_cents: Mapped[int | None]
    capacity: Mapped[int | None]
    heads_note: Mapped[Prose] = mapped_column(default="")
    """What the office said about head count, allergies and rules; counts, not names."""
    materials: Mapped[Prose] = mapped_column(default="")
    questions: Mapped[Prose] = mapped_column(default="")
    criteria: Mapped[list[Any]] = mapped_column(default=list)
    """How each batch of invitees was chosen: the evidence that it was by neutral criteria (domain 3.4)."""
    drafts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{message kind: draft} of the texts that were edited; others take the standard words."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None]
    backup_presenter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    caterer: Mapped[Line] = mapped_column(default="", server_default="")
    credit: Mapped[Line] = mapped_column(default="", server_default="")
    """Continuing education: kind, hours, approval number."""
    clinicians: Mapped[Prose] = mapped_column(default="", server_default="")
    """Which clinicians the office said will be there, by name (domain 6.2)."""
    expected_clinicians: Mapped[int | None]
    expected_staff: Mapped[int | None]
    """How many the office expects, by role; the answers of the invited are counted by themselves."""
    handouts: Mapped[list[int]] = mapped_column(default=list, server_default="[]")
    """Files of the library that are shown or left there: {asset ids}. The thank-you carries links to them."""
    materials_left: Mapped[Prose] = mapped_column(default="", server_default="")
    next_step: Mapped[Line] = mapped_column(default="", server_default="")


class Invitation(Base):
    """One person invited to one event. `answer`, `guests`, `diets`: what they said last about the present time."""

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("event_id", "contact_id"),
        UniqueConstraint("uid"),
        CheckConstraint(one_of("state", INVITATION_STATES), name="state"),
        CheckConstraint(one_of("answer", NOW_ANSWERED), name="answer"),
        CheckConstraint("guests >= 0", name="guests"),
        Index("ix_invitation_contact_id", "contact_id"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    uid: Mapped[str | None] = mapped_column(String(255))
    """Fixed for life (RFC 5545 section 3.8.4.7): set at once when the row has its id."""
    sequence: Mapped[int] = mapped_column(default=0)
    """The SEQUENCE of the calendar file that went to this person last."""
    issued_at: Mapped[datetime]
    """Its DTSTAMP."""
    rsvp_generation: Mapped[int] = mapped_column(default=0)
    state: Mapped[Word] = mapped_column(default="invited")
    reason: Mapped[str] = mapped_column(String(60), default="")
    invited_at: Mapped[datetime]
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[Word] = mapped_column(default="none")
    earlier_answer: Mapped[Word] = mapped_column(default="")
    """What they had said to a time that was changed since."""
    guests: Mapped[int] = mapped_column(default=0)
    diets: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answered_at: Mapped[datetime | None]


class Rsvp(Base):
    """One answer as it came. Kept for good; a stale one is kept with its reason and changed nothing."""

    __tablename__ = "rsvp"
    __table_args__ = (
        CheckConstraint(one_of("answer", NOW_ANSWERED[1:]), name="answer"),
        CheckConstraint(one_of("source", SOURCES), name="source"),
        # The same calendar answer that arrives twice is one answer (Invite contract 6).
        Index(
            "uq_rsvp_reply",
            "invitation_id",
            "stamped_at",
            unique=True,
            sqlite_where=text("source = 'reply'"),
            postgresql_where=text("source = 'reply'"),
        ),
        Index("ix_rsvp_invitation_id", "invitation_id", "id"),
    )

    id: Mapped[Id]
    invitation_id: Mapped[int] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    answer: Mapped[Word]
    guests: Mapped[int] = mapped_column(default=0)
    diets: Mapped[dict[str, Any]] = mapped_column(default=dict)
    comment: Mapped[Prose] = mapped_column(default="")
    source: Mapped[Word]
    answered_at: Mapped[datetime]
    stamped_at: Mapped[datetime | None]
    """DTSTAMP of a calendar answer."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sequence: Mapped[int] = mapped_column(default=0)
    """Which version of the event it answers."""
    stale: Mapped[str] = mapped_column(String(40), default="")


class EventMessage(Base):
    """A message of the timeline for one version of the event: planned, then sent, or cancelled when the event moved."""

    __tablename__ = "event_message"
    __table_args__ = (
        UniqueConstraint("event_id", "step", "sequence"),
        CheckConstraint(one_of("state", MESSAGE_STATES), name="state"),
        Index(
            "ix_event_message_planned",
            "due_at",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(40))
    sequence: Mapped[int]
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    state: Mapped[Word] = mapped_column(default="planned")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    settled_at: Mapped[datetime | None]


class Attendance(Base):
    """Somebody who was there: a contact, or a name from the sign-in sheet."""

    __tablename__ = "attendance"
    __table_args__ = (
        CheckConstraint("contact_id IS NOT NULL OR name != ''", name="someone"),
        CheckConstraint(one_of("role", PLACE_ROLES), name="role"),
        Index(
            "uq_attendance_contact",
            "event_id",
            "contact_id",
            unique=True,
            sqlite_where=text("contact_id IS NOT NULL"),
            postgresql_where=text("contact_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    name: Mapped[Name] = mapped_column(default="")
    role: Mapped[Word] = mapped_column(default="other")
    walk_in: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class CalendarAnswer(Base):
    """What became of one calendar mail that came in: applied, or why a person has to look at it."""

    __tablename__ = "calendar_answer"

    inbound_mail_id: Mapped[int] = mapped_column(
        ForeignKey("inbound_mail.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    outcome: Mapped[Word]
    """applied, again, stale, cancelled, needs-person, stranger, or the reason for which it could not be read."""
    partstat: Mapped[str] = mapped_column(String(20), default="")
    at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
