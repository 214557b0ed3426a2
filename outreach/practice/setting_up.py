"""The first run: a one-time code, then the practice and its first administrator in one act."""

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.practice.models import SetupCode
from outreach.practice.queries import has_administrator

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Nothing that is read for something else."""


def make_code(session: Session, *, now: datetime) -> str | None:
    """A new one-time code for the first-run pages, which ends the one before; None once an administrator exists."""
    session.execute(delete(SetupCode))
    if has_administrator(session):
        return None
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    session.add(SetupCode(id=1, digest=_digest(code), made_at=now))
    return code


def code_is_right(session: Session, code: str) -> bool:
    """Whether this is the code printed last."""
    kept = session.scalar(select(SetupCode.digest))
    return kept is not None and hmac.compare_digest(kept, _digest(code))


def _digest(code: str) -> str:
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
