"""Who stands behind the words of a referral's source, and how peers work with us."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of

PEER_RELATIONS = ("refers-to-us", "we-refer-to", "co-treats")
PEER_WORDS = {"refers-to-us": "Refers to us", "we-refer-to": "We refer to them", "co-treats": "Co-treats with us"}


class SourceAlias(Base):
    """Words that a source goes by in referrals and exports, once somebody said who that is."""

    __tablename__ = "source_alias"
    __table_args__ = (Index("ix_source_alias_contact_id", "contact_id"),)

    words: Mapped[str] = mapped_column(String(200), primary_key=True)
    """In plain small letters, as `source_words` makes them."""
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    since_at: Mapped[datetime]


class PeerRelation(Base):
    """How a peer (or any contact) and we work together, since when and until when."""

    __tablename__ = "peer_relation"
    __table_args__ = (
        CheckConstraint(one_of("relation", PEER_RELATIONS), name="relation"),
        UniqueConstraint("contact_id", "relation", "since_on"),
        Index("ix_peer_relation_relation", "relation", "contact_id"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    relation: Mapped[Word]
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
