"""What this room offers to the rooms below it; `runtime` composes it. The quote itself is a block of content."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.content.compiling import context_for, quotes_of
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.screen import World
from outreach.stories.rules import state_of


def permission_ends_soon(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    audiences: Collection[str],
    first_send_at: datetime,
    last_send_on: date,
) -> list[Finding]:
    """A warning for every quoted story whose permission ends within 60 days of the last send."""
    context = context_for(session, now=now, settings=world.settings, kind=kind, audiences=tuple(audiences))
    findings = []
    for place, quote in quotes_of(draft, context, world.content_blocks):
        story = session.get(Authorization, quote.authorization_id)
        day = max(last_send_on, context.today)
        if story and story.expires_on and state_of(story.state, story.expires_on, on=day) == "expiring":
            text = f"{quote.line}: the permission ends on {story.expires_on:%b %-d, %Y}. Ask again in time."
            findings.append(Finding("warning", text, f"#block-{place}"))
    return findings


PREFLIGHT_CHECKS = (permission_ends_soon,)
