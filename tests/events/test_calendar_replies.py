"""Answers as mail programs really send them, and as nobody should."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import Refusal
from outreach.events.replies import MAX_BYTES, Reply, parse_reply, stale_reason

TOKEN = "q7Zk_3b-9XaTn2Lw0pYdGg"
UID = "12-345@practice.example"

GOOGLE = f"""BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20260312T161500Z
DTEND:20260312T170000Z
DTSTAMP:20260221T101112Z
ORGANIZER;CN=Riverbend Therapy:mailto:rsvp+{TOKEN}@in.practice.example
UID:{UID}
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Ana Mü
 ller;X-NUM-GUESTS=2;X-RESPONSE-COMMENT="No nuts, please":mailto:Ana.Mueller@Pediatrics.example
SEQUENCE:1
STATUS:CONFIRMED
SUMMARY:Lunch and learn
END:VEVENT
END:VCALENDAR
"""

EXCHANGE = f"""BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=DECLINED;CN=Ana:MAILTO:ana.mueller@pediatrics.example
COMMENT;LANGUAGE=en-US:In surgery\\, sorry.\\nNext time!
UID:{UID}
SUMMARY;LANGUAGE=en-US:Declined: Lunch and learn
DTSTART;TZID=Eastern Standard Time:20260312T121500
DTEND;TZID=Eastern Standard Time:20260312T130000
DTSTAMP:20260221T111213Z
SEQUENCE:1
END:VEVENT
END:VCALENDAR
"""


def mailed(
    ics: str | bytes, *, to: str = f"rsvp+{TOKEN}@in.practice.example", part: str = "text/calendar", **headers
) -> bytes:
    """A reply as mail programs send it: text first, then the calendar part in base64."""
    data = ics.encode() if isinstance(ics, str) else ics
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        (
            f"From: Ana <ana.mueller@pediatrics.example>\r\nTo: {to}\r\nSubject: Accepted: Lunch\r\n{extra}"
            'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b1"\r\n\r\n'
            "--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAna has accepted.\r\n"
            f"--b1\r\nContent-Type: {part}; charset=utf-8; method=REPLY\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        ).encode()
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
        + b"--b1--\r\n"
    )


def read(raw: bytes, **arguments) -> Reply:
    reply = parse_reply(raw, **arguments)
    assert isinstance(reply, Reply), reply
    return reply


def refusal(raw: bytes) -> str:
    result = parse_reply(raw)
    assert isinstance(result, Refusal), result
    assert result.text
    return result.reason


def test_a_google_answer_is_read_whole():
    assert read(mailed(GOOGLE)) == Reply(
        tokens=(TOKEN,),
        uid=UID,
        attendee="ana.mueller@pediatrics.example",
        sender="ana.mueller@pediatrics.example",
        method="REPLY",
        partstat="ACCEPTED",
        sequence=1,
        stamped_at=datetime(2026, 2, 21, 10, 11, 12, tzinfo=UTC),
        comment="No nuts, please",
        extra_guests=2,
        organizer=f"rsvp+{TOKEN}@in.practice.example".lower(),
    )


def test_an_exchange_answer_needs_no_organizer_and_may_shout_mailto():
    reply = read(mailed(EXCHANGE.replace("\n", "\r\n")))
    assert (reply.answer, reply.token, reply.attendee) == ("declined", TOKEN, "ana.mueller@pediatrics.example")
    assert reply.comment == "In surgery, sorry.\nNext time!"
    assert reply.organizer == ""


@pytest.mark.parametrize(
    "disguise",
    [
        lambda ics: ics,
        lambda ics: b"\xef\xbb\xbf" + ics,
        lambda ics: b"\r\n\r\n" + ics,
        lambda ics: ics.replace(b"\n", b"\r\n"),
        lambda ics: ics.decode().encode("latin-1"),
        lambda ics: ics + b"\x00\x00\r\n\r\n",
        lambda ics: ics.replace(b"BEGIN:VCALENDAR", b"begin:vcalendar"),
    ],
    ids=["lf", "bom", "blank-line", "crlf", "latin-1", "trailing-nul", "lower-case"],
)
def test_the_usual_disorder_changes_nothing(disguise):
    for raw in (disguise(GOOGLE.encode()), mailed(disguise(GOOGLE.encode()))):
        assert (read(raw).answer, read(raw).uid, read(raw).token) == ("accepted", UID, TOKEN)


def test_the_part_may_be_an_attached_file_only():
    assert read(mailed(GOOGLE, part="application/ics; name=invite.ics")).answer == "accepted"


def test_the_token_is_looked_for_in_the_envelope_first_and_in_the_organizer_last():
    raw = mailed(
        GOOGLE, to="Practice <front@practice.example>", Delivered_To="rsvp+fromdeliveredto1@in.practice.example"
    )
    reply = read(raw, envelope_to=["rsvp+fromenvelope0001@in.practice.example"])
    assert reply.tokens == ("fromenvelope0001", "fromdeliveredto1", TOKEN)


def test_a_gateway_that_lower_cases_the_recipient_leaves_the_right_token_as_second():
    assert read(mailed(GOOGLE, to=f"rsvp+{TOKEN}@in.practice.example".lower())).tokens == (TOKEN.lower(), TOKEN)


def test_without_any_token_the_uid_and_the_attendee_are_left():
    reply = read(mailed(EXCHANGE, to="front@practice.example"))
    assert (reply.token, reply.uid) == (None, UID)


@pytest.mark.parametrize(
    ("partstat", "answer"), [("ACCEPTED", "accepted"), ("declined", "declined"), ("TENTATIVE", "tentative")]
)
def test_three_answers_are_understood(partstat, answer):
    assert read(mailed(GOOGLE.replace("PARTSTAT=ACCEPTED", f"PARTSTAT={partstat}"))).answer == answer


@pytest.mark.parametrize(
    "ics",
    [
        GOOGLE.replace("PARTSTAT=ACCEPTED", "PARTSTAT=DELEGATED"),
        GOOGLE.replace("PARTSTAT=ACCEPTED;", ""),
        GOOGLE.replace("METHOD:REPLY", "METHOD:COUNTER"),
    ],
    ids=["delegated", "no-partstat", "counter"],
)
def test_anything_else_goes_to_a_person(ics):
    reply = read(mailed(ics))
    assert reply.needs_person
    assert reply.answer is None


def test_of_several_attendees_the_sender_is_meant_and_otherwise_nobody():
    other = "ATTENDEE;PARTSTAT=DECLINED:mailto:someone@else.example\nSEQUENCE"
    assert read(mailed(GOOGLE.replace("SEQUENCE", other))).partstat == "ACCEPTED"
    assert refusal(GOOGLE.replace("SEQUENCE", other).encode()) == "no-attendee"


def test_an_attendee_behind_a_server_path_is_known_by_its_email_parameter():
    odd = GOOGLE.replace(":mailto:Ana.Mueller@Pediatrics.example", ";EMAIL=ana@icloud.example:/principals/77")
    assert read(mailed(odd)).attendee == "ana@icloud.example"


def test_a_missing_sequence_or_stamp_is_told_as_missing():
    bare = GOOGLE.replace("SEQUENCE:1\n", "").replace("DTSTAMP:20260221T101112Z\n", "")
    reply = read(mailed(bare))
    assert (reply.sequence, reply.stamped_at) == (None, None)


def test_guests_and_comments_are_bounded():
    loud = GOOGLE.replace("X-NUM-GUESTS=2", "X-NUM-GUESTS=999999").replace("No nuts, please", "x\x07" * 5000)
    reply = read(mailed(loud))
    assert reply.extra_guests == 99
    assert reply.comment == "x" * 2000


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (mailed(GOOGLE[: len(GOOGLE) // 2]), "truncated"),
        (mailed(GOOGLE.replace("END:VEVENT\n", "")), "unreadable"),
        (mailed("not a calendar"), "unreadable"),
        (mailed(GOOGLE.replace("METHOD:REPLY", "METHOD:REQUEST")), "not-a-reply"),
        (mailed(GOOGLE.replace("METHOD:REPLY\n", "")), "not-a-reply"),
        (mailed(GOOGLE.replace(f"UID:{UID}\n", "")), "no-uid"),
        (mailed("BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR"), "not-a-reply"),
        (mailed(GOOGLE.replace("SUMMARY:", "X-FILL:" + "x" * MAX_BYTES)), "too-large"),
        (b"From: a@b.example\r\n\r\nThanks, see you there", "no-calendar"),
        (b"From: a@b.example\r\nAuto-Submitted: auto-replied\r\n\r\nI am away", "auto-reply"),
        (b"", "no-calendar"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(raw, reason):
    assert refusal(raw) == reason


def test_an_answer_inside_a_forwarded_mail_is_not_the_senders_own():
    outer = EmailMessage()
    outer["From"] = "colleague@pediatrics.example"
    outer.set_content("see below")
    inner = EmailMessage()
    inner.set_content(GOOGLE, subtype="calendar", params={"method": "REPLY"})
    outer.add_attachment(inner)
    assert refusal(outer.as_bytes()) == "no-calendar"


def test_a_mail_of_a_thousand_nested_parts_is_refused_and_not_a_crash():
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3000))
    assert isinstance(parse_reply(b"From: a@b.example\r\n" + nested), Refusal)


def test_an_answer_to_an_earlier_version_or_older_than_the_last_one_is_stale():
    reply = read(mailed(GOOGLE))
    assert stale_reason(reply, sequence=1, stamped_at=None) is None
    assert stale_reason(reply, sequence=2, stamped_at=None) == "answers-earlier-version"
    later = datetime(2026, 2, 22, tzinfo=UTC)
    assert stale_reason(reply, sequence=1, stamped_at=later) == "older-than-known-answer"
    assert stale_reason(reply, sequence=1, stamped_at=reply.stamped_at) is None
    assert stale_reason(replace(reply, sequence=None), sequence=5, stamped_at=None) is None


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(noise):
    assert isinstance(parse_reply(noise), Refusal)
    assert parse_reply(b"BEGIN:VCALENDAR\n" + noise) is not None
    assert parse_reply(mailed(GOOGLE.encode()[:300] + noise + GOOGLE.encode()[300:])) is not None


@given(st.data())
def test_no_altered_answer_makes_it_raise(data):
    raw = bytearray(mailed(GOOGLE) if data.draw(st.booleans()) else GOOGLE.encode())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(parse_reply(bytes(raw)), Reply | Refusal)
