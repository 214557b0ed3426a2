"""Search over contacts: any part of name, place, phone, e-mail and NPI, at once and after the lines were written."""

import pytest
from sqlalchemy import delete, func, select, text, update

from outreach.contacts import belonging, browsing, organizing, place_filing, searching
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.queries import find
from outreach.contacts.record_models import MergeRecord
from outreach.contacts.search_models import TRIGGERS, ContactSearch, ContactUnsearched
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast

PARTS = ("ama", "RAMAN pri", "priya dr.", "lakeside", "p.raman@lake", "014-2287", "(555) 014-2287", "1234567893")


@pytest.fixture(params=["at once", "written"])
def book(turn: Turn, request: pytest.FixtureRequest) -> Turn:
    """The cast, just added or with every line written."""
    session = turn.session
    assert session.scalar(select(func.count()).select_from(ContactUnsearched)) == 7
    if request.param == "written":
        assert searching.keep(session, limit=100) == 7
        assert searching.keep(session, limit=100) == 0
    return turn


def names(turn: Turn, said: str) -> set[str]:
    return {card.name for card in find(turn.session, said, limit=50)}


@pytest.mark.parametrize("part", PARTS)
def test_any_part_finds_the_person(book: Turn, part: str) -> None:
    assert "Dr. Priya Raman" in names(book, part)


@pytest.mark.parametrize("part", ["zebra", "raman northgate", "%", "_aman", '"raman', "raman' OR 1=1"])
def test_what_stands_nowhere_finds_nobody(book: Turn, part: str) -> None:
    assert names(book, part) == set()


def test_what_is_typed_just_now_is_found_before_its_line_is_written(turn: Turn, cast: Cast) -> None:
    searching.keep(turn.session, limit=100)
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(last_name="Weiss", sort_name="weiss tom"))
    assert names(turn, "weiss") == {"Tom Weiss"}
    assert names(turn, "brandt") == set()
    searching.keep(turn.session, limit=100)
    assert names(turn, "weiss") == {"Tom Weiss"}
    assert names(turn, "brandt") == set()


def test_a_place_that_is_renamed_takes_its_people_along(turn: Turn) -> None:
    searching.keep(turn.session, limit=100)
    turn.session.execute(update(Organization).where(Organization.name == "Handworks OT").values(name="Nimble Fingers"))
    assert names(turn, "nimble") == {"Tom Brandt"}
    searching.keep(turn.session, limit=100)
    assert names(turn, "nimble") == {"Tom Brandt"}
    assert "Tom Brandt" not in names(turn, "handworks ot")


def test_only_what_is_searched_makes_a_line_stale(turn: Turn, cast: Cast) -> None:
    searching.keep(turn.session, limit=100)
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(version=7))
    assert turn.session.scalar(select(func.count()).select_from(ContactUnsearched)) == 0


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Muñoz", "munoz"), ("ŁÓDŹ", "łodz"), ("Ολυμπία", "ολυμπια"), ("田中さくら", "田中"), ("이민호", "민호")],
)
def test_names_of_every_script_are_found(turn: Turn, cast: Cast, name: str, typed: str) -> None:
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(last_name=name, sort_name=f"{name} tom"))
    searching.keep(turn.session, limit=100)
    assert cast.tom in {card.id for card in find(turn.session, typed)}


def test_a_line_goes_with_its_contact(turn: Turn, cast: Cast) -> None:
    searching.keep(turn.session, limit=100)
    made = Contact(
        kind="family",
        sort_name="gone soon",
        last_name="Gone",
        added_on=turn.now.date(),
        created_at=turn.now,
        updated_at=turn.now,
    )
    turn.session.add(made)
    turn.session.flush()
    searching.keep(turn.session, limit=100)
    turn.session.execute(delete(Contact).where(Contact.id == made.id))
    assert turn.session.get(ContactSearch, made.id) is None
    assert names(turn, "gone soon") == set()


