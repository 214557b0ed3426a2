"""Public tokens: 128 bits that a person carries in a link instead of a sign-in.

Derived, never stored: HMAC-SHA256(key, purpose | contact | topic | generation). The database keeps the digest and
the generation (architecture 9.3). Raising the generation revokes; nothing expires by itself.
"""

import binascii
import hashlib
from functools import lru_cache

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


@lru_cache(maxsize=8192)
def derive(key: bytes, purpose: str, subject_id: int, topic: str = "", generation: int = 0) -> str:
    """The token as it stands in a link: 22 URL-safe characters, the same for the same input."""
    return written(signature(key, purpose, subject_id, topic, generation)[:TOKEN_BYTES])


def signature(key: bytes, purpose: str, subject_id: int, topic: str = "", generation: int = 0) -> bytes:
    """All 32 bytes of the HMAC; a token is the first half."""
    prepared = _prepared(key)
    inner, outer = prepared[0].copy(), prepared[1].copy()
    inner.update(f"outreach-public-token|{purpose}|{subject_id}|{topic}|{generation}".encode())
    outer.update(inner.digest())
    return outer.digest()


def written(half: bytes) -> str:
    """16 bytes as 22 URL-safe characters."""
    return binascii.b2a_base64(half, newline=False).translate(_URL_SAFE)[:22].decode()


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@lru_cache(maxsize=8)
def _prepared(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """HMAC-SHA256 (RFC 2104) with the key taken in already: several tokens stand in every mail."""
    block = hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key
    block = block.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(each ^ 0x36 for each in block)), hashlib.sha256(bytes(each ^ 0x5C for each in block))


_BLOCK_BYTES = 64


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
