"""What was uploaded as tables: an archive taken apart within limits, an address book written down as a CSV file."""

import csv
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from outreach.contacts.formats import TEMPLATE_HEADER
from outreach.contacts.textfile import is_address_book, open_text
from outreach.contacts.vcards import cards
from outreach.errors import Refusal

MOST_TABLES = 20
MOST_ENTRIES = 1_000
MOST_UNPACKED_BYTES = 1 << 30
"""More than any mailing tool's export; an archive that grows beyond it is a bomb or belongs on the command line."""
CHUNK_BYTES = 1 << 20
_TABLES = (".csv", ".tsv", ".txt", ".vcf")
_EXCEL = ("[Content_Types].xml", "mimetype")
TOO_LARGE = (
    "This archive unpacks into more than 1 GB. Unpack it yourself and import the files one by one with "
    "“outreach import” on the server. Nothing was kept."
)


@dataclass(frozen=True)
class Part:
    """One table of an upload, on disk; `from_cards` when it was an address book."""

    path: Path
    name: str
    from_cards: bool = False


def parts_of(path: Path, name: str) -> list[Part] | Refusal:
    """The tables in an uploaded file: itself, or those of a zip archive, beside it; address books become CSV.

    Of the NPPES archive only the main file is taken. What is neither zip nor vCard is passed on as it is, Excel
    workbooks too. Refusals: archive-too-large, archive-empty, archive-locked, archive-broken, those of `open_text`.
    Whatever is refused leaves only `path` behind.
    """
    if not zipfile.is_zipfile(path):
        return _read(Part(path, name))
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry in archive.namelist() for entry in _EXCEL):
                return [Part(path, name)]
            parts = _unpacked(archive, path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError):
        _forget(path)
        return Refusal("archive-broken", "This archive is damaged and cannot be unpacked. Download it again.")
    if isinstance(parts, Refusal):
        _forget(path)
        return parts
    return [read for part in parts for read in _readable(part)]


def _readable(part: Part) -> list[Part]:
    read = _read(part)
    if isinstance(read, Refusal):
        part.path.unlink(missing_ok=True)
        return []
    return read


def _unpacked(archive: zipfile.ZipFile, path: Path) -> list[Part] | Refusal:
    entries = [entry for entry in archive.infolist() if _is_table(entry)]
    if not entries:
        return Refusal("archive-empty", "There is no CSV or vCard file in this archive.")
    if any(entry.flag_bits & 1 for entry in entries):
        return Refusal("archive-locked", "This archive is locked with a password. Unpack it and import the files.")
    if len(entries) > MOST_TABLES or len(archive.infolist()) > MOST_ENTRIES:
        return Refusal("archive-too-large", f"There are more than {MOST_TABLES} tables in this archive.")
    left, parts = MOST_UNPACKED_BYTES, []
    if sum(entry.file_size for entry in entries) > left:
        return Refusal("archive-too-large", TOO_LARGE)
    for number, entry in enumerate(entries):
        target = path.with_name(f"{path.stem}.{number}.part")
        with archive.open(entry) as source, target.open("wb") as file:
            target.chmod(0o600)
            for chunk in iter(lambda source=source: source.read(CHUNK_BYTES), b""):  # type: ignore[misc]
                left -= len(chunk)
                if left < 0:  # the sizes in an archive's own list are claims
                    return Refusal("archive-too-large", TOO_LARGE)
                file.write(chunk)
        parts.append(Part(target, PurePosixPath(entry.filename).name))
    return parts


def _is_table(entry: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(entry.filename).name.lower()
    if entry.is_dir() or name.startswith(".") or not name.endswith(_TABLES) or "fileheader" in name:
        return False
    return not name.startswith(("othername_pfile", "pl_pfile", "endpoint_pfile"))


def _forget(path: Path) -> None:
    for part in path.parent.glob(f"{path.stem}.*.part"):
        part.unlink()


def _read(part: Part) -> list[Part] | Refusal:
    with part.path.open("rb") as source:
        if not is_address_book(source.read(64)):
            return [part]
        target = part.path.with_name(f"{part.path.stem}.cards")
        refused = _written_down(source, target)
    if refused is not None:
        target.unlink(missing_ok=True)
        return refused
    target.replace(part.path)
    return [Part(part.path, part.name, from_cards=True)]


def _written_down(source: BinaryIO, target: Path) -> Refusal | None:
    text = open_text(source, address_book=True)
    if isinstance(text, Refusal):
        return text
    with target.open("w", encoding="utf-8", newline="") as file:
        target.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(TEMPLATE_HEADER)
        writer.writerows(_rows(text.stream))
    text.release()
    return None


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    for cells in cards(lines):
        yield [cells.get(name, "") for name in TEMPLATE_HEADER]
