"""What is set per way out beside its state: how it is reached, limits, bucket, breaker; and W per kind of mail."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Word, one_of
from outreach.deliveries.ways.throttle_rules import BREAKERS
from outreach.deliveries.ways.way_rules import CONFIGURABLE


class TransportThrottle(Base):
    """Limits of one transport (NULL: none), what is left of them, and its breaker. Shared by all workers.

    A transport without limits and without trouble needs no row.
    """

    __tablename__ = "transport_throttle"
    __table_args__ = (
        CheckConstraint("per_second > 0", name="per_second"),
        CheckConstraint("burst > 0", name="burst"),
        CheckConstraint("per_day > 0", name="per_day"),
        CheckConstraint("(tokens IS NULL) = (tokens_at IS NULL)", name="tokens"),
        CheckConstraint("(slowed_to IS NULL) = (slowed_at IS NULL)", name="slowed"),
        CheckConstraint(one_of("breaker", BREAKERS), name="breaker"),
        CheckConstraint("breaker != 'open' OR open_until_at IS NOT NULL", name="open"),
    )

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    per_second: Mapped[float | None]
    burst: Mapped[int | None]
    per_day: Mapped[int | None]

    tokens: Mapped[float | None]
    tokens_at: Mapped[datetime | None]
    slowed_to: Mapped[float | None]
    """Messages a second after the other side said that it is busy, as of `slowed_at`."""
    slowed_at: Mapped[datetime | None]
    day_on: Mapped[date | None]
    day_used: Mapped[int] = mapped_column(default=0)

    breaker: Mapped[Word] = mapped_column(default="closed")
    open_until_at: Mapped[datetime | None]
    rest_seconds: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime | None]
    troubles: Mapped[list[Any]] = mapped_column(default=list)
    """Seconds since 1970 of what went wrong in the last minute."""
    in_a_row: Mapped[int] = mapped_column(default=0)
    worked: Mapped[int] = mapped_column(default=0)


class TransportSetting(Base):
    """How a way out (or the mailbox where mail comes in) is reached, as an administrator typed it. No secrets here."""

    __tablename__ = "transport_setting"
    __table_args__ = (CheckConstraint(one_of("name", CONFIGURABLE), name="name"),)

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[str] = mapped_column(String(16))
    """Changes with every change, its secrets included: whoever works with an older one reads it anew."""
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class InFlight(Base):
    """How many messages of a kind may be under way at once, where a person chose otherwise than the default."""

    __tablename__ = "in_flight"
    __table_args__ = (CheckConstraint("most BETWEEN 1 AND 500", name="most"),)

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    most: Mapped[int]
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
