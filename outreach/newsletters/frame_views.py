"""What the screens of issues share: the blueprint, the issue of an address, and what is typed about times."""

from datetime import date
from typing import Any

from flask import Blueprint, g, request

from outreach import screen
from outreach.errors import Refusal
from outreach.newsletters.models import Issue
from outreach.newsletters.timing import Intention

newsletters = Blueprint("newsletters", __name__, url_prefix="/newsletters")
STATUS_WORDS = {
    "draft": "Draft",
    "approved": "Scheduled",
    "sending": "Sending",
    "held": "On hold",
    "sent": "Sent",
    "cancelled": "Cancelled",
}
BAD_TIME = Refusal("bad-time", "Choose a day and a time, for example 9:00, or send now.")


def known(issue_id: int) -> Issue:
    """The issue of an address, or a 404."""
    issue = screen.session().get(Issue, issue_id)
    return screen.or_404(issue if issue and issue.deleted_at is None else None)


def page_of(issue: Issue) -> str:
    """Where an issue is looked at: drafts in the composer, others on their own page."""
    return f"/newsletters/{issue.id}/edit" if issue.status == "draft" else f"/newsletters/{issue.id}"


def local_now() -> Any:
    """Now in the practice's zone, as the date filters want it."""
    return screen.now().astimezone(screen.zone())


def typed_time(source: Any) -> Intention | Refusal | None:
    """The chosen day and time, None for "now", or why it is none. Fields: when ("now", "later"), send_on, send_time."""
    if source.get("when", "now") != "later":
        return None
    try:
        on = date.fromisoformat(source.get("send_on", ""))
        hour, _, minute = source.get("send_time", "").partition(":")
        total = int(hour) * 60 + int(minute[:2])
    except ValueError:
        return BAD_TIME
    return Intention(on, total, screen.zone().key) if 0 <= total < 24 * 60 else BAD_TIME


def practice_name() -> str:
    """The practice's name, read for the frame of the page already."""
    return g.practice.name if g.practice else ""


def number_of_page() -> int:
    """The page asked for, from 1."""
    return max(request.args.get("page", 1, type=int), 1)
