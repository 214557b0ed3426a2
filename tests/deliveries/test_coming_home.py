"""Facts from providers and mail that comes back."""

import base64
import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from outreach.contacts.consent import Suppression
from outreach.contacts.timeline import Touch
from outreach.deliveries import receipts, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.models import InboundMail, ProviderEvent, Receipt
from outreach.deliveries.public_hooks import inbound_token
from outreach.deliveries.returns import inbound
from outreach.deliveries.transports.protocol import Unknown
from outreach.deliveries.transports.sendgrid_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.deliveries.posting import delivery, hashed, memory, put, send
from tests.people import post

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
WHEN = 1772463700


@pytest.fixture
def settings(settings):
    """With a webhook key."""
    return replace(settings, sendgrid_webhook_key=PUBLIC)


@pytest.fixture
def sent(runtime, cast):
    """The number of a delivery to Dr. Raman that left."""
    planned = put(runtime, cast.raman)
    send(runtime)
    return planned.ids[cast.raman]


def hook(client, events, *, signed=None):
    raw = events if isinstance(events, bytes) else json.dumps(events).encode() + b"\r\n"
    signature = PRIVATE.sign(b"1772463701" + (signed if signed is not None else raw), ec.ECDSA(hashes.SHA256()))
    headers = {SIGNATURE_HEADER: base64.b64encode(signature).decode(), TIMESTAMP_HEADER: "1772463701"}
    return client.post("/hooks/sendgrid", data=raw, headers=headers)


def event(name, delivery_id, serial="1", **more):
    return {
        "email": "p.raman@lakeside.example",
        "event": name,
        "sg_event_id": f"{name}-{serial}",
        "om_mid": str(delivery_id),
        "timestamp": WHEN,
        **more,
    }


def kinds(runtime, contact_id):
    with runtime.turn(write=False) as turn:
        return {t.kind for t in turn.session.scalars(select(Touch).where(Touch.contact_id == contact_id))}


def suppressed(runtime):
    with runtime.turn(write=False) as turn:
        return [s.reason for s in turn.session.scalars(select(Suppression).order_by(Suppression.id))]


def test_a_signed_bounce_moves_the_delivery_and_suppresses(runtime, cast, visitor, sent):
    events = [
        event("delivered", sent),
        event("bounce", sent, type="bounce", reason="550 p.raman@lakeside.example gone"),
    ]
    assert hook(visitor, events).status_code == 204
    assert delivery(runtime, sent).state == "bounced"
    assert suppressed(runtime) == ["bounced"]
    assert "bounced" in kinds(runtime, cast.raman)
    with runtime.turn(write=False) as turn:
        told = turn.session.scalars(select(Receipt.text).where(Receipt.event == "bounce")).one()
        assert told == "550 (address) gone"
        assert all("email" not in row.payload for row in turn.session.scalars(select(ProviderEvent)))


def test_unsigned_altered_and_noise_change_nothing(runtime, visitor, sent):
    bounce = json.dumps([event("bounce", sent, type="bounce")]).encode()
    assert visitor.post("/hooks/sendgrid", data=bounce).status_code == 403
    assert hook(visitor, bounce, signed=bounce + b" ").status_code == 403
    assert hook(visitor, b"noise").status_code == 400
    assert hook(visitor, b"x" * (1024 * 1024 + 1)).status_code == 413
    assert delivery(runtime, sent).state == "sent"
    assert suppressed(runtime) == []


def test_order_and_repetition_do_not_matter(runtime, sent, clock):
    from outreach.deliveries.transports.sendgrid_events import parse_events

    facts = [event(name, sent) for name in ("processed", "delivered", "open", "click", "spamreport")]
    chance = random.Random(7)
    for _ in range(3):
        chance.shuffle(facts)
        with runtime.turn() as turn:
            parsed = parse_events(json.dumps(facts).encode())
            receipts.store(turn.session, parsed, now=turn.now)
            receipts.apply(turn.session, now=turn.now, key=runtime.key)
    assert delivery(runtime, sent).state == "complained"
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(Receipt)).all()) == len(facts)


def test_a_fact_settles_what_was_unconfirmed(runtime, cast, visitor):
    planned = put(runtime, cast.raman)
    memory(runtime).answers.append(Unknown("cut"))
    send(runtime)
    number = planned.ids[cast.raman]
    assert delivery(runtime, number).state == "unconfirmed"
    hook(visitor, [event("delivered", number)])
    assert delivery(runtime, number).state == "delivered"


def test_an_asynchronous_bounce_without_ids_finds_the_last_mail(runtime, visitor, sent):
    late = event("bounce", sent, type="bounce")
    del late["om_mid"]
    hook(visitor, [late])
    assert delivery(runtime, sent).state == "bounced"


def test_a_complaint_about_an_unknown_delivery_still_suppresses(runtime, visitor):
    assert hook(visitor, [event("spamreport", 999999)]).status_code == 204
    assert suppressed(runtime) == ["complained"]


def test_without_a_key_the_route_is_not_there(app, runtime, visitor):
    object.__setattr__(runtime.settings, "sendgrid_webhook_key", None)
    assert hook(visitor, []).status_code == 404


def parse(client, runtime, raw):
    return client.post(f"/hooks/inbound/{inbound_token(runtime.key)}", data={"email": raw})


def work(runtime):
    with runtime.turn() as turn:
        return inbound.work(turn.session, now=turn.now, key=runtime.key)


