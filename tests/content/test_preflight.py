"""The checklist before publishing."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outreach.contacts.models import Group
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding, blocked, check
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import WELCOME, kept, text_draft
from tests.content.test_story_gate import quoting, story
from tests.people import Cast


def findings(runtime: Runtime, turn: Turn, draft: Draft, **more: Any) -> list[Finding]:
    """The checklist of a draft that goes out today and for two weeks."""
    usual: dict[str, Any] = {
        "kind": "drip",
        "first_send_at": turn.now,
        "last_send_on": turn.now.date() + timedelta(days=14),
    }
    return check(turn.session, now=turn.now, world=runtime, draft=draft, **{**usual, **more})


def wrong(found: list[Finding]) -> list[tuple[str, str]]:
    """Level and text of what does not pass."""
    return [(finding.level, finding.text) for finding in found if finding.level != "pass"]


def test_a_good_draft_passes_every_check(runtime: Runtime, turn: Turn) -> None:
    found = findings(runtime, turn, WELCOME)
    assert wrong(found) == []
    assert [finding.text for finding in found] == [
        "Subject and preview line fit",
        "Every detail has a fallback",
        "Links work, 2 of 2",
        "No health details, no promises",
        "Sender, postal address and unsubscribe are there",
    ]


@pytest.mark.parametrize(
    ("draft", "level", "words", "fix"),
    [
        (replace(WELCOME, subject=""), "blocker", "subject is empty", "#subject"),
        (replace(WELCOME, subject="x" * 61), "warning", "61 characters", "#subject"),
        (replace(WELCOME, preview_line=""), "warning", "no preview line", "#preview_line"),
        (replace(WELCOME, subject="RE: hello"), "blocker", "begins like an answer", "#subject"),
        (replace(WELCOME, blocks=[]), "blocker", "no content", "#blocks"),
        (replace(WELCOME, subject="Hi {{ first_name }}"), "blocker", "no fallback", "#subject"),
        (text_draft("<p>x</p><p>{{ organization }}</p>"), "blocker", "no fallback", "#block-0"),
        (text_draft("<p>{{ shoe_size | 42 }}</p>"), "blocker", "not a detail we know", "#block-0"),
        (text_draft("<p>{{ first name }}</p>"), "blocker", "not a detail we know", "#block-0"),
        (text_draft("<p>{% if x %} {{ 7*7 }}</p>"), "blocker", "not a detail we know", "#block-0"),
        (text_draft("<p><a href='http://x.example'>x</a></p>"), "blocker", "has no address", "#block-0"),
        (text_draft('<p><a href="https://example.com/x">x</a></p>'), "blocker", "leads to a placeholder", "#block-0"),
        (
            replace(WELCOME, blocks=[{"type": "columns", "right_html": '<p><a href="https://todo">x</a></p>'}]),
            "blocker",
            "leads to a placeholder",
            "#block-0",
        ),
        (text_draft("<p>Mr. Vega broke his hip: M25.551</p>"), "blocker", "diagnosis code", "#block-0"),
        (text_draft("<p>Mrs. Vega is back after surgery.</p>"), "warning", "near a name", "#block-0"),
        (text_draft("<p>Refer a friend for a gift card.</p>"), "blocker", "never promise", "#block-0"),
    ],
)
def test_what_is_wrong_is_named_and_linked(
    runtime: Runtime, turn: Turn, draft: Draft, level: str, words: str, fix: str
) -> None:
    hits = [finding for finding in findings(runtime, turn, draft) if words in finding.text]
    assert hits, wrong(findings(runtime, turn, draft))
    assert (hits[0].level, hits[0].fix) == (level, fix)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://cedarlane.example",
        "cedarlane.example",
        "javascript:alert(1)",
        "https://example.com/x",
        "https://todo",
        "https://x.example/?who={{first_name}}",
        "https://",
    ],
)
def test_a_button_that_cannot_work_is_a_blocker(runtime: Runtime, turn: Turn, url: str) -> None:
    draft = replace(WELCOME, blocks=[{"type": "button", "label": "Go", "url": url}])
    assert blocked(findings(runtime, turn, draft))


def test_an_address_of_the_person_is_a_good_button(runtime: Runtime, turn: Turn) -> None:
    draft = replace(WELCOME, blocks=[{"type": "button", "label": "Yes", "url": "{{ rsvp_yes_url }}"}])
    assert wrong(findings(runtime, turn, draft, kind="invitation")) == []


def test_details_that_clients_may_not_read_are_blockers(runtime: Runtime, turn: Turn) -> None:
    assert blocked(findings(runtime, turn, WELCOME, audiences=["client"]))
    named = text_draft("<p>Dear {{ first_name | friend }}, {{ clinician_name | our team }} sends regards.</p>")
    named = replace(named, preview_line="Hello", sponsored="no")
    assert not blocked(findings(runtime, turn, named, audiences=["client"]))


@pytest.mark.parametrize(
    ("field", "fixed_at"), [("street", "/settings/practice"), ("sender_email", "/settings/sender")]
)
def test_a_practice_without_address_or_sender_cannot_publish(
    runtime: Runtime, turn: Turn, field: str, fixed_at: str
) -> None:
    setattr(turn.session.get_one(Practice, 1), field, "")
    turn.session.flush()
    found = [finding for finding in findings(runtime, turn, WELCOME) if finding.level == "blocker"]
    assert [finding.fix for finding in found] == [fixed_at]


def test_without_https_nothing_is_published_outside_a_demo(runtime: Runtime, turn: Turn) -> None:
    turn.session.get_one(Practice, 1).public_url = ""
    turn.session.flush()
    runtime.settings = replace(runtime.settings, public_url="http://127.0.0.1:8000")
    assert blocked(findings(runtime, turn, WELCOME))
    runtime.settings = replace(runtime.settings, mode="demo")
    assert not blocked(findings(runtime, turn, WELCOME))


def test_a_permission_must_outlive_the_last_send(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    draft = replace(quoting(story(turn, cast, expires_on=date(2026, 3, 10))), preview_line="A story")
    found = findings(runtime, turn, draft)
    assert wrong(found) == [
        (
            "blocker",
            "Quote: “I can lift my grandson again, and I…”: the permission ends on Mar 10, 2026, "
            "before the last send on Mar 16, 2026.",
        )
    ]
    assert found[0].fix == "#block-1"
    assert not blocked(findings(runtime, turn, draft, last_send_on=date(2026, 3, 10)))


def test_a_permission_for_something_else_is_named(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    found = findings(runtime, turn, quoting(story(turn, cast, scopes=["website"])))
    assert "does not cover email to providers" in found[0].text


def test_other_rooms_add_their_checks(runtime: Runtime, turn: Turn) -> None:
    def nobody_matches(*_session: Any, first_send_at: datetime, kind: str, **_more: Any) -> list[Finding]:
        assert first_send_at == turn.now
        return [Finding("blocker", f"Nobody matches this {kind}.", "/groups/")]

    runtime.preflight_checks = (nobody_matches,)
    assert wrong(findings(runtime, turn, WELCOME)) == [("blocker", "Nobody matches this drip.")]


def test_a_finding_links_into_the_editor_with_its_block_open() -> None:
    assert Finding("blocker", "x", "#block-2").at("/edit").as_item()["href"] == "/edit?at=2#block-2"
    assert Finding("blocker", "x", "#block-2").at("/edit?pane=edit").fix == "/edit?pane=edit&at=2#block-2"
    assert Finding("blocker", "x", "#subject").at("/edit?step=1").fix == "/edit?step=1#subject"
    assert Finding("blocker", "x", "/settings/").at("/edit").fix == "/settings/"
    assert Finding("pass", "x").at("/edit").fix == ""


def test_mail_to_clients_asks_who_pays(runtime: Runtime, turn: Turn) -> None:
    draft = text_draft("<p>Hello.</p>", preview_line="Hello")
    asked = findings(runtime, turn, draft, audiences=["client", "provider"])
    assert [each.fix for each in asked if each.level == "blocker"] == ["#sponsored"]
    paid = findings(runtime, turn, replace(draft, sponsored="yes"), audiences=["client"])
    assert any("164.508" in each.text for each in paid if each.level == "blocker")
    refused = kept(runtime, turn, replace(draft, sponsored="yes"), audiences=["client"])
    assert isinstance(refused, Refusal)
    assert refused.reason == "sponsored"
    for more in ({"audiences": ["provider"]}, {"audiences": ["client"], "kind": "story-copy"}):
        assert not [each for each in findings(runtime, turn, draft, **more) if each.fix == "#sponsored"]
    assert not blocked(findings(runtime, turn, replace(draft, sponsored="yes")))


def test_a_block_for_a_group_that_is_gone_or_rests_on_referrals(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    group = turn.session.scalars(select(Group).limit(1)).first() or Group(
        name="G", created_at=turn.now, updated_at=turn.now
    )
    turn.session.add(group)
    group.from_yield = True
    turn.session.flush()
    draft = Draft(subject="x", preview_line="y", blocks=[{"type": "divider", "only_for": group.id}])
    for kind, level in (("card", "blocker"), ("drip", "pass")):
        found = [each.level for each in findings(runtime, turn, draft, kind=kind) if "rests on who refers" in each.text]
        assert found == ([level] if level == "blocker" else [])
    group.deleted_at = turn.now
    turn.session.flush()
    assert any("group that is gone" in each.text for each in findings(runtime, turn, draft))
