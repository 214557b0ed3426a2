"""The list of contacts as people keep it: saved views, columns, and what is done to many at once."""

from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts import browsing, organization_views, searching
from outreach.contacts.models import Contact, ContactTag, Group, GroupMember, Organization
from outreach.contacts.standing import Standing
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, csrf_of, post, sign_in

BULK = "/contacts/bulk/"


def html(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def do(client: FlaskClient, what: str, count: int, **fields: Any) -> Any:
    token = csrf_of(client.get("/contacts/").get_data(as_text=True))
    return client.post(BULK + "do", data={"do": what, "count": str(count), "csrf_token": token, **fields})


def members(runtime: Runtime, name: str) -> tuple[Group, set[int]]:
    with runtime.turn(write=False) as turn:
        group = turn.session.scalars(select(Group).where(Group.name == name)).one()
        found = turn.session.scalars(select(GroupMember.contact_id).where(GroupMember.group_id == group.id))
        return group, set(found)


def tagged(runtime: Runtime, tag: str) -> set[int]:
    with runtime.turn(write=False) as turn:
        return set(turn.session.scalars(select(ContactTag.contact_id).where(ContactTag.tag == tag)))


def test_columns_show_what_was_chosen(maya: FlaskClient) -> None:
    page = html(maya, "/contacts/?cols=email&cols=city,owner&cols=shoes")
    assert "p.raman@lakeside.example" in page
    assert '<th scope="col" class="">Looked after by</th>' in page
    assert "shoes" not in page


def test_a_view_is_kept_with_its_filters_and_columns(maya: FlaskClient) -> None:
    fields = {"name": " Doctors  by mail ", "kind": "physician", "sort": "name", "cols": ["email", "phone"]}
    where = post(maya, "/contacts/views/new", fields).headers["Location"]
    page = html(maya, where)
    assert '<a href="' in page
    assert 'aria-current="page">Doctors by mail</a>' in page
    assert "p.raman@lakeside.example" in page
    assert "tom@handworks.example" not in page
    assert "Doctors by mail" in html(maya, "/contacts/")
    again = post(maya, "/contacts/views/new", fields)
    assert again.status_code == 422
    assert "a view called “Doctors by mail” already" in again.get_data(as_text=True)


def test_a_view_is_its_owners_until_it_is_shared(app: Flask, runtime: Runtime, maya: FlaskClient) -> None:
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    post(maya, "/contacts/views/new", {"name": "Only mine", "kind": "physician"})
    post(maya, "/contacts/views/new", {"name": "For all", "kind": "peer-therapist", "shared": "yes"})
    page = html(olive, "/contacts/")
    assert "For all" in page
    assert "Only mine" not in page
    assert olive.get("/contacts/views/1").status_code == 404
    assert olive.get("/contacts/views/2").status_code == 404
    post(maya, "/contacts/views/2/gone", form_at="/contacts/views/2")
    assert "For all" not in html(olive, "/contacts/")


def test_who_only_reads_keeps_no_views_and_changes_nobody(app: Flask, runtime: Runtime, maya: FlaskClient) -> None:
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    page = html(rita, "/contacts/")
    assert 'name="id"' not in page
    assert "Save the view" not in html(rita, "/contacts/views/new")
    token = csrf_of(page)
    assert rita.post(BULK + "do", data={"csrf_token": token, "do": "tag", "id": "1"}).status_code == 403
    assert rita.post("/contacts/views/new", data={"csrf_token": token, "name": "x"}).status_code == 403


def test_the_page_before_says_who_and_how_many(maya: FlaskClient, cast: Cast) -> None:
    page = post(maya, BULK, {"id": [str(cast.tom), str(cast.greta)]}, form_at="/contacts/").get_data(as_text=True)
    assert "Tag 2 contacts" in page
    assert "Tom Brandt" in page
    assert "Nothing is done until" in page
    whole = post(maya, BULK, {"whole": "yes", "kind": "physician"}, form_at="/contacts/").get_data(as_text=True)
    assert "Tag 3 contacts" in whole


def test_nobody_ticked_is_told_and_nothing_happens(maya: FlaskClient) -> None:
    answer = post(maya, BULK, {}, form_at="/contacts/")
    assert answer.status_code == 303
    assert "Tick somebody first" in html(maya, answer.headers["Location"])


def test_many_get_a_tag_and_lose_it_again(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    do(maya, "tag", 3, whole="yes", kind="physician", **{"add-tag": " Golf,  day "})
    assert tagged(runtime, "Golf day") == {cast.raman, cast.okafor, cast.silent}
    again = do(maya, "tag", 2, id=[str(cast.tom), str(cast.raman)], **{"add-tag": "Golf day"})
    assert "1 contact new with the tag." in html(maya, again.headers["Location"])
    assert "Priya Raman" in html(maya, "/contacts/?tag=Golf day")
    do(maya, "untag", 2, id=[str(cast.tom), str(cast.raman)], **{"remove-tag": "Golf day"})
    assert tagged(runtime, "Golf day") == {cast.okafor, cast.silent}


def test_many_change_hands(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    do(maya, "owner", 3, whole="yes", kind="physician", **{"give-to": str(cast.theo)})
    with runtime.turn(write=False) as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert (raman.owner_id, raman.version) == (cast.theo, 2)
    assert "3 of 3" in html(maya, f"/contacts/?owner={cast.theo}")
    do(maya, "owner", 1, id=str(cast.raman), **{"give-to": "0"})
    assert "2 of 2" in html(maya, f"/contacts/?owner={cast.theo}")
    refused = do(maya, "owner", 1, id=str(cast.raman), **{"give-to": "999"})
    assert refused.status_code == 422


def test_a_list_that_changed_meanwhile_is_shown_again(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    answer = do(maya, "tag", 2, whole="yes", kind="physician", **{"add-tag": "Golf"})
    assert answer.status_code == 422
    assert "it is 3 now" in answer.get_data(as_text=True)
    assert tagged(runtime, "Golf") == set()


def test_many_go_on_a_new_list_and_on_one_that_exists(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    do(maya, "list", 1, id=str(cast.tom), name="Lunch")
    group, inside = members(runtime, "Lunch")
    assert inside == {cast.tom}
    do(maya, "list", 3, whole="yes", kind="physician", list=str(group.id))
    group, inside = members(runtime, "Lunch")
    assert len(inside) == 4
    assert not group.from_yield
    assert do(maya, "list", 1, id=str(cast.tom)).status_code == 422


@pytest.mark.parametrize("asked", [{"view": "top"}, {"status": "steady"}])
def test_a_list_made_of_a_view_that_tells_of_referrals_is_marked(
    runtime: Runtime, maya: FlaskClient, cast: Cast, asked: dict[str, str]
) -> None:
    with runtime.turn() as turn:
        day = turn.now.date()
        turn.session.add(
            Standing(contact_id=cast.raman, expected_90=2, rank_pct=95, tier="A", evidence="full", as_of_on=day)
        )
    if "view" in asked:
        page = post(maya, BULK, {"whole": "yes", **asked}, form_at="/contacts/").get_data(as_text=True)
        assert "cannot be used for events or gifts" in page
        do(maya, "list", 1, whole="yes", name="Best", **asked)
        assert members(runtime, "Best")[0].from_yield
    else:
        assert post(maya, BULK, {"whole": "yes", **asked}, form_at="/contacts/").status_code == 303


def test_the_chosen_are_exported(maya: FlaskClient, cast: Cast) -> None:
    text = do(maya, "export", 1, id=str(cast.tom)).get_data(as_text=True)
    assert "tom@handworks.example" in text
    assert "raman" not in text
    assert "BEGIN:VCARD" in do(maya, "cards", 1, id=str(cast.tom)).get_data(as_text=True)


def test_the_trash_is_never_among_the_chosen(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.tom).deleted_at = turn.now
        searching.keep(turn.session, limit=100)
    assert post(maya, BULK, {"id": str(cast.tom)}, form_at="/contacts/").status_code == 303
    assert do(maya, "tag", 0, id=str(cast.tom), **{"add-tag": "Golf"}).status_code == 303
    assert tagged(runtime, "Golf") == set()


@pytest.mark.parametrize("renamed", ["zzz", "aaa: a"])
def test_a_renamed_person_takes_nobody_off_the_pages(
    runtime: Runtime, turn: Turn, monkeypatch: pytest.MonkeyPatch, renamed: str
) -> None:
    monkeypatch.setattr(browsing, "PAGE", 3)
    asking = browsing.Asking(turn.session, turn.now, ZoneInfo("UTC"), runtime.group_facts)
    everybody = browsing.all_ids(asking, browsing.Wanted())
    first = browsing.listing(asking, browsing.Wanted(sort="name"))
    assert first.ids == everybody[:3]
    turn.session.get_one(Contact, first.ids[-1]).sort_name = renamed
    turn.session.flush()
    second = browsing.listing(asking, browsing.Wanted(sort="name", after=first.after))
    assert second.ids == everybody[3:6]


def test_a_renamed_place_takes_no_other_off_the_pages(
    maya: FlaskClient, runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organization_views, "PAGE", 1)
    with runtime.turn() as turn:
        first, second = turn.session.scalars(select(Organization).order_by(Organization.name).limit(2)).all()
        names = (first.name, second.name)
    page = html(maya, "/organizations/")
    assert names[0] in page
    where = unescape(page.split('href="/organizations/?')[-1].split('"')[0])
    with runtime.turn() as turn:
        turn.session.scalars(select(Organization).order_by(Organization.name).limit(1)).one().name = "Zzz House"
    assert names[1] in html(maya, f"/organizations/?{where}")
