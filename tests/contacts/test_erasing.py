"""A person asks to be erased, or to see everything that is kept about them."""

import json
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text

from outreach.contacts import belonging, consent, erasing, merging, person_file, tagging, tasks, timeline
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import MergeRecord
from outreach.contacts.repointing import pointing_to
from outreach.db import Base
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.schema import load_all
from outreach.screen import Turn
from tests.people import Cast, post, sign_in


def furnished(turn: Turn, cast: Cast) -> Contact:
    session, marisol = turn.session, turn.session.get_one(Contact, cast.marisol)
    marisol.street, marisol.phone = "9 Quince Road", "(555) 014-9999"
    timeline.add(session, now=turn.now, contact_id=marisol.id, kind="note", text="Marisol Vega likes quinces")
    tagging.set_tags(session, marisol, "quince")
    due = turn.now.date() + timedelta(days=3)
    tasks.add(session, now=turn.now, kind="call", title="Call Marisol Vega", due_on=due, contact_id=marisol.id)
    tom = session.get_one(Contact, cast.tom)
    belonging.relate(session, marisol, tom, relation="child", now=turn.now, by_id=None)
    session.flush()
    return marisol


def dump(turn: Turn) -> str:
    """Every cell of every table, as text."""
    cells = []
    for table in Base.metadata.sorted_tables:
        if table.name != "audit_entry":
            cells += [str(value) for row in turn.session.execute(select(table)) for value in row]
    return "\n".join(cells)


def test_every_table_that_points_to_a_contact_is_decided_about() -> None:
    load_all()
    named = {table.name for table, _ in pointing_to("contact", everything=True)}
    decided = [*erasing.GOES, *erasing.BLANKED, *erasing.STAYS_AS_IT_IS]
    assert sorted(decided) == sorted(named)
    assert set(erasing.OF_A_DELIVERY) <= set(Base.metadata.tables)


def test_nothing_names_an_erased_person_and_the_stop_stays(turn: Turn, cast: Cast) -> None:
    marisol = furnished(turn, cast)
    hashed = marisol.address_hash
    twin = Contact(
        kind="former-client",
        last_name="Vega-Quince",
        sort_name="vega-quince",
        added_on=turn.now.date(),
        created_at=turn.now,
        updated_at=turn.now,
    )
    turn.session.add(twin)
    turn.session.flush()
    taken = merging.merge(turn.session, marisol, twin, from_gone={"last_name": True}, now=turn.now, by_id=None)
    assert isinstance(taken, MergeRecord)
    place = turn.session.scalars(select(Organization).order_by(Organization.id)).first()
    assert place is not None
    place.referral_coordinator, place.front_desk = "Marisol  Vega-Quince", "Ann at the desk"
    turn.session.add(Membership(contact_id=marisol.id, organization_id=place.id, until_on=turn.now.date()))
    turn.session.flush()
    assert "quince" in dump(turn).lower()
    kept = erasing.erase(turn.session, marisol, now=turn.now, by_id=cast.olive)
    assert isinstance(kept, erasing.Stays)
    left = dump(turn).lower()
    assert [word for word in ("vega", "marisol", "quince", "014-9999") if word in left] == []
    assert place.front_desk == "Ann at the desk"
    assert hashed is not None
    assert consent.suppressed_topics(turn.session, hashed)["all"].reason == "erased"
    assert belonging.family_of(turn.session, cast.tom) == []
    assert turn.session.get_one(Contact, cast.marisol).deleted_at is not None
    assert isinstance(erasing.erase(turn.session, marisol, now=turn.now, by_id=None), Refusal)


def test_what_was_sent_and_answered_goes_with_the_person(turn: Turn, cast: Cast) -> None:
    marisol = furnished(turn, cast)
    tables = Base.metadata.tables
    message = {"digest": "d", "kind": "drip", "mail_class": "commercial", "topic": "education", "audiences": ["client"]}
    parts = {"subject": "Hello", "segments": [], "links": [], "details": [], "groups": [], "draft": {}}
    made = {**message, **parts, "made_at": turn.now}
    message_id = turn.session.execute(insert(tables["message"]).values(**made)).inserted_primary_key[0]
    sent = {
        "source": "campaign",
        "source_id": 1,
        "step": "1",
        "contact_id": marisol.id,
        "occurrence": "1",
        "message_id": message_id,
        "kind": "drip",
        "mail_class": "commercial",
        "topic": "education",
        "audience_class": "client",
        "email": "marisol.vega@mail.example",
        "to_name": "Marisol Vega",
        "address_hash": marisol.address_hash,
        "details": {"first_name": "Marisol"},
        "state": "suppressed",
        "reason": "no-permission",
        "zone": "America/New_York",
        "due_at": turn.now,
        "not_before_at": turn.now,
        "created_at": turn.now,
        "updated_at": turn.now,
    }
    delivery = turn.session.execute(insert(tables["delivery"]).values(**sent)).inserted_primary_key[0]
    reply = {"kind": "reply", "token": "t", "raw": b"From: Marisol Vega", "digest": "x", "delivery_id": delivery}
    turn.session.execute(insert(tables["inbound_mail"]).values(**reply, received_at=turn.now))
    assert not isinstance(erasing.erase(turn.session, marisol, now=turn.now, by_id=None), Refusal)
    assert "marisol" not in dump(turn).lower()
    assert turn.session.scalar(text("SELECT count(*) FROM delivery WHERE state = 'suppressed'")) == 1


