"""Merging is joining: whatever can be done once is done once."""

from sqlalchemy import event

from outreach.content import mjml
from outreach.content.details import values_for
from outreach.content.rendering import merger
from outreach.content.segments import joined, wrapped
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, WELCOME, message
from tests.people import Cast


def test_a_thousand_people_cost_no_query_and_no_template(
    runtime: Runtime, turn: Turn, cast: Cast, monkeypatch: object
) -> None:
    merge = merger(message(runtime, turn, WELCOME))
    statements: list[str] = []
    event.listen(turn.session.get_bind(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    monkeypatch.setattr(mjml, "to_html", None)  # type: ignore[attr-defined]
    texts = {merge({"greeting_name": f"Dr. {number}", **ADDRESSES}).subject for number in range(1000)}
    assert len(texts) == 1000
    assert statements == []


def test_a_message_is_kept_in_few_parts(runtime: Runtime, turn: Turn) -> None:
    segments = message(runtime, turn, WELCOME).segments
    for part in ("subject", "html", "text"):
        assert segments[part] == joined(segments[part])
    assert len(segments["html"]) < 25
    assert len(segments["text"]) < 25


def test_details_of_many_people_take_one_query_per_five_hundred(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    statements: list[str] = []
    event.listen(turn.session.get_bind(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    found = values_for(turn.session, [cast.raman, *range(1000, 1999)])
    assert list(found) == [cast.raman]
    assert len(statements) == 2


def test_addresses_of_pages_are_never_folded() -> None:
    url = "https://outreach.cedarlane.example/" + "x" * 100
    assert wrapped(f"See\n{url}\n" + "word " * 30).split("\n")[1] == url
