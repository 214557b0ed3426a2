"""Setting how the practice's mail looks: logo, colour, signature."""

from datetime import datetime

from sqlalchemy.orm import Session

from outreach.content import look
from outreach.content.look_models import EmailLook
from outreach.content.models import Asset
from outreach.errors import Refusal
from outreach.practice.models import Person, Practice

LOGO_WIDTHS = (40, 300)
"""Pixels: the narrowest that can be seen, and half the width of a mail."""
MAX_SIGN_OFF_CHARS = 100


def look_of(session: Session) -> EmailLook | None:
    """The look as it was last set; None as long as nobody did."""
    return session.get(EmailLook, 1)


def save(
    session: Session,
    *,
    now: datetime,
    colour: str,
    logo_id: int | None,
    logo_width: int,
    sign_off: str,
    signer_id: int | None,
) -> EmailLook | Refusal:
    """Mail that is made from now on looks like this; what was approved stays as it is. Idempotent.

    Refusals: colour-not-readable (less than 4.5:1 with white), no-logo (not a picture of the library, or one that shows
    a client), logo-width, no-signer.
    """
    if not look.readable(colour):
        return _not_readable(colour)
    logo = session.get(Asset, logo_id) if logo_id else None
    if logo_id and (logo is None or logo.deleted_at is not None or not logo.width or logo.shows_client):
        return Refusal("no-logo", "Choose a picture of the library that shows no client.")
    if not LOGO_WIDTHS[0] <= logo_width <= LOGO_WIDTHS[1]:
        return Refusal("logo-width", f"The logo is {LOGO_WIDTHS[0]} to {LOGO_WIDTHS[1]} pixels wide in mail.")
    signer = session.get(Person, signer_id) if signer_id else None
    if signer_id and (signer is None or not signer.active):
        return Refusal("no-signer", "Choose somebody who works here.")
    session.get_one(Practice, 1).brand_colour = colour.lower()
    kept = look_of(session)
    if kept is None:
        kept = EmailLook(id=1, changed_at=now)
        session.add(kept)
    kept.logo_id, kept.logo_width = logo_id, logo_width
    kept.sign_off, kept.signer_id = " ".join(sign_off.split())[:MAX_SIGN_OFF_CHARS], signer_id
    kept.changed_at = now
    session.flush()
    return kept


def _not_readable(colour: str) -> Refusal:
    darker = look.darker(colour)
    if not darker:
        return Refusal("colour-not-readable", "Write the color as # and six letters or digits, such as #0a5c54.")
    ratio = look.contrast(colour, "#ffffff")
    text = f"White words on {colour} cannot be read well ({ratio:.1f} to 1; 4.5 is needed). {darker} would do."
    return Refusal("colour-not-readable", text)
