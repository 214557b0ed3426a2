"""The practice, its people, places, services and payers. One installation serves one practice: one row."""

from datetime import date, datetime
from typing import Any

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from outreach.db import Base, Id, Line, Name, Prose, Word, one_of
from outreach.practice.right_models import held_by

DISCIPLINES = ("PT", "OT", "SLP")
ROLES = ("administrator", "coordinator", "clinician", "read-only")
PAYER_STATUSES = ("in-network", "out-of-network", "pending")


class Practice(Base):
    """The practice. `id` is always 1. Times of day are minutes after local midnight."""

    __tablename__ = "practice"
    __table_args__ = (
        CheckConstraint("id = 1", name="single"),
        CheckConstraint(
            "0 <= send_from_minute AND send_from_minute < send_until_minute AND send_until_minute <= 1440",
            name="send_hours",
        ),
    )

    id: Mapped[Id]
    name: Mapped[Name]
    disciplines: Mapped[list[str]] = mapped_column(default=lambda: list(DISCIPLINES))
    tagline: Mapped[Line] = mapped_column(default="")
    street: Mapped[Line] = mapped_column(default="")
    city: Mapped[Name] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(40), default="")
    zip5: Mapped[str] = mapped_column(String(10), default="")
    country: Mapped[str] = mapped_column(String(2), default="US")
    phone: Mapped[str] = mapped_column(String(40), default="")
    fax: Mapped[str] = mapped_column(String(40), default="")
    website: Mapped[Line] = mapped_column(default="")
    time_zone: Mapped[str] = mapped_column(String(60))
    sender_name: Mapped[Name] = mapped_column(default="")
    sender_email: Mapped[Line] = mapped_column(default="")
    reply_to_email: Mapped[Line] = mapped_column(default="")
    inbound_domain: Mapped[Line] = mapped_column(default="")
    """Where replies, unsubscribe mails and calendar answers arrive; empty: none of these addresses is offered."""
    public_url: Mapped[Line] = mapped_column(default="")
    send_from_minute: Mapped[int] = mapped_column(default=8 * 60)
    send_until_minute: Mapped[int] = mapped_column(default=19 * 60)
    send_weekdays: Mapped[list[int]] = mapped_column(default=lambda: [0, 1, 2, 3, 4])
    """Monday is 0."""
    keeps_holidays: Mapped[bool] = mapped_column(default=True)
    """Whether public holidays become quiet days by themselves, each year anew."""
    brand_colour: Mapped[str] = mapped_column(String(7), default="#0a5c54")
    is_demo: Mapped[bool] = mapped_column(default=False)
    """A seeded practice: its clock may be pushed, and `outreach run` refuses it."""
    demo_furnished_at: Mapped[datetime | None]
    """When the seeded practice stood whole: a later start adds nothing and clears nothing."""
    demo_offset_seconds: Mapped[int] = mapped_column(default=0)
    """How far a demo's clock was pushed forward; always 0 outside demo databases."""
    created_at: Mapped[datetime]


class Role(Base, RoleMixin):
    """What a person may do; the four names are fixed (`ROLES`)."""

    __tablename__ = "role"
    __table_args__ = (CheckConstraint(one_of("name", ROLES), name="name"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[Line] = mapped_column(default="")


class PersonRole(Base):
    """A role given to a person."""

    __tablename__ = "person_role"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("role.id"), primary_key=True)


class Person(Base, UserMixin):
    """Somebody who works at the practice and may sign in. Column names from fs_uniquifier on are Flask-Security's."""

    __tablename__ = "person"

    id: Mapped[Id]
    name: Mapped[Name]
    email: Mapped[str] = mapped_column(String(255), unique=True)
    title: Mapped[Name] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    discipline: Mapped[str | None] = mapped_column(String(10))
    single_key_shortcuts: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    confirmed_at: Mapped[datetime | None]
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    tf_last_counter: Mapped[int | None] = mapped_column(BigInteger)
    """The last authenticator code that was taken: none works twice."""
    mf_recovery_codes: Mapped[list[str] | None]
    # Flask-Security types it as a list of mixins; a list of our roles is what it gets.
    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary="person_role", lazy="selectin"
    )

    @property
    def role(self) -> str:
        """The strongest role the person holds; "read-only" when none was given."""
        held = {role.name for role in self.roles}
        return next((name for name in ROLES if name in held), "read-only")

    @property
    def rights(self) -> frozenset[str]:
        """The rights of `right_models.RIGHTS` that the person's role holds now; none for somebody in no session."""
        session = object_session(self)
        return held_by(session, self.role) if session is not None else frozenset()


class Location(Base):
    """One clinic of the practice."""

    __tablename__ = "location"

    id: Mapped[Id]
    name: Mapped[Name]
    street: Mapped[Line] = mapped_column(default="")
    city: Mapped[Name] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(40), default="")
    zip5: Mapped[str] = mapped_column(String(10), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    closed_on: Mapped[date | None]


class Service(Base):
    """Something the practice treats or offers, within one discipline."""

    __tablename__ = "service"
    __table_args__ = (CheckConstraint(one_of("discipline", DISCIPLINES), name="discipline"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    discipline: Mapped[Word]
    ages: Mapped[Name] = mapped_column(default="")
    summary: Mapped[Prose] = mapped_column(default="")
    telehealth: Mapped[bool] = mapped_column(default=False)
    referral_criteria: Mapped[Prose] = mapped_column(default="", server_default="")
    """When to refer, in the practice's words."""
    location_ids: Mapped[list[int]] = mapped_column(default=list, server_default="[]")
    """Where it is offered; empty: everywhere."""
    payer_ids: Mapped[list[int]] = mapped_column(default=list, server_default="[]")
    """Who pays for it; empty: everybody whom the practice takes."""
    confirmed_on: Mapped[date | None]
    """When a person last said that all of this is still right."""
    retired_on: Mapped[date | None]


class Payer(Base):
    """A plan or insurer that referred clients carry."""

    __tablename__ = "payer"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    payer_class: Mapped[str] = mapped_column(String(40), default="commercial")


class Participation(Base):
    """Whether the practice takes a payer, from a day on. The latest row that has begun counts."""

    __tablename__ = "participation"
    __table_args__ = (
        UniqueConstraint("payer_id", "since_on"),
        CheckConstraint(one_of("status", PAYER_STATUSES), name="status"),
    )

    id: Mapped[Id]
    payer_id: Mapped[int] = mapped_column(ForeignKey("payer.id", ondelete="CASCADE"))
    status: Mapped[Word]
    since_on: Mapped[date]
    until_on: Mapped[date | None]


class QuietDay(Base):
    """A day on which nothing is sent: a holiday frozen from the calendar package, or one the practice added."""

    __tablename__ = "quiet_day"

    on: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[Name]
    own: Mapped[bool] = mapped_column(default=False)


class WebSession(Base):
    """A signed-in browser. The cookie carries a random id; only its digest is kept here."""

    __tablename__ = "web_session"
    __table_args__ = (Index("ix_web_session_person_id", "person_id"), Index("ix_web_session_seen_at", "seen_at"))

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class SignInFailure(Base):
    """A wrong password or code: what the throttle counts, per account and per address (both as digests)."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_key_at", "key", "at"),)

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SetupCode(Base):
    """The one-time code of the first run, as a digest; gone once an administrator exists."""

    __tablename__ = "setup_code"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[Id]
    digest: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


class KeptSecret(Base):
    """A key of a transport, encrypted with a key outside the database; replaced at will, never shown again."""

    __tablename__ = "kept_secret"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(16))
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
