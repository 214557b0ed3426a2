"""Time comes from clock.py; what is written is committed by the turn."""

import ast
from pathlib import Path

from tests.building.source import dotted, imported, name_of, product, tree_of

ASKS_THE_MACHINE = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.date.today", "dt.datetime.now", "dt.date.today", "time.time",
    "time.monotonic", "time.perf_counter", "time.localtime", "time.gmtime", "func.now", "func.current_timestamp",
    "func.current_date",
}  # fmt: skip
COMMITS = {"outreach/runtime.py", "outreach/deliveries/sending.py", "outreach/commands/migrating.py"}
"""Turns, the loop around the network (architecture 4), and the schema itself."""


def called(path: Path) -> set[str]:
    return {dotted(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    askers = {name_of(path): called(path) & ASKS_THE_MACHINE for path in product()}
    assert {name: what for name, what in askers.items() if what and name != "outreach/clock.py"} == {}


def test_nobody_takes_the_time_by_another_name() -> None:
    for path in product():
        if name_of(path) == "outreach/clock.py":
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                taken = {alias.name for alias in node.names}
                assert not taken & {"time", "monotonic", "perf_counter"}, name_of(path)


def test_only_the_turn_commits() -> None:
    committers = {
        name_of(path)
        for path in product()
        if any(name.split(".")[-1] == "commit" for name in called(path) if "." in name)
    }
    assert committers - COMMITS == set()


def test_rules_never_learn_the_time_by_themselves() -> None:
    assert [name_of(path) for path in product() if path.stem == "rules" and "outreach.clock" in imported(path)] == []
