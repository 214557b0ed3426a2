"""Posts of SendGrid's event webhook: genuine, doubled, broken, forged."""

import base64
import itertools
import json
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.transports.sendgrid_events import ProviderEvent, parse_events, rank, suppressing, verify
from outreach.errors import Refusal

KEY = ec.generate_private_key(ec.SECP256R1())
TIMESTAMP = "1772463600"
BODY = b'[{"email":"ana@x.example","event":"delivered","sg_event_id":"e1"},\r\n{"event":"open"}]\r\n'


def shown(key) -> str:
    """A public key as SendGrid shows it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signed(body: bytes = BODY, timestamp: str = TIMESTAMP, key=KEY) -> str:
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def events(*elements: object) -> list[ProviderEvent]:
    found = parse_events(json.dumps(elements).encode())
    assert isinstance(found, list)
    return found


def event(**fields: object) -> ProviderEvent:
    return events({"event": "delivered", **fields})[0]


def test_a_genuine_post_is_known():
    assert verify(shown(KEY), signed(), TIMESTAMP, BODY)
    wrapped = "\n".join(shown(KEY)[at : at + 64] for at in range(0, 200, 64)) + "\n"
    assert verify(wrapped, signed(), TIMESTAMP, BODY)


def test_the_header_names_are_the_packages():
    assert sendgrid_events.SIGNATURE_HEADER == "X-Twilio-Email-Event-Webhook-Signature"
    assert sendgrid_events.TIMESTAMP_HEADER == "X-Twilio-Email-Event-Webhook-Timestamp"


@pytest.mark.parametrize(
    "body", [BODY.replace(b"ana", b"bob"), BODY.rstrip(b"\r\n"), BODY.replace(b"\r\n", b"\n"), BODY + b" ", b""]
)
def test_a_body_changed_by_one_byte_is_forged(body):
    assert not verify(shown(KEY), signed(), TIMESTAMP, body)


@pytest.mark.parametrize(
    ("signature", "timestamp"),
    [
        (None, TIMESTAMP),
        (signed(), None),
        ("", ""),
        (signed(), "1772463601"),
        (signed(), "١٧٧٢٤٦٣٦٠٠"),
        ("ünïcode", TIMESTAMP),
        ("%%%", TIMESTAMP),
        (base64.b64encode(b"0" * 70).decode(), TIMESTAMP),
        (signed(key=ec.generate_private_key(ec.SECP256R1())), TIMESTAMP),
        ("A" * 1_000_000, TIMESTAMP),
        (signed(), "9" * 1_000_000),
    ],
    # Signatures differ at every run; the names of the cases must not.
    ids=[f"case-{number}" for number in range(11)],
)
def test_bad_headers_are_forged_and_never_an_exception(signature, timestamp):
    assert verify(shown(KEY), signature, timestamp, BODY) is False


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not a key",
        "ключ",
        shown(ec.generate_private_key(ec.SECP256R1())),
        shown(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["none", "words", "not-ascii", "another-key", "another-kind"],
)
def test_a_wrong_key_knows_nothing(key):
    assert verify(key, signed(), TIMESTAMP, BODY) is False


def test_a_key_of_another_curve_is_not_accepted():
    other = ec.generate_private_key(ec.SECP384R1())
    assert verify(shown(other), signed(key=other), TIMESTAMP, BODY) is False


def test_an_event_is_read_whole():
    element = {
        "email": "Ana@X.example",
        "timestamp": 1772463600,
        "event": "deferred",
        "sg_event_id": "ZGVmZXJyZWQ",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "smtp-id": "<d7001@practice.example>",
        "category": ["drip", "newsletter"],
        "om_mid": "7001",
        "response": "400 try again later",
        "attempt": "5",
        "ip": "168.1.1.1",
    }
    (found,) = events(element)
    assert found == ProviderEvent(
        event_id="ZGVmZXJyZWQ",
        name="deferred",
        email="ana@x.example",
        occurred_at=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        mid="7001",
        provider_message_id="14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        smtp_id="d7001@practice.example",
        categories=("drip", "newsletter"),
        response="400 try again later",
        attempt=5,
        ip="168.1.1.1",
        raw=element,
    )
    assert found.request_id == "14c5d75ce93"


def test_a_category_may_be_a_string_an_array_or_nonsense():
    found = [event(category=value).categories for value in ("drip", ["a", 7, "b"], None, {"a": 1})]
    assert found == [("drip",), ("a", "b"), (), ()]


def test_an_asynchronous_bounce_without_a_message_id_is_still_an_event():
    found = event(event="bounce", type="bounce", email="ana@x.example")
    assert (found.provider_message_id, found.request_id, found.mid) == (None, None, None)


def test_a_machine_that_opens_is_told_from_a_person():
    assert event(event="open", sg_machine_open=True).machine
    assert not event(event="open", sg_machine_open=False).machine
    assert not event(event="open").machine


@pytest.mark.parametrize("value", ["yesterday", -5, 0, 10**15, True, None, [], "9" * 5000, 1e300])
def test_an_impossible_time_is_no_time(value):
    assert event(timestamp=value).occurred_at is None


def test_a_bad_element_does_not_fail_the_rest_and_is_kept():
    found = events({"event": "open", "sg_event_id": "e1"}, 7, None, "x", [], {}, {"event": 3}, {"event": "click"})
    assert [one.name for one in found] == ["open", *["unreadable"] * 6, "click"]
    assert found[1].raw == {"unreadable": 7}
    assert len({one.event_id for one in found}) == 8
    assert {rank(one) for one in found[1:7]} == {0}


def test_an_unknown_event_is_kept_and_changes_nothing():
    found = event(event="account_status_change")
    assert (found.name, rank(found), suppressing(found)) == ("account_status_change", 0, None)


def test_without_an_id_the_same_element_gets_the_same_id_again():
    one, again, other = events(
        {"event": "open", "url": "a"}, {"url": "a", "event": "open"}, {"event": "open", "url": "b"}
    )
    assert one.event_id == again.event_id != other.event_id
    assert len(one.event_id) <= 100


def test_what_no_database_takes_is_taken_out():
    raw = b'[{"event":"bounce","reason":"a\\u0000b\\ud800c","x":NaN,"y":1e999,"z":' + b"9" * 6000 + b"}]"
    (found,) = parse_events(raw)
    assert found.reason == "abc"
    assert [found.raw[key] for key in "xyz"] == [None, None, None]
    json.dumps(found.raw, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"\xff\xfe\x00", "not-json"),
        (b'{"event":"open"}', "not-an-array"),
        (b'"open"', "not-an-array"),
        (b"null", "not-an-array"),
        (b"[" * 500_000, "not-json"),
        (b" " * (1024 * 1024 + 1), "too-large"),
    ],
)
def test_what_is_no_post_of_events_is_refused_by_name(raw, reason):
    found = parse_events(raw)
    assert isinstance(found, Refusal)
    assert found.reason == reason


def test_a_full_post_of_one_megabyte_is_read():
    one = json.dumps({"event": "delivered", "sg_event_id": "e", "email": "ana@x.example", "pad": "x" * 900})
    raw = ("[" + ",\r\n".join([one] * 1060) + "]").encode()
    assert 1_000_000 < len(raw) <= sendgrid_events.MAX_BYTES
    assert len(parse_events(raw)) == 1060
    assert parse_events(b"[]") == []


def test_a_megabyte_of_noise_is_refused_and_not_a_crash():
    for _ in range(3):
        noise = os.urandom(1024 * 1024)
        assert isinstance(parse_events(noise), Refusal)
        assert not verify(shown(KEY), signed(), TIMESTAMP, noise)
    assert len(parse_events(b"[" + b"1," * 50_000 + b"1]")) == 50_001


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    "event",
    "email",
    "timestamp",
    "sg_event_id",
    "sg_message_id",
    "smtp-id",
    "category",
    "type",
    "reason",
    "attempt",
)


@given(st.lists(st.dictionaries(st.sampled_from((*FIELDS, "om_mid", "sg_machine_open")), json_values) | json_values))
def test_any_json_array_becomes_as_many_events(elements):
    found = parse_events(json.dumps(elements).encode())
    assert isinstance(found, list)
    assert len(found) == len(elements)
    for one in found:
        rank(one), suppressing(one), one.soft, one.request_id
        json.dumps(one.raw, allow_nan=False).encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    assert isinstance(parse_events(raw), list | Refusal)
    assert verify(shown(KEY), signed(), TIMESTAMP, raw) is False


def test_the_state_is_the_same_in_every_order_of_arrival():
    names = ("processed", "deferred", "delivered", "open", "click", "spamreport")
    story = [event(event=name) for name in names]
    states = {max(order, key=rank).name for order in itertools.permutations(story)}
    assert states == {"spamreport"}
    assert [rank(one) for one in story] == sorted({rank(one) for one in story})


def test_bounces_and_drops_outrank_what_people_did_and_are_outranked_by_their_word():
    assert rank(event(event="click")) < rank(event(event="bounce")) == rank(event(event="dropped"))
    assert rank(event(event="bounce")) < rank(event(event="unsubscribe")) == rank(event(event="group_unsubscribe"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, "bounced"),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1"}, None),
        ({"event": "bounce", "status": "5.1.1"}, "bounced"),
        ({"event": "bounce", "status": "4.2.2"}, None),
        ({"event": "bounce"}, None),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounced"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complained"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed"),
        ({"event": "dropped", "reason": "Invalid"}, "invalid-address"),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, None),
        ({"event": "dropped", "reason": "Spam Content"}, None),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, None),
        ({"event": "dropped"}, None),
        ({"event": "spamreport"}, "complained"),
        ({"event": "unsubscribe"}, "unsubscribed"),
        ({"event": "group_unsubscribe"}, "unsubscribed"),
        ({"event": "group_resubscribe"}, None),
        ({"event": "deferred", "reason": "Bounced Address"}, None),
        ({"event": "delivered"}, None),
    ],
)
def test_only_lasting_facts_suppress(fields, reason):
    assert suppressing(event(**fields)) == reason


def test_a_blocked_bounce_is_soft():
    assert event(event="bounce", type="blocked").soft
    assert not event(event="bounce", type="bounce").soft
