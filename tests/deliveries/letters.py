"""Newsletters in many copies, as the engine would hand them over, and SendGrid's own way of filling them in."""

from collections.abc import Mapping
from typing import Any

from outreach.content.segments import filler, wrapped
from outreach.deliveries.mail.message import Letter, OutgoingMessage
from tests.deliveries.messages import a_message

LETTER = Letter(
    {
        "subject": ["News for ", ["d", "first_name", "colleague", "t"]],
        "html": [
            '<style>a{color:#036}</style><p style="margin:0">Dear ',
            ["d", "first_name", "colleague", "h"],
            " of ",
            ["d", "organization", "your office", "h"],
            "</p>",
            ["g", 3, ["<p>For pediatricians: <b>", ["d", "first_name", "you", "h"], "</b></p>"]],
            ["g", 12, ["<p>After surgery</p>", ["v", "event_title", ["<i>", ["d", "event_title", "", "h"], "</i>"]]]],
            '<a href="',
            ["l", 0, "https://cedarlane.example/hands?a=1&b=2", "h"],
            '">Read</a>',
            ["v", "view_url", ['<a href="', ["d", "view_url", "", "h"], '">View</a>']],
            '<a href="',
            ["d", "unsubscribe_url", "", "h"],
            '">Unsubscribe</a>' + "<p>care</p>" * 900,
        ],
        "text": [
            "Dear ",
            ["d", "first_name", "colleague", "t"],
            " of ",
            ["d", "organization", "your office", "t"],
            ", this is a line that long names make longer than it may be\nplain line\n",
            ["g", 3, ["For pediatricians\n"]],
            "  indented, ",
            ["d", "organization", "your office", "t"],
            " is where hands are in good hands and more than that\n",
            ["l", 0, "https://cedarlane.example/hands?a=1&b=2", "t"],
            "\n\nUnsubscribe:\n",
            ["d", "unsubscribe_url", "", "t"],
            "\n",
        ],
    }
)


def a_copy(number: int, values: Mapping[str, str], *, letter: Letter = LETTER, **more: Any) -> OutgoingMessage:
    """The message of one person, rendered by our own renderer."""
    parts = {name: filler(segments)(values) for name, segments in letter.segments.items()}
    token = f"{number:022d}"
    return a_message(
        delivery_id=number,
        message_id=f"{number}.{token[:16]}@practice.example",
        to_name=values.get("first_name", "")[:60],
        **{
            "to_email": f"n{number}@pediatrics.example",
            "list_unsubscribe_url": f"https://practice.example/u/{number}/{token}",
            "list_unsubscribe_mailto": f"mailto:unsub+{token}@in.practice.example",
            "subject": parts["subject"],
            "html": parts["html"],
            "text": wrapped(parts["text"]),
            "letter": letter,
            "values": values,
            **more,
        },
    )


def copies(many: int, **more: Any) -> list[OutgoingMessage]:
    """That many, no two alike."""
    return [a_copy(number, plain_values(number), **more) for number in range(1, many + 1)]


def plain_values(number: int) -> dict[str, str]:
    """What an ordinary reader has."""
    return {
        "first_name": f"Ana{number}",
        "organization": "Lakeside Pediatrics & Family",
        "unsubscribe_url": f"https://practice.example/u/{number}/{number:022d}",
        "view_url": f"https://practice.example/v/{number}/{number:022d}",
        "_link_0": f"https://practice.example/l/{number}-0-{number:022d}",
    }


def filled_in(payload: dict[str, Any], place: int) -> tuple[str, str, str]:
    """(subject, html, text) as SendGrid sends them: each key replaced wherever it stands, whatever it is."""
    person = payload["personalizations"][place]
    text, html = (content["value"] for content in payload["content"])
    subject = person["subject"]
    for token, value in person.get("substitutions", {}).items():
        subject, html, text = (part.replace(token, value) for part in (subject, html, text))
    return subject, html, text
