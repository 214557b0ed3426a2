"""The referral log as the coordinator uses it."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.contacts.models import Contact, ContactPayer
from outreach.contacts.timeline import Touch
from outreach.practice.models import Payer, Service
from outreach.referrals.models import Referral
from outreach.runtime import Runtime
from tests.people import Cast, post, sign_in


def typed(runtime: Runtime, **changes: str) -> dict[str, str]:
    with runtime.turn(write=False) as turn:
        service = turn.session.scalars(select(Service.id).where(Service.discipline == "PT")).one()
    return {
        "source": "Dr. Priya Raman",
        "source_type": "contact",
        "service_id": str(service),
        "payer_id": "0",
        "location_id": "0",
        "client_number": "2041",
        "received_on": "2026-03-02",
        "stage": "received",
        "direction": "in",
    } | changes


def stored(runtime: Runtime) -> list[Referral]:
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(Referral).order_by(Referral.id)))


def test_a_referral_is_logged_by_typing_the_name_of_its_source(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    answer = post(maya, "/referrals/new", typed(runtime))
    assert answer.status_code == 303
    assert [(r.contact_id, r.discipline, r.client_number) for r in stored(runtime)] == [(cast.raman, "PT", "2041")]
    with runtime.turn(write=False) as turn:
        assert "logged" in turn.session.scalars(select(AuditEntry.action)).all()


def test_a_part_of_the_name_is_enough_when_only_one_contact_fits(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    post(maya, "/referrals/new", typed(runtime, source="okaf"))
    assert [r.contact_id for r in stored(runtime)] == [cast.okafor]


def test_a_name_that_fits_several_asks_which_and_loses_nothing(maya: FlaskClient, runtime: Runtime) -> None:
    answer = post(maya, "/referrals/new", typed(runtime, source="lakeside"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Priya Raman" in page
    assert "Denise Ortiz" in page
    assert 'value="2041"' in page
    assert post(maya, "/referrals/new", typed(runtime, payer_id="9" * 20)).status_code == 422
    assert stored(runtime) == []


def test_an_unmatched_referral_waits_until_somebody_says_who_it_was(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    post(maya, "/referrals/new", typed(runtime, source="the tall surgeon", source_type="unmatched"))
    page = maya.get("/referrals/?view=unmatched").get_data(as_text=True)
    assert "the tall surgeon" in page
    referral = stored(runtime)[0]
    post(maya, f"/referrals/{referral.id}/match", {"source": "Dr. Priya Raman"}, form_at=f"/referrals/{referral.id}")
    assert stored(runtime)[0].contact_id == cast.raman


def test_an_out_of_network_payer_is_told_at_once(maya: FlaskClient, runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        acme = turn.session.scalars(select(Payer.id).where(Payer.name == "Acme Health")).one()
    post(maya, "/referrals/new", typed(runtime, payer_id=str(acme)))
    assert "out of network" in maya.get("/referrals/").get_data(as_text=True)


def test_the_payer_is_judged_while_the_referral_is_typed(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        acme, medicare = (
            turn.session.scalars(select(Payer.id).where(Payer.name == name)).one()
            for name in ("Acme Health", "Medicare")
        )
        turn.session.add(ContactPayer(contact_id=cast.raman, payer_id=acme))

    def said(payer: int, on: str = "2026-03-02") -> str:
        address = f"/referrals/fit?payer_id={payer}&received_on={on}&source=Raman"
        return maya.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)

    assert "counts as out of network" in said(acme)
    assert "Acme Health (not taken)" in said(acme)
    assert "You take Medicare on March 2, 2026" in said(medicare)
    assert "counts as out of network" in said(medicare, "2023-06-01")


def test_a_payer_that_becomes_known_later_is_put_right(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    post(maya, "/referrals/new", typed(runtime))
    with runtime.turn(write=False) as turn:
        medicare = turn.session.scalars(select(Payer.id).where(Payer.name == "Medicare")).one()
    right = typed(runtime, payer_id=str(medicare), client_number="2050", received_on="2026-02-27")
    post(maya, "/referrals/1/edit", right, form_at="/referrals/1/edit")
    (found,) = stored(runtime)
    assert (found.payer_id, found.client_number, str(found.received_on)) == (medicare, "2050", "2026-02-27")
    with runtime.turn(write=False) as turn:
        touch = turn.session.scalars(select(Touch).where(Touch.kind == "referred")).one()
        assert (touch.text, touch.at.day) == ("Referred client 2050 for Shoulder and knee", 27)
        assert turn.session.get(ContactPayer, (cast.raman, medicare)) is not None
    for wrong in ({"received_on": "2027-01-01"}, {"client_number": "Ana Lopez"}, {"payer_id": "999"}):
        answer = post(maya, "/referrals/1/edit", right | wrong, form_at="/referrals/1/edit")
        assert answer.status_code == 422, wrong
    post(maya, "/referrals/1/move", {"stage": "contacted", "on": "2026-03-01"}, form_at="/referrals/1")
    late = post(maya, "/referrals/1/edit", right | {"received_on": "2026-03-02"}, form_at="/referrals/1/edit")
    assert late.status_code == 422


def test_the_whole_name_of_an_organization_means_the_place_itself(maya: FlaskClient, runtime: Runtime) -> None:
    assert "The organization itself" in maya.get("/referrals/sources?source=elm+park").get_data(as_text=True)
    for number in ("1", "2"):
        post(maya, "/referrals/new", typed(runtime, source="elm park senior center", client_number=number))
    first, second = stored(runtime)
    assert first.contact_id == second.contact_id
    with runtime.turn(write=False) as turn:
        desk = turn.session.get_one(Contact, first.contact_id)
        assert (desk.name, desk.kind) == ("Elm Park Senior Center", "community-organization")


def test_an_event_or_website_says_which_one(maya: FlaskClient, runtime: Runtime) -> None:
    post(maya, "/referrals/new", typed(runtime, source="Balance talk at Elm Park", source_type="event"))
    assert "Event: Balance talk at Elm Park" in maya.get("/referrals/").get_data(as_text=True)


def test_word_of_mouth_names_the_advocate(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    post(maya, "/referrals/new", typed(runtime, source="Marisol Vega", source_type="word-of-mouth"))
    assert stored(runtime)[0].advocate_id == cast.marisol
    assert "Word of mouth: Marisol Vega" in maya.get("/referrals/").get_data(as_text=True)


def test_a_stage_before_the_referral_came_is_refused_in_words(maya: FlaskClient, runtime: Runtime) -> None:
    post(maya, "/referrals/new", typed(runtime))
    referral = stored(runtime)[0]
    answer = post(
        maya,
        f"/referrals/{referral.id}/move",
        {"stage": "started", "on": "2026-02-01", "close_reason": "", "barrier": ""},
        form_at=f"/referrals/{referral.id}",
    )
    assert answer.status_code == 422
    assert "nothing can have happened before" in answer.get_data(as_text=True)
    assert stored(runtime)[0].stage == "received"


def test_a_trashed_referral_comes_back_by_undo(maya: FlaskClient, runtime: Runtime) -> None:
    post(maya, "/referrals/new", typed(runtime))
    referral = stored(runtime)[0]
    post(maya, f"/referrals/{referral.id}/trash", form_at=f"/referrals/{referral.id}")
    assert maya.get(f"/referrals/{referral.id}").status_code == 404
    post(maya, f"/referrals/{referral.id}/restore", form_at="/referrals/new")
    assert maya.get(f"/referrals/{referral.id}").status_code == 200


def test_someone_who_may_only_read_cannot_log(app: Flask, runtime: Runtime) -> None:
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    assert rita.get("/referrals/").status_code == 200
    assert rita.get("/referrals/new").status_code == 403


def test_the_yield_of_a_client_is_looked_at_on_record_and_that_of_nobody_in_the_trash(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    assert maya.get(f"/referrals/yield/{cast.marisol}").status_code == 200
    with runtime.turn() as turn:
        viewed = turn.session.scalars(select(AuditEntry).where(AuditEntry.action == "viewed")).one()
        assert (viewed.subject_type, viewed.subject_id, viewed.actor_id) == ("contact", cast.marisol, cast.maya)
        turn.session.get_one(Contact, cast.raman).deleted_at = turn.now
    assert maya.get(f"/referrals/yield/{cast.raman}").status_code == 404


def test_the_yield_page_says_when_there_is_no_history(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    post(maya, "/referrals/new", typed(runtime))
    page = maya.get(f"/referrals/yield/{cast.raman}").get_data(as_text=True)
    assert "Not based on your data yet" in page
