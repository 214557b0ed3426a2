"""The counter of hand-overs, and what it was last seen on: one row."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id


class HighWater(Base):
    """How many hand-overs were reserved so far; a small file beside the data says the same."""

    __tablename__ = "high_water"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), CheckConstraint("number >= 0", name="number"))

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(BigInteger)
    machine: Mapped[str] = mapped_column(String(64), default="")
    """A digest of the machine's own id; "" when it has none. SQLite only."""
    place: Mapped[str] = mapped_column(String(64), default="")
    """A digest of where the database file lies. SQLite only."""
    cluster: Mapped[str] = mapped_column(String(64), default="")
    """PostgreSQL's own identifier of the server's data; "" when it is not told."""
    timeline: Mapped[int] = mapped_column(default=0)
    """PostgreSQL's timeline: a promoted standby counts one up. 0 when it is not told."""
    accepted_at: Mapped[datetime | None]
    """When a person last said that this is the database to go on with."""
