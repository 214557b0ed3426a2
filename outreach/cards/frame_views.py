"""What the screens of cards share: the blueprint and the run of an address."""

from datetime import date
from typing import Any

from flask import Blueprint

from outreach import screen
from outreach.cards.models import CardRun
from outreach.cards.occasions import Span

cards = Blueprint("cards", __name__, url_prefix="/cards")
STATUS_WORDS = {
    "draft": "Draft",
    "approved": "List approved",
    "going-out": "Going out",
    "done": "Done",
    "cancelled": "Cancelled",
}


def known(run_id: int) -> CardRun:
    """The run of an address, or a 404."""
    run = screen.session().get(CardRun, run_id)
    return screen.or_404(run if run and run.deleted_at is None else None)


def page_of(run: CardRun) -> str:
    """Where a run is looked at."""
    return f"/cards/{run.id}/edit" if run.status == "draft" else f"/cards/{run.id}"


def local_now() -> Any:
    """Now in the practice's zone, as the date filters want it."""
    return screen.now().astimezone(screen.zone())


def typed_day(text: str) -> date | None:
    """A day as a date field sends it; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def span_words(span: Span) -> str:
    """ "Nov 26", "Oct 6 to 12", "Dec 1 to Jan 2", "October"."""
    first, last = span.first_on, span.last_on
    if first == last:
        return f"{first:%A, %b} {first.day}"
    if first.month != last.month:
        return f"{first:%b} {first.day} to {last:%b} {last.day}"
    return f"{first:%B}" if (last - first).days > 26 else f"{first:%b} {first.day} to {last.day}"
