"""The scan of a signed paper: written anew or checked by us, kept with the permission that it proves."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.content import assets, pdfs
from outreach.errors import Refusal
from outreach.stories.file_models import StoryFile

NOT_A_SCAN = Refusal(
    "not-a-scan",
    "This file is neither a PDF nor a picture we can read. Choose the scan as PDF, JPEG or PNG. Nothing was recorded.",
)
TOO_LARGE = Refusal("too-large", "The file is too large (over 25 MB, or 5 MB for a PDF). Nothing was recorded.")
ACTS = Refusal(
    "active-file",
    "This PDF holds a script, a form, another file or a password. Scan the paper to a plain PDF. Nothing was recorded.",
)
WORDS = {"not-a-picture": NOT_A_SCAN, "not-a-pdf": NOT_A_SCAN, "active-file": ACTS}
NOT_VOUCHED = Refusal(
    "not-vouched",
    "Look at the paper, tick that it shows what is entered here, and choose the file again. Nothing was recorded.",
)


@dataclass(frozen=True)
class Scan:
    """What is kept of the file."""

    data: bytes
    media_type: str
    size: tuple[int, int] = (0, 0)


def read(content: bytes, *, vouched: bool) -> Scan | Refusal:
    """The scan as it would be kept. Refusals: not-a-scan, too-large, active-file, not-vouched."""
    if content.startswith(b"%PDF-"):
        checked = pdfs.checked(content)
        made = checked if isinstance(checked, Refusal) else Scan(checked, assets.PDF)
    else:
        encoded = assets.re_encoded(content)
        made = encoded if isinstance(encoded, Refusal) else Scan(*encoded)
    if isinstance(made, Refusal):
        return WORDS.get(made.reason, TOO_LARGE)
    return made if vouched else NOT_VOUCHED


def keep(
    session: Session, authorization: Authorization, scan: Scan, *, now: datetime, by_id: int
) -> StoryFile | Refusal:
    """The scan is with the permission, and `by_id` vouches that it shows what was entered. Once for the same page.

    Refusals: not-on-paper.
    """
    if authorization.state != "signed" or authorization.facts.get("way") != "paper":
        return Refusal("not-on-paper", "This permission was not signed on paper. Nothing was recorded.")
    digest = hashlib.sha256(scan.data).hexdigest()
    known = next((one for one in scans(session, authorization.id) if one.digest == digest), None)
    if known is not None:
        return known
    made = StoryFile(
        story_id=authorization.facts["story_id"],
        authorization_id=authorization.id,
        use="scan",
        media_type=scan.media_type,
        digest=digest,
        width=scan.size[0],
        height=scan.size[1],
        size_bytes=len(scan.data),
        data=scan.data,
        added_at=now,
        added_by_id=by_id,
        verified_at=now,
        verified_by_id=by_id,
    )
    session.add(made)
    session.flush()
    return made


def scans(session: Session, authorization_id: int) -> list[StoryFile]:
    """The pages that were scanned of one permission, in the order in which they were added, without their bytes."""
    found = select(StoryFile).where(StoryFile.authorization_id == authorization_id, StoryFile.use == "scan")
    return list(session.scalars(found.order_by(StoryFile.id)))
