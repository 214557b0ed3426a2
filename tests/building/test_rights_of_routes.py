"""Who may open and change what: every address stands in route_rights.txt with a decision, and the guards keep it.

A line says who, how and where: "all" (everybody signed in), "log" (not who may only read), "write" (coordinators and
administrators), "admin", or the name of a right that the practice gives out. Reading is for all (product.md: "reads"),
but what a right, a client's own words or a key stands before; exports and changes never are.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, g
from werkzeug.exceptions import Forbidden
from werkzeug.routing import Rule

from outreach import screen
from outreach.practice.models import ROLES
from outreach.practice.right_models import NAMES, RIGHTS
from outreach.practice.signing_in import is_public
from tests.building.test_routes import rules

TABLE = Path(__file__).with_name("route_rights.txt")
WHO = {"all": ROLES, "log": screen.LOGGERS, "write": screen.WRITERS, "admin": screen.ADMINISTRATORS}


def guards(view: object) -> str:
    """What stands before a view, as a line of the table says it."""
    roles, right = getattr(view, "needs_roles", None), getattr(view, "needs_right", None)
    said = next((name for name, held in WHO.items() if held == roles), "?") if roles else "" if right else "all"
    return "+".join(filter(None, (said, right)))


def lines(app: Flask) -> set[str]:
    """The application as it is."""
    found = set()
    for rule in rules(app):
        if is_public(rule.endpoint) or rule.endpoint.startswith("security."):
            continue
        how = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        found.add(f"{guards(app.view_functions[rule.endpoint])} {how} {rule.rule}")
    return found


def test_every_address_has_a_decision_about_who_may(app: Flask) -> None:
    decided, is_so = set(TABLE.read_text().splitlines()), lines(app)
    undecided, gone = sorted(is_so - decided), sorted(decided - is_so)
    assert not undecided, f"Decide who may, put a guard there, then the line into {TABLE.name}: {undecided}"
    assert not gone, f"Take these lines out of {TABLE.name}: {gone}"


def test_a_guard_refuses_every_role_that_is_not_meant(app: Flask) -> None:
    by_rule: dict[str, list[Rule]] = {}
    for rule in rules(app):
        by_rule.setdefault(rule.rule, []).append(rule)
    for role in ROLES:
        held = {right.name for right in RIGHTS if role in right.usual} if role != "administrator" else set(NAMES)
        with app.test_request_context("/"):
            g._login_user = SimpleNamespace(id=1, role=role, is_authenticated=True, rights=held)
            assert list(let_in(app, role, held, by_rule)) == []


def let_in(app: Flask, role: str, held: set[str], by_rule: dict[str, list[Rule]]) -> Iterator[str]:
    """What a role gets into that the table does not give it."""
    for line in TABLE.read_text().splitlines():
        who, _, address = line.split(" ", 2)
        if all(role in WHO[each] if each in WHO else each in held for each in who.split("+")):
            continue
        for view, arguments in ((app.view_functions[rule.endpoint], rule.arguments) for rule in by_rule[address]):
            if guards(view) != who:
                continue
            try:
                view(**dict.fromkeys(arguments, 1))
            except Forbidden:
                continue
            except Exception as other:  # past the guard: it broke only because there is no turn
                yield f"{line}: {role} ({type(other).__name__})"
            else:
                yield f"{line}: {role}"
