"""Adding and changing contacts by hand."""

from datetime import date
from typing import Any

import pytest

from outreach.contacts import consent, editing
from outreach.contacts.consent import suppressed_topics
from outreach.contacts.models import Contact, Membership, Organization
from outreach.errors import Refusal
from outreach.screen import Turn
from tests.conftest import KEY
from tests.people import Cast


def add(turn: Turn, **fields: Any) -> Contact | Refusal:
    return editing.add_contact(
        turn.session, now=turn.now, key=KEY, by_id=None, **{"kind": "physician", "last_name": "Castillo", **fields}
    )


def edit(turn: Turn, who: int, *, version: int = 1, **fields: Any) -> Contact | Refusal:
    contact = turn.session.get_one(Contact, who)
    return editing.edit_contact(turn.session, contact, now=turn.now, key=KEY, by_id=None, version=version, **fields)


def test_a_new_contact_is_ordered_by_last_name_and_found_by_address(turn: Turn) -> None:
    made = add(turn, first_name="Hana", email="Hana@Mercy.EXAMPLE", state="new york", zip5="12545-1234")
    assert isinstance(made, Contact)
    assert made.sort_name == "castillo hana"
    assert made.email == "Hana@mercy.example"
    assert made.address_hash == consent.address_hash(KEY, "hana@mercy.example")
    assert (made.state, made.zip5) == ("NY", "12545")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("email", "hana,castillo@mercy.example", "comma-in-address"),
        ("email", "=HYPERLINK(1)", "formula"),
        ("npi", "1234567890", "bad-npi"),
        ("time_zone", "America/Springfield", "bad-time-zone"),
        ("kind", "robot", "bad-kind"),
        ("birthday_on", "31/12/1980", "bad-day"),
        ("organization_id", 999, "unknown-organization"),
        ("npi", "1234567893", "duplicate-npi"),
        ("city", "x" * 300, "too-long"),
        ("last_name", "\n\t", "no-name"),
    ],
)
def test_what_cannot_be_true_is_refused_by_name(turn: Turn, field: str, value: Any, reason: str) -> None:
    refused = add(turn, **{field: value})
    assert isinstance(refused, Refusal)
    assert refused.reason == reason


def test_of_a_birthday_only_day_and_month_are_kept(turn: Turn) -> None:
    made = add(turn, birthday_on="1984-02-29")
    assert isinstance(made, Contact)
    assert made.birthday_on == date(2000, 2, 29)


def test_a_name_with_a_line_break_becomes_one_line_and_every_script_stays(turn: Turn) -> None:
    made = add(turn, first_name="Ana\r\nBelén", last_name="Иванова 李")
    assert isinstance(made, Contact)
    assert made.name == "Ana Belén Иванова 李"


def test_the_same_address_in_other_case_is_asked_about_first(turn: Turn, cast: Cast) -> None:
    refused = add(turn, email="P.RAMAN@lakeside.example")
    assert isinstance(refused, Refusal)
    assert refused.reason == "maybe-duplicate"
    assert refused.details == (str(cast.raman),)
    assert isinstance(add(turn, email="P.RAMAN@lakeside.example", despite_duplicates=True), Contact)


def test_an_edit_of_an_older_version_is_told_about_the_newer_one(turn: Turn, cast: Cast) -> None:
    contact = turn.session.get_one(Contact, cast.raman)
    editing.edit_contact(
        turn.session, contact, now=turn.now, key=KEY, by_id=cast.olive, version=1, phone="(555) 014-0001"
    )
    refused = edit(turn, cast.raman, version=1, phone="(555) 014-0002")
    assert isinstance(refused, Refusal)
    assert refused.text.startswith("Olive changed this")
    assert contact.phone == "(555) 014-0001"


def test_a_move_keeps_the_old_membership_with_its_end(turn: Turn, cast: Cast) -> None:
    northgate = turn.session.query(Organization).filter_by(name="Northgate Clinic").one()
    edit(turn, cast.raman, organization_id=northgate.id)
    held = turn.session.query(Membership).filter_by(contact_id=cast.raman).order_by(Membership.id).all()
    assert [membership.until_on for membership in held] == [turn.now.date(), None]


def test_a_new_address_keeps_the_opt_out_of_the_person(turn: Turn, cast: Cast) -> None:
    contact = turn.session.get_one(Contact, cast.raman)
    assert contact.address_hash is not None
    consent.suppress(turn.session, now=turn.now, hashed=contact.address_hash, reason="unsubscribed", source="page")
    edit(turn, cast.raman, email="priya@home.example")
    assert "all" in suppressed_topics(turn.session, contact.address_hash)


def test_a_recovery_hold_needs_a_reason_and_so_does_lifting_it(turn: Turn, cast: Cast) -> None:
    contact = turn.session.get_one(Contact, cast.raman)
    refused = editing.set_recovery_hold(turn.session, contact, now=turn.now, by_id=None, why="  ")
    assert refused is not None
    editing.set_recovery_hold(turn.session, contact, now=turn.now, by_id=None, why="A client waited three weeks")
    assert contact.recovery_hold_at == turn.now
    assert editing.set_recovery_hold(turn.session, contact, now=turn.now, by_id=None, why="", held=False) is not None
    assert contact.recovery_hold_at is not None
