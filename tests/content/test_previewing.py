"""The preview: the same message as sent, in a document of its own."""

from dataclasses import replace

from outreach.content import previewing
from outreach.content.details import values_for
from outreach.content.rendering import render
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import WELCOME, message, text_draft
from tests.people import Cast


def test_the_preview_is_what_is_sent(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    body, headers = previewing.document(
        turn.session, now=turn.now, world=runtime, draft=WELCOME, kind="drip", asked={"as": str(cast.raman)}
    )
    values = {**previewing.SAMPLES, **values_for(turn.session, [cast.raman])[cast.raman]}
    assert body == render(message(runtime, turn, WELCOME), values).html
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_the_plain_text_tab_shows_the_text_part(runtime: Runtime, turn: Turn) -> None:
    draft = text_draft("<p>3 &lt; 4 and {{ first_name | you }}</p>")
    body, _ = previewing.document(
        turn.session, now=turn.now, world=runtime, draft=draft, kind="drip", asked={"part": "text", "as": "nobody"}
    )
    assert "3 &lt; 4 and you" in body


def test_a_client_is_never_shown_in_a_preview(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    draft = text_draft("<p>Dear {{ first_name | friend }}</p>")

    def shown(who: str) -> str:
        return previewing.rendered(
            turn.session, now=turn.now, world=runtime, draft=draft, kind="newsletter", who=who, audiences=["client"]
        ).text

    assert "Dear friend" in shown(str(cast.marisol))
    assert "Dear Jordan" in shown("invented")
    keys = [key for key, _ in previewing.people_for(turn.session, ["client"])]
    assert keys == ["invented", "nobody"]


def test_nonsense_shows_someone_without_a_name(runtime: Runtime, turn: Turn) -> None:
    for who in ("", "x", "99999", "-1", "9" * 40, "²"):
        shown = previewing.rendered(turn.session, now=turn.now, world=runtime, draft=WELCOME, kind="drip", who=who)
        assert shown.subject == "A therapy team near you, colleague"


def test_people_of_the_group_come_first(turn: Turn, cast: Cast) -> None:
    people = previewing.people_for(turn.session, ["provider"], [cast.okafor])
    assert people == [(str(cast.okafor), "Dr. Samuel Okafor"), ("nobody", "Someone with no first name")]


def test_a_draft_that_is_not_finished_can_be_previewed(runtime: Runtime, turn: Turn) -> None:
    unfinished = replace(
        WELCOME, subject="", blocks=[{"type": "button"}, {"type": "quote"}, {"type": "picture"}, {"type": "zzz"}]
    )
    shown = previewing.rendered(turn.session, now=turn.now, world=runtime, draft=unfinished, kind="drip", who="nobody")
    assert shown.html.endswith("</html>")


def test_anybody_can_be_found_by_name_but_no_client(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    def shown(**asked: str) -> previewing.Preview:
        return previewing.preview_of(
            turn.session,
            now=turn.now,
            world=runtime,
            draft=WELCOME,
            kind="drip",
            asked=asked,
            preview_url="/p",
            page_url="/e",
            contact_ids=[cast.raman],
        )

    found = shown(find="samuel OKA")
    assert (found.who, found.subject) == (str(cast.okafor), "A therapy team near you, Dr. Okafor")
    assert str(cast.okafor) in dict(shown(**{"as": str(cast.okafor)}).people)
    for name in ("Marisol", "100%", "nobody at all"):
        assert shown(find=name).found_nobody
    assert shown(**{"as": str(cast.marisol)}).subject == "A therapy team near you, colleague"
