"""When something breaks half-way, the person still gets a page that says so, and nothing of it is kept."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from outreach import screen
from outreach.practice.models import Person, Service
from outreach.referrals.models import Referral
from outreach.runtime import Runtime
from tests.people import Cast, csrf_of, sign_in


def _break_the_session() -> str:
    for _ in range(2):
        double = Person(name="Twin", email="twin@cedarlane.example", fs_uniquifier="twin", created_at=screen.now())
        screen.session().add(double)
        screen.session().flush()
    return "never reached"


def _lose_the_database() -> str:
    raise OperationalError("SELECT 1", {}, RuntimeError("database is locked"))


@pytest.fixture
def app(app: Flask) -> Flask:
    app.add_url_rule("/breaks", "breaks", screen.writes_on_get(_break_the_session))
    app.add_url_rule("/busy", "busy", _lose_the_database)
    return app


def test_a_refused_row_ends_in_a_page_and_not_in_a_second_error(app: Flask, runtime: Runtime) -> None:
    answer = sign_in(app, runtime, "maya@cedarlane.example").get("/breaks")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert answer.headers["Content-Security-Policy"]


def test_a_busy_database_is_told_with_when_to_come_back(maya: FlaskClient) -> None:
    answer = maya.get("/busy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
    assert "busy for a moment" in answer.text


def test_a_signed_in_person_may_follow_a_link_of_a_mail(maya: FlaskClient) -> None:
    assert maya.get("/l/cut-short").status_code == 404


def test_a_nul_byte_is_refused_before_anything_is_done(maya: FlaskClient) -> None:
    assert maya.get("/contacts/?q=a%00b").status_code == 400


def test_a_commit_that_finds_the_database_busy_is_a_503_and_never_a_yes(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    def busy(_session: Session) -> None:
        raise OperationalError("COMMIT", None, Exception("database is locked"))

    page = maya.get("/referrals/new").get_data(as_text=True)
    typed = {"csrf_token": csrf_of(page), "source": "Dr. Priya Raman", "contact_id": str(cast.raman)}
    with runtime.turn(write=False) as turn:
        service = turn.session.scalars(select(Service.id).order_by(Service.id)).first()
    typed |= {"source_type": "contact", "service_id": str(service), "payer_id": "0", "client_number": "7"}
    typed |= {"received_on": "2026-03-02", "stage": "received", "direction": "in"}
    event.listen(Session, "before_commit", busy)
    try:
        answer = maya.post("/referrals/new", data=typed)
    finally:
        event.remove(Session, "before_commit", busy)
    assert answer.status_code == 503
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Referral)).all() == []
