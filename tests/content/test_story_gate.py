"""The gate for stories: no message is kept that quotes one whose permission is not live for the readers."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outreach.contacts.consent import Authorization
from outreach.content.drafts import Draft
from outreach.content.models import Message, MessageAuthorization
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, kept, message
from tests.people import Cast

WORDS = "I can lift my grandson again, and I sleep through the night."


def story(turn: Turn, cast: Cast, **facts: Any) -> Authorization:
    """Marisol's signed permission."""
    usual = {
        "contact_id": cast.marisol,
        "state": "signed",
        "wording": WORDS,
        "scopes": ["email-providers", "newsletter-providers"],
        "signed_at": turn.now,
        "expires_on": date(2026, 12, 1),
    }
    made = Authorization(**{**usual, **facts})
    turn.session.add(made)
    turn.session.flush()
    return made


def quoting(made: Authorization) -> Draft:
    """A draft that quotes it."""
    return Draft(
        subject="A recovery story",
        blocks=[{"type": "greeting", "fallback": "colleague"}, {"type": "quote", "authorization_id": str(made.id)}],
    )


def test_a_live_story_is_quoted_in_its_exact_words(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    made = message(runtime, turn, quoting(story(turn, cast)))
    shown = render(made, ADDRESSES)
    assert f"“{WORDS}”" in shown.html
    assert f"“{WORDS}”" in shown.text.replace("\n  ", " ")
    assert "Marisol" in shown.html
    assert "Vega" not in shown.html


def test_the_message_remembers_what_it_quotes(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    permission = story(turn, cast)
    made = message(runtime, turn, quoting(permission))
    rows = turn.session.scalars(select(MessageAuthorization)).all()
    assert [(row.message_id, row.authorization_id, row.scope) for row in rows] == [
        (made.id, permission.id, "email-providers")
    ]
    assert rows[0].line == "Quote: “I can lift my grandson again, and I…”"


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "draft", "signed_at": None},
        {"state": "requested", "signed_at": None},
        {"expires_on": date(2026, 3, 1)},
        {"scopes": ["website"]},
        {"state": "revoked", "revoked": True},
    ],
    ids=["draft", "requested", "expired", "other scope", "withdrawn"],
)
def test_a_story_that_is_not_live_holds_the_whole_message(
    runtime: Runtime, turn: Turn, cast: Cast, facts: dict[str, Any]
) -> None:
    facts = dict(facts)
    revoked = {"revoked_at": turn.now - timedelta(days=1)} if facts.pop("revoked", False) else {}
    made = kept(runtime, turn, quoting(story(turn, cast, **facts, **revoked)))
    assert isinstance(made, Refusal)
    assert made.reason == "no-authorization"
    assert "I can lift my grandson" in made.text
    assert not turn.session.scalars(select(Message)).all()


def test_mail_to_clients_needs_its_own_scope(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    draft = quoting(story(turn, cast))
    refused = kept(runtime, turn, draft, "newsletter", audiences=["client"])
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-authorization"
    mixed = kept(runtime, turn, draft, "newsletter", audiences=["provider", "client"])
    assert isinstance(mixed, Refusal)
    both = quoting(story(turn, cast, scopes=["newsletter-providers", "newsletter-clients"]))
    assert message(runtime, turn, both, "newsletter", audiences=["provider", "client"])


def test_a_story_lives_until_its_last_day_in_the_practice(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    assert message(runtime, turn, quoting(story(turn, cast, expires_on=date(2026, 3, 2))))


def test_a_quote_without_a_story_is_refused(runtime: Runtime, turn: Turn) -> None:
    for chosen in ("", "999", "x"):
        refused = kept(runtime, turn, Draft(subject="x", blocks=[{"type": "quote", "authorization_id": chosen}]))
        assert isinstance(refused, Refusal)
        assert refused.reason == "no-story"


def test_anonymous_is_anonymous(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    shown = render(message(runtime, turn, quoting(story(turn, cast, identity="anonymous"))), ADDRESSES)
    assert "A former client" in shown.html
    assert "Marisol" not in shown.html + shown.text


@pytest.mark.parametrize(
    ("draft", "reason", "audiences"),
    [
        (Draft(subject="", blocks=[{"type": "heading", "text": "x"}]), "no-subject", ["provider"]),
        (Draft(subject="x", blocks=[{"type": "heading", "text": "{{ shoe_size }}"}]), "unknown-detail", ["provider"]),
        (Draft(subject="x", blocks=[{"type": "nonsense"}]), "unknown-block", ["provider"]),
        (Draft(subject="x {{ organization | y }}"), "detail-not-allowed", ["client"]),
        (Draft(subject="x {{ specialty | y }}"), "detail-not-allowed", ["provider", "client"]),
        (Draft(subject="x", blocks=[{"type": "button", "label": "x", "url": "http://x"}]), "broken-link", ["peer"]),
        (
            Draft(subject="x", blocks=[{"type": "text", "html": "<p>" + "word " * 3900 + "</p>"}] * 6),
            "too-large",
            ["provider"],
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(
    runtime: Runtime, turn: Turn, draft: Draft, reason: str, audiences: list[str]
) -> None:
    refused = kept(runtime, turn, draft, audiences=audiences)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
