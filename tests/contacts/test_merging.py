"""Two records of one person become one."""

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts import consent, merging, repointing, timeline
from outreach.contacts.models import Contact, ContactTag
from outreach.contacts.record_models import FamilyLink, MergeRecord
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post


def twin_of(turn: Turn, contact_id: int, **different: str) -> Contact:
    original = turn.session.get_one(Contact, contact_id)
    values = {"first_name": original.first_name, "last_name": original.last_name, "sort_name": original.sort_name}
    twin = Contact(
        kind="physician",
        email=original.email,
        address_hash=original.address_hash,
        added_on=turn.now.date(),
        created_at=turn.now,
        updated_at=turn.now,
        **(values | different),
    )
    turn.session.add(twin)
    turn.session.flush()
    return twin


def test_the_same_address_is_noticed(turn: Turn, cast: Cast) -> None:
    twin = twin_of(turn, cast.raman)
    pairs = merging.look_alikes(turn.session)
    assert [(pair.first_id, pair.second_id, pair.why) for pair in pairs] == [
        (cast.raman, twin.id, "the same email address")
    ]


def test_history_tags_and_opt_outs_follow_into_the_one_that_stays(turn: Turn, cast: Cast) -> None:
    session, kept = turn.session, turn.session.get_one(Contact, cast.raman)
    twin = twin_of(turn, cast.raman, city="Salem")
    twin.email, twin.address_hash = "priya@home.example", consent.address_hash(b"k" * 64, "priya@home.example")
    consent.suppress(session, now=turn.now, hashed=twin.address_hash, reason="unsubscribed", source="page")
    for one in (kept, twin):
        timeline.add(session, now=turn.now, contact_id=one.id, kind="imported", origin="import:1")
        session.add(ContactTag(contact_id=one.id, tag="vip"))
    timeline.add(session, now=turn.now, contact_id=twin.id, kind="call", text="Only there")
    session.flush()
    assert isinstance(
        merging.merge(session, kept, twin, from_gone={"city": True}, now=turn.now, by_id=cast.maya), MergeRecord
    )
    told = session.scalars(select(Touch.kind).where(Touch.contact_id == kept.id).order_by(Touch.kind)).all()
    assert told == ["call", "imported", "merged", "unsubscribed", "unsubscribed"]
    assert kept.city == "Salem"
    assert kept.address_hash is not None
    assert "all" in consent.suppressed_topics(session, kept.address_hash)
    assert twin.merged_into_id == kept.id


def test_nobody_is_merged_with_themselves_or_twice(turn: Turn, cast: Cast) -> None:
    kept, twin = turn.session.get_one(Contact, cast.raman), twin_of(turn, cast.raman)
    assert isinstance(merging.merge(turn.session, kept, kept, from_gone={}, now=turn.now, by_id=None), Refusal)
    assert isinstance(merging.merge(turn.session, kept, twin, from_gone={}, now=turn.now, by_id=None), MergeRecord)
    assert isinstance(merging.merge(turn.session, kept, twin, from_gone={}, now=turn.now, by_id=None), Refusal)


