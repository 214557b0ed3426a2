"""The contacts room as people use it: lists, profiles, touches, permission, trash."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from outreach.audit import AuditEntry
from outreach.contacts import consent, timeline
from outreach.contacts.models import Contact, Organization
from outreach.contacts.standing import Standing
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.runtime import Runtime
from tests.people import Cast, post, sign_in


def html(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def touches_of(runtime: Runtime, contact_id: int) -> list[tuple[str, str]]:
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(Touch).where(Touch.contact_id == contact_id).order_by(Touch.id))
        return [(touch.kind, touch.text) for touch in found]


def fill_book(runtime: Runtime, count: int) -> None:
    with runtime.turn() as turn:
        for number in range(count):
            turn.session.add(
                Contact(
                    kind="physician",
                    first_name="Ana",
                    last_name=f"Li{number:03}",
                    sort_name=f"li{number:03} ana",
                    added_on=turn.now.date() - timedelta(days=100),
                    created_at=turn.now,
                    updated_at=turn.now,
                )
            )


def test_the_list_goes_by_yield_and_then_by_name(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.add(
            Standing(contact_id=cast.tom, expected_90=1.5, rank_pct=90, evidence="full", as_of_on=turn.now.date())
        )
    page = html(maya, "/contacts/")
    order = [page.index(name) for name in ("Tom Brandt", "Greta Lindqvist", "Elena Marsh", "Marisol Vega")]
    assert order == sorted(order)


@pytest.mark.parametrize("text", ["lakeside", "RAMAN pri", "p.raman@", "014-2287", "1234567893"])
def test_search_finds_any_part_of_name_place_phone_mail_and_npi(maya: FlaskClient, text: str) -> None:
    assert "Priya Raman" in html(maya, f"/contacts/?q={text}")


def test_search_says_so_when_nobody_matches(maya: FlaskClient) -> None:
    assert "Nobody matches" in html(maya, "/contacts/?q=zebra")


def test_saved_views_hold_whom_they_say(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="call")
        turn.session.get_one(Contact, cast.okafor).added_on = turn.now.date() - timedelta(days=100)
        turn.session.add(
            Standing(
                contact_id=cast.raman, expected_90=2, rank_pct=95, tier="A", evidence="full", as_of_on=turn.now.date()
            )
        )
    assert "Priya Raman" not in html(maya, "/contacts/?view=never")
    assert "Samuel Okafor" not in html(maya, "/contacts/?view=new")
    assert "Marisol Vega" not in html(maya, "/contacts/?view=no-permission")
    top = html(maya, "/contacts/?view=top")
    assert "Priya Raman" in top
    assert "Samuel Okafor" not in top


def test_pages_of_fifty_meet_without_gap_or_overlap(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    fill_book(runtime, 120)
    with runtime.turn() as turn:
        rows = turn.session.scalars(select(Contact.id).where(Contact.sort_name < "li060")).all()
        for number, contact_id in enumerate(rows):
            turn.session.add(
                Standing(
                    contact_id=contact_id,
                    expected_90=round(number % 7 / 10, 1),
                    rank_pct=50,
                    evidence="early",
                    as_of_on=turn.now.date(),
                )
            )
    seen: list[str] = []
    path = "/contacts/"
    while path:
        page = html(maya, path)
        names = [part.split('"')[0] for part in page.split('class="row-name"><a href="')[1:]]
        seen += names
        following = page.split('href="/contacts/?', 1)[1:] and [p for p in page.split('"') if "after=" in p]
        path = following[0].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 127


def test_the_list_asks_the_same_number_of_questions_whatever_its_length(runtime: Runtime, maya: FlaskClient) -> None:
    counted = []
    for more in (0, 40):
        fill_book(runtime, more)
        statements: list[str] = []

        def note(*args: object, seen: list[str] = statements) -> None:
            seen.append(str(args[2]))

        event.listen(runtime.reading_engine, "before_cursor_execute", note)
        html(maya, "/contacts/")
        event.remove(runtime.reading_engine, "before_cursor_execute", note)
        counted.append(len(statements))
    assert counted[0] == counted[1]


def test_the_profile_of_a_client_is_seen_by_the_audit_log_and_others_are_not(
    runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    html(maya, f"/contacts/{cast.marisol}")
    html(maya, f"/contacts/{cast.raman}")
    with runtime.turn(write=False) as turn:
        seen = turn.session.execute(select(AuditEntry.action, AuditEntry.subject_id)).all()
    assert [tuple(row) for row in seen] == [("viewed", cast.marisol)]


def test_a_call_is_logged_with_one_line_and_one_button(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.raman}"
    post(maya, f"{where}/log", {"text": "Dropped off referral pads", "kind": "visit"}, form_at=where)
    assert touches_of(runtime, cast.raman) == [("visit", "Dropped off referral pads")]
    page = html(maya, f"{where}?tab=touches")
    assert "Dropped off referral pads" in page
    assert "take-back" in page


def test_a_slip_is_taken_back_but_never_what_the_system_recorded(
    runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    where = f"/contacts/{cast.raman}"
    with runtime.turn() as turn:
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="note", origin="task:9", text="kept")
    post(maya, f"{where}/log", {"text": "oops", "kind": "note"}, form_at=where)
    for touch_id in (1, 2):
        post(maya, f"/contacts/touches/{touch_id}/take-back", form_at=where)
    assert touches_of(runtime, cast.raman) == [("note", "kept")]


def test_a_touch_goes_with_its_promise_and_by_whoever_logged_it(
    app: Flask, runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    where, theo = f"/contacts/{cast.raman}", sign_in(app, runtime, "theo@cedarlane.example")
    for step in ("Send the flier", "Send the flyer"):
        post(maya, f"{where}/log", {"text": "Called", "kind": "call", "next_step": step}, form_at=where)
        for who in (theo, maya)[: 1 + step.endswith("flier")]:
            post(who, "/contacts/touches/1/take-back", form_at=where)
    assert touches_of(runtime, cast.raman) == [("call", "Called")]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Task.title)).all() == ["Send the flyer"]


def test_a_touch_is_logged_from_anywhere_by_a_part_of_the_name(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    typed = {"who": "okaf", "kind": "call", "text": "Will send two", "on": "2026-03-02", "next_step": "Send the flyer"}
    answer = post(maya, "/contacts/log-touch", {**typed, "next_on": "2026-03-05"})
    assert answer.headers["Location"] == f"/contacts/{cast.okafor}"
    with runtime.turn(write=False) as turn:
        task = turn.session.scalars(select(Task)).one()
        assert (task.title, str(task.due_on), task.owner_id) == ("Send the flyer", "2026-03-05", cast.maya)


def test_a_name_that_fits_several_asks_which_one_and_keeps_the_words(maya: FlaskClient, cast: Cast) -> None:
    typed = {"who": "northgate", "kind": "call", "text": "Asked for pads", "on": "2026-03-02"}
    answer = post(maya, "/contacts/log-touch", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Samuel Okafor" in page
    assert "Asked for pads" in page
    picked = post(maya, "/contacts/log-touch", {**typed, "pick": str(cast.okafor)})
    assert picked.headers["Location"] == f"/contacts/{cast.okafor}"


def test_tasks_are_done_snoozed_dropped_and_brought_back(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.raman}"
    post(maya, f"{where}/tasks", {"title": "Thank-you note", "kind": "thank", "due_on": "2026-03-02"}, form_at=where)
    post(maya, "/contacts/tasks/1/snooze", {"until": "next-week"}, form_at=where)
    with runtime.turn(write=False) as turn:
        assert str(turn.session.get_one(Task, 1).due_on) == "2026-03-09"
    post(maya, "/contacts/tasks/1/done", form_at=where)
    assert touches_of(runtime, cast.raman)[0][0] == "thank-you"
    post(maya, "/contacts/tasks/1/reopen", form_at=where)
    assert touches_of(runtime, cast.raman) == []
    post(maya, "/contacts/tasks/1/drop", form_at=where)
    assert "Thank-you note" not in html(maya, where).split("Dropped.")[-1]


def test_a_wrong_form_comes_back_with_what_was_typed(maya: FlaskClient) -> None:
    answer = post(maya, "/contacts/new", {"kind": "physician", "last_name": "Castillo", "email": "hana,c@x.example"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "comma" in page
    assert 'value="Castillo"' in page


def test_an_address_that_is_known_warns_once_and_then_gives_way(runtime: Runtime, maya: FlaskClient) -> None:
    typed = {"kind": "physician", "last_name": "Raman-Li", "email": "P.RAMAN@lakeside.example"}
    first = post(maya, "/contacts/new", typed)
    assert first.status_code == 422
    assert "may be the same" in first.get_data(as_text=True)
    assert post(maya, "/contacts/new", {**typed, "anyway": "yes"}).status_code == 303


def test_nobody_overwrites_what_somebody_else_just_saved(
    runtime: Runtime, app: Flask, maya: FlaskClient, cast: Cast
) -> None:
    olive, where = sign_in(app, runtime, "olive@cedarlane.example"), f"/contacts/{cast.raman}/edit"
    base = {"kind": "physician", "first_name": "Priya", "last_name": "Raman", "version": "1"}
    assert post(olive, where, {**base, "phone": "(555) 014-0001"}).status_code == 303
    second = post(maya, where, {**base, "phone": "(555) 014-0002"})
    page = second.get_data(as_text=True)
    assert second.status_code == 422
    assert "Olive changed this" in page
    assert "(555) 014-0002" in page
    assert post(maya, where, {**base, "phone": "(555) 014-0002", "version": "2"}).status_code == 303


def test_names_in_every_script_and_with_markup_are_only_names(runtime: Runtime, maya: FlaskClient) -> None:
    for name in ("<b>Bold</b>", "=1+1", "李小龍", "عائشة"):
        answer = post(maya, "/contacts/new", {"kind": "provider", "first_name": "Ana", "last_name": name})
        page = html(maya, answer.headers["Location"])
        assert "<b>Bold</b>" not in page
    exported = maya.get("/contacts/export.csv").get_data(as_text=True)
    assert "'=1+1" in exported
    assert "李小龍" in exported


def test_payers_and_tags_are_ticked_and_shown(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.raman}/edit"
    typed = {"kind": "physician", "last_name": "Raman", "version": "1", "payer_ids": ["1", "2"], "tags": "vip, golf"}
    assert post(maya, where, typed).status_code == 303
    page = html(maya, f"/contacts/{cast.raman}")
    assert "Blue Cross PPO, Medicare" in page
    assert "golf, vip" in page
    assert 'value="1" checked' in html(maya, where)
    assert post(maya, where, {**typed, "tags": ""}).status_code == 422, "somebody else's tags are not lost unseen"
    assert post(maya, where, {**typed, "version": "3", "payer_ids": ["2"], "tags": ""}).status_code == 303
    assert "golf" not in html(maya, f"/contacts/{cast.raman}")


def test_the_trash_keeps_a_contact_until_it_is_brought_back(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.tom}"
    post(maya, f"{where}/trash", form_at=where)
    assert maya.get(where).status_code == 404
    assert "Tom Brandt" in html(maya, "/contacts/trash")
    post(maya, f"{where}/restore", form_at="/contacts/trash")
    assert "Tom Brandt" in html(maya, where)


def test_staff_can_stop_mail_but_not_start_it_again(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.raman}"
    post(maya, f"{where}/stop", form_at=where)
    post(maya, f"{where}/permission", {"topic": "all", "how": "in person", "words": ""}, form_at=where)
    page = html(maya, where)
    assert "they asked us to stop" in page
    assert "No mail" in page
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(consent.Suppression)).one().lifted_at is None


def test_a_hold_shows_its_reason_and_is_lifted_with_one(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = f"/contacts/{cast.raman}"
    post(maya, f"{where}/hold", {"held": "yes", "why": "A client waited three weeks"}, form_at=where)
    assert "A client waited three weeks" in html(maya, where)
    post(maya, f"{where}/hold", {"held": "no", "why": ""}, form_at=where)
    assert "On hold since" in html(maya, where)
    post(maya, f"{where}/hold", {"held": "no", "why": "We said sorry"}, form_at=where)
    assert "On hold since" not in html(maya, where)


def test_an_organization_shows_its_people_and_gets_a_desk(runtime: Runtime, maya: FlaskClient) -> None:
    with runtime.turn(write=False) as turn:
        place_id = turn.session.scalars(select(Organization.id).where(Organization.name == "Northgate Clinic")).one()
    where = f"/organizations/{place_id}"
    assert "Samuel Okafor" in html(maya, where)
    post(maya, f"{where}/desk", form_at=where)
    post(maya, f"{where}/edit", {"name": "Northgate Clinic", "type": "medical-practice", "npi": "1234567890"})
    assert "Write to the office itself" not in html(maya, where)
    assert (
        post(maya, "/organizations/new", {"name": "northgate clinic", "type": "school", "npi": "123"}).status_code
        == 422
    )


@pytest.mark.parametrize(
    ("email", "allowed"),
    [
        ("theo@cedarlane.example", ["log"]),
        ("rita@cedarlane.example", []),
        ("olive@cedarlane.example", ["log", "trash"]),
    ],
)
def test_roles_may_do_what_is_theirs(app: Flask, runtime: Runtime, cast: Cast, email: str, allowed: list[str]) -> None:
    client, where = sign_in(app, runtime, email), f"/contacts/{cast.raman}"
    assert "Priya Raman" in html(client, where)
    for act in ("log", "trash"):
        answer = post(client, f"{where}/{act}", {"text": "x", "kind": "note"}, form_at="/verify")
        assert answer.status_code == (303 if act in allowed else 403), act


def test_an_owner_who_is_not_there_is_refused_at_the_field(maya: FlaskClient) -> None:
    typed = {"kind": "physician", "last_name": "Quist", "organization_id": "0", "owner_id": "999999"}
    answer = post(maya, "/contacts/new", typed)
    assert answer.status_code == 422
    assert "Nobody here looks after contacts under that name" in answer.text
