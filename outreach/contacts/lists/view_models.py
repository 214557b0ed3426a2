"""Views of the list of contacts that somebody keeps."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Name


class SavedView(Base):
    """What the list is asked for and which columns it shows, under a name: for its owner, or shared with everybody."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("owner_id", "name"), Index("ix_saved_view_shared", "shared"))

    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    name: Mapped[Name]
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    asked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The address of the list without its page: view, q, kind, owner, tag, group, sort, cols."""
    created_at: Mapped[datetime]
