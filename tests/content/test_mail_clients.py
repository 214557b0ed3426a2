"""What the main mail programs cannot do stands in no mail of ours; what they show can be read by everybody."""

import re
from html.parser import HTMLParser

import pytest

from outreach.content.compiling import MARK
from outreach.content.drafts import Draft
from outreach.content.look import LEAST_CONTRAST, contrast, lighter
from outreach.content.mjml import TEMPLATES
from outreach.content.rendering import render
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, WELCOME, message
from tests.content.test_assets import added, picture
from tests.content.test_service_blocks import service
from tests.content.test_story_gate import story
from tests.people import Cast

CANNOT = {
    "Outlook on Windows has no flexible boxes, grids or positions": (
        r"display:\s*(?:inline-)?(?:flex|grid)|position:\s*\w"
    ),
    "Outlook on Windows computes nothing and knows no variables": r"calc\(|var\(--|clamp\(",
    "Outlook on Windows knows colours as six digits only": (
        r"rgba?\(|hsla?\(|(?<!&)#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{3,4})\b(?=[;\" }])"
    ),
    "Outlook on Windows shows no pictures behind text": r"background(?:-image)?:[^;\"]*url\(",
    "Gmail drops a whole style element that fetches something": r"@import|@font-face|url\(",
    "Gmail and Yahoo show no pictures from inside the mail's text": r'src="data:',
    "No program runs scripts or forms, or shows frames, films and drawings": (
        r"<(?:script|form|input|iframe|object|embed|video|audio|svg|canvas|link|base)\b"
    ),
    "No program keeps what waits for a pointer or a click": r"\son\w+=|javascript:",
    "Yahoo and Outlook show negative margins as none": r"margin[\w-]*:[^;\"]*-\d",
}
"""Who cannot do what, and how it would stand in the HTML. After the tables of caniemail.com."""
MOST_STYLE = 16_384
"""Gmail leaves a longer style element out (letters)."""
COLOURS = re.compile(r"#[0-9a-f]{6}")
HIDDEN = "hidden"
VOID = {"img", "br", "hr", "meta", "link", "input", "col"}


class Reader(HTMLParser):
    """Collects tags, and each piece of text with its colour, ground and whether it is bold and large."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[tuple[str, str, str]] = []
        self.stack: list[tuple[str, str, str]] = [("", "#000000", "#ffffff")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag in VOID:
            return
        style = dict(part.split(":", 1) for part in known.get("style", "").split(";") if ":" in part)
        style = {name.strip(): value for name, value in style.items()}
        _, colour, ground = self.stack[-1]
        own = COLOURS.search(style.get("color", "").lower())
        behind = COLOURS.search((style.get("background", "") + style.get("background-color", "")).lower())
        behind = behind or COLOURS.search(known.get("bgcolor", "").lower())
        hidden = "none" in style.get("display", "") or self.stack[-1][0] == HIDDEN
        self.stack.append((HIDDEN if hidden else tag, own[0] if own else colour, behind[0] if behind else ground))

    def handle_endtag(self, tag: str) -> None:
        while len(self.stack) > 1 and self.stack.pop()[0] not in (tag, HIDDEN):
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self.stack[-1][0] not in ("style", "title", HIDDEN):
            self.words.append((data.strip(), *self.stack[-1][1:]))


def everything(turn: Turn, cast: Cast) -> Draft:
    """A message with every block of ours."""
    team = added(turn, picture((900, 300)), title="Team")
    quoted = story(turn, cast)
    more = [
        {"type": "picture", "asset_id": str(team.id), "alt": "Our team", "url": "https://cedarlane.example/team"},
        {"type": "service", "service_id": str(service(turn).id)},
        {"type": "quote", "authorization_id": str(quoted.id)},
        {"type": "staff", "person_id": "1", "html": "<p>Hands since 1998.</p>"},
        {"type": "columns", "left_asset_id": str(team.id), "left_alt": "Us", "right_html": "<ol><li>One</li></ol>"},
    ]
    return Draft(WELCOME.subject, WELCOME.preview_line, [*WELCOME.blocks[:-1], *more, WELCOME.blocks[-1]])


@pytest.fixture
def html(runtime: Runtime, turn: Turn, cast: Cast) -> str:
    """That message as somebody gets it."""
    return render(message(runtime, turn, everything(turn, cast), "newsletter"), ADDRESSES).html


def read(html: str) -> Reader:
    """Its tags and words, as programs other than Outlook on Windows see them."""
    reader = Reader()
    reader.feed(html)
    return reader


def test_nothing_stands_in_it_that_a_mail_program_cannot_show(html: str) -> None:
    for_all = re.sub(r"<!--\[if.*?<!\[endif\]-->", "", html, flags=re.DOTALL)
    found = {why: hit[0] for why, pattern in CANNOT.items() if (hit := re.search(pattern, for_all))}
    assert found == {}
    assert not MARK.search(html)


def test_its_style_elements_are_short_and_stand_in_the_head(html: str) -> None:
    head, _, body = html.partition("</head>")
    styles = re.findall(r"<style[^>]*>(.*?)</style>", head, re.DOTALL)
    assert styles
    assert sum(map(len, styles)) < MOST_STYLE
    assert "<style" not in re.sub(r"<!--\[if.*?<!\[endif\]-->", "", body, flags=re.DOTALL)


def test_tables_pictures_and_links_are_as_programs_and_readers_need_them(html: str) -> None:
    tags = read(html).tags
    assert all(known.get("role") == "presentation" for tag, known in tags if tag == "table")
    for tag, known in tags:
        if tag == "img":
            assert known["alt"]
            assert known["src"].startswith("https://")
            assert int(known["width"]) <= 600
        if tag == "a":
            assert known["href"].startswith(("https://", "mailto:", "tel:"))
    assert ("html", "en") in [(tag, known.get("lang")) for tag, known in tags]


def test_every_word_can_be_read_on_its_ground(html: str) -> None:
    words = read(html).words
    assert len(words) > 30
    pale = {(text, colour, ground) for text, colour, ground in words if contrast(colour, ground) < LEAST_CONTRAST}
    assert pale == set()


def test_in_dark_mode_too() -> None:
    dark = (TEMPLATES / "_head.mjml").read_text().partition("prefers-color-scheme: dark")[2]
    grounds = {"#16262a", "#132125"}
    inks = set(re.findall(r"[^-]color: (#[0-9a-f]{6})", dark)) - {"#d5ece8"} | {lighter("#0a5c54")}
    assert grounds <= set(COLOURS.findall(dark))
    assert len(inks) >= 3
    assert all(contrast(ink, ground) >= LEAST_CONTRAST for ink in inks for ground in grounds)
    assert contrast("#d5ece8", "#1f4b46") >= LEAST_CONTRAST


def test_it_stays_far_below_what_gmail_clips(html: str) -> None:
    assert len(html.encode()) < 90_000
