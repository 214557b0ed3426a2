"""People and organizations that can refer to the practice or be written to, and the groups made of them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.contacts.kinds import AUDIENCE_CLASSES, CLASS_SQL, KINDS, ORGANIZATION_TYPES
from outreach.db import Base, Id, Line, Name, Prose, Word, one_of

PREFERRED_CHANNELS = ("email", "phone", "fax", "portal", "direct", "mail", "visit")
"""How an office likes reports and news to arrive; "direct" is Direct secure messaging."""


class Organization(Base):
    """A place that people belong to. What refers or is written to is its desk: a Contact of an office-like kind."""

    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint(one_of("type", ORGANIZATION_TYPES), name="type"),
        Index("ix_organization_name", "name"),
        Index("ix_organization_lower_name", text("lower(name)")),
        Index(
            "ix_organization_npi",
            "npi",
            unique=True,
            sqlite_where=text("npi IS NOT NULL"),
            postgresql_where=text("npi IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    name: Mapped[Name]
    type: Mapped[Word] = mapped_column(default="medical-practice")
    npi: Mapped[str | None] = mapped_column(String(10))
    street: Mapped[Line] = mapped_column(default="")
    city: Mapped[Name] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(40), default="")
    zip5: Mapped[str] = mapped_column(String(10), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    fax: Mapped[str] = mapped_column(String(40), default="")
    website: Mapped[Line] = mapped_column(default="")
    preferred_channel: Mapped[str | None] = mapped_column(String(20))
    lunch_hour: Mapped[Name] = mapped_column(default="")
    visit_rules: Mapped[Prose] = mapped_column(default="")
    notes: Mapped[Prose] = mapped_column(default="")
    front_desk: Mapped[Name] = mapped_column(default="", server_default="")
    referral_coordinator: Mapped[Name] = mapped_column(default="", server_default="")
    channel_contact: Mapped[Name] = mapped_column(default="", server_default="")
    """Whom reports and news go to by the preferred channel."""
    booking_window: Mapped[Name] = mapped_column(default="", server_default="")
    weeks_between_lunches: Mapped[int | None]
    visitors_allowed: Mapped[int | None]
    parking: Mapped[Line] = mapped_column(default="", server_default="")
    physicians: Mapped[int | None]
    advanced_providers: Mapped[int | None]
    """NPs, PAs and others who see clients beside the physicians."""
    staff: Mapped[int | None]
    diets: Mapped[Line] = mapped_column(default="", server_default="")
    """Counts and needs for a meal, tied to no name."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    closed_on: Mapped[date | None]
    """Since when the place is out of use: it keeps its story and is offered nowhere."""
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Raised by every edit by hand; a form that carries an older one is told about the other person's change."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))

    people: Mapped[list["Contact"]] = relationship(back_populates="organization", viewonly=True)


