"""Every screen of a furnished practice, asked for in ways that no link of ours asks: an answer always, never a 500."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.demo import seeding
from outreach.practice.models import Person
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from outreach.web import Asked, Typed, create_app
from tests.conftest import KEY, MONDAY
from tests.people import sign_in

ROLES = ("administrator", "coordinator", "clinician", "read-only")
WEIRD = ("", "-1", "9" * 30, "²", "inf", "nul\0byte", "'\"<b>%s{{7*7}}", "9999-12-31", "0001-01")
TABLES = {
    "kept": "contact",
    "gone": "contact",
    "group": "contact_group",
    "run": "import_run",
    "issue": "newsletter_issue",
    "mail": "inbound_mail",
    "entry": "value_entry",
    "done": "day_done",
}


class Remembering(Typed):
    """Query arguments that remember which names a screen looks for."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        self.names.add(key)
        return super().getlist(key, type)


class Listening(Asked):
    """A request whose arguments are `Remembering`."""

    parameter_storage_class = Remembering


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home = tmp_path_factory.mktemp("furnished")
    url = f"sqlite:///{home / 'outreach.db'}"
    settings = Settings("demo", home, url, KEY, preview_inbox=True, second_factor_required=False)
    runtime = open_runtime(settings, clock=FrozenClock(MONDAY))
    load_all().metadata.create_all(runtime.engine)
    with runtime.turn() as turn:
        seeding.furnish(turn.session, now=MONDAY, key=KEY)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def house(furnished: Runtime) -> Flask:
    app = create_app(furnished)
    app.request_class = Listening
    return app


def browser(app: Flask, runtime: Runtime, role: str) -> FlaskClient:
    with runtime.turn(write=False) as turn:
        person = next(one for one in turn.session.scalars(select(Person)) if one.role == role)
    return sign_in(app, runtime, person.email)


def screens(app: Flask) -> list[Rule]:
    """All but the pages of signing in, which end the session that asks for them out of turn."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [rule for rule in rules if rule.endpoint != "static" and not rule.endpoint.startswith("security.")]


def address(rule: Rule, ids: dict[str, int]) -> str:
    """The rule with an id that exists, where the table has one."""

    def filled(found: re.Match[str]) -> str:
        kind, name = found[1] or "", found[2]
        room = name.removesuffix("_id")
        table = "card_run" if rule.rule.startswith("/cards") and room == "run" else TABLES.get(room, room)
        if kind.startswith("any("):
            return kind[4:-1].split(",")[0]
        return str(ids.get(table, 1) + (name == "gone_id")) if kind.startswith("int") else "x"

    return re.sub(r"<(?:([^:<>]+):)?([^<>]+)>", filled, rule.rule)


@pytest.fixture(scope="module")
def first_ids(furnished: Runtime) -> dict[str, int]:
    tables = [table for table in load_all().metadata.sorted_tables if "id" in table.c]
    with furnished.turn(write=False) as turn:
        found = {table.name: turn.session.scalar(select(table.c.id).order_by(table.c.id).limit(1)) for table in tables}
    return {name: id_ for name, id_ in found.items() if isinstance(id_, int)}


@pytest.mark.parametrize("role", ROLES)
def test_every_screen_answers_every_role(
    house: Flask, furnished: Runtime, first_ids: dict[str, int], role: str
) -> None:
    client = browser(house, furnished, role)
    for rule in screens(house):
        path = address(rule, first_ids)
        answer = client.get(path)
        assert answer.status_code < 500, f"{path} breaks for {role}"


def test_no_screen_breaks_over_what_stands_in_the_address(
    house: Flask, furnished: Runtime, first_ids: dict[str, int]
) -> None:
    client = browser(house, furnished, "administrator")
    broken = []
    for rule in screens(house):
        path = address(rule, first_ids)
        Remembering.names.clear()
        client.get(path)
        names = sorted(Remembering.names)
        for value in WEIRD if names else ():
            query = urlencode(dict.fromkeys(names, value))
            if client.get(f"{path}?{query}").status_code >= 500:
                broken.append(f"{path}?{query}")
    assert not broken, "\n".join(broken)
