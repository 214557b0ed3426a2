"""Messages that several tests of this room send."""

from datetime import UTC, datetime
from typing import Any

from outreach.deliveries.mail.message import CalendarPart, OutgoingMessage

ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Outreach//Outreach//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
    "UID:1-2@practice.example\r\nDTSTAMP:20260220T153000Z\r\nDTSTART:20260312T161500Z\r\nDTEND:20260312T170000Z\r\n"
    "SUMMARY:Lunch – früh\r\nSEQUENCE:0\r\nORGANIZER:mailto:rsvp+abc@in.practice.example\r\n"
    "ATTENDEE:mailto:ana@pediatrics.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()
INVITE = CalendarPart("REQUEST", ICS)


def a_message(**changes: Any) -> OutgoingMessage:
    """A newsletter to Ana, with whatever the test needs to be different."""
    values: dict[str, Any] = {
        "delivery_id": 7001,
        "message_id": "d7001.k3v9@practice.example",
        "from_name": "Riverbend Therapy",
        "from_email": "hello@practice.example",
        "to_name": "Dr. Ana Müller",
        "to_email": "ana@pediatrics.example",
        "reply_to": "front@practice.example",
        "subject": "Early signs of tongue-tie: what to look for",
        "html": "<p>Dear Dr. Müller,</p>\n<p>" + "long line " * 200 + "</p>\n",
        "text": "Dear Dr. Müller,\n\n.\nFrom here on: = and trailing space \n" + "long line " * 200 + "\n",
        "list_unsubscribe_url": "https://practice.example/u/q7Zk_3b-9XaTn2Lw0pYdGg",
        "list_unsubscribe_mailto": "mailto:unsub+q7Zk_3b-9XaTn2Lw0pYdGg@in.practice.example",
        "list_id": "newsletter.practice.example",
        "one_click": True,
        "date": datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        "calendar": None,
        "attachments": (),
        "extra_headers": (),
        "kind": "newsletter",
    }
    return OutgoingMessage(**(values | changes))
