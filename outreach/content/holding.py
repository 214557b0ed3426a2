"""A picture that turns out to show a client: messages kept before are held to its permission too."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.content.kinds import story_scopes
from outreach.content.models import Asset, Message, MessageAuthorization


def hold_kept(session: Session, assets: Iterable[Asset], *, authorization_id: int) -> int:
    """Every kept message that shows or links one of these needs that permission at the moment of sending; answers how
    many do. Idempotent.

    A message names what it shows by its token, in the text or among its links; one that was kept before the picture
    came cannot. So what is new today costs nothing, and an old picture one look through the messages since.
    """
    known = {asset.token: asset for asset in assets}
    if not known:
        return 0
    named = [_shows(token).label(f"asset_{asset.id}") for token, asset in known.items()]
    since = min(asset.added_at for asset in known.values())
    found = select(Message.id, Message.kind, Message.audiences, *named)
    rows = []
    for row in session.execute(found.where(Message.made_at >= since, or_(*map(_shows, known)))):
        titles = ", ".join(f"“{asset.title}”" for asset in known.values() if getattr(row, f"asset_{asset.id}"))
        rows += [
            {
                "message_id": row.id,
                "authorization_id": authorization_id,
                "scope": scope,
                "line": f"Picture: {titles}"[:500],
            }
            for scope in story_scopes(row.kind, row.audiences)
        ]
    if rows:
        build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(build(MessageAuthorization).on_conflict_do_nothing(), rows)
    return len({row["message_id"] for row in rows})


def _shows(token: str) -> ColumnElement[bool]:
    parts = (cast(Message.segments, String), cast(Message.links, String))
    return or_(*(part.contains(token, autoescape=True) for part in parts))
