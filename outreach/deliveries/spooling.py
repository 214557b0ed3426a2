"""Wishes to get no more mail that the database could not take: kept on disk, one file each, until it can.

One file per wish, so that carrying some out can never sweep away another that comes meanwhile; the same wish again is
the same file, so that a program that presses a thousand times fills no disk.
"""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

SPOOL = "unsubscribe.spool"
ASIDE = "unreadable"
BALLAST = ".room"
BALLAST_BYTES = 1024 * 1024
"""Given up when the disk is full: room for a few hundred wishes more."""
BATCH = 200
LARGEST_BYTES = 4096
MANY = 20_000
"""With so many on disk, whoever asks too often and whose link nobody can look up is asked to come back: the disk stays
free for everybody else's wishes, which are always kept."""
SOURCES = ("one-click", "page")


@dataclass(frozen=True)
class Wish:
    """Somebody pressed "unsubscribe" on this link."""

    token: str
    number: str
    source: str = "one-click"


def spool(home: Path, *, now: datetime, token: str, number: str, source: str = "one-click") -> None:
    """The wish is on disk and survives a crash. Errors: OSError when the disk takes nothing at all. Idempotent."""
    folder = home / SPOOL
    folder.mkdir(mode=0o700, exist_ok=True)
    line = json.dumps({"at": now.isoformat(), **asdict(Wish(token, number, source))}).encode()
    name = hashlib.sha256(f"{token}|{number}|{source}".encode("utf-8", "replace")).hexdigest()[:32]
    if (folder / name).exists():
        _sync(folder)
        return
    try:
        _write(folder, name, line)
    except OSError as full:
        if full.errno not in (errno.ENOSPC, errno.EDQUOT) or not (folder / BALLAST).exists():
            raise
        (folder / BALLAST).unlink(missing_ok=True)
        _write(folder, name, line)


def is_flooded(home: Path) -> bool:
    """Whether so many wishes wait on disk that they are a flood."""
    return len(spooled(home)) >= MANY


def spooled(home: Path) -> list[Path]:
    """The wishes that wait on disk, each in its file."""
    folder = home / SPOOL
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.is_file())


def batches(home: Path) -> Iterator[dict[Path, Wish]]:
    """The wishes that can be read, some at a time; what is no wish is put aside, what cannot be read now stays."""
    waiting = spooled(home)
    for start in range(0, len(waiting), BATCH):
        read = {path: wish for path in waiting[start : start + BATCH] if (wish := _read(path)) is not None}
        if read:
            yield read
    keep_room(home)


def forget(wishes: Mapping[Path, Wish]) -> None:
    """These wishes leave the disk; call it when what they ask for is committed."""
    for each in wishes:
        each.unlink(missing_ok=True)


def keep_room(home: Path) -> None:
    """There is a file that can be given up when the disk is full. Without room for it, later. Idempotent."""
    ballast = home / SPOOL / BALLAST
    with suppress(OSError):
        if not ballast.exists():
            ballast.parent.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)


def _write(folder: Path, name: str, line: bytes) -> None:
    hidden = folder / f".{name}.{secrets.token_hex(4)}"
    try:
        with open(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(folder / name)
    except OSError:
        hidden.unlink(missing_ok=True)
        raise
    _sync(folder)


def _read(path: Path) -> Wish | None:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except OSError:
        return None
    try:
        told = json.loads(raw)
        wish = Wish(str(told["token"]), str(told["number"]), str(told.get("source", SOURCES[0])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        wish = None
    if wish is None or wish.source not in SOURCES:
        # Never thrown away unseen: `outreach doctor` counts what lies there.
        with suppress(OSError):
            (path.parent / ASIDE).mkdir(mode=0o700, exist_ok=True)
            path.replace(path.parent / ASIDE / path.name)
        return None
    return wish


def _sync(folder: Path) -> None:
    """The name of the file is on disk too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
