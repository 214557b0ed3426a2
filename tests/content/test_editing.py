"""The block editor as a form without script."""

from dataclasses import replace

import pytest
from flask import render_template_string
from werkzeug.datastructures import MultiDict

from outreach.content import editing
from outreach.content.drafts import MAX_BLOCKS, Draft
from outreach.content.previewing import preview_of
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import WELCOME
from tests.people import Cast

PAGE = (
    '{% from "content/_editor.html" import editor, preview with context %}'
    '<form method="post">{{ editor(view) }}</form>{{ preview(shown) if shown else "" }}'
)


def form_of(draft: Draft, act: str = "save", order: list[int] | None = None) -> MultiDict[str, str]:
    """What a browser sends for this draft."""
    pairs = [("subject", draft.subject), ("preview_line", draft.preview_line), ("layout", draft.layout), ("act", act)]
    for place in order if order is not None else range(len(draft.blocks)):
        pairs.append(("block", str(place)))
        pairs += [(f"block-{place}-{name}", str(value)) for name, value in draft.blocks[place].items()]
    return MultiDict(pairs)


def types(draft: Draft) -> list[str]:
    """The sorts of its blocks."""
    return [data["type"] for data in draft.blocks]


def test_a_form_gives_back_the_draft_it_was_made_from() -> None:
    draft, action = editing.read_form(form_of(WELCOME))
    assert action is None
    again, _ = editing.read_form(form_of(draft))
    assert again == draft
    assert types(draft) == types(WELCOME)
    assert draft.subject == WELCOME.subject


def test_a_detail_is_put_into_the_subject_with_its_fallback(runtime: Runtime, turn: Turn) -> None:
    draft, action = editing.read_form(form_of(Draft(subject="A word for"), "detail:organization"))
    assert (draft.subject, action) == ("A word for {{ organization | your office }}", None)
    assert editing.read_form(form_of(Draft(), "detail:practice_name"))[0].subject == "{{ practice_name }}"
    assert editing.read_form(form_of(Draft(subject="x"), "detail:diagnosis"))[0].subject == "x"
    kinds = {"now": turn.now, "world": runtime, "draft": draft, "kind": "newsletter"}
    offered = [name for name, _, _ in editing.editor_for(turn.session, audiences=["client"], **kinds).subject_details]
    assert "first_name" in offered
    assert "organization" not in offered


@pytest.mark.parametrize(
    ("act", "expected", "place"),
    [
        ("up:1", ["heading", "greeting", "text"], 0),
        ("down:1", ["greeting", "text", "heading"], 2),
        ("up:0", ["greeting", "heading", "text"], 0),
        ("down:2", ["greeting", "heading", "text"], 2),
        ("copy:0", ["greeting", "greeting", "heading", "text"], 1),
        ("remove:0", ["heading", "text"], 0),
        ("add:button", ["greeting", "heading", "text", "button"], 3),
        ("add:divider:0", ["greeting", "divider", "heading", "text"], 1),
    ],
)
def test_every_button_does_what_it_says(act: str, expected: list[str], place: int) -> None:
    three = replace(WELCOME, blocks=WELCOME.blocks[:3])
    draft, action = editing.read_form(form_of(three, act))
    assert types(draft) == expected
    assert action
    assert (action.verb, action.place) == (act.split(":")[0], place)


@pytest.mark.parametrize("act", ["", "save", "publish", "up:9", "remove:-1", "remove:x", "add:bomb", "copy:", "up:²"])
def test_other_buttons_leave_the_blocks_alone(act: str) -> None:
    draft, action = editing.read_form(form_of(WELCOME, act))
    assert action is None
    assert types(draft) == types(WELCOME)


def test_a_new_block_goes_above_the_signature() -> None:
    assert types(editing.read_form(form_of(WELCOME, "add:text"))[0])[-2:] == ["text", "signature"]


def test_dragging_sends_the_fields_in_their_new_order() -> None:
    draft, _ = editing.read_form(form_of(WELCOME, order=[2, 0, 1]))
    assert types(draft) == ["text", "greeting", "heading"]
    assert "three days" in draft.blocks[0]["html"]


def test_plain_words_become_paragraphs() -> None:
    typed = replace(WELCOME, blocks=[{"type": "text", "html": "Hello <you> & me,\r\n\r\nline one\r\nline two"}])
    draft, _ = editing.read_form(form_of(typed))
    assert draft.blocks[0]["html"] == "<p>Hello &lt;you&gt; &amp; me,</p><p>line one<br>line two</p>"


def test_a_draft_cannot_grow_without_end() -> None:
    full = replace(WELCOME, blocks=[{"type": "divider"}] * (MAX_BLOCKS + 5))
    draft, _ = editing.read_form(form_of(full, "copy:0"))
    assert len(draft.blocks) == MAX_BLOCKS


def test_the_editor_shows_everything_and_sends_the_same_back(
    runtime: Runtime, turn: Turn, cast: Cast, app: object
) -> None:
    draft = replace(WELCOME, blocks=[*WELCOME.blocks, {"type": "weather", "town": "7", "only_for": 3}])
    view = editing.editor_for(turn.session, now=turn.now, world=runtime, draft=draft, kind="drip")
    shown = preview_of(
        turn.session,
        now=turn.now,
        world=runtime,
        draft=draft,
        kind="drip",
        asked={"as": str(cast.raman)},
        preview_url="/x/preview",
        page_url="/x",
    )
    with app.test_request_context():  # type: ignore[attr-defined]
        page = render_template_string(PAGE, view=view, shown=shown)
    assert page.count('name="block"') == len(draft.blocks)
    assert 'value="add:text"' in page
    assert 'name="act" value="down:0"' in page
    assert 'name="block-7-town" value="7"' in page
    assert "34 characters. Fits a phone screen." in page
    assert "A therapy team near you, Dr. Raman" in page
    assert f"/x/preview?as={cast.raman}&amp;part=html" in page
    assert " style=" not in page


@pytest.mark.parametrize(
    ("subject", "hint"),
    [("", "Say what is inside"), ("A", "1 character. Fits"), ("x" * 34, "34 characters. Fits"), ("x" * 61, "Over 60")],
)
def test_the_subject_has_a_hint(subject: str, hint: str) -> None:
    assert hint in editing.subject_hint(subject)
