"""Groups in the browser: the rule builder works as a plain form, lists are kept by hand."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, select

from outreach.contacts.models import Group
from outreach.contacts.ready_groups import BY_SPECIALTY
from outreach.contacts.specialties import SPECIALTIES
from outreach.runtime import Runtime
from tests.people import Cast, post


def group(runtime: Runtime, name: str) -> Group:
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(Group).where(Group.name == name)).one()
        turn.session.expunge(found)
        return found


def build(client: FlaskClient, do: str, path: str = "/groups/new", **fields: Any) -> Any:
    return post(client, path, {"name": "Doctors", "join": "all", "do": do, **fields})


def test_a_group_is_built_rule_by_rule_with_buttons_alone(runtime: Runtime, maya: FlaskClient) -> None:
    first = build(maya, "refresh", **{"r0-fact": "kind"}).get_data(as_text=True)
    assert 'name="r0-op"' in first
    assert "Office staff" in first
    rule = {"r0-fact": "kind", "r0-op": "is", "r0-value": ["physician", "office-staff"]}
    page = build(maya, "add", **rule).get_data(as_text=True)
    assert 'name="r1-fact"' in page
    rule |= {"r1-fact": "touched", "r1-op": "never"}
    saved = build(maya, "save", **rule)
    assert saved.status_code == 303
    rules = group(runtime, "Doctors").rules
    assert rules["all"][0] == {"fact": "kind", "op": "is", "value": ["physician", "office-staff"]}
    assert rules["all"][1]["op"] == "never"
    assert "Priya Raman" in maya.get(saved.headers["Location"]).get_data(as_text=True)


def test_the_count_says_who_is_left_out(maya: FlaskClient) -> None:
    page = maya.get("/groups/count?join=all&r0-fact=kind&r0-op=is&r0-value=physician").get_data(as_text=True)
    assert ">3</b>" in page
    assert "1 no email address" in page


def test_a_rule_without_its_value_is_asked_for_and_nothing_is_lost(maya: FlaskClient) -> None:
    answer = build(maya, "save", **{"r0-fact": "added", "r0-op": "within-days", "r0-value": "soon"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "whole number" in page
    assert 'value="soon"' in page
    assert 'value="Doctors"' in page


def test_a_group_needs_a_rule_and_a_name_of_its_own(maya: FlaskClient) -> None:
    assert "at least one rule" in build(maya, "save").get_data(as_text=True)
    rule = {"r0-fact": "has-email", "r0-op": "yes"}
    assert build(maya, "save", **rule).status_code == 303
    assert "called “Doctors” already" in build(maya, "save", **rule).get_data(as_text=True)


def test_a_group_that_would_contain_itself_is_refused(runtime: Runtime, maya: FlaskClient) -> None:
    build(maya, "save", **{"r0-fact": "has-email", "r0-op": "yes"})
    own = group(runtime, "Doctors").id
    rule = {"r0-fact": "group", "r0-op": "is", "r0-value": str(own)}
    assert build(maya, "save", name="Around", **rule).status_code == 303
    around = group(runtime, "Around").id
    answer = build(maya, "save", f"/groups/{own}/edit", **{**rule, "r0-value": str(around)})
    assert "contain itself" in answer.get_data(as_text=True)


def test_the_mark_of_yield_goes_through_groups_and_frozen_lists(runtime: Runtime, maya: FlaskClient) -> None:
    build(maya, "save", **{"r0-fact": "ever-referred", "r0-op": "is", "r0-value": "yes"})
    own = group(runtime, "Doctors")
    assert own.from_yield
    build(maya, "save", name="Around", **{"r0-fact": "group", "r0-op": "is", "r0-value": str(own.id)})
    assert group(runtime, "Around").from_yield
    post(maya, f"/groups/{own.id}/freeze", {"name": "Frozen"}, form_at=f"/groups/{own.id}")
    assert group(runtime, "Frozen").from_yield
    build(maya, "save", f"/groups/{own.id}/edit", **{"r0-fact": "has-email", "r0-op": "yes"})
    assert not group(runtime, "Around").from_yield


def test_a_fixed_list_is_filled_by_search(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = post(maya, "/groups/fixed", {"name": "Lunch"}, form_at="/groups/").headers["Location"]
    assert "Tom Brandt" in maya.get(f"{where}?add=tom").get_data(as_text=True)
    post(maya, f"{where}/members", {"add": str(cast.tom)}, form_at=where)
    assert "Take Tom Brandt off the list" in maya.get(where).get_data(as_text=True)
    exported = maya.get(f"{where}/export.csv").get_data(as_text=True)
    assert "tom@handworks.example" in exported
    post(maya, f"{where}/members", {"remove": str(cast.tom)}, form_at=where)
    assert "Nobody is in this group" in maya.get(where).get_data(as_text=True)


def test_ready_made_groups_are_copied_and_can_be_undone(runtime: Runtime, maya: FlaskClient) -> None:
    page = maya.get("/groups/").get_data(as_text=True)
    assert page.count("/groups/copy") == 7  # Six to copy, and one form for a group of any specialty.
    where = post(maya, "/groups/copy", {"key": "peers"}, form_at="/groups/").headers["Location"]
    assert "Tom Brandt" in maya.get(where).get_data(as_text=True)
    post(maya, f"{where}/trash", form_at=where)
    assert maya.get(where).status_code == 404
    post(maya, f"{where}/restore", form_at="/groups/")
    assert maya.get(where).status_code == 200


def test_every_specialty_has_a_group_ready(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    assert len(BY_SPECIALTY) == len(SPECIALTIES)
    where = post(maya, "/groups/copy", {"key": "specialty-207X00000X"}, form_at="/groups/").headers["Location"]
    page = maya.get(where).get_data(as_text=True)
    assert "Priya Raman" in page
    assert "Samuel Okafor" not in page
    assert "207X00000X" not in maya.get("/groups/").get_data(as_text=True)


def test_the_list_of_groups_asks_once_however_many_there_are(runtime: Runtime, maya: FlaskClient) -> None:
    counted = []
    rule = {
        "r0-fact": "kind",
        "r0-op": "is",
        "r0-value": "physician",
        "r1-fact": "payer",
        "r1-op": "is",
        "r1-value": "1",
    }
    for names in (("A", "B"), ("C", "D", "E", "F", "G")):
        for name in names:
            build(maya, "save", name=name, **rule)
        statements: list[str] = []

        def note(*args: object, seen: list[str] = statements) -> None:
            seen.append(str(args[2]))

        event.listen(runtime.reading_engine, "before_cursor_execute", note)
        maya.get("/groups/")
        event.remove(runtime.reading_engine, "before_cursor_execute", note)
        counted.append(len(statements))
    assert counted[0] == counted[1]
