"""What is taken back leaves alone what came since: stops stay, and so does everything that points at a contact."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from outreach.contacts import group_rules, import_files, import_running, importing, merging
from outreach.contacts.belonging import relate
from outreach.contacts.editing import set_do_not_contact, set_recovery_hold
from outreach.contacts.group_facts import GROUP_FACTS as FACTS
from outreach.contacts.import_undoing import undo
from outreach.contacts.imports import ImportRun
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import MergeRecord
from outreach.gifts.models import KINDS, ValueEntry
from outreach.referrals.source_models import SourceAlias
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.conftest import KEY
from tests.contacts.test_importing import bring, carry_out, contact, run_of, table
from tests.people import Cast


def test_a_stop_set_while_two_were_one_holds_for_both_afterwards(turn: Turn, cast: Cast) -> None:
    session, later = turn.session, turn.now + timedelta(hours=1)
    kept, gone = session.get_one(Contact, cast.okafor), session.get_one(Contact, cast.raman)
    record = merging.merge(session, kept, gone, from_gone={}, now=turn.now, by_id=cast.maya)
    assert isinstance(record, MergeRecord)
    assert set_do_not_contact(session, kept, now=later, by_id=cast.maya, why="Asked by phone") is None
    assert set_recovery_hold(session, kept, now=later, by_id=cast.maya, why="A complaint") is None
    kept.deceased_on = later.date()
    session.flush()
    back = merging.unmerge(session, record, now=later, by_id=cast.maya)
    assert isinstance(back, Contact)
    assert (back.do_not_contact_why, back.recovery_hold_why) == ("Asked by phone", "A complaint")
    assert back.do_not_contact_at == back.recovery_hold_at == later
    assert back.deceased_on == later.date()
    assert session.get_one(Contact, cast.okafor).do_not_contact_at == later


def test_a_stop_from_before_the_merge_stays_with_the_one_it_was_for(turn: Turn, cast: Cast) -> None:
    session = turn.session
    kept, gone = session.get_one(Contact, cast.okafor), session.get_one(Contact, cast.raman)
    assert set_do_not_contact(session, kept, now=turn.now, by_id=cast.maya, why="Asked by phone") is None
    kept.deceased_on = turn.now.date()
    record = merging.merge(session, kept, gone, from_gone={}, now=turn.now, by_id=cast.maya)
    assert isinstance(record, MergeRecord)
    back = merging.unmerge(session, record, now=turn.now, by_id=cast.maya)
    assert isinstance(back, Contact)
    assert (back.do_not_contact_at, back.deceased_on) == (None, None)


def test_undo_keeps_whoever_something_else_hangs_on_by_now(runtime: Runtime, cast: Cast) -> None:
    names = ("Ana", "Bo", "Cy", "Di")
    run_id = bring(runtime, table(*(f"{name},Newcomer,{name}@new.example,,," for name in names)))
    carry_out(runtime, run_id)
    ids = {name: contact(runtime, first_name=name).id for name in names}
    with runtime.turn() as turn:
        ana = turn.session.get_one(Contact, ids["Ana"])
        raman = turn.session.get_one(Contact, cast.raman)
        relate(turn.session, ana, raman, relation="partner", now=turn.now, by_id=cast.maya)
        turn.session.add(
            ValueEntry(
                contact_id=ids["Bo"],
                given_on=turn.now.date(),
                kind=KINDS[0],
                what="Lunch",
                amount_cents=900,
                recorded_at=turn.now,
            )
        )
        words = SourceAlias(words="the cy practice", contact_id=ids["Cy"], since_at=turn.now)
        turn.session.add(words)
    with runtime.turn() as turn:
        told = undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    with runtime.turn(write=False) as turn:
        left = turn.session.scalars(
            select(Contact.first_name).where(Contact.id.in_(ids.values()), Contact.deleted_at.is_(None))
        )
        assert sorted(left) == ["Ana", "Bo", "Cy"]
    assert told == {"removed": 1, "restored": 0, "kept": 3}


def test_undo_keeps_a_place_that_somebody_uses_or_changed_by_now(runtime: Runtime, cast: Cast) -> None:
    places = ("Used Clinic", "Changed Clinic", "Idle Clinic")
    rows = (f"N{number},Newcomer,n{number}@new.example,,,{name}" for number, name in enumerate(places))
    content = "\n".join(("First name,Last name,Email,Phone,ZIP,Organization", *rows))
    run_id = bring(runtime, content.encode())
    carry_out(runtime, run_id)
    with runtime.turn() as turn:
        made = {
            place.name: place
            for place in turn.session.scalars(select(Organization).where(Organization.name.in_(places)))
        }
        assert sorted(made) == sorted(places)
        turn.session.add(Membership(contact_id=cast.raman, organization_id=made["Used Clinic"].id))
        made["Changed Clinic"].version += 1
    with runtime.turn() as turn:
        undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    with runtime.turn(write=False) as turn:
        live = select(Organization.name).where(Organization.name.in_(places), Organization.deleted_at.is_(None))
        assert sorted(turn.session.scalars(live)) == ["Changed Clinic", "Used Clinic"]


def test_a_place_whose_people_came_in_several_batches_goes_whole(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"N{number},Newcomer,n{number}@new.example,,,Wide Clinic" for number in range(5)]
    rows = ("First name,Last name,Email,Phone,ZIP,Organization", *people[:3], ",,,,12545,Wide Clinic", *people[3:])
    run_id = bring(runtime, "\n".join(rows).encode())
    with runtime.turn() as turn:
        importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    monkeypatch.setattr(import_running, "ROWS_AT_A_TIME", 2)
    while run_of(runtime, run_id).status == "running":
        with runtime.turn() as turn:
            importing.work(turn.session, now=turn.now, key=KEY, home=runtime.settings.home, limit=2)
        import_files.close_all()
    assert run_of(runtime, run_id).counts == {"new": 5, "updated": 1}
    with runtime.turn() as turn:
        place = turn.session.scalars(select(Organization).where(Organization.name == "Wide Clinic")).one()
        assert place.zip5 == "12545"
        told = undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
        assert told == {"removed": 5, "restored": 1, "kept": 0}
        turn.session.refresh(place)
        assert place.deleted_at is not None
        assert not turn.session.scalars(
            select(Contact.id).where(Contact.last_name == "Newcomer", Contact.deleted_at.is_(None))
        ).all()


@pytest.mark.parametrize("empty", [{"all": []}, {"any": []}, {"not": {"all": []}}])
def test_nothing_asked_under_a_not_is_not_everybody(turn: Turn, cast: Cast, empty: dict[str, object]) -> None:
    rules = {"any": [{"fact": "kind", "op": "is", "value": ["physician"]}, {"not": empty}]}
    with pytest.raises(ValueError, match="cannot be read"):
        group_rules.condition(turn.session, rules, now=turn.now, zone=ZoneInfo("UTC"), facts=FACTS)
