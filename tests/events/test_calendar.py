"""Invitations and feeds: what other programs read out of our bytes."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from outreach.events import calendar
from outreach.events.calendar import FeedEvent, Invitation

SNAPSHOTS = Path(__file__).parent / "snapshots"
NEW_YORK = ZoneInfo("America/New_York")

LUNCH = Invitation(
    uid="12-345@practice.example",
    sequence=0,
    issued_at=datetime(2026, 2, 20, 15, 30, tzinfo=UTC),
    starts_at=datetime(2026, 3, 12, 12, 15, tzinfo=NEW_YORK),
    ends_at=datetime(2026, 3, 12, 13, 0, tzinfo=NEW_YORK),
    zone="America/New_York",
    summary="Lunch and learn: early signs of tongue-tie",
    organizer_name="Riverbend Therapy",
    organizer_email="rsvp+q7Zk_3b-9XaTn2Lw0pYdGg@in.practice.example",
    attendee_name="Dr. Ana Müller, MD",
    attendee_email="ana.mueller@pediatrics.example",
    location="Conference room 2, 14 Elm Street, Albany NY",
    description="Food is on us.\n\nTell us what you cannot eat: https://practice.example/r/q7Zk",
    url="https://practice.example/r/q7Zk",
)


def same_as_snapshot(name: str, found: bytes) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(found)
    assert found == path.read_bytes()


def unfolded(ics: bytes) -> list[str]:
    return ics.decode().replace("\r\n ", "").split("\r\n")


def seen_by_vobject(ics: bytes):
    return vobject.readOne(ics.decode())


def test_an_invitation_is_the_same_file_each_time():
    assert calendar.request(LUNCH) == calendar.request(replace(LUNCH))
    same_as_snapshot("request.ics", calendar.request(LUNCH))


def test_a_change_and_a_cancellation_keep_the_identity_and_raise_the_sequence():
    moved = replace(
        LUNCH, sequence=1, starts_at=LUNCH.starts_at + timedelta(days=7), ends_at=LUNCH.ends_at + timedelta(days=7)
    )
    same_as_snapshot("update.ics", calendar.request(moved))
    same_as_snapshot("cancel.ics", calendar.cancel(replace(moved, sequence=2)))
    reads = [seen_by_vobject(ics) for ics in (calendar.request(LUNCH), calendar.request(moved), calendar.cancel(moved))]
    assert {read.vevent.uid.value for read in reads} == {"12-345@practice.example"}
    assert [read.method.value for read in reads] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [read.vevent.status.value for read in reads] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [read.vevent.sequence.value for read in reads] == ["0", "1", "1"]


def test_a_second_parser_reads_what_was_meant():
    event = seen_by_vobject(calendar.request(LUNCH)).vevent
    assert event.summary.value == LUNCH.summary
    assert event.location.value == LUNCH.location
    assert event.description.value == LUNCH.description
    assert event.dtstart.value == LUNCH.starts_at
    assert event.dtend.value == LUNCH.ends_at
    assert event.dtstamp.value == LUNCH.issued_at
    assert event.organizer.value == f"mailto:{LUNCH.organizer_email}"
    assert event.transp.value == "OPAQUE"


def test_the_invitation_names_one_person_and_asks_for_an_answer():
    event = seen_by_vobject(calendar.request(LUNCH)).vevent
    (attendee,) = event.attendee_list
    assert attendee.value == "mailto:ana.mueller@pediatrics.example"
    asked = {name: attendee.params[name] for name in ("CUTYPE", "ROLE", "PARTSTAT", "RSVP", "CN")}
    assert asked == {
        "CUTYPE": ["INDIVIDUAL"],
        "ROLE": ["REQ-PARTICIPANT"],
        "PARTSTAT": ["NEEDS-ACTION"],
        "RSVP": ["TRUE"],
        "CN": ["Dr. Ana Müller MD"],
    }


def test_lines_end_in_crlf_and_fit_75_octets():
    long = replace(LUNCH, summary="Früherkennung " * 30, description="ö" * 900)
    ics = calendar.request(long)
    assert b"\n" not in ics.replace(b"\r\n", b"")
    assert max(len(line) for line in ics.split(b"\r\n")) <= 75
    assert seen_by_vobject(ics).vevent.description.value == "ö" * 900


def test_there_is_one_standard_and_one_daylight_rule_and_no_date_list():
    lines = unfolded(calendar.request(LUNCH))
    assert lines.count("BEGIN:STANDARD") == lines.count("BEGIN:DAYLIGHT") == 1
    assert len([line for line in lines if line.startswith("RRULE:FREQ=YEARLY;BYDAY=")]) == 2
    assert not [line for line in lines if line.startswith(("RDATE", "COMMENT"))]


def test_the_calendar_carries_the_same_uid_as_the_event():
    uids = [line for line in unfolded(calendar.request(LUNCH)) if line.startswith("UID:")]
    assert uids == ["UID:12-345@practice.example"] * 2


def test_the_uid_is_told_by_event_and_invitation():
    assert calendar.uid_for(12, 345, "practice.example") == LUNCH.uid


def test_the_ascii_form_for_the_api_spells_names_and_texts_plainly():
    odd = replace(LUNCH, summary="Søvn – “naïve” café…", location="Łódź Straße", organizer_name="“Zoë”; Praxis")
    ics = calendar.request(odd, ascii_only=True)
    assert ics.isascii()
    event = seen_by_vobject(ics).vevent
    assert event.summary.value == 'Sovn - "naive" cafe...'
    assert event.location.value == "Lodz Strasse"
    assert event.organizer.params["CN"] == ["Zoe Praxis"]


def test_a_letter_without_a_latin_form_is_kept_rather_than_lost():
    ics = calendar.request(replace(LUNCH, summary="Café 早期"), ascii_only=True)
    assert seen_by_vobject(ics).vevent.summary.value == "Cafe 早期"


@pytest.mark.parametrize(
    "name",
    [
        'Ana "Annie" Müller',
        "Müller, Ana; MD: peds",
        "Ana\r\nATTENDEE:mailto:spy@evil.example",
        "Ana\u2028X\u0085Y\x0bZ\x00",
        "^n^'^^",
        "\\n\\,",
        "\ud800 half a letter",
        '"";;::,,',
        "＂；：，" * 9,
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_hostile_name_stays_a_name(name, ascii_only):
    hostile = replace(LUNCH, attendee_name=name, organizer_name=name, summary=name, location=name, description=name)
    ics = calendar.request(hostile, ascii_only=ascii_only)
    event = seen_by_vobject(ics).vevent
    assert [one.value for one in event.attendee_list] == ["mailto:ana.mueller@pediatrics.example"]
    common_name = event.attendee.params.get("CN", [""])[0]
    assert not set(common_name) & set('";:,^\\\r\n')
    assert len(Calendar.from_ical(ics).events) == 1


@given(text=st.text(max_size=120))
def test_any_text_comes_back_as_one_event_with_one_attendee(text):
    ics = calendar.request(replace(LUNCH, attendee_name=text, summary=text, location=text, description=text, url=text))
    (event,) = Calendar.from_ical(ics).events
    assert [str(one) for one in event.attendees] == ["mailto:ana.mueller@pediatrics.example"]
    assert str(event["uid"]) == LUNCH.uid
    assert max(len(line) for line in ics.split(b"\r\n")) <= 75


@pytest.mark.parametrize(
    "email", ["a b@x.example", "a@x.example\r\nX:1", "a", "a@b@c", '"a"@x.example', "ä@x.example", ""]
)
def test_an_address_that_could_break_the_file_is_refused(email):
    with pytest.raises(ValueError, match="address"):
        calendar.request(replace(LUNCH, attendee_email=email))


def test_an_unusual_but_lawful_address_stays_one_address():
    ics = calendar.request(replace(LUNCH, attendee_email="o'brien+a?b%c#d@x.example"))
    assert "mailto:o'brien+a%3Fb%25c%23d@x.example" in "".join(unfolded(ics))


def test_times_must_be_aware_and_in_order():
    with pytest.raises(ValueError, match="ends before"):
        calendar.request(replace(LUNCH, ends_at=LUNCH.starts_at))
    with pytest.raises(ValueError, match="aware"):
        calendar.request(replace(LUNCH, issued_at=LUNCH.issued_at.replace(tzinfo=None)))


def test_a_feed_has_stable_bytes_whatever_the_order_of_its_rows():
    rows = [
        FeedEvent(
            uid="e12@practice.example",
            changed_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
            starts=LUNCH.starts_at,
            ends=LUNCH.ends_at,
            summary="Lunch and learn, Elm Street",
            location=LUNCH.location,
            remind_before=timedelta(hours=2),
        ),
        FeedEvent(
            uid="e13@practice.example",
            changed_at=datetime(2026, 2, 3, 8, tzinfo=UTC),
            starts=datetime(2026, 3, 20, 12, tzinfo=NEW_YORK),
            ends=datetime(2026, 3, 20, 13, tzinfo=NEW_YORK),
            summary="Called off",
            sequence=3,
            cancelled=True,
            remind_before=timedelta(hours=2),
        ),
        FeedEvent(
            uid="q1@practice.example",
            changed_at=datetime(2026, 2, 3, 8, tzinfo=UTC),
            starts=date(2026, 7, 3),
            ends=date(2026, 7, 4),
            summary="Practice closed",
        ),
    ]
    found = calendar.feed("Riverbend outreach", "feed-1@practice.example", rows)
    assert found == calendar.feed("Riverbend outreach", "feed-1@practice.example", reversed(rows))
    same_as_snapshot("feed.ics", found)


def test_a_feed_says_how_often_to_look_and_holds_no_addresses():
    rows = [FeedEvent("e@x", LUNCH.issued_at, LUNCH.starts_at, LUNCH.ends_at, "Lunch")]
    lines = unfolded(calendar.feed("Lunches", "feed@x", rows))
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT4H" in lines
    assert "X-PUBLISHED-TTL:PT4H" in lines
    assert "X-WR-CALNAME:Lunches" in lines
    assert "DTSTART:20260312T161500Z" in lines
    assert not [line for line in lines if line.startswith(("ATTENDEE", "ORGANIZER"))]


def test_a_cancelled_event_stays_in_the_feed_without_its_alarm():
    row = FeedEvent("e@x", LUNCH.issued_at, LUNCH.starts_at, LUNCH.ends_at, "Lunch", remind_before=timedelta(hours=1))
    event = seen_by_vobject(calendar.feed("F", "f@x", [replace(row, cancelled=True)])).vevent
    assert event.status.value == "CANCELLED"
    assert not hasattr(event, "valarm")
    assert seen_by_vobject(calendar.feed("F", "f@x", [row])).vevent.valarm.trigger.value == timedelta(hours=-1)
