"""Marisol's story, and messages that quote it."""

from datetime import date
from typing import Any

from outreach.contacts.consent import Authorization
from outreach.content.drafts import Draft
from outreach.content.models import Message
from outreach.content.publishing import keep
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.stories import asking, signing
from outreach.stories.asking import Wish
from outreach.stories.models import Story
from tests.people import Cast

WORDS = "I can lift my grandson again, and I never felt rushed."
ENDS = date(2027, 3, 1)
TO_PROVIDERS = ("newsletter-providers", "email-providers", "website")


def told(turn: Turn, cast: Cast) -> Story:
    """A draft that nobody may use."""
    story = asking.start(
        turn.session, now=turn.now, contact_id=cast.marisol, title="Grandson", words=WORDS, by_id=cast.maya
    )
    assert isinstance(story, Story)
    return story


def asked(turn: Turn, cast: Cast, runtime: Runtime, **changed: Any) -> Authorization:
    """The page is open."""
    wish = Wish(**{"scopes": TO_PROVIDERS, "expires_on": ENDS, **changed})
    made = asking.ask(turn.session, told(turn, cast), wish, now=turn.now, key=runtime.key, by_id=cast.maya)
    assert isinstance(made, Authorization), made
    return made


def signed(turn: Turn, cast: Cast, runtime: Runtime, *scopes: str, **changed: Any) -> Authorization:
    """Marisol signed it on the page."""
    permission = asked(turn, cast, runtime, **changed)
    ticked = scopes or TO_PROVIDERS
    assert signing.sign(turn.session, permission, now=turn.now, signer="Marisol Vega", scopes=ticked) is None
    return permission


def quoting(turn: Turn, runtime: Runtime, permission: Authorization, *, kind: str = "drip") -> Message | Refusal:
    """An email to physicians that quotes her."""
    draft = Draft(
        subject="What a client said",
        blocks=[
            {"type": "greeting", "word": "Dear", "fallback": "colleague"},
            {"type": "quote", "authorization_id": str(permission.id)},
        ],
    )
    return keep(turn.session, now=turn.now, world=runtime, draft=draft, kind=kind, by_id=None)