class Contact(Base):
    """Someone who can refer and be written to: a person, or the desk of an organization.

    `address_hash` is the keyed hash of the normalised e-mail address: the join to suppressions and deliveries.
    `audience_class` follows from `kind` (architecture 9.8) and decides transports and rules.
    """

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint(one_of("audience_class", AUDIENCE_CLASSES), name="audience_class"),
        CheckConstraint("(email IS NULL) = (address_hash IS NULL)", name="address_hash"),
        Index("ix_contact_sort_name", "sort_name", "id"),
        Index("ix_contact_address_hash", "address_hash"),
        Index("ix_contact_organization_id", "organization_id"),
        Index("ix_contact_kind", "kind", "id"),
        Index("ix_contact_zip5", "zip5"),
        Index(
            "ix_contact_npi",
            "npi",
            unique=True,
            sqlite_where=text("npi IS NOT NULL AND deleted_at IS NULL"),
            postgresql_where=text("npi IS NOT NULL AND deleted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[Word]
    audience_class: Mapped[str] = mapped_column(String(20), Computed(CLASS_SQL, persisted=True))
    prefix: Mapped[str] = mapped_column(String(40), default="")
    first_name: Mapped[Name] = mapped_column(default="")
    last_name: Mapped[Name] = mapped_column(default="")
    credentials: Mapped[str] = mapped_column(String(60), default="")
    sort_name: Mapped[str] = mapped_column(String(400))
    """Lower-cased "last first" (or the desk's name): lists are ordered and paged by it."""
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    title: Mapped[Name] = mapped_column(default="")
    email: Mapped[str | None] = mapped_column(String(320))
    address_hash: Mapped[str | None] = mapped_column(String(64))
    phone: Mapped[str] = mapped_column(String(40), default="")
    fax: Mapped[str] = mapped_column(String(40), default="")
    street: Mapped[Line] = mapped_column(default="")
    city: Mapped[Name] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(40), default="")
    zip5: Mapped[str] = mapped_column(String(10), default="")
    time_zone: Mapped[str | None] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(10), default="en")
    npi: Mapped[str | None] = mapped_column(String(10))
    taxonomy: Mapped[str | None] = mapped_column(String(10))
    specialty: Mapped[Name] = mapped_column(default="")
    stark_physician: Mapped[bool] = mapped_column(default=False)
    discipline: Mapped[str | None] = mapped_column(String(10))
    refers_for: Mapped[Line] = mapped_column(default="")
    ask_for: Mapped[Name] = mapped_column(default="")
    best_time: Mapped[Name] = mapped_column(default="")
    languages: Mapped[Line] = mapped_column(default="", server_default="")
    """What they speak beside `language`, in which they are written to; as people say it: "Spanish, Polish"."""
    therapy_relationship: Mapped[Line] = mapped_column(default="", server_default="")
    """Which therapists they send clients to now; whoever is committed elsewhere is approached with restraint (S16)."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    birthday_on: Mapped[date | None]
    discharged_on: Mapped[date | None]
    deceased_on: Mapped[date | None]
    advocate: Mapped[bool] = mapped_column(default=False)
    recovery_hold_at: Mapped[datetime | None]
    """Since when asks, newsletters, cards and story requests are stopped because something went wrong (S28)."""
    recovery_hold_why: Mapped[Line] = mapped_column(default="")
    do_not_contact_at: Mapped[datetime | None]
    """Since when nothing goes to them in any way, letters and calls included; a stop of email alone: Suppression."""
    do_not_contact_why: Mapped[Line] = mapped_column(default="", server_default="")
    source: Mapped[Name] = mapped_column(default="")
    added_on: Mapped[date]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every edit; a form that carries an older one is told about the other person's change."""
    deleted_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))

    organization: Mapped[Organization | None] = relationship(back_populates="people", lazy="raise_on_sql")

    @property
    def name(self) -> str:
        """As people say it: "Dr. Priya Raman", or the desk's own name."""
        said = " ".join(part for part in (self.prefix, self.first_name, self.last_name) if part)
        if not said:
            return self.email or "No name"
        return f"{said}, {self.credentials}" if self.credentials and not self.prefix else said


class Membership(Base):
    """A person's place at an organization, with dates, so that a move keeps its history."""

    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_contact_id", "contact_id"),
        Index("ix_membership_organization_id", "organization_id"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    role: Mapped[Name] = mapped_column(default="")
    since_on: Mapped[date | None]
    until_on: Mapped[date | None]


class ContactPayer(Base):
    """A payer that this contact's clients carry."""

    __tablename__ = "contact_payer"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey("payer.id", ondelete="CASCADE"), primary_key=True)


class ContactTag(Base):
    """A free word on a contact."""

    __tablename__ = "contact_tag"
    __table_args__ = (Index("ix_contact_tag_tag", "tag", "contact_id"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(60), primary_key=True)


class Group(Base):
    """A named set of contacts: by rules (`rules`) or a fixed list (GroupMember).

    `from_yield` marks a group that rests on yield, tier or referral facts: events and gifts refuse it at their door.
    """

    __tablename__ = "contact_group"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    fixed: Mapped[bool] = mapped_column(default=False)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    from_yield: Mapped[bool] = mapped_column(default=False)
    ready_made: Mapped[bool] = mapped_column(default=False)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class GroupMember(Base):
    """A contact on a fixed list."""

    __tablename__ = "contact_group_member"
    __table_args__ = (UniqueConstraint("contact_id", "group_id"),)

    group_id: Mapped[int] = mapped_column(ForeignKey("contact_group.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    since_at: Mapped[datetime]
