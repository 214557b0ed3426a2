"""What somebody wishes about cards is kept, and every list and every print goes by it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.cards.rules import WISHES
from outreach.cards.wishing.wish_models import CardWish
from outreach.contacts.models import Contact
from outreach.errors import Refusal


def keep(
    session: Session, contact_id: int, *, way: str, not_on: Collection[str], now: datetime, by_id: int | None
) -> CardWish | Refusal:
    """From now on the contact gets cards that way, and none on these occasions. Idempotent. Refusals: unknown-wish."""
    if way not in WISHES or any(key not in OCCASIONS for key in not_on):
        return Refusal("unknown-wish", "Choose one of the ways, and occasions from the list.")
    wish = session.get(CardWish, contact_id)
    if wish is None:
        wish = CardWish(contact_id=contact_id, since_at=now)
        session.add(wish)
    wish.way, wish.not_on, wish.since_at, wish.by_id = way, sorted(set(not_on)), now, by_id
    session.flush()
    return wish


def of(session: Session, matching: ColumnElement[bool]) -> dict[int, CardWish]:
    """{contact: wish} of those who match and wish anything. One statement."""
    found = select(CardWish).where(CardWish.contact_id.in_(select(Contact.id).where(matching)))
    return {wish.contact_id: wish for wish in session.scalars(found)}


def forbids(wish: CardWish | None, occasion: str, way: str = "") -> bool:
    """Whether they want no card on that occasion, or none by that way."""
    if wish is None:
        return False
    return wish.way == "none" or occasion in wish.not_on or (bool(way) and wish.way not in ("either", way))