def test_a_reply_is_told_without_its_words(runtime, cast, visitor, sent):
    header = delivery(runtime, sent).message_id_header
    raw = f"From: p.raman@lakeside.example\r\nTo: maya@cedarlane.example\r\nIn-Reply-To: <{header}>\r\n\r\nSecret\r\n"
    assert parse(visitor, runtime, raw).status_code == 204
    assert parse(visitor, runtime, raw).status_code == 204
    assert work(runtime) == 1
    assert "replied" in kinds(runtime, cast.raman)
    with runtime.turn(write=False) as turn:
        told = turn.session.scalars(select(Touch.text).where(Touch.kind == "replied")).one()
        assert "Secret" not in told


def test_an_automatic_answer_is_no_reply(runtime, cast, visitor, sent):
    header = delivery(runtime, sent).message_id_header
    parse(
        visitor, runtime, f"From: x@lakeside.example\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{header}>\r\n\r\n"
    )
    work(runtime)
    assert "replied" not in kinds(runtime, cast.raman)


def test_a_reply_lands_on_today_is_read_as_text_and_campaigns_wait_until_it_is_answered(
    runtime, cast, visitor, maya, clock, sent
):
    header = delivery(runtime, sent).message_id_header
    words = "<p>Yes, <b>please</b> call.</p><script>alert(1)</script>"
    raw = (
        f"From: Dr Raman <p.raman@lakeside.example>\r\nSubject: Re: Hello\r\nIn-Reply-To: <{header}>\r\n"
        f"Content-Type: text/html\r\n\r\n{words}\r\n"
    )
    parse(visitor, runtime, raw)
    work(runtime)
    assert "wrote back: read and answer it" in maya.get("/").text
    assert 'href="/outbox/replies/1"' in maya.get("/outbox/replies").text
    page = maya.get("/outbox/replies/1")
    assert "Yes, please call." in page.text
    assert "alert(1)" not in page.text
    clock.advance(timedelta(days=21))
    second = put(runtime, cast.raman, step="2").ids[cast.raman]
    send(runtime)
    assert (delivery(runtime, second).state, delivery(runtime, second).reason) == ("scheduled", "reply-first")
    post(maya, "/outbox/replies/1/answered", form_at="/outbox/replies/1")
    clock.advance(timedelta(days=4))
    send(runtime)
    assert delivery(runtime, second).state == "sent"


def test_an_out_of_office_without_a_header_is_no_reply_either(runtime, cast, visitor, sent):
    header = delivery(runtime, sent).message_id_header
    parse(visitor, runtime, f"From: x@y.example\r\nSubject: Automatic reply: Hi\r\nIn-Reply-To: <{header}>\r\n\r\n")
    work(runtime)
    assert "away" in kinds(runtime, cast.raman)
    assert "replied" not in kinds(runtime, cast.raman)


def test_mail_to_the_unsubscribe_address_stops_everything(runtime, visitor, sent):
    to = memory(runtime).sent[0].list_unsubscribe_mailto.removeprefix("mailto:")
    parse(visitor, runtime, f"From: somebody@lakeside.example\r\nTo: {to}\r\n\r\n")
    work(runtime)
    assert suppressed(runtime) == ["unsubscribed"]


def test_a_bounce_by_mail_is_matched_by_our_message_id(runtime, visitor, sent):
    header = delivery(runtime, sent).message_id_header
    raw = (
        'From: mailer-daemon@mx.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{header}>\r\n\r\n--b--\r\n"
    )
    parse(visitor, runtime, raw)
    work(runtime)
    assert delivery(runtime, sent).state == "bounced"
    assert suppressed(runtime) == ["bounced"]


def test_what_is_not_understood_is_kept_and_calendar_answers_wait_for_events(runtime, visitor):
    ics = "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n"
    for raw in ("\x00\x01noise", ics, "x" * 600_000):
        assert parse(visitor, runtime, raw).status_code == 204
    work(runtime)
    with runtime.turn(write=False) as turn:
        found = {m.kind: m.handled_at for m in turn.session.scalars(select(InboundMail))}
    assert found["calendar"] is None
    assert found["unknown"] is not None
    assert visitor.post("/hooks/inbound/guessed", data={"email": "x"}).status_code == 404


def test_a_receipt_that_comes_after_send_again_was_chosen_stops_the_second_mail(runtime, cast, visitor):
    memory(runtime).answers.append(Unknown("reset"))
    delivery_id = put(runtime, cast.raman).ids[cast.raman]
    send(runtime)
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        assert steering.settle(turn.session, delivery_id, "again", now=turn.now, house=house) is None
    assert hook(visitor, [event("delivered", delivery_id)]).status_code == 204
    send(runtime)
    assert memory(runtime).sent == []
    assert delivery(runtime, delivery_id).state == "delivered"


def test_an_event_of_another_installation_with_our_number_touches_nobody_here(runtime, visitor, sent):
    foreign = event("bounce", sent, type="bounce") | {"email": "somebody@elsewhere.example"}
    assert hook(visitor, [foreign]).status_code == 204
    assert delivery(runtime, sent).state == "sent"
    with runtime.turn(write=False) as turn:
        [only] = turn.session.scalars(select(Suppression.address_hash))
    assert only == hashed(runtime, "somebody@elsewhere.example")


def test_a_number_that_no_row_has_stops_no_other_fact(runtime, visitor, sent):
    assert hook(visitor, [event("delivered", "9" * 60), event("delivered", sent, "2")]).status_code == 204
    assert delivery(runtime, sent).state == "delivered"
