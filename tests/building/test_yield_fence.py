"""The yield fence (42 CFR 411.357(k)): where food and gifts are chosen nobody can see who refers, nor set it beside.

The import contract `yield-fence` of pyproject.toml closes the doors of the rooms. These tests close the windows: names
that reach the same facts from other rooms, and queries that would join value given with referrals per person.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.demo import seeding
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from outreach.web import create_app
from tests.building.source import ROOT, name_of, product, tree_of
from tests.building.watching import said
from tests.conftest import KEY, MONDAY
from tests.people import sign_in

FENCED = ("outreach/events/", "outreach/gifts/")
CLOSED = ("outreach.referrals", "outreach.contacts.standing", "outreach.contacts.browsing", "outreach.reports",
          "outreach.today")  # fmt: skip
COUNTING = {"Standing", "standing_of", "priority", "months_of", "standings_of", "story", "Referral", "YieldScore"}
"""Names of other rooms that show yield, tier or counts of referrals."""
GIVEN = re.compile(r"\bvalue_entry\b|\b(?:cost_cents|budget_cents|amount_cents)\b")
REFERRED = re.compile(
    r"\b(?:referral|standing|yield_score|source_status|scoring_run|lapse_alert|referral_value|back_test)\b"
)
WALKED_ALWAYS = {"value_entry", "referral", "standing"}
BOTH_BY_DESIGN = {"outreach/schema.py", "outreach/runtime.py", "outreach/web.py", "jobs/catalog.py"}
"""Lists of rooms: they compose and read nothing."""


def given_and_referred(statement: str) -> bool:
    """Whether one statement reads value given and who refers. What a touch cost in parking is no gift."""
    words = statement.lower().replace("touch.cost_cents", "")
    return bool(GIVEN.search(words) and REFERRED.search(words))


def modules_of(path: Path) -> set[str]:
    """Every module that a file reaches for, with the names taken from it: `a.b` and `a.b.name`."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def names_in(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("outreach.gifts"):
            yield from (alias.name for alias in node.names)


def strangers(paths: list[Path]) -> list[str]:
    """Files of the fenced rooms that import what they must not see, anywhere in them, also inside a function."""
    found = []
    for path in paths:
        doors = {one for one in modules_of(path) if one.startswith(CLOSED)}
        names = set(names_in(path)) & COUNTING
        if doors or names:
            found.append(f"{name_of(path)}: {sorted(doors | names)}")
    return found


def fenced() -> list[Path]:
    return [path for path in product() if name_of(path).startswith(FENCED)]


def test_the_contract_of_the_house_names_both_rooms_and_both_doors() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contract = next(one for one in settings["contracts"] if one["id"] == "yield-fence")
    assert contract["type"] == "forbidden"
    assert set(contract["source_modules"]) >= {"outreach.events", "outreach.gifts"}
    assert set(contract["forbidden_modules"]) >= {"outreach.referrals", "outreach.contacts.standing"}


def test_events_and_gifts_reach_no_yield_no_tier_and_no_counts() -> None:
    assert strangers(fenced()) == []


def test_a_door_in_the_fence_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.building.test_yield_fence.name_of", lambda path: path.name)
    for number, line in enumerate(
        (
            "from outreach.referrals.models import Referral",
            "from outreach.contacts import standing",
            "def rank():\n    import outreach.contacts.standing",
            "from outreach.contacts.queries import months_of",
            "from outreach.contacts.timeline import story",
        )
    ):
        door = tmp_path / f"door{number}.py"
        door.write_text(line + "\n")
        assert strangers([door]), line


def test_no_file_holds_value_given_and_referrals_in_its_hands() -> None:
    both = []
    for path in product():
        reached = modules_of(path)
        given = any(one.startswith("outreach.gifts") for one in reached)
        knows = any(one.startswith(("outreach.referrals", "outreach.contacts.standing")) for one in reached)
        text = [
            node.value
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value.upper()
        ]
        if (given and knows) or any(given_and_referred(one) for one in text):
            both.append(name_of(path))
    assert set(both) - BOTH_BY_DESIGN == set()


def test_such_a_query_would_be_recognised() -> None:
    assert given_and_referred(
        "SELECT value_entry.contact_id, count(referral.id) FROM value_entry JOIN referral ON "
        "referral.contact_id = value_entry.contact_id GROUP BY value_entry.contact_id"
    )
    assert given_and_referred("SELECT event.cost_cents, standing.tier FROM event, standing")
    assert not given_and_referred(
        "SELECT sum(value_entry.amount_cents) FROM value_entry GROUP BY value_entry.contact_id"
    )
    assert not given_and_referred("SELECT touch.cost_cents, standing.tier FROM touch, standing")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home = tmp_path_factory.mktemp("fence")
    settings = Settings(
        "demo", home, f"sqlite:///{home / 'o.db'}", KEY, preview_inbox=True, second_factor_required=False
    )
    runtime = open_runtime(settings, clock=FrozenClock(MONDAY))
    load_all().metadata.create_all(runtime.engine)
    with runtime.turn() as turn:
        seeding.furnish(turn.session, now=MONDAY, key=KEY)
    yield runtime
    runtime.close()


def test_no_screen_joins_value_given_with_referrals(furnished: Runtime) -> None:
    app: Flask = create_app(furnished)
    olive = sign_in(app, furnished, "olive@cedarlane.example")
    with said(furnished) as statements:
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.endpoint != "static":
                olive.get(re.sub(r"<(?:int:)?[^<>]+>", "1", rule.rule))
    asked = [one.statement for one in statements]
    assert all(any(word in one for one in asked) for word in WALKED_ALWAYS), "the walk no longer meets both sides"
    assert [one for one in asked if given_and_referred(one)] == []
