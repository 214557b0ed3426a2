"""An opt-out is a person's: it outlives their address."""

from datetime import date
from typing import Any

from outreach.contacts import consent, editing, merging, tasks
from outreach.contacts.import_undoing import undo
from outreach.contacts.imports import ImportRun
from outreach.contacts.models import Contact
from outreach.contacts.record_models import MergeRecord
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.conftest import KEY
from tests.contacts.test_importing import bring, carry_out, contact, table
from tests.people import Cast


def edit(turn: Turn, one: Contact, **fields: Any) -> None:
    edited = editing.edit_contact(turn.session, one, now=turn.now, key=KEY, by_id=None, version=one.version, **fields)
    assert edited is one


def unsubscribe(turn: Turn, one: Contact, topic: str = consent.EVERYTHING) -> None:
    assert one.address_hash
    consent.suppress(
        turn.session, now=turn.now, hashed=one.address_hash, reason="unsubscribed", source="page", topic=topic
    )


def stopped(turn: Turn, one: Contact) -> set[str]:
    assert one.address_hash
    return set(consent.suppressed_topics(turn.session, one.address_hash))


def test_an_opt_out_waits_while_there_is_no_address(turn: Turn, cast: Cast) -> None:
    raman = turn.session.get_one(Contact, cast.raman)
    unsubscribe(turn, raman, "newsletter")
    edit(turn, raman, email="")
    edit(turn, raman, email="priya@elsewhere.example")
    assert stopped(turn, raman) == {"newsletter"}


def test_an_opt_out_older_than_the_contact_waits_too(turn: Turn, cast: Cast) -> None:
    gone = consent.address_hash(KEY, "early@elsewhere.example")
    consent.suppress(turn.session, now=turn.now, hashed=gone, reason="complained", source="webhook")
    silent = turn.session.get_one(Contact, cast.silent)
    for email in ("early@elsewhere.example", "", "late@elsewhere.example"):
        edit(turn, silent, email=email)
    assert stopped(turn, silent) == {"all"}


def test_who_came_back_at_a_later_address_is_not_stopped_by_an_older_one(turn: Turn, cast: Cast) -> None:
    raman = turn.session.get_one(Contact, cast.raman)
    unsubscribe(turn, raman)
    edit(turn, raman, email="second@elsewhere.example")
    assert raman.address_hash
    assert consent.lift(turn.session, now=turn.now, hashed=raman.address_hash, topic="all")
    edit(turn, raman, email="")
    edit(turn, raman, email="third@elsewhere.example")
    assert stopped(turn, raman) == set()


def test_an_opt_out_survives_a_merge_into_a_record_without_an_address(turn: Turn, cast: Cast) -> None:
    silent, raman = (turn.session.get_one(Contact, who) for who in (cast.silent, cast.raman))
    unsubscribe(turn, raman)
    assert isinstance(merging.merge(turn.session, silent, raman, from_gone={}, now=turn.now, by_id=None), MergeRecord)
    edit(turn, silent, email="elena@elsewhere.example")
    assert stopped(turn, silent) == {"all"}


def test_an_opt_out_of_a_record_without_an_address_follows_into_a_merge(turn: Turn, cast: Cast) -> None:
    okafor, raman = (turn.session.get_one(Contact, who) for who in (cast.okafor, cast.raman))
    unsubscribe(turn, raman)
    edit(turn, raman, email="")
    assert isinstance(merging.merge(turn.session, okafor, raman, from_gone={}, now=turn.now, by_id=None), MergeRecord)
    assert stopped(turn, okafor) == {"all"}


def test_an_import_that_brings_an_address_lifts_nothing(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        unsubscribe(turn, raman)
        edit(turn, raman, email="")
    carry_out(runtime, bring(runtime, table("Priya,Raman,priya@elsewhere.example,,1234567893,")))
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert raman.email == "priya@elsewhere.example"
        assert stopped(turn, raman) == {"all"}


def test_an_undone_import_keeps_the_opt_out_of_the_address_it_takes_back(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        edit(turn, turn.session.get_one(Contact, cast.raman), email="")
    run = carry_out(runtime, bring(runtime, table("Priya,Raman,priya@elsewhere.example,,1234567893,")))
    with runtime.turn() as turn:
        unsubscribe(turn, turn.session.get_one(Contact, cast.raman))
        undo(turn.session, turn.session.get_one(ImportRun, run.id), now=turn.now)
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert raman.email is None
        edit(turn, raman, email="again@elsewhere.example")
        assert stopped(turn, raman) == {"all"}


def test_undo_keeps_people_for_whom_something_is_planned_or_agreed(runtime: Runtime) -> None:
    rows = ("Ana,Bell,ana@mercy.example,,,", "Cy,Poe,cy@mercy.example,,,", "Eva,Orr,eva@mercy.example,,,")
    run = carry_out(runtime, bring(runtime, table(*rows)))
    ana, cy = (contact(runtime, first_name=name).id for name in ("Ana", "Cy"))
    with runtime.turn() as turn:
        tasks.add(turn.session, now=turn.now, kind="call", title="Call", due_on=date(2026, 3, 9), contact_id=ana)
        consent.grant(turn.session, now=turn.now, contact_id=cy, source="in person")
    with runtime.turn() as turn:
        assert undo(turn.session, turn.session.get_one(ImportRun, run.id), now=turn.now) == {
            "removed": 1,
            "restored": 0,
            "kept": 2,
        }
