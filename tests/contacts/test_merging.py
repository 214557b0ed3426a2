"""Two records of one person become one."""

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts import consent, merging, timeline
from outreach.contacts.models import Contact, ContactTag
from outreach.contacts.record_models import MergeRecord
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
    assert maya.get(f"/contacts/{twin}").status_code == 404
    assert "No duplicates found" in maya.get("/contacts/duplicates/").get_data(as_text=True)
