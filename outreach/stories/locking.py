"""One decision at a time about a story or its permission: whoever comes second sees what the first one did."""

from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.stories.models import Story


def hold(session: Session, story: Story) -> None:
    """The story and its latest permission are as they stand now, and nobody else changes them until this turn is over.

    Take it before any state of the two is read. SQLite has one writing turn at a time; there it only looks again.
    """
    session.flush()
    session.refresh(story, with_for_update=True)
    if story.authorization_id is not None:
        hold_permission(session, session.get_one(Authorization, story.authorization_id))


def hold_permission(session: Session, authorization: Authorization) -> None:
    """The same for a permission alone: signing and withdrawing know no story. After the story, never before it."""
    session.flush()
    session.refresh(authorization, with_for_update=True)
