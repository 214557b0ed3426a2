"""Groups: who is in, who is left out and why, all counted by the database."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from outreach.contacts import belonging, consent, groups, timeline
from outreach.contacts.group_facts import GROUP_FACTS
from outreach.contacts.group_rules import problem
from outreach.contacts.models import Contact, Group, GroupMember, Membership, Organization
from outreach.contacts.standing import Standing
from outreach.referrals.contributes import GROUP_FACTS as REFERRAL_FACTS
from outreach.screen import Turn
from tests.people import Cast

ZONE = ZoneInfo("America/New_York")


def rule(fact: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


def make(turn: Turn, *rules: dict[str, Any], name: str = "Test") -> Group:
    group = Group(name=name, rules={"all": list(rules)}, created_at=turn.now, updated_at=turn.now)
    turn.session.add(group)
    turn.session.flush()
    return group


def ids(turn: Turn, group: Group) -> set[int]:
    return set(turn.session.scalars(groups.members(group, now=turn.now, zone=ZONE, facts=GROUP_FACTS)))


def audience(turn: Turn, group: Group, topic: str = "newsletter") -> groups.Audience:
    return groups.audience(turn.session, group, now=turn.now, zone=ZONE, facts=GROUP_FACTS, topic=topic)


def test_rules_are_joined_by_all_any_and_not(turn: Turn, cast: Cast) -> None:
    doctors = make(turn, rule("kind", "is", ["physician"]))
    assert ids(turn, doctors) == {cast.raman, cast.okafor, cast.silent}
    either = {"any": [rule("specialty", "is", ["Pediatrics"]), rule("kind", "is", ["peer-therapist"])]}
    mixed = make(turn, either, {"not": rule("has-email", "no")}, name="Mixed")
    assert ids(turn, mixed) == {cast.tom}


def test_a_group_without_rules_matches_nobody(turn: Turn) -> None:
    assert ids(turn, make(turn)) == set()


def test_every_fact_can_be_asked_in_every_way(turn: Turn) -> None:
    values = {"within-days": 30, "not-within-days": "30", "contains": "lake", "starts-with": "12", "yes": None}
    values |= {"within-miles": "10", "beyond-miles": "10"}
    for fact in GROUP_FACTS:
        for operator in fact.operators:
            choices = fact.choices(turn.session)
            value = values.get(operator, [choices[0][0]] if choices else "NY")
            group = make(turn, rule(fact.name, operator, value), name=f"{fact.name} {operator}")
            assert problem(turn.session, group, now=turn.now, zone=ZONE, facts=GROUP_FACTS) is None
            groups.count(turn.session, group, now=turn.now, zone=ZONE, facts=GROUP_FACTS)


def test_touches_count_only_when_they_are_personal(turn: Turn, cast: Cast) -> None:
    recent = make(turn, rule("touched", "within-days", 30))
    never = make(turn, rule("touched", "never"), rule("kind", "is", "physician"), name="Never")
    timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="call")
    timeline.add(turn.session, now=turn.now, contact_id=cast.okafor, kind="imported")
    assert ids(turn, recent) == {cast.raman}
    assert ids(turn, never) == {cast.okafor, cast.silent}


def test_the_left_out_are_counted_with_one_reason_each(turn: Turn, cast: Cast) -> None:
    everyone = make(turn, rule("kind", "is-not", ["payer"]))
    session = turn.session
    okafor, tom = session.get(Contact, cast.okafor), session.get(Contact, cast.tom)
    assert okafor is not None
    assert okafor.address_hash is not None
    assert tom is not None
    consent.suppress(session, now=turn.now, hashed=okafor.address_hash, reason="unsubscribed", source="page")
    tom.recovery_hold_at = turn.now
    consent.grant(session, now=turn.now, contact_id=cast.marisol, source="phone", granted=False, topic="newsletter")
    session.flush()
    found = audience(turn, everyone)
    assert found.left_out == {"no-email": 1, "unsubscribed": 1, "recovery-hold": 1, "no-permission": 1}
    assert found.matched == 7
    assert set(found.ids) == {cast.raman, cast.denise, cast.greta}


def test_clients_need_a_yes_before_anything_goes_to_them(turn: Turn, cast: Cast) -> None:
    clients = make(turn, rule("audience-class", "is", ["client"]))
    assert audience(turn, clients).ids == [cast.marisol]
    turn.session.execute(update(consent.Consent).values(granted=False))
    assert audience(turn, clients).left_out == {"no-permission": 1}


def test_an_opt_out_from_one_topic_leaves_the_others(turn: Turn, cast: Cast) -> None:
    doctors = make(turn, rule("kind", "is", ["physician"]))
    raman = turn.session.get(Contact, cast.raman)
    assert raman is not None
    assert raman.address_hash is not None
    consent.suppress(
        turn.session, now=turn.now, hashed=raman.address_hash, reason="unsubscribed", source="page", topic="newsletter"
    )
    assert cast.raman not in audience(turn, doctors).ids
    assert cast.raman in audience(turn, doctors, "events").ids


def test_the_highest_standing_comes_first(turn: Turn, cast: Cast) -> None:
    doctors = make(turn, rule("kind", "is", ["physician"]))
    turn.session.add(
        Standing(contact_id=cast.okafor, expected_90=1.2, rank_pct=0.9, evidence="full", as_of_on=turn.now.date())
    )
    turn.session.flush()
    assert audience(turn, doctors).ids == [cast.okafor, cast.raman]


def test_a_rule_about_the_tier_can_be_ordered_by_standing(turn: Turn, cast: Cast) -> None:
    turn.session.add(
        Standing(
            contact_id=cast.okafor, expected_90=1.2, rank_pct=90, tier="A", evidence="full", as_of_on=turn.now.date()
        )
    )
    group = make(turn, rule("tier", "is", ["A"]))
    facts = (*GROUP_FACTS, *REFERRAL_FACTS)
    found = groups.audience(turn.session, group, now=turn.now, zone=ZONE, facts=facts, topic="education")
    assert found.ids == [cast.okafor]


def test_a_group_may_ask_about_another_but_never_about_itself(turn: Turn, cast: Cast) -> None:
    doctors = make(turn, rule("kind", "is", ["physician"]), name="Doctors")
    others = make(turn, rule("group", "is-not", [doctors.id]), rule("has-email", "yes"), name="Others")
    assert ids(turn, others) == {cast.denise, cast.greta, cast.tom, cast.marisol}
    doctors.rules = {"all": [rule("group", "is", [others.id])]}
    said = problem(turn.session, others, now=turn.now, zone=ZONE, facts=GROUP_FACTS)
    assert said is not None
    assert "contain itself" in said
    assert ids(turn, others) == set()


def test_a_rule_about_something_that_is_gone_matches_nobody_even_inside_a_not(turn: Turn) -> None:
    group = make(turn, {"not": rule("shoe-size", "is", "44")})
    assert ids(turn, group) == set()
    assert "shoe-size" in (problem(turn.session, group, now=turn.now, zone=ZONE, facts=GROUP_FACTS) or "")


@pytest.mark.parametrize("value", ["9" * 30, "²", "-1", "Nobody"])
def test_a_value_that_is_no_id_is_a_problem_and_not_an_error_later(turn: Turn, value: str) -> None:
    for fact in ("group", "payer", "owner"):
        group = make(turn, rule(fact, "is", [value]), name=fact)
        told = problem(turn.session, group, now=turn.now, zone=ZONE, facts=GROUP_FACTS)
        assert told == "Choose the values from the list."
        assert ids(turn, group) == set()


def test_a_fixed_list_holds_whom_it_was_given_but_nobody_from_the_trash(turn: Turn, cast: Cast) -> None:
    listed = Group(name="Lunch list", fixed=True, rules={}, created_at=turn.now, updated_at=turn.now)
    turn.session.add(listed)
    turn.session.flush()
    turn.session.add_all(
        GroupMember(group_id=listed.id, contact_id=who, since_at=turn.now) for who in (cast.raman, cast.greta)
    )
    turn.session.execute(update(Contact).where(Contact.id == cast.greta).values(deleted_at=turn.now))
    assert ids(turn, listed) == {cast.raman}


def test_added_lately_is_told_in_local_days(turn: Turn, cast: Cast) -> None:
    turn.session.execute(update(Contact).values(added_on=turn.now.date() - timedelta(days=40)))
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(added_on=turn.now.date()))
    assert ids(turn, make(turn, rule("added", "within-days", 30))) == {cast.tom}


@pytest.mark.sqlite
def test_a_count_of_one_rule_uses_an_index(turn: Turn) -> None:
    query = select(Contact.id).where(Contact.kind == "physician")
    plan = turn.session.connection().exec_driver_sql(
        f"EXPLAIN QUERY PLAN {query.compile(compile_kwargs={'literal_binds': True})}"
    )
    assert "ix_contact_kind" in " ".join(str(row) for row in plan)


@pytest.mark.parametrize("seeking", [False, True])
def test_who_belongs_to_several_places_is_found_under_each(turn: Turn, cast: Cast, seeking: bool) -> None:
    school = Organization(name="Harbor School", type="school", zip5="", created_at=turn.now)
    turn.session.add(school)
    turn.session.flush()
    raman, today = turn.session.get_one(Contact, cast.raman), turn.now.date()
    stay = belonging.join(turn.session, raman, school, now=turn.now, today=today, by_id=None)
    assert isinstance(stay, Membership)

    def found(*asked: Any) -> set[int]:
        group = Group(id=0, name="", rules={"all": [rule(*asked)]}, fixed=False)
        who = groups.members(group, now=turn.now, zone=ZONE, facts=GROUP_FACTS, seeking=seeking)
        return set(turn.session.scalars(who))

    assert found("organization", "contains", "harbor") == {cast.raman}
    assert cast.raman in found("organization", "contains", "lakeside")
    assert found("organization-type", "is", ["school"]) == {cast.raman}
    assert cast.raman not in found("organization-type", "is-not", ["school"])
    belonging.leave(turn.session, stay, now=turn.now, today=today, by_id=None)
    assert found("organization", "contains", "harbor") == set()
