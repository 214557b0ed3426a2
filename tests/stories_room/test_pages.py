"""The consent page and the screens around it."""

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.contacts.consent import Authorization
from outreach.runtime import Runtime
from outreach.stories import asking
from tests.people import Cast, post
from tests.stories_room.permissions import WORDS, asked, signed


def opened(runtime: Runtime, cast: Cast) -> str:
    with runtime.turn() as turn:
        permission = asked(turn, cast, runtime)
        return asking.link("", runtime.key, permission.id)


def kept(runtime: Runtime) -> Authorization:
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(Authorization)).one()


def test_marisol_reads_ticks_signs_and_withdraws(visitor: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    page = opened(runtime, cast)
    shown = visitor.get(page).get_data(as_text=True)
    assert WORDS in shown
    assert "no influence on your care" in shown
    assert "checked" not in shown
    answer = post(visitor, page, {"signer": "Marisol Vega", "scopes": ["website", "email-providers"]})
    assert answer.status_code == 303
    permission = kept(runtime)
    assert (permission.state, permission.scopes) == ("signed", ["email-providers", "website"])
    assert "Signed by Marisol Vega" in visitor.get(page).get_data(as_text=True)
    assert [mail.to_email for mail in runtime.transports["memory"].sent] == []
    gone = post(visitor, f"{page}/withdraw", form_at=page)
    assert gone.status_code == 303
    assert kept(runtime).state == "revoked"
    assert "no longer used" in visitor.get(page).get_data(as_text=True)


def test_looking_at_the_page_signs_nothing(visitor: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    page = opened(runtime, cast)
    for path in (page, f"{page}?signer=Marisol+Vega&scopes=website", f"{page}/withdraw"):
        visitor.get(path)
        visitor.head(path)
    assert kept(runtime).state == "requested"


def test_a_form_without_ticks_comes_back_with_what_was_typed(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    page = opened(runtime, cast)
    answer = post(visitor, page, {"signer": "Marisol Vega"})
    assert answer.status_code == 422
    said = answer.get_data(as_text=True)
    assert "Tick at least one place" in said
    assert 'value="Marisol Vega"' in said


def test_a_link_that_was_cut_short_or_guessed_shows_the_same_kind_page(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    page = opened(runtime, cast)
    pages = [visitor.get(path) for path in (page[:-3], "/a/x", "/a/" + "A" * 22, "/a/" + "é" * 300)]
    assert {one.status_code for one in pages} == {404}
    assert len({re.sub(rb"\s+", b" ", one.data) for one in pages}) == 1
    assert "call us at (555) 014-7710" in pages[0].get_data(as_text=True)


def test_maya_writes_down_asks_and_sees_where_it_stands(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    found = maya.get("/stories/new?q=vega").get_data(as_text=True)
    assert f"/stories/new?contact={cast.marisol}" in found
    assert "No client" in maya.get("/stories/new?q=raman").get_data(as_text=True)
    made = post(maya, f"/stories/new?contact={cast.marisol}", {"title": "Grandson", "words": WORDS})
    story = made.headers["Location"]
    data = {"scopes": ["website"], "identity": "first-name", "expires_on": "2027-03-01", "purpose": "To tell others"}
    assert post(maya, f"{story}/ask", data, form_at=story).status_code == 303
    shown = maya.get(story).get_data(as_text=True)
    link = re.search(r"https://outreach\.cedarlane\.example(/a/[A-Za-z0-9_-]{22})", shown)
    assert link
    assert "The page is open" in shown
    assert post(maya, f"{story}/mail", form_at=story).status_code == 303
    again = post(maya, f"{story}/ask", data, form_at=story)
    assert again.status_code == 422
    assert "Asked" in maya.get("/stories/?view=asked").get_data(as_text=True)


def test_every_look_at_a_story_is_in_the_audit_log(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        signed(turn, cast, runtime)
    maya.get("/stories/1")
    maya.get("/stories/1/form")
    with runtime.turn(write=False) as turn:
        done = select(AuditEntry.action).where(AuditEntry.subject_type == "story").order_by(AuditEntry.id)
        acts = turn.session.scalars(done).all()
    assert acts == ["viewed", "printed"]


def test_withdrawing_on_screen_names_the_story_first(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        signed(turn, cast, runtime)
    page = maya.get("/stories/1/withdraw").get_data(as_text=True)
    assert "Withdraw the permission for “Grandson”?" in page
    assert post(maya, "/stories/1/withdraw", {"channel": "letter"}).status_code == 303
    assert kept(runtime).revoked_by == "letter"
    assert "Withdrawn" in maya.get("/stories/?view=ended").get_data(as_text=True)


def test_a_paper_signature_is_recorded_on_screen(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        asked(turn, cast, runtime)
    data = {
        "scopes": ["email-providers"],
        "identity": "initials",
        "expires_on": "2027-03-01",
        "purpose": "To tell others",
        "signed_on": "2026-03-01",
        "signer": "Marisol Vega",
        "document": "Binder 3",
    }
    assert post(maya, "/stories/1/paper", data).status_code == 303
    assert (kept(runtime).state, kept(runtime).identity) == ("signed", "initials")
    assert post(maya, "/stories/1/paper", {**data, "signer": ""}).status_code == 422
