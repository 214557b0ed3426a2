"""A picture that turns out to show a client: messages kept before are held to its permission too."""

from collections.abc import Iterable

from sqlalchemy import String, cast, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.content.kinds import story_scopes
from outreach.content.models import Asset, Message, MessageAuthorization


def hold_kept(session: Session, assets: Iterable[Asset], *, authorization_id: int) -> int:
    """Every kept message that shows or links one of these needs that permission at the moment of sending; answers how
    many do. Idempotent. A message names what it shows by its token, in the text or among its links."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    held: set[int] = set()
    for asset in assets:
        parts = (cast(Message.segments, String), cast(Message.links, String))
        shown = or_(*(part.contains(asset.token, autoescape=True) for part in parts))
        for message_id, kind, audiences in session.execute(
            select(Message.id, Message.kind, Message.audiences).where(shown)
        ).all():
            rows = [
                {
                    "message_id": message_id,
                    "authorization_id": authorization_id,
                    "scope": scope,
                    "line": f"Picture: “{asset.title}”"[:500],
                }
                for scope in story_scopes(kind, audiences)
            ]
            if rows:
                session.execute(build(MessageAuthorization).on_conflict_do_nothing(), rows)
                held.add(message_id)
    return len(held)
