"""Counts how often a card was used: by the day, people apart from programs that open every link."""

from datetime import date

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.enquiries.models import FriendCard, FriendUse


def count(session: Session, card: FriendCard, way: str, *, on: date, machine: bool) -> None:
    """One more look at the card's page, by that way on that local day. One statement."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = build(FriendUse).values(
        card_id=card.id, on=on, way=way, opened=0 if machine else 1, by_machine=1 if machine else 0
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=["card_id", "on", "way"],
            set_={
                "opened": FriendUse.opened + made.excluded.opened,
                "by_machine": FriendUse.by_machine + made.excluded.by_machine,
            },
        )
    )