def test_a_story_in_use_is_withdrawn_first_and_a_signed_permission_stays(turn: Turn, cast: Cast) -> None:
    marisol = furnished(turn, cast)
    signed = Authorization(
        contact_id=marisol.id,
        state="signed",
        wording="I can lift my grandson again.",
        scopes=["website"],
        signer="Marisol Vega",
        signed_at=turn.now,
        expires_on=turn.now.date() + timedelta(days=30),
    )
    turn.session.add(signed)
    turn.session.flush()
    refused = erasing.erase(turn.session, marisol, now=turn.now, by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == "story-live"
    signed.state, signed.revoked_at = "revoked", turn.now
    turn.session.flush()
    kept = erasing.erase(turn.session, marisol, now=turn.now, by_id=None)
    assert isinstance(kept, erasing.Stays)
    assert kept.permissions == 1
    assert turn.session.get_one(Authorization, signed.id).signer == "Marisol Vega"


def test_a_physician_in_the_ledger_keeps_the_name_there_alone(turn: Turn, cast: Cast) -> None:
    raman = turn.session.get_one(Contact, cast.raman)
    given = {"given_on": turn.now.date(), "contact_id": raman.id, "kind": "meal", "what": "Lunch", "amount_cents": 1500}
    more = {"solicited": False, "receipt_note": "", "recorded_at": turn.now, "override_reason": "", "struck_why": ""}
    turn.session.execute(insert(Base.metadata.tables["value_entry"]).values(**given, **more))
    kept = erasing.erase(turn.session, raman, now=turn.now, by_id=None)
    assert isinstance(kept, erasing.Stays)
    assert any("ledger" in line for line in kept.lines)
    raman = turn.session.get_one(Contact, cast.raman)
    assert (raman.last_name, raman.npi, raman.stark_physician) == ("Raman", "1234567893", True)
    assert (raman.email, raman.phone, raman.organization_id) == (None, "", None)


def test_the_whole_record_holds_every_room(turn: Turn, cast: Cast) -> None:
    marisol = furnished(turn, cast)
    parts = {part.title: part.rows for part in person_file.whole_record(turn.session, marisol)}
    assert parts["The person"][0]["Last name"] == "Vega"
    assert parts["What happened"][0]["Text"] == "Marisol Vega likes quinces"
    assert {"Tasks", "Tags", "Family", "What they agreed to"} <= set(parts)
    assert "address_hash" not in json.dumps(list(parts.values()), default=str)


def test_only_an_administrator_erases_and_only_by_typing_the_name(
    app: Flask, runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    where = f"/contacts/{cast.marisol}/erase"
    assert maya.get(where).status_code == 403
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    assert "never written to again" in olive.get(where).get_data(as_text=True)
    wrong = post(olive, where, {"name": "Marisol"})
    assert wrong.status_code == 422
    assert "Nothing was erased" in wrong.get_data(as_text=True)
    assert post(olive, where, {"name": "marisol  vega"}).headers["Location"] == "/contacts/"
    assert olive.get(f"/contacts/{cast.marisol}").status_code == 404
    assert "Vega" not in olive.get("/contacts/trash").get_data(as_text=True)


def test_the_record_is_read_and_saved(maya: FlaskClient, cast: Cast) -> None:
    page = maya.get(f"/contacts/{cast.raman}/record").get_data(as_text=True)
    assert "p.raman@lakeside.example" in page
    saved = json.loads(maya.get(f"/contacts/{cast.raman}/record.json").get_data(as_text=True))
    assert saved["The person"][0]["NPI"] == "1234567893"
    assert saved["The person"][0]["Organization"] == "Lakeside Orthopedics"
    assert "Lakeside Orthopedics" in page
    assert "Organization id" not in page
