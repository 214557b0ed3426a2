"""Planned meals count as given: nobody is invited over the limit of their year by accident."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.errors import Refusal
from outreach.events import choosing, inviting, planning
from outreach.events.committing import committed, would_pass
from outreach.events.models import Event
from outreach.gifts import recording
from outreach.gifts.recording import Given
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import invite, plan
from tests.people import Cast, post, sign_in

TODAY = date(2026, 3, 2)


def got(turn: Turn, contact_id: int, cents: int) -> None:
    given = Given(contact_id=contact_id, given_on=TODAY, kind="item", what="Books", amount_cents=cents)
    made = recording.record(turn.session, given, now=turn.now, today=TODAY, by_id=None)
    assert isinstance(made, recording.Recorded), made


def test_a_planned_meal_counts_until_somebody_says_no_or_it_is_called_off(
    turn: Turn, runtime: Runtime, cast: Cast
) -> None:
    event = plan(turn, cast, budget_cents=1_800)
    raman, denise = invite(turn, runtime, event, cast.raman, cast.denise)
    plan(turn, cast, budget_cents=None)
    assert committed(turn.session, 2026) == {cast.raman: 1_800, cast.denise: 1_800}
    assert committed(turn.session, 2027) == {}
    assert committed(turn.session, 2026, contact_ids=[cast.raman]) == {cast.raman: 1_800}
    denise.answer = "no"
    assert committed(turn.session, 2026) == {cast.raman: 1_800}
    assert committed(turn.session, 2026, besides=event.id) == {}
    assert raman.answer == "none"
    assert planning.set_status(turn.session, event, "offered", now=turn.now) is None
    assert committed(turn.session, 2026) == {}


@pytest.mark.parametrize(("given", "left_out"), [(51_699, 0), (51_700, 0), (51_701, 1)])
def test_who_would_pass_the_limit_with_the_meal_is_left_out_with_the_reason(
    turn: Turn, runtime: Runtime, cast: Cast, given: int, left_out: int
) -> None:
    got(turn, cast.raman, given)
    event = plan(turn, cast, budget_cents=1_800)
    chosen = choosing.sift(turn.session, event, choosing.Contact.id.in_([cast.raman, cast.okafor]))
    assert chosen.left_out.get("over-limit", 0) == left_out
    assert (cast.raman in chosen.ids) == (not left_out)
    assert cast.okafor in chosen.ids
    assert "yearly limit" in choosing.WORDS["over-limit"]


def test_a_second_lunch_knows_of_the_first_and_the_telephone_does_too(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    got(turn, cast.raman, 50_500)
    invite(turn, runtime, plan(turn, cast, budget_cents=1_800), cast.raman)
    second: Event = plan(turn, cast, budget_cents=1_800, title="Knees")
    assert would_pass(turn.session, second) == [cast.raman]
    no = inviting.add_by_phone(turn.session, second, cast.raman, now=turn.now, answer="yes", by_id=None)
    assert isinstance(no, Refusal)
    assert no.reason == "over-limit"
    without_meal = plan(turn, cast, budget_cents=1_800, meal=False, title="Hips")
    assert would_pass(turn.session, without_meal) == []


def test_a_gift_is_weighed_with_the_meals_that_are_planned(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        got(turn, cast.raman, 38_000)
        invite(turn, runtime, plan(turn, cast, budget_cents=1_800), cast.raman, cast.okafor)
    page = maya.get("/gifts/").get_data(as_text=True)
    assert page.count("$18") == 2
    assert "Dr. Samuel Okafor" in page
    assert "and $18 in planned meals" in maya.get(f"/gifts/new?contact={cast.raman}").get_data(as_text=True)
    typed = {"kind": "item", "what": "Mug", "amount": "3.50", "given_on": "2026-03-02"}
    maya.get("/gifts/")
    assert post(maya, f"/gifts/new?contact={cast.raman}", typed).status_code == 303
    assert "$401.50 of $535 are used in 2026, $18 of it in planned meals" in maya.get("/gifts/").get_data(as_text=True)
    over = post(maya, f"/gifts/new?contact={cast.raman}", {**typed, "amount": "140"})
    assert over.status_code == 422
    assert "$18 of it in planned meals" in over.get_data(as_text=True)


def test_a_meal_over_the_limit_waits_for_an_administrator_with_a_reason(
    app: Flask, maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        event = plan(turn, cast, budget_cents=1_800)
        invite(turn, runtime, event, cast.raman)
        got(turn, cast.raman, 52_000)
        got(turn, cast.okafor, 53_000)
        number = event.id
    here = f"/events/{number}"

    def confirm(by: FlaskClient) -> str:
        post(by, f"{here}/status", {"status": "confirmed"}, form_at=here)
        return by.get(here).get_data(as_text=True)

    page = confirm(maya)
    assert "Dr. Priya Raman would pass the yearly limit with this meal" in page
    assert "Olive Stone can let this person come, with a reason" in page
    assert "let-come" not in page
    asked = maya.get(f"{here}/invite?add={cast.okafor}").get_data(as_text=True)
    assert "Dr. Samuel Okafor</a>: This would be $548 in 2026" in asked
    why = {"contact": str(cast.raman), "reason": "Counsel agreed"}
    assert post(maya, f"{here}/let-come", why, form_at=here).status_code == 403
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    for wrong, said in (({"reason": " "}, "Say why"), ({"contact": str(cast.denise)}, "takes nobody")):
        no = post(olive, f"{here}/let-come", {**why, **wrong}, form_at=here, follow_redirects=True)
        assert said in no.get_data(as_text=True)
    for _ in range(2):
        assert post(olive, f"{here}/let-come", why, form_at=here).status_code == 303
    assert "by Olive Stone on" in olive.get(here).get_data(as_text=True)
    assert "Now: Confirmed" in confirm(olive)
    with runtime.turn(write=False) as turn:
        found = select(AuditEntry.facts).where(AuditEntry.action == "let-pass")
        assert list(turn.session.scalars(found)) == [{"event_id": number, "contact_id": cast.raman}]
