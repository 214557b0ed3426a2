"""From a file to a click and a bounce: imported, enrolled, written to, and what came back changed what followed."""

import base64
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.campaigns.models import Enrollment
from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.contacts.consent import Suppression
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.models import Delivery
from outreach.deliveries.transports.sendgrid_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from outreach.practice.models import Practice
from outreach.runtime import Runtime
from tests.campaigns.drips import tick
from tests.people import post

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
ROWS = b"Name,Email\nDr. Ana Li,ana.li@hillside.example\nDr. Ben Ode,ben.ode@hillside.example\n"
CHOICES = {
    "default_kind": "physician",
    "duplicates": "fill",
    "permission": "written",
    "permission_words": "Paper form",
    "column-0": "name",
    "column-1": "email",
}
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a webhook key."""
    return replace(settings, sendgrid_webhook_key=base64.b64encode(PUBLIC).decode())


def imported(maya: FlaskClient, runtime: Runtime) -> None:
    file = {"file": (io.BytesIO(ROWS), "list.csv")}
    where = post(maya, "/contacts/import", file, content_type="multipart/form-data").headers["Location"]
    assert post(maya, f"{where}/check", CHOICES, form_at=where).status_code == 303
    post(maya, f"{where}/run", form_at=where)
    work(runtime, job_named("import-contacts"))


def published(maya: FlaskClient, runtime: Runtime) -> str:
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).website = "https://cedarlane-therapy.health/refer"
    builder = post(maya, "/campaigns/new", {"recipe": "welcome", "group_id": ""}).headers["Location"]
    review = builder.replace("/edit", "/publish")
    page = maya.get(review).get_data(as_text=True)
    shown = {name: re.search(rf'name="{name}" value="(\d+)"', page).group(1) for name in ("rev", "seen")}  # type: ignore[union-attr]
    assert shown["seen"] == "4"
    return str(post(maya, review, {**shown, "halfway": "finish"}).headers["Location"])


def bounces(visitor: FlaskClient, delivery_id: int, email: str) -> None:
    fact: dict[str, Any] = {"email": email, "event": "bounce", "type": "bounce", "sg_event_id": "b1"}
    raw = json.dumps([{**fact, "om_mid": str(delivery_id), "timestamp": 1772463700}]).encode()
    signature = base64.b64encode(PRIVATE.sign(b"1772463701" + raw, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: "1772463701"}
    assert visitor.post("/hooks/sendgrid", data=raw, headers=headers).status_code == 204


def test_imported_people_get_the_welcome_and_a_click_and_a_bounce_decide_what_follows(
    maya: FlaskClient, visitor: FlaskClient, runtime: Runtime, clock: FrozenClock
) -> None:
    imported(maya, runtime)
    page = published(maya, runtime)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    memory = runtime.transports["memory"]
    (to_ana,), (to_ben,) = memory.to("ana.li@hillside.example"), memory.to("ben.ode@hillside.example")
    assert to_ana.subject == "A therapy team near you"
    clock.advance(timedelta(hours=3))
    link = re.search(r"https://outreach\.cedarlane\.example(/l/[\w.-]+)", to_ana.html)
    assert link
    assert visitor.get(link.group(1), headers=PHONE).status_code == 302
    bounces(visitor, to_ben.delivery_id, "ben.ode@hillside.example")
    tick(runtime)
    for _ in range(34):
        clock.advance(timedelta(hours=12))
        tick(runtime, rounds=1)
    with runtime.turn(write=False) as turn:
        ana, ben = (
            turn.session.scalars(select(Contact).where(Contact.email == f"{name}@hillside.example")).one()
            for name in ("ana.li", "ben.ode")
        )
        assert turn.session.scalars(select(Task.contact_id)).all() == [ana.id]
        assert turn.session.scalars(select(Suppression.reason)).all() == ["bounced"]
        way = turn.session.scalars(select(Enrollment).where(Enrollment.contact_id == ben.id)).one()
        assert (way.state, way.stop_reason) == ("stopped", "bounced")
        assert turn.session.scalars(select(Delivery.state).where(Delivery.contact_id == ben.id)).all() == ["bounced"]
    assert len(memory.to("ana.li@hillside.example")) == 1
    results = maya.get(page).get_data(as_text=True)
    assert "Stopped early" in results
