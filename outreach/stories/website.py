"""Stories that may stand on the practice's website today: nothing is kept, so a withdrawn one is gone at once."""

import json
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.contacts.models import Contact
from outreach.content.people_blocks import said_by
from outreach.stories.models import Story

MOST = 100
SCOPE = "website"


@dataclass(frozen=True)
class Told:
    """One story as everybody may read it. `until`: the last day on which it may be shown."""

    id: int
    words: str
    said_by: str
    until: date | None


def shown(session: Session, *, on: date) -> list[Told]:
    """The stories whose permission includes the website and is live on that local day, newest signature first.

    Stories that were put away, and those of people who are no longer on record, are not shown.
    """
    rows = session.execute(
        select(Story.id, Authorization, Contact)
        .join(Authorization, Authorization.id == Story.authorization_id)
        .join(Contact, Contact.id == Story.contact_id)
        .where(
            Authorization.state == "signed",
            Authorization.expires_on >= on,
            Story.closed_at.is_(None),
            Contact.deleted_at.is_(None),
        )
        .order_by(Authorization.signed_at.desc(), Story.id.desc())
    ).all()
    live = [(number, signed) for number, signed, _teller in rows if is_live(signed, SCOPE, on=on)]
    return [
        Told(number, signed.wording.strip(), said_by(signed, session), signed.expires_on)
        for number, signed in live[:MOST]
    ]


def as_json(practice: str, stories: list[Told]) -> bytes:
    """The feed in UTF-8: {"practice": name, "stories": [{"id", "words", "said_by", "until"}]}.

    Days as 2027-03-01. The same stories give the same bytes.
    """
    feed = {"practice": practice, "stories": [asdict(one) for one in stories]}
    return json.dumps(feed, ensure_ascii=False, indent=1, default=str).encode()
