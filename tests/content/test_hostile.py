"""Hostile input: in text blocks, in one-line fields, in the details of a contact, in drafts someone tampered with."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outreach.content import markup
from outreach.content.compiling import compile_draft, context_for
from outreach.content.drafts import Draft, clean
from outreach.content.rendering import render
from outreach.content.segments import HTML, TEXT, detail, filler, one_line
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, message, text_draft

HOSTILE_HTML = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='http://plain.example'>x</a>",
    "<a href='https://ok.example' onclick='alert(1)' style='position:fixed'>x</a>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=p></form>",
    "<style>*{display:none}</style>",
    "<math><mtext></p><style><a title='</style><img src onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<b><p onmouseover=alert(1)>x</b></p>",
    "<!--<img src=x onerror=alert(1)>-->",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "</td></tr></table><h1>broken</h1>",
    "<p>{{ first_name | <script>alert(1)</script> }}</p>",
    "<mj-raw><script>alert(1)</script></mj-raw>",
    "~~0~~ ~~g1~~ ~~end~~",
    "]]>--><script>alert(1)</script>",
    "<a href='https://x.example/\"onmouseover=alert(1)'>x</a>",
)
TAGS_OF_MAIL = {"body", "div", "table", "tbody", "tr", "td", "h1", "h2", "span", *markup.TAGS}


class _Seen(HTMLParser):
    """Every tag and attribute as a mail program would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.trouble: list[str] = []
        self.depth: list[str] = []
        self.feed(html[html.index("<body") :].removesuffix("</html>"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS_OF_MAIL:
            self.trouble.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "action", "http-equiv"):
                self.trouble.append(f"{tag} {name}")
            if name == "href" and not re.match(r"(https://[^/]|mailto:|tel:)", value or ""):
                self.trouble.append(f"href {value}")
        if tag != "br":
            self.depth.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.depth or self.depth.pop() != tag:
            self.trouble.append(f"/{tag}")


def trouble_in(html: str) -> list[str]:
    """Tags, attributes and addresses that no mail of ours has, and tags that are not closed."""
    seen = _Seen(html)
    return seen.trouble + seen.depth


@pytest.mark.parametrize("hostile", HOSTILE_HTML)
def test_hostile_markup_in_a_text_block_is_harmless(runtime: Runtime, turn: Turn, hostile: str) -> None:
    for typed in (hostile, f"<p>before {hostile} after</p>"):
        draft, _ = clean(text_draft(typed).to_json())
        context = context_for(turn.session, now=turn.now, settings=runtime.settings, kind="drip")
        html = render(compile_draft(draft, context), {"first_name": "Priya", **ADDRESSES}).html
        assert trouble_in(html) == []


@pytest.mark.parametrize("hostile", HOSTILE_HTML)
def test_hostile_words_in_one_line_fields_are_only_words(runtime: Runtime, turn: Turn, hostile: str) -> None:
    draft = Draft(
        subject=f"x {hostile}\r\nBcc: all@evil.example",
        preview_line=hostile,
        blocks=[
            {"type": "heading", "text": hostile},
            {"type": "button", "label": hostile or "x", "url": "https://ok.example"},
            {"type": "greeting", "word": "Dear", "fallback": hostile},
        ],
    )
    made = compile_draft(
        clean(draft.to_json())[0], context_for(turn.session, now=turn.now, settings=runtime.settings, kind="drip")
    )
    shown = render(made, ADDRESSES)
    assert trouble_in(shown.html) == []
    assert "\n" not in shown.subject
    assert "\r" not in shown.subject


HOSTILE_NAMES = (
    "<b>Bob</b>",
    "Ann\r\nBcc: evil@evil.example",
    "{{ last_name }}",
    '"><img src=x onerror=alert(1)>',
    "A&B",
    "~~1~~",
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_only_a_name(runtime: Runtime, turn: Turn, name: str) -> None:
    draft = text_draft("<p>Dear {{ first_name | x }}, hello</p>", subject="For {{ first_name | x }}")
    draft.blocks.append({"type": "button", "label": "Hi {{ first_name | x }}", "url": "https://ok.example"})
    shown = render(message(runtime, turn, draft), {"first_name": name, "last_name": "LEAK", **ADDRESSES})
    assert shown.subject == f"For {' '.join(name.split())}"
    assert "<b>Bob" not in shown.html
    assert trouble_in(shown.html) == []
    assert "LEAK" not in shown.html + shown.text + shown.subject
    assert "\nBcc" not in shown.text + shown.subject


@given(st.text(max_size=200))
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert one_line(line) == line


@settings(max_examples=200)
@given(st.text(max_size=80), st.text(max_size=80))
def test_merging_escapes_any_value_and_any_fallback(value: str, fallback: str) -> None:
    html = filler(["<p>", detail("x", one_line(fallback), HTML), "</p>"])
    text = filler(["[", detail("x", one_line(fallback), TEXT), "]"])
    for values in ({"x": value}, {}):
        inside = html(values)[3:-4]
        assert "<" not in inside
        assert '"' not in inside
        shown = text(values)[1:-1]
        assert "\n" not in shown
        assert shown == (one_line(values["x"]) if values.get("x") else one_line(fallback))


@settings(max_examples=200)
@given(st.text(alphabet="<>/pbaiul'\"= &;x{}|\n\r:hrefscript", max_size=120))
def test_cleaning_is_idempotent_and_leaves_known_tags_only(typed: str) -> None:
    once = markup.clean_html(typed)
    assert markup.clean_html(once) == once
    assert {tag.lower() for tag in re.findall(r"</?([a-zA-Z0-9]+)", once)} <= markup.TAGS


@example("<a'>")
@settings(max_examples=100)
@given(st.text(alphabet="ab <>&\n\"'{}", max_size=100))
def test_what_was_typed_plainly_comes_back_the_same(typed: str) -> None:
    once = markup.clean_html(typed)
    assert markup.clean_html(markup.as_typed(once)) == once


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(JUNK, JUNK, JUNK)
def test_any_stored_json_gives_a_clean_draft(subject: object, blocks: object, block: object) -> None:
    draft, _ = clean({"subject": subject, "blocks": blocks, "layout": block})
    assert clean(draft.to_json())[0] == draft
    typed = {"type": "text", "html": block, "only_for": subject}
    draft, _ = clean({"blocks": [typed, block, {"type": "zzz", "x": block}]})
    assert clean(draft.to_json())[0] == draft


def test_a_block_of_another_room_is_kept_and_reported() -> None:
    draft, problems = clean({"subject": "x", "blocks": [{"type": "event", "event_id": "7"}]})
    assert draft.blocks == [{"type": "event", "event_id": "7"}]
    assert [problem.reason for problem in problems] == ["unknown-block"]
