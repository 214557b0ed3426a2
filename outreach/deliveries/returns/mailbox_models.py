"""How far the mailbox with our answers and bounces has been read."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class MailboxMark(Base):
    """The last mail taken from one folder of one mailbox. UIDs count up and hold as long as `uid_validity` does."""

    __tablename__ = "mailbox_mark"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A digest of host, user and folder."""
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    read_at: Mapped[datetime]
