"""How much one address asked for on public pages: what `limiting` counts."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class PublicUse(Base):
    """What one network address (as a digest) spent within one window of time."""

    __tablename__ = "public_use"
    __table_args__ = (Index("ix_public_use_window_at", "window_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    spent: Mapped[int] = mapped_column(default=0)
