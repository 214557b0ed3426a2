"""How the practice's mail looks, beside its colour."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Line


class EmailLook(Base):
    """The one row: logo and signature."""

    __tablename__ = "email_look"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("logo_width BETWEEN 40 AND 300", name="logo_width"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    logo_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    logo_width: Mapped[int] = mapped_column(default=160)
    """Pixels in mail."""
    sign_off: Mapped[Line] = mapped_column(default="")
    """What stands above the name: "Warm regards,"."""
    signer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who signs where a message names nobody; None: the sender of the practice."""
    changed_at: Mapped[datetime]
