"""What campaigns put on a contact's timeline, and in which words they say why somebody's way ended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, cast, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign, Enrollment
from outreach.contacts import timeline
from outreach.contacts.groups import LEFT_OUT_WORDS
from outreach.contacts.timeline import Touch

STOP_WORDS = {
    "referred": "they referred someone",
    "replied": "they replied",
    "clicked": "they clicked a link",
    "answered": "they answered an invitation",
    "touched": "we were in touch in person",
    "left-group": "they are no longer in the group",
    "reached-stop": "the campaign ends here for them",
    "by-hand": "somebody took them out",
    "campaign-ended": "the campaign was ended",
    "removed": "the contact is in the trash",
    **LEFT_OUT_WORDS,
    "no-email": "there is no email address",
    "unsubscribed": "they unsubscribed",
}


def stop_words(reason: str) -> str:
    """Why a way ended, as the second half of a sentence."""
    return STOP_WORDS.get(reason, reason.replace("-", " "))


def tell_entered(session: Session, campaign: Campaign, *, at: datetime) -> None:
    """The timeline of everybody who entered the campaign at this instant says it once, in one statement."""
    chosen = select(
        Enrollment.contact_id,
        literal("enrolled"),
        Enrollment.entered_at,
        literal(f"Started “{campaign.name}”"),
        Enrollment.by_id,
        literal("enrollment:").concat(cast(Enrollment.id, String)),
        literal(campaign.from_yield),
    ).where(Enrollment.campaign_id == campaign.id, Enrollment.entered_at == at, Enrollment.state == "active")
    names = ["contact_id", "kind", "at", "text", "by_id", "origin", "from_yield"]
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    table = Touch.__table__
    told = build(table).from_select(names, chosen, include_defaults=False)  # type: ignore[arg-type]
    session.execute(told.on_conflict_do_nothing())


def tell(
    session: Session,
    campaign: Campaign,
    people: Sequence[tuple[int, int]],
    kind: str,
    text: str,
    *,
    at: datetime,
    by_id: int | None = None,
    from_yield: bool = False,
) -> None:
    """The timeline of these people (enrollment id, contact id) says it once: enrolled, finished or stopped."""
    timeline.add_many(
        session,
        [
            {
                "contact_id": contact_id,
                "kind": kind,
                "at": at,
                "text": text,
                "minutes": None,
                "by_id": by_id,
                "origin": f"enrollment:{enrollment_id}",
                "from_yield": from_yield or campaign.from_yield,
            }
            for enrollment_id, contact_id in people
        ],
    )
