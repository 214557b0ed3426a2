"""Keys and passwords of the ways out: write-only for people, encrypted at rest with keys that lie elsewhere.

Each is sealed with AES-256-GCM under a key derived (HKDF-SHA256) from a data key; its own name is authenticated along,
so that rows cannot be exchanged. The newest data key seals, older ones open until everything is sealed anew.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.errors import SettingsError
from outreach.practice.models import KeptSecret

FILE = "secrets.keys"
"""Beside secret.key: one data key per line, the newest first."""
NONCE_BYTES = 12
SHORTEST_KEY = 32
WRITERS_LOCK = 7_215_024


@dataclass(frozen=True)
class _Key:
    id: str
    cipher: AESGCM


class Keyring:
    """The data keys of this installation; the first seals."""

    def __init__(self, materials: Collection[bytes]) -> None:
        """From the newest to the oldest, each at least 32 bytes."""
        self._keys = [_derived(material) for material in dict.fromkeys(materials)]

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._keys[0].id

    def seal(self, name: str, plain: str) -> bytes:
        """The secret as it is stored under this name."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._keys[0].cipher.encrypt(nonce, plain.encode(), name.encode())

    def open(self, name: str, key_id: str, sealed: bytes) -> str | None:
        """The secret, or None when its key is gone or the row was altered."""
        for key in self._keys:
            if key.id == key_id:
                try:
                    return key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode()).decode()
                except (InvalidTag, ValueError):
                    return None
        return None


def keyring(settings: Settings) -> Keyring:
    """The keys of now: those from outside, else of the file; the installation's own key last.

    The file is read anew each time, because keys may be rotated while web and worker run. Errors: SettingsError.
    """
    return Keyring([*settings.secrets_keys, *_kept(settings.home), settings.secret_key])


def keep(session: Session, settings: Settings, name: str, plain: str, *, now: datetime, by_id: int | None) -> None:
    """The secret of that name is stored, in the place of an older one."""
    _one_at_a_time(session)
    ring = keyring(settings)
    row = session.get(KeptSecret, name, with_for_update=True) or KeptSecret(name=name)
    row.sealed, row.key_id, row.set_at, row.set_by_id = ring.seal(name, plain), ring.current, now, by_id
    session.add(row)
    session.flush()


def forget(session: Session, names: Collection[str]) -> None:
    """These secrets are gone. Idempotent."""
    session.execute(delete(KeptSecret).where(KeptSecret.name.in_(names)))


def opened(session: Session, settings: Settings, names: Collection[str]) -> dict[str, str]:
    """{name: secret} of those that are kept and can be opened."""
    rows = session.scalars(select(KeptSecret).where(KeptSecret.name.in_(names))).all()
    if not rows:
        return {}
    ring = keyring(settings)
    found = {row.name: ring.open(row.name, row.key_id, row.sealed) for row in rows}
    return {name: plain for name, plain in found.items() if plain is not None}


def rotate(session: Session, settings: Settings) -> tuple[int, list[str]]:
    """Everything is sealed under the current key; answers how many were sealed anew, and the names that no key opens.

    Those are left alone. Idempotent.
    """
    _one_at_a_time(session)
    ring, renewed, lost = keyring(settings), 0, []
    for row in session.scalars(select(KeptSecret).order_by(KeptSecret.name).with_for_update()):
        if row.key_id == ring.current:
            continue
        plain = ring.open(row.name, row.key_id, row.sealed)
        if plain is None:
            lost.append(row.name)
            continue
        row.sealed, row.key_id = ring.seal(row.name, plain), ring.current
        renewed += 1
    session.flush()
    return renewed, lost


@contextmanager
def rotating(home: Path) -> Iterator[None]:
    """Only one rotation at a time: two would each drop the key that the other has just made.

    Errors: SettingsError while another one is going on.
    """
    opened = os.open(home / f"{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise SettingsError("Another rotation is going on. Nothing was changed by this one.") from busy
        yield
    finally:
        os.close(opened)


def new_data_key(home: Path) -> None:
    """A new data key stands first in the file, the older ones behind it; whole or not at all, also after a crash."""
    _write(home, [secrets.token_hex(32).encode(), *_kept(home)])


def drop_old_data_keys(home: Path) -> int:
    """Only the newest key of the file is left; answers how many went."""
    kept = _kept(home)
    if len(kept) > 1:
        _write(home, kept[:1])
    return max(len(kept) - 1, 0)


def data_keys(home: Path) -> int:
    """How many keys the file has."""
    return len(_kept(home))


def _kept(home: Path) -> list[bytes]:
    try:
        keys = (home / FILE).read_bytes().split()
    except FileNotFoundError:
        return []
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise SettingsError(f"The key file {home / FILE} is damaged: restore it from a backup.")
    return keys


def _write(home: Path, keys: list[bytes]) -> None:
    fresh = home / f"{FILE}.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b"\n".join(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / FILE)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derived(material: bytes) -> _Key:
    def derive(purpose: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"outreach kept secrets " + purpose).derive(
            material
        )

    return _Key(hashlib.sha256(derive(b"id", 16)).hexdigest()[:16], AESGCM(derive(b"seal", 32)))


def _one_at_a_time(session: Session) -> None:
    """A key that is being rotated away must not seal anything any more. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITERS_LOCK})
