"""The rights that a practice may give out, finer than the four roles, and which roles hold them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base


@dataclass(frozen=True)
class Right:
    """One right. `usual`: the roles that hold it unless the practice chose; `open_to`: those that may be chosen.

    Administrators hold every right always: so nobody can lock everybody out.
    """

    name: str
    label: str
    about: str
    usual: frozenset[str]
    open_to: tuple[str, ...]


RIGHTS = (
    Right(
        "send",
        "Send and publish",
        "Publish a campaign, put people in by hand, invite to a meeting, send once more, and let held mail go on.",
        frozenset({"coordinator"}),
        ("coordinator", "clinician"),
    ),
    Right(
        "approve",
        "Approve newsletters and cards",
        "Fix the words and the list of an issue or a run of cards: from then on it leaves by itself.",
        frozenset({"coordinator"}),
        ("coordinator", "clinician"),
    ),
    Right(
        "override",
        "Override a yearly limit",
        "Let a gift or a meal pass the limit of a physician. The ledger keeps the name and the reason.",
        frozenset(),
        ("coordinator",),
    ),
    Right(
        "ledger",
        "See the value ledger",
        "What was given to whom, and how far everybody is from the yearly limit.",
        frozenset({"coordinator"}),
        ("coordinator", "clinician", "read-only"),
    ),
)
NAMES = frozenset(right.name for right in RIGHTS)


class RightChoice(Base):
    """Who holds one right beside administrators, where the practice chose otherwise than usual (`RIGHTS`)."""

    __tablename__ = "right_choice"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    roles: Mapped[list[str]]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


def chosen(session: Session) -> dict[str, frozenset[str]]:
    """{right: the roles beside administrators that hold it}, for every right."""
    made = {choice.name: choice.roles for choice in session.scalars(select(RightChoice))}
    return {right.name: frozenset(made.get(right.name, right.usual)) & frozenset(right.open_to) for right in RIGHTS}


def held_by(session: Session, role: str) -> frozenset[str]:
    """The names of the rights that people of this role hold."""
    if role == "administrator":
        return NAMES
    return frozenset(name for name, roles in chosen(session).items() if role in roles)
