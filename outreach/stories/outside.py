"""Places outside of this program where a client's words stand: a poster, a post, a slide. Noted, and taken down."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.stories import locking, queries, rules
from outreach.stories.file_models import StoryUse
from outreach.stories.models import Story


def note(
    session: Session,
    authorization: Authorization,
    *,
    now: datetime,
    scope: str,
    place: str,
    used_on: date,
    by_id: int | None,
) -> StoryUse | Refusal:
    """The words stand in that place since that day; a place that is on the list already stays as it is.

    Refusals: not-live, other-scope, no-place, bad-date.
    """
    locking.hold_permission(session, authorization)
    zone = ZoneInfo(practice_of(session).time_zone)
    today = now.astimezone(zone).date()
    if authorization.state != "signed" or authorization.expires_on is None or authorization.expires_on < today:
        return Refusal("not-live", "There is no live permission: the words may stand nowhere. Take them down there.")
    if not is_live(authorization, scope, on=today):
        label = rules.SCOPE_LABELS.get(scope, "that")
        return Refusal("other-scope", f"The permission does not include “{label}”. Take the words down there, or ask.")
    if not place.strip():
        return Refusal("no-place", "Say where the words stand, for example “Poster in the waiting room”.")
    if not _signed_on(authorization, zone) <= used_on <= today:
        return Refusal("bad-date", "The day must lie between the signature and today.")
    known = select(StoryUse).where(
        StoryUse.authorization_id == authorization.id,
        StoryUse.scope == scope,
        StoryUse.place == place.strip()[:500],
        StoryUse.taken_down_at.is_(None),
    )
    if (standing := session.scalars(known.order_by(StoryUse.id).limit(1)).first()) is not None:
        return standing
    made = StoryUse(
        authorization_id=authorization.id,
        scope=scope,
        place=place.strip()[:500],
        used_on=used_on,
        noted_at=now,
        noted_by_id=by_id,
    )
    session.add(made)
    session.flush()
    return made


def take_down(use: StoryUse, *, now: datetime, by_id: int | None) -> None:
    """The words stand there no more; the line stays readable. Idempotent."""
    if use.taken_down_at is None:
        use.taken_down_at, use.taken_down_by_id = now, by_id


def put_back(use: StoryUse) -> None:
    """Undo: the words stand there after all. Idempotent."""
    use.taken_down_at = use.taken_down_by_id = None


def places(session: Session, story: Story) -> list[StoryUse]:
    """Where the words of this story stand or stood, under any of its permissions; those that still stand first."""
    ids = [one.id for one in queries.earlier(session, story)]
    ids += [story.authorization_id] if story.authorization_id else []
    found = select(StoryUse).where(StoryUse.authorization_id.in_(ids))
    return list(session.scalars(found.order_by(StoryUse.taken_down_at.is_not(None), StoryUse.used_on, StoryUse.id)))


def still_standing(session: Session, authorization_ids: Sequence[int]) -> int:
    """In how many places outside the words stand under these permissions."""
    found = select(func.count()).where(
        StoryUse.authorization_id.in_(authorization_ids), StoryUse.taken_down_at.is_(None)
    )
    return session.scalar(found) or 0


def _signed_on(authorization: Authorization, zone: ZoneInfo) -> date:
    kept = authorization.facts.get("signed_on")
    if kept:
        return date.fromisoformat(kept)
    assert authorization.signed_at is not None
    return authorization.signed_at.astimezone(zone).date()
