"""Contacts as vCards: read back by another program, whatever stands in them."""

from datetime import date, timedelta

import pytest
import vobject
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from outreach.contacts import consent, tasks
from outreach.contacts.csvfile import Table, open_table
from outreach.contacts.formats import TEMPLATE, recognise
from outreach.contacts.imported import ImportedRow
from outreach.contacts.intake import read_people
from outreach.contacts.models import Contact
from outreach.contacts.vcardfile import Card, write_vcards
from outreach.runtime import Runtime
from tests.people import Cast

NAMES = ["Nguyễn, Thị; Ánh\\", "李 小龙", "O'Brien", "עברית", "Ana\nBEGIN:VCARD", "x" * 300, "=1+1"]


@pytest.mark.parametrize("name", NAMES)
def test_another_program_reads_the_same_name(name: str) -> None:
    text = "".join(write_vcards([Card("u1", prefix="Dr.", first_name="A", last_name=name, tags=("a,b", "c"))]))
    cards = list(vobject.readComponents(text))
    assert len(cards) == 1
    assert cards[0].n.value.family == name
    assert cards[0].categories.value == ["a,b", "c"]
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=120), min_size=5, max_size=5))
def test_no_text_breaks_out_of_its_line(parts: list[str]) -> None:
    first, last, place, street, tag = parts
    card = Card("u", first_name=first, last_name=last, organization=place, street=street, tags=(tag,) if tag else ())
    lines = "".join(write_vcards([card])).replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCARD", "END:VCARD", "")
    assert sum(line.startswith("BEGIN:") for line in lines) == 1


def test_lists_and_single_contacts_leave_as_cards(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        raman.street, raman.birthday_on = "410 Harbor Road; Suite 3", date(1975, 2, 28)
    answer = maya.get("/contacts/export.vcf?kind=physician")
    assert answer.headers["Content-Type"].startswith("text/vcard")
    cards = list(vobject.readComponents(answer.get_data(as_text=True)))
    assert {card.n.value.family for card in cards} == {"Raman", "Okafor", "Marsh"}
    one = vobject.readOne(maya.get(f"/contacts/{cast.raman}/contact.vcf").get_data(as_text=True))
    assert one.adr.value.street == "410 Harbor Road; Suite 3"
    assert one.org.value == ["Lakeside Orthopedics"]
    assert (one.bday.value, one.bday.params) == ("1604-02-28", {"X-APPLE-OMIT-YEAR": ["1604"]})


def test_who_gets_no_mail_leaves_marked_so_and_stays_so_when_the_file_comes_in_again(
    runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    with runtime.turn() as turn:
        okafor, raman, denise = (turn.session.get_one(Contact, id_) for id_ in (cast.okafor, cast.raman, cast.denise))
        okafor.birthday_on = date(2000, 2, 29)
        consent.suppress(
            turn.session, now=turn.now, hashed=str(okafor.address_hash), reason="bounced", source="webhook"
        )
        consent.grant(turn.session, now=turn.now, contact_id=raman.id, source="Paper")
        consent.grant(turn.session, now=turn.now, contact_id=denise.id, source="Paper")
        consent.grant(
            turn.session, now=turn.now + timedelta(days=1), contact_id=denise.id, source="Paper", granted=False
        )
    table = open_table(maya.get("/contacts/export.csv").get_data())
    assert isinstance(table, Table)
    with table:
        assert recognise(table.header) is TEMPLATE
        rows = {row.email: row for row in read_people(table, TEMPLATE) if isinstance(row, ImportedRow)}
    one, other, third = (rows[str(who.email)] for who in (okafor, raman, denise))
    assert (one.kind, one.suppression_reason, one.birthday_on) == ("suppression", "bounced", date(2000, 2, 29))
    assert (other.kind, other.source_opt_in_at) == ("person", turn.now)
    assert third.source_opt_in_at is None


def test_places_and_tasks_leave_as_tables_safe_from_formulas(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        contact = turn.session.get_one(Contact, cast.raman)
        due = turn.now.date()
        tasks.add(turn.session, now=turn.now, kind="call", title="=HYPERLINK(1)", due_on=due, contact_id=contact.id)
    places = maya.get("/organizations/export.csv").get_data(as_text=True)
    assert "Lakeside Orthopedics,medical-practice" in places
    listed = maya.get("/contacts/tasks.csv").get_data(as_text=True)
    assert "'=HYPERLINK(1)" in listed
    assert "Dr. Priya Raman" in listed
