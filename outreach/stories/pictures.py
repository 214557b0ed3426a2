"""The picture of a story: chosen before the client is asked, shown beside the words, and signed with them."""

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.content import assets
from outreach.errors import Refusal
from outreach.stories import locking
from outreach.stories.file_models import StoryFile
from outreach.stories.models import Story

MOST_ALT_CHARS = 300
ASKED = "picture_id"
SIGNED = "picture_signed"
"""Names in `Authorization.facts`: the picture that the client was asked about, and whether they allowed it."""


def attach(
    session: Session, story: Story, *, now: datetime, content: bytes, alt: str, by_id: int | None
) -> StoryFile | Refusal:
    """The client will be asked about this picture too; one that was there before is put aside.

    Refusals: closed, already-asked, no-alt, not-a-picture, picture-too-large.
    """
    # Two people who choose a picture at the same second: the second one's counts.
    locking.hold(session, story)
    if (no := _fixed(session, story)) is not None:
        return no
    if not alt.strip():
        return Refusal("no-alt", "Say in a few words what the picture shows. Nothing was stored.")
    made = assets.re_encoded(content)
    if isinstance(made, Refusal):
        return made
    before = current(session, story.id)
    if before is not None:
        before.removed_at = now
        session.flush()
    data, media_type, (width, height) = made
    file = StoryFile(
        story_id=story.id,
        use="picture",
        alt=alt.strip()[:MOST_ALT_CHARS],
        media_type=media_type,
        digest=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        size_bytes=len(data),
        data=data,
        added_at=now,
        added_by_id=by_id,
    )
    session.add(file)
    session.flush()
    story.updated_at = now
    return file


def put_aside(session: Session, story: Story, *, now: datetime) -> Refusal | None:
    """The client will be asked about the words only. Idempotent. Refusals: closed, already-asked."""
    locking.hold(session, story)
    if (no := _fixed(session, story)) is not None:
        return no
    file = current(session, story.id)
    if file is not None:
        file.removed_at = now
    return None


def current(session: Session, story_id: int) -> StoryFile | None:
    """The picture that belongs to the words now, without its bytes."""
    return session.scalar(
        select(StoryFile).where(
            StoryFile.story_id == story_id, StoryFile.use == "picture", StoryFile.removed_at.is_(None)
        )
    )


def asked_about(session: Session, authorization: Authorization) -> StoryFile | None:
    """The picture on the page of this permission, or None when there was none."""
    number = authorization.facts.get(ASKED)
    return session.get(StoryFile, number) if number is not None else None


def shown_on_page(session: Session, authorization: Authorization) -> StoryFile | None:
    """The picture that the client sees on their page now: while they are asked, and after they allowed it."""
    open_ = authorization.state == "requested" or (authorization.state == "signed" and authorization.facts.get(SIGNED))
    return asked_about(session, authorization) if open_ else None


def words_of(file: StoryFile | None) -> str:
    """The line about the picture in the text that is signed; the number is of exactly this file."""
    return f"{file.alt} (file {file.digest[:16]})" if file is not None else ""


def into_library(session: Session, authorization: Authorization, file: StoryFile, *, title: str, now: datetime) -> None:
    """The picture can be used in messages from now on, held to this permission in every place."""
    made = assets.upload(
        session,
        now=now,
        content=file.data,
        title=title,
        alt=file.alt,
        shows_client=True,
        by_id=file.added_by_id,
        authorization_id=authorization.id,
    )
    if not isinstance(made, Refusal):
        authorization.facts = {**authorization.facts, "asset_id": made.id}


def _fixed(session: Session, story: Story) -> Refusal | None:
    if story.closed_at is not None:
        return Refusal("closed", "This story is closed.")
    standing = session.get(Authorization, story.authorization_id) if story.authorization_id else None
    if standing is not None and standing.state in ("requested", "signed"):
        text = "The client was asked about these words as they are, or signed them. Start a new story."
        return Refusal("already-asked", text)
    return None
