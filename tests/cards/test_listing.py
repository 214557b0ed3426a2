"""The list of a run: who gets a card which way, who does not and why."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from outreach.cards import editing, listing, queries, rules
from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.cards.models import CardRecipient
from outreach.cards.rules import Person, Place
from outreach.contacts import consent
from outreach.contacts.models import Contact, Organization
from outreach.errors import Refusal
from tests.cards.runs import NOVEMBER, approve, changed, housed, on, run, ways
from tests.newsletters.issues import group


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def test_email_where_it_may_go_and_paper_for_the_others(clock, turn, runtime, cast):
    housed(turn, cast.silent)
    made = run(turn, runtime, cast.raman, cast.silent)
    assert ways(turn, made) == {cast.raman: ("email", ""), cast.silent: ("print", "no-email")}


def test_the_dead_the_unwilling_and_those_on_hold_get_none_in_any_way(clock, turn, runtime, cast):
    people = (cast.raman, cast.okafor, cast.denise, cast.greta)
    housed(turn, *people)
    changed(turn, cast.raman, deceased_on=date(2026, 5, 1))
    changed(turn, cast.okafor, recovery_hold_at=turn.now)
    for each, reason in ((cast.denise, "unsubscribed"), (cast.greta, "do-not-contact")):
        hashed = turn.session.get(Contact, each).address_hash
        consent.suppress(turn.session, now=turn.now, hashed=hashed, reason=reason, source="page", topic="cards")
    made = run(turn, runtime, *people)
    assert ways(turn, made) == {
        cast.raman: ("skip", "deceased"),
        cast.okafor: ("skip", "recovery-hold"),
        cast.denise: ("skip", "unsubscribed"),
        cast.greta: ("skip", "do-not-contact"),
    }


def test_somebody_who_only_stopped_the_newsletter_still_gets_a_card(clock, turn, runtime, cast):
    hashed = turn.session.get(Contact, cast.denise).address_hash
    consent.suppress(
        turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="page", topic="newsletter"
    )
    assert ways(turn, run(turn, runtime, cast.denise))[cast.denise] == ("email", "")


def test_a_bounced_address_goes_on_paper(clock, turn, runtime, cast):
    housed(turn, cast.okafor)
    hashed = turn.session.get(Contact, cast.okafor).address_hash
    consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="bounced", source="webhook")
    assert ways(turn, run(turn, runtime, cast.okafor))[cast.okafor] == ("print", "bounced")


def test_a_client_without_consent_gets_paper_and_without_address_is_listed_to_fix(clock, turn, runtime, cast):
    turn.session.execute(update(consent.Consent).values(granted=False, topic="newsletter"))
    made = run(turn, runtime, cast.marisol)
    assert ways(turn, made)[cast.marisol] == ("skip", "address-to-fix")
    housed(turn, cast.marisol)
    listing.prepare(turn.session, made, now=turn.now, world=runtime)
    assert ways(turn, made)[cast.marisol] == ("print", "no-permission")
    # That is no reason against paper: a person may take the card off and put it back.
    [line] = queries.lines(turn.session, made, "all")
    assert (line.reason, line.can_change) == ("not by email: no permission", True)
    for way, reason in (("skip", "by-hand"), ("print", "")):
        assert listing.choose(turn.session, made, cast.marisol, way, now=turn.now, world=runtime) is True
        assert ways(turn, made)[cast.marisol] == (way, reason)


def test_a_client_goes_on_paper_when_only_sendgrid_is_there(clock, turn, runtime, cast, monkeypatch):
    from outreach.deliveries.house import House

    monkeypatch.setattr(
        House, "transport_for", lambda self, kind, audience: None if audience == "client" else "sendgrid"
    )
    housed(turn, cast.marisol)
    made = run(turn, runtime, cast.marisol, cast.raman)
    assert ways(turn, made) == {cast.marisol: ("print", "no-allowed-transport"), cast.raman: ("email", "")}


def test_an_office_address_is_used_when_a_person_has_none(clock, turn, runtime, cast):
    place = turn.session.scalars(select(Organization).where(Organization.name == "Northgate Clinic")).one()
    place.street, place.city, place.state, place.zip5 = "9 North Road", "Millbrook", "NY", "12545"
    assert ways(turn, run(turn, runtime, cast.silent))[cast.silent] == ("print", "no-email")


def test_one_card_per_office_when_wanted(clock, turn, runtime, cast):
    made = run(turn, runtime, cast.raman, cast.denise, cast.okafor, one_per="household")
    assert ways(turn, made) == {
        cast.raman: ("skip", "same-household"),
        cast.denise: ("email", ""),
        cast.okafor: ("email", ""),
    }
    assert turn.session.get(CardRecipient, (made.id, cast.denise)).for_all
    assert not turn.session.get(CardRecipient, (made.id, cast.okafor)).for_all


def test_what_a_person_chose_by_hand_stays_when_the_list_is_made_again(clock, turn, runtime, cast):
    housed(turn, cast.raman)
    made = run(turn, runtime, cast.raman, cast.okafor)
    assert listing.choose(turn.session, made, cast.raman, "print", now=turn.now, world=runtime) is True
    assert listing.choose(turn.session, made, cast.okafor, "skip", now=turn.now, world=runtime) is True
    listing.prepare(turn.session, made, now=turn.now, world=runtime)
    assert ways(turn, made) == {cast.raman: ("print", ""), cast.okafor: ("skip", "by-hand")}


def test_nobody_is_put_back_on_the_list_against_a_lasting_no(clock, turn, runtime, cast):
    changed(turn, cast.raman, deceased_on=date(2026, 5, 1))
    made = run(turn, runtime, cast.raman, cast.okafor)
    refused = listing.choose(turn.session, made, cast.raman, "email", now=turn.now, world=runtime)
    assert isinstance(refused, Refusal)
    assert "deceased" in refused.text
    refused = listing.choose(turn.session, made, cast.okafor, "print", now=turn.now, world=runtime)
    assert "postal address" in refused.text


def test_nobody_gets_two_cards_for_one_occasion(clock, turn, runtime, cast):
    first = run(turn, runtime, cast.raman)
    second = run(turn, runtime, cast.raman, cast.okafor)
    assert ways(turn, second) == {cast.raman: ("skip", "other-run"), cast.okafor: ("email", "")}
    with pytest.raises(IntegrityError), turn.session.begin_nested():
        turn.session.execute(update(CardRecipient).where(CardRecipient.run_id == second.id).values(way="email"))
    assert first.id != second.id


def test_a_group_that_rests_on_yield_is_refused(clock, turn, runtime, cast):
    made = run(turn, runtime, cast.raman)
    made.group_ids = [group(turn, "Top referrers", cast.raman, from_yield=True).id]
    refused = listing.prepare(turn.session, made, now=turn.now, world=runtime)
    assert isinstance(refused, Refusal)
    assert refused.reason == "from-yield"


def test_birthdays_are_each_on_their_own_day_and_past_ones_are_over(clock, turn, runtime, cast):
    changed(turn, cast.raman, birthday_on=date(1970, 12, 24))
    changed(turn, cast.okafor, birthday_on=date(1980, 3, 1))
    made = run(turn, runtime, cast.raman, cast.okafor, cast.denise, occasion="birthday")
    assert ways(turn, made) == {cast.raman: ("email", ""), cast.okafor: ("skip", "day-passed")}
    assert turn.session.get(CardRecipient, (made.id, cast.raman)).send_on == date(2026, 12, 24)


def test_a_leap_day_is_kept_on_the_chosen_side(clock, runtime, cast):
    clock.set(on(1, 5, year=2027))
    with runtime.turn() as new_year:
        changed(new_year, cast.raman, birthday_on=date(1984, 2, 29))
        made = run(new_year, runtime, cast.raman, occasion="birthday", leap_day_after=True)
        assert new_year.session.get(CardRecipient, (made.id, cast.raman)).send_on == date(2027, 3, 1)


def test_the_discharge_of_this_year_is_no_anniversary_yet(clock, turn, runtime, cast):
    changed(turn, cast.marisol, discharged_on=date(2025, 12, 1))
    made = run(turn, runtime, cast.marisol, occasion="discharge-anniversary")
    assert ways(turn, made)[cast.marisol] == ("email", "")
    changed(turn, cast.marisol, discharged_on=date(2026, 1, 5))
    listing.prepare(turn.session, made, now=turn.now, world=runtime)
    assert ways(turn, made) == {}


def test_next_year_begins_with_the_words_and_groups_of_this_one(clock, runtime, cast):
    with runtime.turn() as november:
        groups = run(november, runtime, cast.raman, inside="Our own words.").group_ids
    clock.set(on(10, 4, year=2027))
    with runtime.turn() as october:
        thanksgiving = OCCASIONS["thanksgiving"]
        following = editing.start(october.session, thanksgiving, now=october.now, world=runtime, by_id=None)
        assert (following.year, following.inside, following.group_ids) == (2027, "Our own words.", groups)
        assert following.send_on == date(2027, 11, 23)


def test_a_list_that_is_older_than_the_words_is_not_approved(clock, turn, runtime, cast):
    made = run(turn, runtime, cast.raman)
    made.edited_at = on(11, 17)
    assert approve(turn, runtime, made).reason == "blocked"
    made.edited_at = on(11, 1)
    assert approve(turn, runtime, made, by_email=7).reason == "count-changed"
    assert approve(turn, runtime, made) is made


people = st.builds(
    Person,
    id=st.integers(1, 50),
    name=st.text(max_size=20),
    kind=st.sampled_from(["physician", "office", "client", "family"]),
    audience_class=st.sampled_from(["provider", "client"]),
    never=st.sampled_from([None, None, "deceased"]),
    no_email=st.sampled_from([None, "no-email"]),
    address_hash=st.sampled_from([None, "a", "b"]),
    place=st.sampled_from([Place(), Place("", "5 Oak St.", "Millbrook", "NY", "12545")]),
    place_id=st.sampled_from([None, 1, 2]),
)


@given(st.lists(people, unique_by=lambda person: person.id), st.booleans(), st.booleans())
def test_whatever_is_chosen_each_is_on_the_list_once_and_a_household_gets_one(everybody, by_email, on_paper):
    choices = [rules.way_of(person, by_email=by_email, on_paper=on_paper) for person in everybody]
    final = rules.once_per_household(choices)
    assert [choice.person.id for choice in final] == [person.id for person in everybody]
    got = [choice for choice in final if choice.way != "skip"]
    keys = [rules.household(choice.person) for choice in got if rules.household(choice.person)]
    assert len(keys) == len(set(keys))
    assert not any(choice.person.never for choice in got)
    assert all(choice.reason for choice in final if choice.way == "skip")
    homes = {rules.household(choice.person) for choice in choices if choice.way != "skip"} - {""}
    assert homes == set(keys), "no household loses its only card"
