"""Views of the list are kept, shared and taken away."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.lists.view_models import SavedView
from outreach.errors import Refusal

MOST_OF_ONE = 20


def views_for(session: Session, person_id: int) -> Sequence[SavedView]:
    """The person's own views and those that others share, by name."""
    seen = or_(SavedView.owner_id == person_id, SavedView.shared.is_(True))
    return session.scalars(select(SavedView).where(seen).order_by(func.lower(SavedView.name), SavedView.id)).all()


def save_view(
    session: Session,
    view: SavedView | None,
    *,
    now: datetime,
    owner_id: int,
    name: str,
    shared: bool,
    asked: Mapping[str, str],
) -> SavedView | Refusal:
    """The view is kept under this name. Refusals: no-name, name-taken (by the same person's other view), too-many."""
    name = " ".join(name.split())[:60]
    if not name:
        return Refusal("no-name", "A view needs a name.")
    own = select(SavedView).where(SavedView.owner_id == owner_id)
    other = session.scalar(own.where(SavedView.name == name))
    if other is not None and other is not view:
        return Refusal("name-taken", f"You have a view called “{name}” already.")
    if view is None:
        if (session.scalar(select(func.count()).select_from(own.subquery())) or 0) >= MOST_OF_ONE:
            return Refusal("too-many", f"You have {MOST_OF_ONE} views. Take one away first.")
        view = SavedView(owner_id=owner_id, created_at=now)
        session.add(view)
    view.name, view.shared, view.asked = name, shared, dict(asked)
    session.flush()
    return view
