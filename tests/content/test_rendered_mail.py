"""What arrives: both layouts, both parts, the footer that cannot be removed."""

import re
from dataclasses import replace

import pytest

from outreach.contacts.models import Contact
from outreach.content.details import NOBODY, values_for
from outreach.content.kinds import MESSAGE_KINDS
from outreach.content.publishing import MAX_HTML_BYTES
from outreach.content.rendering import Rendered, render
from outreach.practice.models import Practice
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, WELCOME, matches_snapshot, message, text_draft
from tests.people import Cast


@pytest.fixture
def to_raman(turn: Turn, cast: Cast) -> dict[str, str]:
    """Everything needed to write to Dr. Raman."""
    return {**values_for(turn.session, [cast.raman])[cast.raman], **ADDRESSES}


def test_a_designed_message_looks_as_kept(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    matches_snapshot("welcome-designed", render(message(runtime, turn, WELCOME), to_raman))


def test_a_plain_message_looks_as_kept(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    plain = message(runtime, turn, replace(WELCOME, layout="plain"))
    matches_snapshot("welcome-plain", render(plain, to_raman))


def test_someone_with_no_name_reads_the_fallbacks(runtime: Runtime, turn: Turn) -> None:
    shown = render(message(runtime, turn, WELCOME), {**NOBODY, **ADDRESSES})
    assert shown.subject == "A therapy team near you, colleague"
    assert "Dear colleague," in shown.html
    assert "Dear colleague," in shown.text
    assert "Your patients at your office live close to us" in shown.text.replace("\n", " ")


def test_a_relationship_mail_has_no_unsubscribe(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    shown = render(message(runtime, turn, WELCOME, kind="reminder"), to_raman)
    assert "12 Cedar Lane, Suite 100, Millbrook, NY 12545" in shown.html
    assert "nsubscribe" not in shown.html + shown.text
    matches_snapshot("reminder", shown)


@pytest.mark.parametrize("kind", [name for name, kind in MESSAGE_KINDS.items() if kind.mail_class == "commercial"])
@pytest.mark.parametrize("layout", ["designed", "plain"])
def test_every_commercial_mail_carries_address_and_ways_out(
    runtime: Runtime, turn: Turn, to_raman: dict[str, str], kind: str, layout: str
) -> None:
    shown = render(message(runtime, turn, replace(WELCOME, layout=layout), kind=kind), to_raman)
    for part in (shown.html, shown.text):
        assert "12 Cedar Lane, Suite 100, Millbrook, NY 12545" in part
        assert ADDRESSES["unsubscribe_url"] in part
        assert ADDRESSES["preferences_url"] in part


def test_a_newsletter_offers_the_browser_only_when_there_is_a_page(
    runtime: Runtime, turn: Turn, to_raman: dict[str, str]
) -> None:
    issue = message(runtime, turn, WELCOME, kind="newsletter")
    assert "View in your browser" not in render(issue, to_raman).html
    shown = render(issue, {**to_raman, "view_url": "https://outreach.cedarlane.example/n/5"})
    assert 'href="https://outreach.cedarlane.example/n/5"' in shown.html


def test_the_html_follows_the_rules_of_mail(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    html = render(message(runtime, turn, WELCOME), to_raman).html
    assert '<html lang="en"' in html
    tables = re.findall(r"<table[^>]*>", html)
    assert tables
    assert all('role="presentation"' in table for table in tables)
    assert all("alt=" in picture for picture in re.findall(r"<img[^>]*>", html))
    assert "prefers-color-scheme: dark" in html
    assert '<meta name="color-scheme" content="light dark"' in html
    assert not re.search(r"<script|<link|<form|\son\w+=|javascript:|fonts\.googleapis", html, re.IGNORECASE)
    assert html.count("<h1") == 1
    assert len(html.encode()) < MAX_HTML_BYTES
    assert "~~" not in html


def test_the_preview_line_is_hidden_at_the_top(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    html = render(message(runtime, turn, WELCOME), to_raman).html
    assert re.search(r"display:none;[^>]*>Same-week evaluations for shoulder and hip</div>", html)


def test_lines_of_the_text_part_stay_within_76(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    long = {
        **to_raman,
        "organization": "The Very Long Name of an Orthopedic and Sports Medicine Group, PLLC",
    }
    html = "<p>" + "word " * 60 + "{{ organization | x }} and more words here</p><ul><li>" + "item " * 40 + "</li></ul>"
    shown = render(message(runtime, turn, text_draft(html)), long)
    assert max(len(line) for line in shown.text.split("\n")) <= 76
    assert "Orthopedic and Sports" in shown.text


def test_links_are_written_out_in_the_text_part(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    text = render(message(runtime, turn, WELCOME), to_raman).text
    assert "our hand team" in text
    assert "(https://cedarlane.example/hands?a=1&b=2)" in text
    assert "How to refer:\nhttps://cedarlane.example/refer" in text
    assert "maya@cedarlane.example or call" in text.replace("\n", " ")
    assert "(maya@" not in text


def test_the_plain_layout_has_no_header_and_no_button(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    html = render(message(runtime, turn, replace(WELCOME, layout="plain")), to_raman).html
    assert "<h1" not in html
    assert "<img" not in html
    assert "border-radius" not in html
    assert ">How to refer</a>" in html


def test_links_can_be_replaced_per_person(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    made = message(runtime, turn, WELCOME)
    assert made.links == ["https://cedarlane.example/hands?a=1&b=2", "https://cedarlane.example/refer"]
    shown = render(made, {**to_raman, "_link_1": "https://outreach.cedarlane.example/l/abc?x=1&y=2"})
    assert 'href="https://outreach.cedarlane.example/l/abc?x=1&amp;y=2"' in shown.html
    assert "https://outreach.cedarlane.example/l/abc?x=1&y=2" in shown.text
    assert "cedarlane.example/refer" not in shown.html + shown.text
    assert "https://cedarlane.example/hands?a=1&b=2" in shown.text


def test_a_block_for_one_group_is_seen_by_that_group_only(runtime: Runtime, turn: Turn) -> None:
    draft = text_draft("<p>For all.</p>")
    draft.blocks.append({"type": "text", "html": "<p>Feeding clinic.</p>", "only_for": 12})
    draft.blocks.append({"type": "columns", "left_html": "<p>Knees first.</p>", "only_for": 3})
    made = message(runtime, turn, draft)
    assert made.groups == [3, 12]

    def seen(groups: str) -> Rendered:
        return render(made, {**ADDRESSES, "_groups": groups})

    for part in ("html", "text"):
        assert "Feeding clinic." in getattr(seen("12"), part)
        assert "Feeding clinic." not in getattr(seen("1,2"), part)
        assert "Feeding clinic." in getattr(seen("3,12"), part)
        assert "Knees first." in getattr(seen("3"), part)
        assert "Knees first." not in getattr(seen(""), part)
        assert "For all." in getattr(seen(""), part)
    assert "~~" not in seen("12").html


def test_the_same_content_is_the_same_revision(runtime: Runtime, turn: Turn) -> None:
    first = message(runtime, turn, WELCOME)
    assert message(runtime, turn, WELCOME).id == first.id
    assert message(runtime, turn, replace(WELCOME, subject="Another")).id != first.id
    assert message(runtime, turn, WELCOME, kind="newsletter").id != first.id


def test_an_unreadable_colour_is_not_used(runtime: Runtime, turn: Turn, to_raman: dict[str, str]) -> None:
    practice = turn.session.get_one(Practice, 1)
    practice.brand_colour = "#ffee00"
    turn.session.flush()
    assert "#ffee00" not in render(message(runtime, turn, WELCOME), to_raman).html
    practice.brand_colour = "#7a1f5c"
    turn.session.flush()
    assert "#7a1f5c" in render(message(runtime, turn, WELCOME), to_raman).html


def test_clients_get_no_more_details_than_needed(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    marisol = turn.session.get_one(Contact, cast.marisol)
    marisol.specialty, marisol.city = "Knee surgery", "Millbrook"
    turn.session.flush()
    values = values_for(turn.session, [cast.marisol, cast.raman])
    assert set(values[cast.marisol]) == {"first_name", "last_name", "full_name", "greeting_name"}
    assert values[cast.raman]["organization"] == "Lakeside Orthopedics"
    assert values[cast.raman]["greeting_name"] == "Dr. Raman"
    assert values[cast.marisol]["greeting_name"] == "Marisol"
    assert values_for(turn.session, [cast.raman], only=["first_name"]) == {cast.raman: {"first_name": "Priya"}}
