"""What a practice may give out beside the roles: send, approve, override a limit, see the value ledger."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.errors import Refusal
from outreach.practice import rights
from outreach.practice.models import Person
from outreach.practice.right_models import NAMES, RIGHTS
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post, sign_in

PAGE = "/settings/people/rights"


def held(turn: Turn) -> dict[str, set[str]]:
    """{role: rights} of the four who work at the test practice."""
    return {person.role: set(person.rights) for person in turn.session.scalars(select(Person))}


def test_usually_coordinators_send_and_approve_and_only_administrators_override(turn: Turn) -> None:
    assert held(turn) == {
        "administrator": set(NAMES),
        "coordinator": {"send", "approve", "ledger"},
        "clinician": set(),
        "read-only": set(),
    }


def test_nobody_can_lock_administrators_out(turn: Turn, cast: Cast) -> None:
    nothing = {right.name: [] for right in RIGHTS}
    changed = rights.choose(turn.session, dict(nothing), now=turn.now, by_id=cast.olive)
    assert changed == {"send": [], "approve": [], "ledger": []}
    turn.session.expire_all()
    assert held(turn) == {"administrator": set(NAMES), "coordinator": set(), "clinician": set(), "read-only": set()}


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"send": ["read-only"]}, "unfit-role"),
        ({"override": ["clinician"]}, "unfit-role"),
        ({"fly": []}, "unknown-right"),
    ],
)
def test_who_may_only_read_never_sends(turn: Turn, wanted: dict[str, list[str]], reason: str) -> None:
    refused = rights.choose(turn.session, dict(wanted), now=turn.now, by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason


def test_somebody_who_left_has_no_right(turn: Turn, cast: Cast) -> None:
    assert rights.may(turn.session, cast.olive, "override")
    turn.session.get_one(Person, cast.olive).active = False
    assert not rights.may(turn.session, cast.olive, "override")
    assert not rights.may(turn.session, None, "override")


def test_an_administrator_gives_rights_and_every_guard_asks_them(
    app: Flask, runtime: Runtime, maya: FlaskClient
) -> None:
    olive, theo = (sign_in(app, runtime, f"{name}@cedarlane.example") for name in ("olive", "theo"))
    assert (maya.get("/gifts/").status_code, theo.get("/gifts/").status_code) == (200, 403)
    assert b'href="/gifts/"' not in theo.get("/").data
    assert maya.get(PAGE).status_code == 200
    assert post(maya, PAGE, {"shown": "send"}, form_at=PAGE).status_code == 403
    shown = {"shown": [right.name for right in RIGHTS]}
    given = {"send": "coordinator", "approve": ["coordinator", "clinician"], "ledger": "clinician"}
    assert post(olive, PAGE, {**shown, **given}, form_at=PAGE).status_code == 303
    assert (maya.get("/gifts/").status_code, theo.get("/gifts/").status_code) == (403, 200)
    assert b'href="/gifts/"' in theo.get("/").data
    assert theo.get("/gifts/new").status_code == 403, "the right to see is not the role to write"
    with runtime.turn(write=False) as turn:
        acts = turn.session.scalars(select(AuditEntry).where(AuditEntry.action == "give-right").order_by(AuditEntry.id))
        assert [act.facts for act in acts] == [
            {"right": "approve", "roles": ["coordinator", "clinician"]},
            {"right": "ledger", "roles": ["clinician"]},
        ]
