"""SendGrid's Inbound Parse in raw mode: signed, byte for byte, of any size and shape."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from outreach.deliveries.models import InboundMail
from outreach.deliveries.public_hooks import inbound_token
from outreach.deliveries.transports.sendgrid_events import SIGNATURE_HEADER, TIMESTAMP_HEADER

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


def form(raw, *, name="email", filename=""):
    """A post as SendGrid makes it."""
    given = f'; filename="{filename}"' if filename else ""
    return (
        b'--xYz\r\nContent-Disposition: form-data; name="to"\r\n\r\nunsub@in.cedarlane.example\r\n--xYz\r\n'
        + f'Content-Disposition: form-data; name="{name}"{given}\r\n\r\n'.encode()
        + raw
        + b'\r\n--xYz\r\nContent-Disposition: form-data; name="SPF"\r\n\r\npass\r\n--xYz--\r\n'
    )


def post(visitor, runtime, body, *, signed=None, headers=None, token=None):
    if signed is not None:
        signature = base64.b64encode(PRIVATE.sign(b"1772463700" + signed, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: "1772463700"}
    where = f"/hooks/inbound/{token or inbound_token(runtime.key)}"
    return visitor.post(where, data=body, headers=headers, content_type="multipart/form-data; boundary=xYz")


def stored(runtime):
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(InboundMail.raw).order_by(InboundMail.id)))


RAWS = [
    b"Subject: caf\xe9\r\n\r\nna\xefve \xff\xfe\x00\r\n",
    b"Subject: x\n\nlf only\n",
    b"",
    b"\r\n",
    b"Subject: x\r\n\r\n--xY\r\n--xYzz not the boundary\r\n",
    b"Subject: x\r\n\r\n" + bytes(range(256)) * 4000,
]


@pytest.mark.parametrize("raw", RAWS, ids=range(len(RAWS)))
@pytest.mark.parametrize("filename", ["", "mail.eml"])
def test_the_mail_is_kept_byte_for_byte(runtime, visitor, raw, filename):
    for _ in range(2):
        assert post(visitor, runtime, form(raw, filename=filename)).status_code == 204
    assert stored(runtime) == [raw]


@pytest.mark.parametrize("body", [b"", b"noise", b"--xYz", form(b"x", name="text"), b"\xff" * 1000])
def test_what_is_no_mail_is_taken_and_forgotten(runtime, visitor, body):
    assert post(visitor, runtime, body).status_code == 200
    assert stored(runtime) == []


def test_a_form_that_was_cut_short_keeps_what_there_is(runtime, visitor):
    whole = form(b"Subject: x\r\n\r\n" + b"words " * 100)
    assert post(visitor, runtime, whole[:400]).status_code in (200, 204)


def test_a_mail_of_thirty_megabytes_is_taken_and_more_than_32_is_not(runtime, visitor):
    assert post(visitor, runtime, form(b"Subject: x\r\n\r\n" + b"x" * 30_000_000)).status_code == 204
    assert len(stored(runtime)[0]) > 30_000_000
    assert post(visitor, runtime, form(b"x" * 33 * 1024 * 1024)).status_code == 413


def test_with_a_key_only_signed_posts_count(runtime, visitor):
    object.__setattr__(runtime.settings, "inbound_key", PUBLIC)
    body = form(RAWS[0])
    refused = [
        post(visitor, runtime, body),
        post(visitor, runtime, body, signed=body + b" "),
        post(visitor, runtime, body, headers={SIGNATURE_HEADER: "ü", TIMESTAMP_HEADER: "1"}),
        post(visitor, runtime, form(RAWS[1]), signed=body),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert stored(runtime) == []
    assert post(visitor, runtime, body, signed=body).status_code == 204
    assert stored(runtime) == [RAWS[0]]


def test_nobody_finds_the_address_by_guessing(runtime, visitor):
    assert post(visitor, runtime, form(b"x"), token="guess").status_code == 404
    assert post(visitor, runtime, form(b"x"), token=inbound_token(b"other key")).status_code == 404
