"""Back-tests as they were made, so that the screen shows one without working for it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Mapped

from outreach.db import Base, Id


class BackTest(Base):
    """One look back; `report` is a BackTestReport in JSON."""

    __tablename__ = "back_test"

    id: Mapped[Id]
    at: Mapped[datetime]
    as_of_on: Mapped[date]
    report: Mapped[dict[str, Any]]
