"""The key with which SendGrid's posts are checked may be typed on the screen; the environment's comes first."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from outreach.commands import examining
from outreach.deliveries.models import ProviderEvent
from outreach.deliveries.transports.sendgrid_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from outreach.deliveries.ways.transport_models import TransportSetting
from tests.deliveries.test_setting_up_ways import AT, KEY, olive, page, revision
from tests.people import post

__all__ = ["olive"]


def pair():
    private = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private, base64.b64encode(private.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


MINE, SHOWN = pair()
OTHER, OTHERS = pair()


def typed(shown, **more):
    return {"key": KEY, "region": "us", "revision": "", "webhook_key": shown, **more}


def told(visitor, name, private=MINE):
    body = json.dumps([{"event": "delivered", "sg_event_id": name, "email": "a@x.example"}]).encode()
    signature = base64.b64encode(private.sign(b"1772463700" + body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: "1772463700"}
    return visitor.post("/hooks/sendgrid", data=body, headers=headers).status_code


def put_in(browser, shown, **more):
    return post(browser, f"{AT}/sendgrid/set", typed(shown, **more), form_at=f"{AT}/sendgrid/set")


def test_a_typed_key_opens_the_address_for_what_it_signed_and_nothing_else(runtime, visitor, olive):
    assert told(visitor, "before") == 404
    wrapped = "\n".join(SHOWN[at : at + 40] for at in range(0, len(SHOWN), 40))
    assert put_in(olive, f" {wrapped} ").status_code == 303
    assert told(visitor, "one") == 204
    assert told(visitor, "two", OTHER) == 403
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(ProviderEvent.event_id)).all() == ["one"]
    assert SHOWN in page(olive.get(f"{AT}/sendgrid/set"))


def test_the_key_of_the_environment_comes_first(runtime, visitor, olive):
    put_in(olive, SHOWN)
    object.__setattr__(runtime.settings, "sendgrid_webhook_key", OTHERS)
    assert told(visitor, "one") == 403
    assert told(visitor, "two", OTHER) == 204


def test_an_emptied_field_closes_the_address_again(runtime, visitor, olive):
    put_in(olive, SHOWN)
    put_in(olive, "", key="", revision=revision(runtime, "sendgrid"))
    assert told(visitor, "one") == 404


@pytest.mark.parametrize("key", ["MFk", "x" * 900, KEY, SHOWN[:-8], "<script>", "MFkwEwYHKoZIzj0CAQ\u0130"])
def test_what_is_no_key_is_refused_and_nothing_is_kept(runtime, olive, key):
    answer = put_in(olive, key)
    assert answer.status_code == 422
    assert "no verification key" in page(answer)
    assert "<script>" not in answer.get_data(as_text=True).partition("<main")[2]
    with runtime.turn(write=False) as turn:
        assert turn.session.get(TransportSetting, "sendgrid") is None


def test_the_doctor_asks_for_it(runtime, olive):
    put_in(olive, "")
    with runtime.turn(write=False) as turn:
        said = [words for _, words in examining._practice(turn.session, runtime.settings)]
    assert any("put in its key on the Transports screen" in words for words in said)
    put_in(olive, SHOWN, key="", revision=revision(runtime, "sendgrid"))
    with runtime.turn(write=False) as turn:
        assert not any("SendGrid" in words for _, words in examining._practice(turn.session, runtime.settings))
