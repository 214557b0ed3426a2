"""What was done to many at once can be taken back: tags, owners, lists."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact
from outreach.runtime import Runtime
from tests.contacts.test_lists import do, members, tagged
from tests.people import Cast, post, sign_in


def undo(client: FlaskClient, runtime: Runtime) -> str:
    with runtime.turn(write=False) as turn:
        last = turn.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc())).first()
    page = client.get("/contacts/").get_data(as_text=True)
    assert f"/contacts/bulk/undo/{last}" in page, "the toast offers it"
    post(client, f"/contacts/bulk/undo/{last}", form_at="/contacts/")
    return f"/contacts/bulk/undo/{last}"


def owners(runtime: Runtime) -> dict[int, int | None]:
    with runtime.turn(write=False) as turn:
        return {row.id: row.owner_id for row in turn.session.execute(select(Contact.id, Contact.owner_id))}


def test_a_tag_goes_from_those_only_who_had_it_not_before(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    do(maya, "tag", 1, id=cast.raman, **{"add-tag": "Golf"})
    do(maya, "tag", 2, id=[cast.raman, cast.okafor], **{"add-tag": " Golf,"})
    undo(maya, runtime)
    assert tagged(runtime, "Golf") == {cast.raman}
    do(maya, "untag", 2, id=[cast.raman, cast.okafor], **{"remove-tag": "Golf"})
    assert tagged(runtime, "Golf") == set()
    undo(maya, runtime)
    assert tagged(runtime, "Golf") == {cast.raman}


def test_a_second_press_takes_no_tag_away_that_was_put_on_anew(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    do(maya, "tag", 1, id=cast.raman, **{"add-tag": "Golf"})
    where = undo(maya, runtime)
    do(maya, "tag", 1, id=cast.raman, **{"add-tag": "Golf"})
    post(maya, where, form_at="/contacts/")
    assert tagged(runtime, "Golf") == {cast.raman}


def test_an_owner_comes_back_unless_somebody_else_was_chosen_since(
    runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).owner_id = cast.olive
    do(maya, "owner", 3, id=[cast.raman, cast.okafor, cast.tom], **{"give-to": str(cast.maya)})
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.tom).owner_id = cast.olive
    undo(maya, runtime)
    assert "Taken back for 2 contacts." in maya.get("/contacts/").get_data(as_text=True)
    found = owners(runtime)
    assert (found[cast.raman], found[cast.okafor], found[cast.tom]) == (cast.olive, None, cast.olive)


def test_who_was_new_on_a_list_is_off_it_again(
    app: Flask, runtime: Runtime, maya: FlaskClient, cast: Cast, clock: FrozenClock
) -> None:
    do(maya, "list", 1, id=cast.raman, name="Lunch")
    group, _ = members(runtime, "Lunch")
    do(maya, "list", 2, id=[cast.raman, cast.tom], list=str(group.id))
    where = undo(maya, runtime)
    assert members(runtime, "Lunch")[1] == {cast.raman}
    clock.advance(timedelta(minutes=1))
    do(maya, "list", 1, id=cast.tom, list=str(group.id))
    post(maya, where, form_at="/contacts/")
    assert members(runtime, "Lunch")[1] == {cast.raman, cast.tom}, "a second press takes nothing back of a later act"
    with runtime.turn(write=False) as turn:
        act = turn.session.scalars(
            select(AuditEntry.id).where(AuditEntry.action == "added-members").order_by(AuditEntry.id.desc())
        ).first()
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    post(olive, f"/contacts/bulk/undo/{act}", form_at="/contacts/")
    assert members(runtime, "Lunch")[1] == {cast.raman, cast.tom}
