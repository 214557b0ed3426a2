"""Maya plans, invites, moves, signs in and closes a lunch with a browser only."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as happening
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.clock import FrozenClock
from outreach.contacts.models import Group, Organization
from outreach.events.models import Event, Invitation
from outreach.runtime import Runtime
from tests.events.lunches import entry_of, lunch_with, plan, send, sent, wait_until
from tests.people import Cast, post, sign_in

PLANNED = {
    "type": "lunch-and-learn",
    "title": "Shoulders after surgery",
    "organization": "lakeside",
    "topic": "When to begin",
    "learning_points": "Protocols",
    "content_minutes": "30",
    "meal": "y",
    "budget": "15.50",
    "starts_on": "2026-03-26",
    "starts_time": "12:15",
    "minutes": "60",
    "time_zone": "America/New_York",
    "place": "Conference room",
}


def planned(maya: FlaskClient, cast: Cast, **changed: str) -> str:
    typed = {**PLANNED, "presenter_id": str(cast.theo), "host_id": str(cast.maya), **changed}
    answer = post(maya, "/events/new", typed)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def test_a_lunch_is_planned_from_the_recipe_and_shows_its_checklist(maya: FlaskClient, cast: Cast) -> None:
    form = maya.get("/events/new?recipe=lunch-and-learn").get_data(as_text=True)
    assert 'value="12:15"' in form
    page = maya.get(planned(maya, cast)).get_data(as_text=True)
    for words in ("Thursday, March 26, 12:15 to 1:15 pm (EDT)", "Lakeside Orthopedics", "Send the invitations"):
        assert words in page
    assert "$15.50 per head" in page
    assert "Shoulders after surgery" in maya.get("/events/").get_data(as_text=True)


def test_a_place_is_found_by_its_name_in_every_script(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        place = turn.session.scalars(select(Organization).where(Organization.name == "Lakeside Orthopedics")).one()
        place.name = "Πολυκλινική Éclair"
    for typed in ("Πολυκλινική Éclair", "Éclair"):
        assert planned(maya, cast, organization=typed)


def test_an_idea_needs_no_date(maya: FlaskClient, cast: Cast) -> None:
    page = maya.get(planned(maya, cast, starts_on="")).get_data(as_text=True)
    assert "No date yet" in page
    assert "Shoulders" in maya.get("/events/?view=ideas").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"title": ""}, "Give the event a name"),
        ({"starts_on": "2026-02-01"}, "That time is over"),
        ({"starts_on": "soon"}, "Not a valid date"),
        ({"time_zone": "Mars/Olympus"}, "Not a valid choice"),
        ({"organization": "Nowhere Clinic"}, "No place of this name"),
        ({"starts_time": ""}, "Say when it begins"),
        ({"capacity": "0"}, "Number must be"),
    ],
)
def test_what_cannot_be_planned_comes_back_with_what_was_typed(
    maya: FlaskClient, cast: Cast, changed: dict[str, str], why: str
) -> None:
    answer = post(maya, "/events/new", {**PLANNED, **changed})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert why in page
    assert "When to begin" in page


def test_the_exact_number_stands_on_the_button_with_everyone_left_out(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    where = planned(maya, cast)
    with runtime.turn() as turn:
        rules = {"all": [{"fact": "kind", "op": "is", "value": ["physician"]}]}
        group = Group(name="Physicians", rules=rules, created_at=turn.now, updated_at=turn.now)
        marked = Group(name="Best", rules={}, from_yield=True, created_at=turn.now, updated_at=turn.now)
        turn.session.add_all((group, marked))
        turn.session.flush()
        number, forbidden = group.id, marked.id
    page = maya.get(f"{where}/invite?group={number}&add={cast.denise}").get_data(as_text=True)
    assert "Invite 3 people" in page
    assert "1 no email address" in page
    assert "Best" not in page
    refused = maya.get(f"{where}/invite?group={forbidden}").get_data(as_text=True)
    assert "42 CFR 411.357(k)" in refused
    data = {"group": number, "add": cast.denise, "expected": "3"}
    assert post(maya, f"{where}/invite", data, form_at=f"{where}/invite?group={number}").status_code == 303
    send(runtime)
    assert len(sent(runtime, kind="invitation")) == 3
    assert "Invite 0" not in maya.get(f"{where}/invite?group={number}").get_data(as_text=True)


def test_a_group_slipped_into_the_form_is_refused_too(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = planned(maya, cast)
    with runtime.turn() as turn:
        marked = Group(name="Best", rules={}, from_yield=True, created_at=turn.now, updated_at=turn.now)
        turn.session.add(marked)
        turn.session.flush()
        number = marked.id
    answer = post(maya, f"{where}/invite", {"group": number}, form_at=f"{where}/invite?add={cast.raman}")
    assert answer.status_code == 303
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Invitation)).all() == []


def test_a_move_tells_everyone_and_a_cancel_names_the_count_first(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    where = f"/events/{lunch_with(runtime, cast, cast.raman)}"
    page = maya.get(f"{where}/move").get_data(as_text=True)
    assert "Move it and tell 1 person" in page
    moved = {k: PLANNED[k] for k in ("starts_time", "minutes", "time_zone", "place")} | {"starts_on": "2026-04-09"}
    assert post(maya, f"{where}/move", moved).status_code == 303
    send(runtime)
    assert entry_of(sent(runtime)[-1])[1].sequence.value == "1"
    assert "Cancel it and tell 1 person" in maya.get(f"{where}/cancel").get_data(as_text=True)
    assert post(maya, f"{where}/cancel").status_code == 303
    send(runtime)
    assert entry_of(sent(runtime)[-1])[0] == "CANCEL"
    assert "This event was cancelled" in maya.get(where).get_data(as_text=True)


def test_the_words_can_be_edited_seen_and_put_back(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"{planned(maya, cast)}/words/invitation"
    page = maya.get(where).get_data(as_text=True)
    assert "The standard words" in page
    draft = {
        "subject": "Come and eat with us",
        "preview_line": "Thursday",
        "layout": "designed",
        "block": ["0", "1"],
        "block-0-type": "text",
        "block-0-html": "<p>Dear friends</p>",
        "block-1-type": "event-answer",
        "act": "save",
    }
    assert post(maya, where, draft).status_code == 303
    assert "Come and eat with us" in maya.get(where).get_data(as_text=True)
    frame = maya.get(f"{where}/preview?as={cast.raman}&part=html")
    assert "Dear friends" in frame.get_data(as_text=True)
    assert frame.headers["Content-Security-Policy"].startswith("sandbox")
    assert post(maya, where, {"act": "standard"}).status_code == 303
    assert "Will you join us?" in maya.get(where).get_data(as_text=True)


def test_the_door_from_a_phone_and_the_end_of_a_lunch(
    app: Flask, maya: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    where = f"/events/{lunch_with(runtime, cast, cast.raman, cast.okafor)}"
    assert "People sign in on the day" in maya.get(f"{where}/sign-in").get_data(as_text=True)
    wait_until(clock, "2026-03-26T12:30:00-04:00")
    theo = sign_in(app, runtime, "theo@cedarlane.example")
    assert post(theo, f"{where}/sign-in", {"contact": cast.raman}).status_code == 303
    assert "Denise" in theo.get(f"{where}/sign-in?q=denise").get_data(as_text=True)
    assert post(theo, f"{where}/sign-in", {"contact": cast.denise}).status_code == 303
    assert post(theo, f"{where}/sign-in", {"name": "", "role": "staff"}).status_code == 303
    assert "2 people signed in" in theo.get(f"{where}/sign-in").get_data(as_text=True)
    assert post(theo, f"{where}/took-place", {"cost": "60"}, form_at=f"{where}/sign-in").status_code == 403
    wait_until(clock, "2026-03-26T14:00:00-04:00")
    bad = post(maya, f"{where}/took-place", {"cost": "a lot"}, form_at=where)
    assert bad.status_code == 303
    assert post(maya, f"{where}/took-place", {"cost": "60"}, form_at=where).status_code == 303
    assert "Took place" in maya.get(where).get_data(as_text=True)
    assert "$30" in maya.get("/gifts/").get_data(as_text=True)


def test_the_sign_in_sheet_prints_who_may_come(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"/events/{lunch_with(runtime, cast, cast.raman)}"
    sheet = maya.get(f"{where}/sheet").get_data(as_text=True)
    assert "Dr. Priya Raman" in sheet
    assert "Signature" in sheet


def test_the_calendar_file_downloads(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"/events/{lunch_with(runtime, cast, cast.raman)}"
    file = maya.get(f"{where}/event.ics")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "SUMMARY:Shoulders after surgery" in file.get_data(as_text=True)


def test_a_task_of_the_checklist_is_ticked_off(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = planned(maya, cast)
    assert post(maya, f"{where}/tasks/1/done", form_at=where).status_code == 303
    assert post(maya, f"{where}/tasks/999/done", form_at=where).status_code == 404


def test_every_act_is_in_the_audit_log(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = planned(maya, cast)
    post(maya, f"{where}/status", {"status": "confirmed"}, form_at=where)
    post(maya, f"{where}/by-phone", {"contact": cast.silent, "answer": "yes"}, form_at=f"{where}/invite?q=marsh")
    post(maya, f"{where}/answer", {"invitation": "1", "answer": "no"}, form_at=where)
    post(maya, f"{where}/cancel")
    with runtime.turn(write=False) as turn:
        acts = turn.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert acts == ["planned", "set-status", "added", "answered", "cancelled"]


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    def asked() -> int:
        said: list[str] = []
        listen = lambda *args: said.append(args[2])  # noqa: E731
        happening.listen(runtime.reading_engine, "before_cursor_execute", listen)
        maya.get("/events/")
        happening.remove(runtime.reading_engine, "before_cursor_execute", listen)
        return len(said)

    with runtime.turn() as turn:
        plan(turn, cast)
    few = asked()
    with runtime.turn() as turn:
        for _ in range(20):
            plan(turn, cast)
    assert asked() == few


def test_another_lunch_on_the_same_topic_at_the_same_office_is_pointed_out(maya: FlaskClient, cast: Cast) -> None:
    planned(maya, cast)
    second = planned(maya, cast, starts_on="2026-06-04", title="Again")
    assert "same topic within a year" in maya.get(second).get_data(as_text=True)


def test_the_rooms_of_food_show_no_yield(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"/events/{lunch_with(runtime, cast, cast.raman)}"
    for path in ("/events/", where, f"{where}/invite?add={cast.okafor}", f"{where}/sign-in"):
        page = maya.get(path).get_data(as_text=True)
        main = page[page.index("<main") : page.index("</main>")].lower()
        assert "yield" not in main
        assert "referr" not in main.replace("never by what they refer", "")


def test_a_stale_form_of_somebody_else_is_not_saved(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = planned(maya, cast)
    with runtime.turn() as turn:
        event = turn.session.scalars(select(Event)).one()
        event.version += 1
    typed = {**PLANNED, "presenter_id": str(cast.theo), "host_id": str(cast.maya), "version": "1", "title": "Other"}
    answer = post(maya, f"{where}/edit", typed)
    assert answer.status_code == 422
    assert "Somebody else changed this event" in answer.get_data(as_text=True)
    fresh = {**typed, "version": "2"}
    assert post(maya, f"{where}/edit", fresh).status_code == 303