def test_lost_triggers_are_made_again_and_everybody_is_written_anew(turn: Turn, cast: Cast) -> None:
    searching.keep(turn.session, limit=100)
    for name, on in zip(TRIGGERS, ("contact", "contact", "organization"), strict=True):
        sqlite = turn.session.get_bind().dialect.name == "sqlite"
        turn.session.execute(text(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON {on}"))
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(last_name="Weiss", sort_name="weiss tom"))
    assert names(turn, "weiss") == set()
    assert searching.keep(turn.session, limit=100) == 7
    assert names(turn, "weiss") == {"Tom Weiss"}


def test_many_and_few_are_listed_alike(runtime: Runtime, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    searching.keep(turn.session, limit=100)
    asking = browsing.Asking(turn.session, turn.now, runtime.clock.now().tzinfo, runtime.group_facts)  # type: ignore[arg-type]
    for wanted in (
        browsing.Wanted(text="example"),
        browsing.Wanted(text="o", sort="name"),
        browsing.Wanted(view="no-permission"),
        browsing.Wanted(kind="physician", sort="name"),
    ):
        few = browsing.listing(asking, wanted)
        with monkeypatch.context() as lowered:
            lowered.setattr(browsing, "MOST_COUNTED", 1)
            lowered.setattr(searching, "MOST_FOUND", 1)
            many = browsing.listing(asking, wanted)
        assert few.total == len(few.ids) == browsing.total(asking, wanted)
        assert (many.total, many.ids) == (None, few.ids)


@pytest.mark.sqlite
def test_a_word_is_found_by_its_trigrams(turn: Turn) -> None:
    searching.keep(turn.session, limit=100)
    plan = turn.session.connection().exec_driver_sql(
        "EXPLAIN QUERY PLAN SELECT f.rowid FROM contact_search_fts f JOIN contact_search ON contact_id = f.rowid "
        "WHERE contact_search_fts MATCH '\"ama\"' AND contact_search.folded LIKE '%ama%'"
    )
    assert "VIRTUAL TABLE INDEX" in str(plan.all())


def test_a_person_is_found_by_every_place_they_belong_to(turn: Turn, cast: Cast) -> None:
    session, today = turn.session, turn.now.date()
    searching.keep(session, limit=100)
    raman = session.get_one(Contact, cast.raman)
    clinic = session.scalars(select(Organization).where(Organization.name == "Northgate Clinic")).one()
    before = names(turn, "northgate")
    stay = belonging.join(session, raman, clinic, now=turn.now, today=today, by_id=None)
    assert isinstance(stay, Membership)
    for _written in range(2):
        assert names(turn, "northgate") == before | {raman.name}
        assert names(turn, "raman northgate") == names(turn, "lakeside raman") == {raman.name}
        searching.keep(session, limit=100)
    organizing.edit_organization(session, clinic, now=turn.now, by_id=None, name="Zebra House")
    for _written in range(2):
        assert raman.name in names(turn, "zebra")
        assert raman.name not in names(turn, "northgate")
        searching.keep(session, limit=100)
    belonging.leave(session, stay, now=turn.now, today=today, by_id=None)
    for _written in range(2):
        assert raman.name not in names(turn, "zebra")
        searching.keep(session, limit=100)


def test_lines_of_before_get_their_further_places(turn: Turn, cast: Cast) -> None:
    session = turn.session
    clinic = session.scalars(select(Organization).where(Organization.name == "Northgate Clinic")).one()
    searching.keep(session, limit=100)
    session.add(Membership(contact_id=cast.raman, organization_id=clinic.id))
    session.flush()
    assert names(turn, "raman northgate") == set()
    assert searching.note_further(session, limit=100) == 1
    assert searching.note_further(session, limit=100) == 0
    searching.keep(session, limit=100)
    assert names(turn, "raman northgate") == {"Dr. Priya Raman"}
    assert searching.note_further(session, limit=100) == 0


def test_places_that_become_one_take_their_people_along(turn: Turn, cast: Cast) -> None:
    session = turn.session
    place = {one.name: one for one in session.scalars(select(Organization))}
    clinic, other = place["Northgate Clinic"], place["Handworks OT"]
    raman = session.get_one(Contact, cast.raman)
    belonging.join(session, raman, other, now=turn.now, today=turn.now.date(), by_id=None)
    searching.keep(session, limit=100)
    record = place_filing.merge_places(session, clinic, other, from_gone={}, now=turn.now, by_id=None)
    assert isinstance(record, MergeRecord)
    assert names(turn, "raman northgate") == {"Dr. Priya Raman"}
    searching.keep(session, limit=100)
    place_filing.unmerge_places(session, record, now=turn.now)
    assert names(turn, "raman northgate") == set()
    assert names(turn, "raman handworks") == {"Dr. Priya Raman"}
