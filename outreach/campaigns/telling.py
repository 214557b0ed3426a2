"""What campaigns put on a contact's timeline, and in which words they say why somebody's way ended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.contacts import timeline
from outreach.contacts.groups import LEFT_OUT_WORDS

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
