"""Cards to pass on: one per person, and those of the practice; their addresses, and who stands behind them."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.deliveries import links
from outreach.enquiries import rules
from outreach.enquiries.models import FriendCard
from outreach.errors import Refusal

LONGEST_CHAIN = 20
MAX_TITLE_CHARS = 80


def card_for(session: Session, contact: Contact, *, now: datetime, by_id: int | None) -> FriendCard | Refusal:
    """The contact's own card. Idempotent. Refusals: not-theirs (whoever refers as their work has no such card)."""
    if contact.audience_class != "client":
        return Refusal("not-theirs", "Cards to pass on are for clients and families. Others refer as they always do.")
    known = of_contact(session, contact.id)
    return known if known is not None else _made(session, now=now, by_id=by_id, contact_id=contact.id)


def card_of_place(session: Session, title: str, *, now: datetime, by_id: int | None) -> FriendCard | Refusal:
    """A card of the practice for one place, such as the front desk. Refusals: no-title, known-already."""
    title = rules.plain_line(title, MAX_TITLE_CHARS)
    if not title:
        return Refusal("no-title", "Say where the sheet will lie, for example “Front desk”.")
    known = select(FriendCard.id).where(FriendCard.title == title, FriendCard.ended_at.is_(None))
    if session.scalar(known.limit(1)) is not None:
        return Refusal("known-already", f"There is a sheet for “{title}” already.")
    return _made(session, now=now, by_id=by_id, title=title)


def end(card: FriendCard, *, now: datetime) -> None:
    """The card leads nowhere any more. Idempotent."""
    card.ended_at = card.ended_at or now


def reopen(card: FriendCard) -> None:
    """The card leads to the form again. Idempotent."""
    card.ended_at = None


def of_contact(session: Session, contact_id: int) -> FriendCard | None:
    """The card of a contact, ended or not."""
    return session.scalar(select(FriendCard).where(FriendCard.contact_id == contact_id))


def by_code(session: Session, typed: str) -> FriendCard | None:
    """The card of a code as it was typed or scanned; None for an unknown or ended one."""
    code = rules.read_code(typed)
    found = session.scalar(select(FriendCard).where(FriendCard.code == code)) if code else None
    return found if found is not None and found.ended_at is None else None


def by_link(session: Session, key: bytes, token: str, *, now: datetime) -> FriendCard | None:
    """The card of the link in somebody's email, made when it is first opened; None for a link that we did not make.

    A contact that was merged since keeps their link: the card is that of the record that is left.
    """
    contact_id = links.read_friend_token(key, token)
    contact = _survivor(session, contact_id) if contact_id is not None else None
    if contact is None:
        return None
    card = of_contact(session, contact.id) or _made(session, now=now, by_id=None, contact_id=contact.id)
    return card if card.ended_at is None else None


def advocate_of(session: Session, card: FriendCard) -> Contact | None:
    """Who passed it on; None for a card of the practice and for somebody who was removed."""
    return _survivor(session, card.contact_id) if card.contact_id is not None else None


def paper_address(public_url: str, card: FriendCard) -> str:
    """What the QR code holds."""
    return f"{public_url}/friend/{card.code}"


def typed_address(public_url: str) -> str:
    """What people type from paper, where the form asks for the code."""
    return f"{public_url.partition('://')[2] or public_url}/friend"


def _made(
    session: Session, *, now: datetime, by_id: int | None, contact_id: int | None = None, title: str = ""
) -> FriendCard:
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    code = rules.new_code(secrets.choice)
    made = build(FriendCard).values(contact_id=contact_id, title=title, code=code, made_at=now, made_by_id=by_id)
    # Two looks at the same moment make one card: whoever comes second gets the first one's.
    session.execute(made.on_conflict_do_nothing(index_elements=["contact_id"]))
    theirs = FriendCard.code == code if contact_id is None else FriendCard.contact_id == contact_id
    return session.scalars(select(FriendCard).where(theirs)).one()


def _survivor(session: Session, contact_id: int) -> Contact | None:
    for _ in range(LONGEST_CHAIN):
        found = session.get(Contact, contact_id)
        if found is None or found.merged_into_id is None:
            return found if found is not None and found.deleted_at is None else None
        contact_id = found.merged_into_id
    return None
