"""Notices to the people who work here: plain words, no secrets, through the outbox like everything else."""

from datetime import datetime
from html import escape

from sqlalchemy.orm import Session

from outreach.content import publishing
from outreach.content.drafts import Draft
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.screen import World


def notify(
    session: Session, *, now: datetime, world: World, email: str, name: str, subject: str, paragraphs: list[str]
) -> int | Refusal:
    """The notice is planned for one of the staff; answers the delivery's id. Refusals: those of `publishing.keep`."""
    words = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    draft = Draft(subject, "", [{"type": "text", "html": words}], "plain")
    kept = publishing.keep(session, now=now, world=world, draft=draft, kind="system", by_id=None)
    if isinstance(kept, Refusal):
        return kept
    return outbox.put_to_address(
        session, now=now, world=world, message_id=kept.id, email=email, name=name, kind="system", source="notice"
    )
