"""Giving out the rights of `right_models.RIGHTS`: an administrator chooses which roles hold them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.practice.right_models import RIGHTS, RightChoice, chosen


def choose(
    session: Session, wanted: dict[str, Iterable[str]], *, now: datetime, by_id: int | None
) -> dict[str, list[str]] | Refusal:
    """The rights are held by the given roles, and by administrators; answers {right: roles} of those that changed.

    A right that `wanted` does not name stays as it is. Idempotent. Refusals: `unknown-right`, `unfit-role`.
    """
    known, before, changed = {right.name: right for right in RIGHTS}, chosen(session), {}
    for name, roles in wanted.items():
        right, held = known.get(name), frozenset(roles) - {"administrator"}
        if right is None:
            return Refusal("unknown-right", "There is no such right. Nothing was changed.")
        if not held <= frozenset(right.open_to):
            return Refusal("unfit-role", f"“{right.label}” cannot be given to that role. Nothing was changed.")
        if held != before[name]:
            changed[name] = [role for role in right.open_to if role in held]
    for name, roles in changed.items():
        session.merge(RightChoice(name=name, roles=roles, set_at=now, set_by_id=by_id))
    session.flush()
    return changed


def may(session: Session, person_id: int | None, right: str) -> bool:
    """Whether somebody who works here holds a right now; nobody outside does."""
    person = session.get(Person, person_id) if person_id is not None else None
    return person is not None and person.active and right in person.rights
