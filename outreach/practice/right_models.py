"""Which roles hold the rights that the practice may give out."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class RightChoice(Base):
    """Who holds one right, where the practice chose otherwise than usual (`practice.rights.RIGHTS`)."""

    __tablename__ = "right_choice"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    roles: Mapped[list[str]]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
