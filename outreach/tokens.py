"""Public tokens: 128 bits that a person carries in a link instead of a sign-in.

Derived, never stored: HMAC-SHA256(key, purpose | contact | topic | generation). The database keeps the digest and
the generation (architecture 9.3). Raising the generation revokes; nothing expires by itself.
"""

import base64
import hashlib
import hmac

from sqlalchemy import CheckConstraint, Connection, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, one_of

TOKEN_BYTES = 16
PURPOSES = ("unsubscribe", "preferences", "rsvp", "authorization", "view", "reply", "feed", "signup")


class PublicToken(Base):
    """The digest of a token that was handed out, and what it stands for. `subject_id` is a contact, an invitation, …"""

    __tablename__ = "public_token"
    __table_args__ = (CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    topic: Mapped[str] = mapped_column(String(60), default="")
    generation: Mapped[int] = mapped_column(default=0)


def derive(key: bytes, purpose: str, subject_id: int, topic: str = "", generation: int = 0) -> str:
    """The token as it stands in a link: 22 URL-safe characters, the same for the same input."""
    text = f"{purpose}|{subject_id}|{topic}|{generation}".encode()
    raw = hmac.new(key, b"outreach-public-token|" + text, hashlib.sha256).digest()[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def register(connection: Connection, tokens: list[tuple[str, str, int, str, int]]) -> None:
    """Make (token, purpose, subject_id, topic, generation) known; idempotent, one statement for any number."""
    if not tokens:
        return
    rows = [
        {
            "digest": digest(token),
            "purpose": purpose,
            "subject_id": subject,
            "topic": topic,
            "generation": generation,
        }
        for token, purpose, subject, topic, generation in tokens
    ]
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(build(PublicToken).on_conflict_do_nothing(), rows)


def issue(session: Session, key: bytes, purpose: str, subject_id: int, topic: str = "", generation: int = 0) -> str:
    """A token that `look_up` will find; idempotent."""
    token = derive(key, purpose, subject_id, topic, generation)
    register(session.connection(), [(token, purpose, subject_id, topic, generation)])
    return token


def look_up(session: Session, purpose: str, token: str) -> PublicToken | None:
    """What a token from a link stands for, or None when it was never issued (cut short, guessed, revoked)."""
    return session.scalar(
        select(PublicToken).where(PublicToken.digest == digest(token), PublicToken.purpose == purpose)
    )


def revoke(session: Session, purpose: str, subject_id: int, topic: str = "") -> int:
    """No token issued so far for this subject is found again; answers the generation to issue next."""
    known = session.scalars(
        select(PublicToken).where(
            PublicToken.purpose == purpose, PublicToken.subject_id == subject_id, PublicToken.topic == topic
        )
    ).all()
    for row in known:
        session.delete(row)
    return max((row.generation for row in known), default=0) + 1
