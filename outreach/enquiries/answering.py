"""What became of an enquiry: reached, closed with an outcome, opened again; deleted 90 days after closing."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.enquiries.models import OUTCOMES, Enquiry
from outreach.enquiries.rules import KEPT_AFTER_CLOSING
from outreach.errors import Refusal


def reached(session: Session, enquiry: Enquiry, *, now: datetime) -> Enquiry | Refusal:
    """Somebody spoke with the person. Idempotent. Refusals: closed-already."""
    if enquiry.state == "closed":
        return Refusal("closed-already", "This enquiry is closed. Open it again first.")
    enquiry.state, enquiry.reached_at = "reached", enquiry.reached_at or now
    tasks.drop(session, _origin(enquiry), now=now)
    session.flush()
    return enquiry


def close(session: Session, enquiry: Enquiry, outcome: str, *, now: datetime, by_id: int | None) -> Enquiry | Refusal:
    """Nothing more is to be done; what they left is deleted 90 days later. Refusals: unknown-outcome."""
    if outcome not in OUTCOMES:
        return Refusal("unknown-outcome", "Say what came of it.")
    if enquiry.state != "closed":
        enquiry.closed_at, enquiry.closed_by_id = now, by_id
    enquiry.state, enquiry.outcome = "closed", outcome
    tasks.drop(session, _origin(enquiry), now=now)
    session.flush()
    return enquiry


def reopen(session: Session, enquiry: Enquiry) -> None:
    """It was closed too early. Idempotent."""
    if enquiry.state == "closed":
        enquiry.state = "reached" if enquiry.reached_at else "new"
        enquiry.outcome = enquiry.closed_at = enquiry.closed_by_id = None
        session.flush()


def purge(session: Session, *, now: datetime, kept_for: timedelta = KEPT_AFTER_CLOSING) -> int:
    """Enquiries that were closed so long ago are gone; answers how many. Idempotent."""
    gone = delete(Enquiry).where(Enquiry.closed_at < now - kept_for).returning(Enquiry.id)
    return len(session.scalars(gone).all())


def _origin(enquiry: Enquiry) -> str:
    return f"enquiry:{enquiry.id}:"
