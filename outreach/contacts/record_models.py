"""What is remembered about records themselves: who belongs to whose family, what was merged, what is no duplicate."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of

RELATIONS = {
    "parent": "Parent",
    "child": "Son or daughter",
    "partner": "Partner",
    "sibling": "Brother or sister",
    "grandparent": "Grandparent",
    "grandchild": "Grandchild",
    "guardian": "Guardian",
    "ward": "In their care",
    "caregiver": "Caregiver",
    "cared-for": "Cared for by them",
    "other": "Family",
}
OPPOSITE = {
    "parent": "child",
    "child": "parent",
    "grandparent": "grandchild",
    "grandchild": "grandparent",
    "guardian": "ward",
    "ward": "guardian",
    "caregiver": "cared-for",
    "cared-for": "caregiver",
}
"""What the one is to the other, seen from the other side; every other relation is the same from both."""
RECORD_KINDS = ("contact", "organization")


class FamilyLink(Base):
    """`relative` is the `relation` of `contact`. Nothing medical, nothing else: the relation alone."""

    __tablename__ = "family_link"
    __table_args__ = (
        CheckConstraint("contact_id != relative_id", name="two_people"),
        CheckConstraint(one_of("relation", tuple(RELATIONS)), name="relation"),
        Index("ix_family_link_relative_id", "relative_id"),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    relative_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    relation: Mapped[Word]


class MergeRecord(Base):
    """One merge, with all that is needed to take it back: the fields before and every row that was moved.

    `before` is {column: value} of the record that lives on, `gone` the same of the other, `moved` is a list of
    [table, column, primary key as a list]. No foreign keys: it must outlive what it tells of.
    """

    __tablename__ = "merge_record"
    __table_args__ = (
        CheckConstraint(one_of("kind", RECORD_KINDS), name="kind"),
        Index("ix_merge_record_kept_id", "kind", "kept_id"),
    )

    id: Mapped[Id]
    kind: Mapped[Word]
    kept_id: Mapped[int]
    gone_id: Mapped[int]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    gone: Mapped[dict[str, Any]] = mapped_column(default=dict)
    moved: Mapped[list[Any]] = mapped_column(default=list)
    undone_at: Mapped[datetime | None]


class NotDuplicate(Base):
    """Somebody looked and said: these two are two. `first_id` is the smaller."""

    __tablename__ = "not_duplicate"
    __table_args__ = (
        CheckConstraint(one_of("kind", RECORD_KINDS), name="kind"),
        CheckConstraint("first_id < second_id", name="order"),
    )

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    first_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    second_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
