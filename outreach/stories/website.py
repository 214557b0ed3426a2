"""Stories that may stand on the practice's website today: nothing is kept, so a withdrawn one is gone at once."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.contacts.models import Contact
from outreach.content.models import Asset
from outreach.content.people_blocks import said_by
from outreach.content.picture_blocks import path_of
from outreach.stories.models import Story

MOST = 100
SCOPE = "website"


@dataclass(frozen=True)
class Pictured:
    """Where a picture is served, what it shows, and its size in pixels."""

    address: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Told:
    """One story as everybody may read it. `until`: the last day on which it may be shown."""

    id: int
    words: str
    said_by: str
    until: date | None
    picture: Pictured | None = None
    """The picture that was signed with the words."""


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
    seen = _pictures(session, [signed for _, signed in live[:MOST]])
    return [
        Told(number, signed.wording.strip(), said_by(signed, session), signed.expires_on, seen.get(signed.id))
        for number, signed in live[:MOST]
    ]


def _pictures(session: Session, permissions: Sequence[Authorization]) -> dict[int, Pictured]:
    """{permission: its picture}; one that was put into the trash of the library is not shown."""
    wanted = {one.facts["asset_id"]: one.id for one in permissions if one.facts.get("asset_id")}
    found = select(Asset).where(Asset.id.in_(wanted), Asset.deleted_at.is_(None))
    return {
        wanted[asset.id]: Pictured(path_of(asset), asset.alt, asset.width, asset.height)
        for asset in (session.scalars(found) if wanted else ())
        if asset.authorization_id == wanted[asset.id]
    }


def as_json(practice: str, stories: list[Told], *, address: str = "") -> bytes:
    """The feed in UTF-8: {"practice": name, "stories": [{"id", "words", "said_by", "until", "picture"}]}.

    Days as 2027-03-01; a picture is null or {"address", "alt", "width", "height"}, under `address` of this program.
    The same stories give the same bytes.
    """
    told = [asdict(one) for one in stories]
    for one in told:
        if one["picture"] is not None:
            one["picture"]["address"] = address.rstrip("/") + one["picture"]["address"]
    feed = {"practice": practice, "stories": told}
    return json.dumps(feed, ensure_ascii=False, indent=1, default=str).encode()
