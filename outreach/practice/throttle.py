"""Wrong passwords and codes are counted per account and per address; too many of them close the door for a while."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from outreach.practice.models import SignInFailure

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
PER_ADDRESS = 40
"""A whole practice may sit behind one address; an account has one owner."""


def is_closed(session: Session, *, now: datetime, account: str, address: str) -> bool:
    """Whether this account, or this address, has failed so often that nothing is tried any more."""
    return (
        _failures(session, now, _key("account", account)) >= PER_ACCOUNT
        or _failures(session, now, _key("address", address)) >= PER_ADDRESS
    )


def note_failure(session: Session, *, now: datetime, account: str, address: str) -> None:
    """One more failure is counted for both."""
    session.add_all(
        SignInFailure(key=key, at=now) for key in (_key("account", account), _key("address", address)) if key
    )


def forgive(session: Session, *, account: str) -> None:
    """The account starts from zero: its owner got in, or an administrator let them."""
    session.execute(delete(SignInFailure).where(SignInFailure.key == _key("account", account)))


def purge(session: Session, *, now: datetime) -> int:
    """Failures that no longer count are forgotten; idempotent."""
    old = delete(SignInFailure).where(SignInFailure.at < now - WINDOW).returning(SignInFailure.id)
    return len(session.scalars(old).all())


def _failures(session: Session, now: datetime, key: str) -> int:
    counted = select(func.count()).where(SignInFailure.key == key, SignInFailure.at > now - WINDOW)
    return session.scalar(counted) or 0


def _key(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}|{what.strip().lower()}".encode()).hexdigest()
