"""An upload becomes one import per table in it: kept on disk, its columns recognised, remembered or guessed."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.clinical import forbidden_columns, words
from outreach.contacts.columns import ColumnMapping, guess_mapping
from outreach.contacts.csvfile import Table, open_table
from outreach.contacts.fileformat import Format
from outreach.contacts.formats import FORMATS, VCARD, bind, recognise
from outreach.contacts.import_files import CHUNK_BYTES, forget, keep, path_of
from outreach.contacts.import_unpacking import Part, parts_of
from outreach.contacts.import_writing import without
from outreach.contacts.imports import ImportMapping, ImportRun
from outreach.errors import Refusal

SAMPLES = 3
REFUSED_HEADER = ("Row", "Reason", "Column")
"""What a file of refused rows says of each before its cells."""
_REFUSED_NAME = re.compile(r"refused-(\d{1,9})\b.*\.csv", re.ASCII)


def upload(
    session: Session, source: BinaryIO, file_name: str, *, now: datetime, home: Path, by_id: int | None
) -> ImportRun | Refusal:
    """As `upload_all`, for a file that is expected to hold one table: answers the first import."""
    made = upload_all(session, source, file_name, now=now, home=home, by_id=by_id)
    return made if isinstance(made, Refusal) else made[0]


def upload_all(
    session: Session, source: BinaryIO, file_name: str, *, now: datetime, home: Path, by_id: int | None
) -> list[ImportRun] | Refusal:
    """The file is kept and its columns are recognised; an archive makes an import of each table. Nothing else happens.

    Refusals: those of `csvfile.open_table` and `parts_of` (a wrong, empty or unreadable file), each in one sentence;
    of an archive only when no table in it can be used.
    """
    first = _blank(session, file_name or "file.csv", now=now, by_id=by_id)
    path = path_of(home, first.id)
    first.digest, first.size_bytes = keep(source, path)
    parts = parts_of(path, first.file_name)
    refused: Refusal | None = parts if isinstance(parts, Refusal) else None
    made: list[ImportRun] = []
    for part in [] if isinstance(parts, Refusal) else parts:
        run = first if not made else _blank(session, part.name, now=now, by_id=by_id)
        refusal = _open(session, run, part, path_of(home, run.id))
        if refusal is None:
            made.append(run)
        else:
            refused = refusal if refused is None else refused
            part.path.unlink(missing_ok=True)
            if run is not first:
                session.delete(run)
    if not made:
        forget(home, first.id)
        session.delete(first)
        nothing = Refusal("archive-empty", "There is no table in this archive that can be read.")
        return nothing if refused is None else refused
    session.flush()
    return made


def remember(session: Session, run: ImportRun, *, now: datetime) -> None:
    """The columns chosen for this import are taken for the next file with the same column names. Idempotent."""
    key = header_key(run.header)
    saved = session.scalar(select(ImportMapping).where(ImportMapping.header_key == key))
    if saved is None:
        saved = ImportMapping(header_key=key)
        session.add(saved)
    saved.columns = {name: [words(run.header[at]) for at in positions] for name, positions in run.mapping.items()}
    saved.default_kind, saved.used_at = run.default_kind, now


def header_key(header: Sequence[str]) -> str:
    """What files with the same column names share, in whatever order the columns stand.

    A file of refused rows that was mended shares it with the file it came from.
    """
    own = header[len(REFUSED_HEADER) :] if tuple(header[: len(REFUSED_HEADER)]) == REFUSED_HEADER else header
    return hashlib.sha256("\n".join(sorted(map(words, own))).encode()).hexdigest()


def _blank(session: Session, name: str, *, now: datetime, by_id: int | None) -> ImportRun:
    run = ImportRun(file_name=name[-200:], digest="", size_bytes=0, header=[], samples=[], by_id=by_id, created_at=now)
    session.add(run)
    session.flush()
    return run


def _open(session: Session, run: ImportRun, part: Part, path: Path) -> Refusal | None:
    if part.path != path:
        part.path.replace(path)
        run.file_name = part.name[-200:]
        run.digest, run.size_bytes = _digest(path)
    table = open_table(path)
    if isinstance(table, Refusal):
        path.unlink(missing_ok=True)
        return table
    run.options = {"lines": _lines(path)}
    with table:
        known = VCARD if part.from_cards else recognise(table.header, run.file_name)
        run.header = list(table.header)
        forbidden = forbidden_columns(table.header)
        run.samples = [without(forbidden, list(row), len(run.header)) for row in table.samples[:SAMPLES]]
        mapping = _mapping(session, run, table, known)
        _take_up(session, run)
    run.mapping = {name: list(positions) for name, positions in mapping.columns.items()}
    return None


def _take_up(session: Session, run: ImportRun) -> None:
    """A file of refused rows comes back: what was chosen for the import it came from is chosen again."""
    named = _REFUSED_NAME.fullmatch(run.file_name)
    if named is None or tuple(run.header[: len(REFUSED_HEADER)]) != REFUSED_HEADER:
        return
    earlier = session.get(ImportRun, int(named[1]))
    if earlier is not None and header_key(earlier.header) == header_key(run.header):
        choose_alike(run, earlier)


def choose_alike(run: ImportRun, earlier: ImportRun) -> None:
    """What a person chose for the earlier import stands in this one too. Idempotent."""
    run.default_kind, run.duplicates = earlier.default_kind, earlier.duplicates
    run.permission, run.permission_words = earlier.permission, earlier.permission_words


def _mapping(session: Session, run: ImportRun, table: Table, known: Format | None) -> ColumnMapping:
    bound = bind(known, table.header) if known else None
    if known is not None and isinstance(bound, ColumnMapping):
        run.format = known.key
        return bound
    run.format = ""
    saved = session.scalar(select(ImportMapping).where(ImportMapping.header_key == header_key(table.header)))
    if saved is not None and len(set(map(words, table.header))) == len(table.header):
        run.options, run.default_kind = {**run.options, "remembered": True}, saved.default_kind
        return ColumnMapping(_positions(saved.columns, table.header))
    return guess_mapping(table.header, table.samples)


def _positions(columns: Mapping[str, Sequence[str]], header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    at = {words(name): position for position, name in enumerate(header)}
    return {name: tuple(at[word] for word in said if word in at) for name, said in columns.items()}


def _lines(path: Path) -> int:
    """About as many rows: for the progress of the check."""
    with path.open("rb") as source:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: source.read(CHUNK_BYTES), b""))


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def label_of(run: ImportRun) -> str:
    """How the file was understood, for people."""
    known = next((known.label for known in (*FORMATS, VCARD) if known.key == run.format), "")
    return known or ("Columns as chosen last time" if run.options.get("remembered") else "Columns chosen by you")
