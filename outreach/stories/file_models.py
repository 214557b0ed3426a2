"""What belongs to a story beside its words: its picture, the scan of a signed paper, and where it is told elsewhere."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from outreach.contacts.consent import SCOPES
from outreach.db import Base, Id, Line, Word, one_of

USES = ("picture", "scan")
CURRENT = "use = 'picture' AND removed_at IS NULL"


class StoryFile(Base):
    """A picture that the client is asked about, or the scan of the paper they signed; written anew by us.

    The bytes never change. Nothing of it is in the library before the permission is signed.
    """

    __tablename__ = "story_file"
    __table_args__ = (
        CheckConstraint(one_of("use", USES), name="use"),
        CheckConstraint("media_type IN ('image/jpeg', 'image/png', 'application/pdf')", name="media_type"),
        CheckConstraint("use != 'picture' OR media_type != 'application/pdf'", name="picture"),
        CheckConstraint("use != 'scan' OR authorization_id IS NOT NULL", name="scan"),
        CheckConstraint("use != 'scan' OR verified_at IS NOT NULL", name="verified"),
        Index("ix_story_file_story_id", "story_id"),
        Index("ix_story_file_authorization_id", "authorization_id"),
        Index(
            "uq_story_file_picture",
            "story_id",
            unique=True,
            sqlite_where=text(CURRENT),
            postgresql_where=text(CURRENT),
        ),
    )

    id: Mapped[Id]
    story_id: Mapped[int] = mapped_column(ForeignKey("story.id"))
    authorization_id: Mapped[int | None] = mapped_column(ForeignKey("authorization.id"))
    """The permission that a scan proves."""
    use: Mapped[Word]
    alt: Mapped[Line] = mapped_column(default="")
    """What a picture shows, in words."""
    media_type: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    """Pixels; 0 for a PDF."""
    height: Mapped[int]
    size_bytes: Mapped[int]
    data: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verified_at: Mapped[datetime | None]
    """Since when somebody vouches that the scan shows what was entered."""
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[datetime | None]


class StoryUse(Base):
    """A place outside of this program where the words stand: a poster, a post, a slide. Kept when it is taken down."""

    __tablename__ = "story_use"
    __table_args__ = (
        CheckConstraint(one_of("scope", SCOPES), name="scope"),
        CheckConstraint("place != ''", name="place"),
        Index("ix_story_use_authorization_id", "authorization_id"),
    )

    id: Mapped[Id]
    authorization_id: Mapped[int] = mapped_column(ForeignKey("authorization.id"))
    scope: Mapped[Word]
    place: Mapped[Line]
    used_on: Mapped[date]
    noted_at: Mapped[datetime]
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_down_at: Mapped[datetime | None]
    taken_down_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
