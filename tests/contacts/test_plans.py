"""Rules, lists and search find their contacts along their indexes; none of them reads the whole book for a few."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from outreach.contacts import browsing, groups
from outreach.contacts.group_facts import GROUP_FACTS
from outreach.contacts.group_rules import in_words
from outreach.contacts.models import Contact, Group
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.building.watching import plan_of, said, walks_over

ZONE = ZoneInfo("America/New_York")
pytestmark = pytest.mark.sqlite  # PostgreSQL reads a table as small as this one at once


def plan(turn: Turn, query: Any) -> str:
    made = query.compile(turn.session.get_bind(), compile_kwargs={"render_postcompile": True})
    values = tuple(made.construct_params()[name] for name in made.positiontup)
    bound = tuple(str(value) if hasattr(value, "isoformat") else value for value in values)
    rows = turn.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", bound)
    return "\n".join(str(row[3]) for row in rows)


@pytest.mark.parametrize(
    ("fact", "operator", "value", "index"),
    [
        ("kind", "is", ["physician"], "ix_contact_kind"),
        ("city", "is", "Salem", "ix_contact_lower_city"),
        ("zip", "is", "12545", "ix_contact_zip5"),
        ("zip", "starts-with", "125", "ix_contact_zip5"),
        ("specialty", "is", ["Pediatrics"], "ix_contact_specialty"),
        ("tag", "is", ["golf"], "ix_contact_tag_tag"),
        ("payer", "is", ["1"], "ix_contact_payer_payer_id"),
        ("owner", "is", ["1"], "ix_contact_owner_id"),
        ("added", "within-days", "30", "ix_contact_added_on"),
        ("called", "within-days", "30", "ix_touch_kind_at"),
        ("tier", "is", ["A"], "ix_standing_tier"),
    ],
)
def test_a_selective_rule_goes_by_its_index(
    turn: Turn, runtime: Runtime, fact: str, operator: str, value: Any, index: str
) -> None:
    rules = {"all": [{"fact": fact, "op": operator, "value": value}]}
    asked = {"now": turn.now, "zone": ZONE, "facts": runtime.group_facts}
    where = groups.matching(None, Group(name="x", rules=rules, fixed=False), seeking=True, **asked)
    found = plan(turn, select(func.count()).select_from(Contact).where(where))
    assert index in found, found
    assert "SCAN contact" not in found.splitlines(), found


def test_a_page_of_many_walks_along_its_order(turn: Turn, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "MOST_COUNTED", 1)
    monkeypatch.setattr(browsing, "SPARSE", -1)
    asking = browsing.Asking(turn.session, turn.now, ZONE, runtime.group_facts)
    for after, index in {"y:0.5:3": "ix_standing_expected_90", "n:3:okafor": "ix_contact_sort_name"}.items():
        with said(runtime) as statements:
            browsing.listing(asking, browsing.Wanted(kind="physician", after=after))
        plans = [plan_of(turn.session, one) for one in statements]
        walked = [one for one in plans if index in one]
        assert walked, plans
        assert not any("TEMP B-TREE FOR ORDER BY" in one for one in walked), walked
        assert not any(walks_over(one, "touch") for one in plans), plans


def test_rules_in_each_other_are_told_in_brackets() -> None:
    rules = {
        "all": [
            {"fact": "has-email", "op": "yes"},
            {"any": [{"fact": "city", "op": "is", "value": "Salem"}, {"fact": "state", "op": "is", "value": "NY"}]},
        ]
    }
    assert in_words(rules, GROUP_FACTS, {}) == "Has an email address yes and (City is Salem or State is NY)"
