"""The rule builder: blocks of rules in each other, what has no value yet, and values that are gone."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from werkzeug.datastructures import MultiDict

from outreach.contacts import group_drafts, group_views, groups
from outreach.contacts.consent import Suppression, grant
from outreach.contacts.group_facts import GROUP_FACTS as FACTS
from outreach.contacts.group_rules import problem
from outreach.contacts.models import Contact, ContactPayer, Group, Organization
from outreach.practice.area_models import ZipPlace
from outreach.practice.models import Location, Payer
from outreach.practice.service_area import measure, set_service_zips
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post

ZONE = ZoneInfo("America/New_York")
EITHER = {
    "any": [
        {"fact": "kind", "op": "is", "value": ["peer-therapist"]},
        {
            "all": [
                {"fact": "kind", "op": "is", "value": ["physician"]},
                {"not": {"any": [{"fact": "has-email", "op": "no", "value": None}]}},
            ]
        },
    ]
}


def typed(draft: group_drafts.Draft, **more: str) -> "MultiDict[str, str]":
    """The fields that the page of this draft sends back."""
    form: MultiDict[str, str] = MultiDict(more)
    numbers = {"rules": 0, "blocks": 0}

    def write(block: group_drafts.Block, parent: int) -> None:
        own = numbers["blocks"]
        numbers["blocks"] += 1
        form.add("join" if own == 0 else f"b{own}-join", block.join)
        form.add(f"b{own}-in", str(parent))
        for line in block.lines:
            n = numbers["rules"]
            numbers["rules"] += 1
            form.update({f"r{n}-in": str(own), f"r{n}-fact": line.fact, f"r{n}-was": line.fact, f"r{n}-op": line.op})
            form.setlist(f"r{n}-value", line.values)
        for inner in block.blocks:
            write(inner, own)

    write(draft.root, 0)
    return form


def kept(turn: Turn, rules: dict[str, Any], name: str = "Test") -> Group:
    group = Group(name=name, rules=rules, created_at=turn.now, updated_at=turn.now)
    turn.session.add(group)
    turn.session.flush()
    return group


def test_and_or_and_not_in_each_other_go_to_the_page_and_back() -> None:
    draft = group_drafts.draft_of(EITHER)
    assert group_drafts.rules_of(draft) == EITHER
    assert group_drafts.rules_of(group_drafts.read(typed(draft))) == EITHER


def test_a_block_is_added_filled_and_taken_out_by_its_button() -> None:
    draft = group_drafts.draft_of({"all": [{"fact": "has-email", "op": "yes", "value": None}]})
    wider = group_drafts.read(typed(draft, do="block-0"))
    assert [block.join for block in wider.root.blocks] == ["any"]
    wider.root.blocks[0].lines[0] = group_drafts.Line("kind", "is", ["family"])
    assert group_drafts.read(typed(wider, do="add-1")).root.blocks[0].lines[1] == group_drafts.Line()
    assert group_drafts.read(typed(wider, do="remove-1")).root.blocks[0].lines == []
    assert group_drafts.read(typed(wider, do="drop-1")).root.blocks == []
    assert group_drafts.read(typed(wider, do="drop-0")).root == wider.root


def test_another_question_does_not_keep_the_answer_to_the_one_before() -> None:
    form = typed(group_drafts.draft_of({"all": [{"fact": "kind", "op": "is", "value": ["physician"]}]}))
    form["r0-fact"] = "specialty"
    assert group_drafts.read(form).root.lines == [group_drafts.Line("specialty")]


@pytest.mark.parametrize("hostile", ["b1-in", "b2-in", "r0-in"])
def test_a_form_with_numbers_of_its_own_is_read_all_the_same(hostile: str) -> None:
    form = MultiDict({"b1-join": "any", "b2-join": "none", "r0-fact": "has-email", "r0-op": "yes", hostile: "9" * 40})
    assert group_drafts.read(form).root.join == "all"
    form[hostile] = "2"
    assert [line.fact for line in group_drafts.read(form).root.all_lines()] in (["has-email"], [])


def test_combined_rules_are_saved_from_the_page(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    fields = typed(group_drafts.draft_of(EITHER), name="Either", do="save")
    saved = post(maya, "/groups/new", fields.to_dict(flat=False))
    page = maya.get(saved.headers["Location"]).get_data(as_text=True)
    assert "Tom Brandt" in page
    assert "Samuel Okafor" in page
    assert "Elena Marsh" not in page
    again = maya.get(saved.headers["Location"] + "/edit").get_data(as_text=True)
    assert again.count('class="card rule"') == 3


def test_nothing_is_scolded_before_a_value_was_chosen(maya: FlaskClient) -> None:
    page = maya.get("/groups/count?join=all&r0-fact=kind&r0-op=is").get_data(as_text=True)
    assert "Choose a value to see who matches." in page
    assert "callout" not in page
    both = maya.get("/groups/count?join=all&r0-fact=has-email&r0-op=yes&r1-fact=kind&r1-op=is")
    assert "for want of a value: rule 2" in both.get_data(as_text=True)
    assert ">6</b>" in both.get_data(as_text=True)


def test_a_group_is_not_saved_with_a_rule_that_has_no_value(maya: FlaskClient) -> None:
    fields = {"name": "Half", "join": "all", "do": "save", "r0-fact": "has-email", "r0-op": "yes", "r1-fact": "kind"}
    answer = post(maya, "/groups/new", fields)
    assert answer.status_code == 422
    assert "Rule 2 has no value yet" in answer.get_data(as_text=True)


def test_who_is_not_of_something_that_is_gone_is_nobody_and_not_everybody(turn: Turn, cast: Cast) -> None:
    payer = turn.session.scalars(select(Payer.id).where(Payer.name == "Acme Health")).one()
    rules = {"all": [{"fact": "payer", "op": "is-not", "value": [str(payer)]}]}
    turn.session.add(ContactPayer(contact_id=cast.raman, payer_id=payer))
    group = kept(turn, rules)
    asked = {"now": turn.now, "zone": ZONE, "facts": FACTS}
    everybody_else = set(turn.session.scalars(groups.members(group, **asked)))
    assert everybody_else
    assert cast.raman not in everybody_else
    turn.session.execute(delete(Payer).where(Payer.id == payer))
    turn.session.info.clear()
    assert list(turn.session.scalars(groups.members(group, **asked))) == []
    assert "“Payer” names something that is gone" in (problem(turn.session, group, **asked) or "")


def test_both_forms_of_every_fact_find_the_same_people(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    turn.session.execute(update(Contact).where(Contact.id == cast.raman).values(owner_id=cast.maya, city="Ärzen"))
    for topic in ("newsletter", "all"):
        grant(turn.session, now=turn.now, contact_id=cast.okafor, source="phone", topic=topic)
    grant(turn.session, now=turn.now, contact_id=cast.okafor, source="phone", topic="newsletter", granted=False)
    hashed = turn.session.get_one(Contact, cast.tom).address_hash
    assert hashed is not None
    turn.session.add(
        Suppression(address_hash=hashed, topic="all", reason="bounced", source="webhook", since_at=turn.now)
    )
    turn.session.flush()
    typed_values = {"contains": "lake", "starts-with": "12"}
    for fact in runtime.group_facts:
        for operator in fact.operators:
            choices = fact.choices(turn.session)
            value: Any = [choices[0][0]] if choices else typed_values.get(operator, "30")
            group = Group(name="x", rules={"all": [{"fact": fact.name, "op": operator, "value": value}]}, fixed=False)
            asked = {"now": turn.now, "zone": ZONE, "facts": runtime.group_facts}
            found = [
                set(
                    turn.session.scalars(
                        select(Contact.id).where(groups.matching(turn.session, group, seeking=seeking, **asked))
                    )
                )
                for seeking in (False, True)
            ]
            assert found[0] == found[1], (fact.name, operator)


def test_the_counts_agree_with_the_list(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    grant(turn.session, now=turn.now, contact_id=cast.okafor, source="phone", topic="newsletter", granted=False)
    turn.session.flush()
    group = kept(turn, {"all": [{"fact": "kind", "op": "is-not", "value": ["payer"]}]})
    asked = {"now": turn.now, "zone": ZONE, "facts": runtime.group_facts, "topic": "newsletter"}
    listed, counted = groups.audience(turn.session, group, **asked), groups.reach(turn.session, group, **asked)
    assert counted.left_out == listed.left_out == {"no-email": 1, "no-permission": 1}
    assert (counted.matched, counted.reachable) == (listed.matched, len(listed.ids)) == (7, 5)


def test_a_town_is_found_however_its_letters_are_written(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    turn.session.execute(update(Contact).where(Contact.id == cast.raman).values(city="ÖREBRO"))
    for said in ("Örebro", "örebro", "ÖREBRO"):
        group = Group(name="x", rules={"all": [{"fact": "city", "op": "is", "value": said}]}, fixed=False)
        assert groups.count(turn.session, group, now=turn.now, zone=ZONE, facts=runtime.group_facts) == 1, said


def test_in_a_large_book_the_counts_come_after_the_page(
    maya: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"name": "Doctors", "join": "all", "do": "save", "r0-fact": "kind", "r0-op": "is", "r0-value": "physician"}
    where = post(maya, "/groups/new", fields).headers["Location"]
    assert "3 contacts" in maya.get("/groups/").get_data(as_text=True)
    assert "1</b> left out: no email address" in maya.get(where).get_data(as_text=True)
    monkeypatch.setattr(group_views, "COUNTED_AT_ONCE", 1)
    assert "3 contacts" not in maya.get("/groups/").get_data(as_text=True)
    assert f'hx-get="{where}/reach?topic=education"' in maya.get(where).get_data(as_text=True)
    fragment = {"HX-Request": "true"}
    assert maya.get(f"{where}/number", headers=fragment).get_data(as_text=True).strip() == "3 contacts"
    assert "left out: no email" in maya.get(f"{where}/reach", headers=fragment).get_data(as_text=True)


def test_distance_goes_by_the_place_of_work_where_there_is_no_own_zip(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    turn.session.add(Location(name="Main", zip5="12545"))
    for zip5, latitude in (("12545", 41.8), ("12546", 41.9), ("12547", 43.0)):
        turn.session.add(ZipPlace(zip5=zip5, latitude=latitude, longitude=-73.7))
    turn.session.flush()
    measure(turn.session, turn.session.scalars(select(Location)).all())
    set_service_zips(turn.session, "12546")
    turn.session.execute(update(Contact).where(Contact.id == cast.tom).values(zip5="12547"))
    turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(zip5="12546"))
    turn.session.execute(update(Organization).where(Organization.name == "Lakeside Orthopedics").values(zip5="12545"))

    def found(fact: str, operator: str, value: str | None) -> set[int]:
        rules = {"all": [{"fact": fact, "op": operator, "value": value}]}
        group = Group(name="x", rules=rules, fixed=False)
        asked = {"now": turn.now, "zone": ZONE, "facts": runtime.group_facts}
        return set(turn.session.scalars(select(Contact.id).where(groups.matching(turn.session, group, **asked))))

    assert found("distance", "within-miles", "10") == {cast.raman, cast.denise, cast.marisol}
    assert found("distance", "within-miles", "5") == {cast.raman, cast.denise}
    assert found("distance", "beyond-miles", "10") == {cast.tom}
    assert found("service-area", "yes", None) == {cast.marisol}