def test_duplicates_are_compared_and_merged_on_the_screen(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        twin = twin_of(turn, cast.raman, city="Salem").id
    assert "the same email address" in maya.get("/contacts/duplicates/").get_data(as_text=True)
    where = f"/contacts/duplicates/{cast.raman}/{twin}"
    assert "Salem" in maya.get(where).get_data(as_text=True)
    assert post(maya, where, {"city": "gone"}).headers["Location"] == f"/contacts/{cast.raman}"
    assert maya.get(f"/contacts/{twin}").headers["Location"] == f"/contacts/{cast.raman}"
    assert "No duplicates found" in maya.get("/contacts/duplicates/").get_data(as_text=True)


def test_a_merge_is_taken_back_whole(turn: Turn, cast: Cast) -> None:
    session, kept = turn.session, turn.session.get_one(Contact, cast.okafor)
    gone = session.get_one(Contact, cast.raman)
    timeline.add(session, now=turn.now, contact_id=gone.id, kind="call", text="Hers")
    timeline.add(session, now=turn.now, contact_id=kept.id, kind="call", text="His")
    for one in (kept, gone):
        session.add(ContactTag(contact_id=one.id, tag="vip"))
    session.add(ContactTag(contact_id=gone.id, tag="only hers"))
    session.add(FamilyLink(contact_id=kept.id, relative_id=gone.id, relation="partner"))
    gone.recovery_hold_at, gone.recovery_hold_why = turn.now, "A bad day"
    before = session.scalars(select(Contact.npi).where(Contact.id == gone.id)).one()
    session.flush()
    record = merging.merge(
        session, kept, gone, from_gone={"npi": True, "email": True, "phone": True}, now=turn.now, by_id=cast.maya
    )
    assert isinstance(record, MergeRecord)
    assert (kept.npi, kept.recovery_hold_why) == (before, "A bad day")
    kept.phone = "changed since"
    timeline.add(session, now=turn.now, contact_id=kept.id, kind="note", text="Since")
    session.flush()
    back = merging.unmerge(session, record, now=turn.now, by_id=cast.maya)
    assert isinstance(back, Contact)
    assert (back.id, back.npi, back.deleted_at, back.merged_into_id) == (cast.raman, before, None, None)
    kept = session.get_one(Contact, cast.okafor)
    assert (kept.npi, kept.email, kept.recovery_hold_at) == (None, "s.okafor@northgate.example", None)
    assert kept.phone == "changed since"
    asked = {c: select(Touch.text).where(Touch.contact_id == c).order_by(Touch.id) for c in (kept.id, back.id)}
    told = {c: session.scalars(each).all() for c, each in asked.items()}
    assert told == {cast.okafor: ["His", "Since"], cast.raman: ["Hers"]}
    tags = session.execute(select(ContactTag.contact_id, ContactTag.tag)).all()
    assert sorted(map(tuple, tags)) == sorted([(kept.id, "vip"), (back.id, "vip"), (back.id, "only hers")])
    assert session.get(FamilyLink, (kept.id, back.id)) is not None
    assert merging.merges_of(session, "contact", kept.id) == []


def test_every_table_that_points_to_a_contact_moves_and_comes_back(turn: Turn, cast: Cast) -> None:
    """Whatever a room adds later: nothing that points to a contact is forgotten."""
    named = {(table.name, column.name) for table, column in repointing.pointing_to("contact")}
    assert {("referral", "contact_id"), ("delivery", "contact_id"), ("campaign_enrollment", "contact_id")} <= named
    assert {("task", "contact_id"), ("consent", "contact_id"), ("authorization", "contact_id")} <= named
    kept, gone = turn.session.get_one(Contact, cast.raman), twin_of(turn, cast.raman)
    for name in ("first", "second", "third"):
        task = Task(kind="call", title=name, due_on=turn.now.date(), contact_id=gone.id, created_at=turn.now)
        turn.session.add(task)
    turn.session.flush()
    moved = repointing.repoint(turn.session, "contact", gone.id, kept.id)
    assert len([row for row in moved if row[0] == "task"]) == 3
    assert repointing.point_back(turn.session, moved, gone.id, kept.id) == len(moved)
    assert repointing.point_back(turn.session, moved, gone.id, kept.id) == 0


def test_what_was_merged_on_is_not_taken_apart_in_the_middle(turn: Turn, cast: Cast) -> None:
    session = turn.session
    one, two, three = (session.get_one(Contact, id_) for id_ in (cast.raman, cast.okafor, cast.silent))
    first = merging.merge(session, two, one, from_gone={}, now=turn.now, by_id=None)
    second = merging.merge(session, three, two, from_gone={}, now=turn.now, by_id=None)
    assert isinstance(first, MergeRecord)
    assert isinstance(second, MergeRecord)
    assert merging.where_now(session, one).id == three.id
    refused = merging.unmerge(session, first, now=turn.now, by_id=None)
    assert isinstance(refused, Refusal)
    assert isinstance(merging.unmerge(session, second, now=turn.now, by_id=None), Contact)
    assert isinstance(merging.unmerge(session, first, now=turn.now, by_id=None), Contact)


def test_two_people_are_not_offered_again(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        twin = twin_of(turn, cast.raman).id
    where = f"/contacts/duplicates/{cast.raman}/{twin}"
    assert post(maya, f"{where}/apart", form_at=where).status_code == 303
    assert "No duplicates found" in maya.get("/contacts/duplicates/").get_data(as_text=True)
    post(maya, f"/contacts/duplicates/contact/{twin}/{cast.raman}/again", form_at=where)
    assert "the same email address" in maya.get("/contacts/duplicates/").get_data(as_text=True)


def test_a_merge_is_undone_on_the_screen(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        twin = twin_of(turn, cast.raman, city="Salem").id
    where = f"/contacts/duplicates/{cast.raman}/{twin}"
    post(maya, where, {"city": "gone"})
    with runtime.turn(write=False) as turn:
        record = turn.session.scalars(select(MergeRecord.id)).one()
    assert (
        post(maya, f"/contacts/duplicates/undo/{record}", form_at="/contacts/").headers["Location"].endswith(str(twin))
    )
    assert maya.get(f"/contacts/{twin}").status_code == 200
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Contact, cast.raman).city == ""


def test_the_other_record_is_found_by_any_part_of_it(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        twin = twin_of(turn, cast.raman, last_name="Raman-Lee").id
    where = f"/contacts/duplicates/of/{cast.raman}"
    assert maya.get(f"{where}?other=Raman-Lee").headers["Location"] == f"/contacts/duplicates/{cast.raman}/{twin}"
    assert maya.get(f"{where}?other=zebra").headers["Location"] == f"/contacts/{cast.raman}"
    assert "No other record is called that" in maya.get(f"/contacts/{cast.raman}").get_data(as_text=True)


def test_what_is_typed_about_a_record_merged_away_is_kept(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        gone = twin_of(turn, cast.raman).id
    here = f"/contacts/{cast.raman}"
    page = maya.get(f"/contacts/{gone}/edit").get_data(as_text=True)
    version = page.split('name="version"')[1].split('value="')[1].split('"')[0]
    post(maya, f"/contacts/duplicates/{cast.raman}/{gone}", {})
    line = {"kind": "call", "text": "Asked for pads"}
    assert post(maya, f"/contacts/{gone}/log", line, form_at=here).headers["Location"] == here
    task = {"title": "Bring pads", "kind": "visit", "due_on": "2026-03-05"}
    assert post(maya, f"/contacts/{gone}/tasks", task, form_at=here).headers["Location"] == here
    page = maya.get(here).get_data(as_text=True)
    assert "Asked for pads" in page
    assert "Bring pads" in page
    typed = {"kind": "physician", "last_name": "Raman", "best_time": "Mondays at noon", "version": version}
    again = post(maya, f"/contacts/{gone}/edit", typed, form_at=here)
    assert again.status_code == 422
    assert "Mondays at noon" in again.get_data(as_text=True)
    assert "Save again to put it there" in again.get_data(as_text=True)
