"""Bytes that claim to be text: which encoding they are in, or why they are no table at all. Pure, constant memory."""

import codecs
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from outreach.errors import Refusal

_HEAD_BYTES = 8192
_CHUNK_BYTES = 1 << 20
# No mailing tool writes lines like this; without the limit one endless line would be read into memory whole.
_LONGEST_LINE_CHARS = 1 << 20

VCARD_START = b"BEGIN:VCARD"

_KNOWN_STARTS = (
    (b"\xd0\xcf\x11\xe0", "excel", "This is an Excel workbook; save it as CSV and import that file."),
    (b"%PDF", "pdf", "This is a PDF; export the list as CSV and import that file."),
    (b"\x1f\x8b", "archive", "This is a compressed file; unpack it and import the CSV files in it one by one."),
    (b"{\\rtf", "document", "This is a text document; save the list as CSV and import that file."),
    (VCARD_START, "vcard", "This is a vCard file, and it is read as a table."),
)


@dataclass(frozen=True)
class TextFile:
    """An open text stream with the encoding it was found to be in; `release` closes it if it was opened here."""

    stream: TextIO
    encoding: str
    release: Callable[[], object]


@dataclass(frozen=True)
class _Fault:
    kind: str
    line: int
    after_non_ascii: bool


def open_text(source: str | os.PathLike[str] | bytes | BinaryIO, *, address_book: bool = False) -> TextFile | Refusal:
    """Open a path, bytes or a seekable binary stream as text with its line ends kept.

    The whole file is scanned once in chunks of 1 MB, so a wrong byte near the end is known before the first row is
    used. Encodings: UTF-8 with and without BOM, UTF-16 with BOM, else Windows-1252.
    `address_book`: a vCard file is what was looked for.
    Refusals: empty-file, excel, archive, pdf, document, vcard, web-page, binary, endless-line, mixed-encoding,
    unknown-encoding. A stream handed in is never closed here.
    """
    binary, ours = _opened(source)
    binary.seek(0)
    head = binary.read(_HEAD_BYTES)
    refusal = None if address_book and is_address_book(head) else _no_table(head)
    encoding = _encoding(binary) if refusal is None else refusal
    if isinstance(encoding, Refusal):
        if ours:
            binary.close()
        return encoding
    binary.seek(0)
    stream = io.TextIOWrapper(binary, encoding=encoding, newline="")
    return TextFile(stream, encoding, stream.close if ours else stream.detach)


def is_address_book(head: bytes) -> bool:
    """Whether a file that begins like this is a vCard."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[: len(VCARD_START)].upper() == VCARD_START


def _opened(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[BinaryIO, bool]:
    if isinstance(source, bytes):
        return io.BytesIO(source), True
    if isinstance(source, str | os.PathLike):
        return Path(source).open("rb"), True
    return source, False


def _no_table(head: bytes) -> Refusal | None:
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        return Refusal("empty-file", "The file is empty.")
    if head.startswith(b"PK\x03\x04"):
        return _zip_refusal(head)
    for start, reason, text in _KNOWN_STARTS:
        if head.removeprefix(codecs.BOM_UTF8).startswith(start):
            return Refusal(reason, text)
    if head.lstrip()[:14].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        return Refusal("web-page", "This is a web page or XML, whatever its name says; save the list as CSV.")
    return None


def _zip_refusal(head: bytes) -> Refusal:
    if b"[Content_Types].xml" in head or b"xl/" in head or b"opendocument" in head:
        return Refusal("excel", "This is an Excel workbook; save it as CSV and import that file.")
    return Refusal("archive", "This is a zip file; unpack it and import the CSV files in it one by one.")


def _encoding(binary: BinaryIO) -> str | Refusal:
    binary.seek(0)
    start = binary.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        fault = _first_fault(binary, "utf-16")
        return _refusal(fault) if fault else "utf-16"
    encoding = "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
    fault = _first_fault(binary, encoding)
    if fault is None:
        return encoding
    if fault.kind != "unknown-encoding":
        return _refusal(fault)
    if fault.after_non_ascii or encoding == "utf-8-sig":
        # Read as Windows-1252 the good part would turn into "Ã©": names spoilt in silence.
        return _refusal(_Fault("mixed-encoding", fault.line, True))
    fault = _first_fault(binary, "cp1252")
    return _refusal(fault) if fault else "cp1252"


def _first_fault(binary: BinaryIO, encoding: str) -> _Fault | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    line, non_ascii, since_break = 1, False, 0
    binary.seek(0)
    while True:
        chunk = binary.read(_CHUNK_BYTES)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            return _Fault("unknown-encoding", line + good.count(b"\n"), non_ascii or not good.isascii())
        if "\0" in text:
            return _Fault("binary", line + text.count("\n", 0, text.index("\0")), non_ascii)
        last_break = max(text.rfind("\n"), text.rfind("\r"))
        since_break = len(text) - last_break - 1 if last_break >= 0 else since_break + len(text)
        if since_break > _LONGEST_LINE_CHARS:
            return _Fault("endless-line", line, non_ascii)
        if not chunk:
            return None
        line += text.count("\n")
        non_ascii = non_ascii or not text.isascii()


def _refusal(fault: _Fault) -> Refusal:
    texts = {
        "binary": f"Line {fault.line:,} holds a NUL byte: this is not a text file. Save the list as CSV (UTF-8).",
        "endless-line": f"Line {fault.line:,} is longer than a million characters: this is not a CSV file.",
        "mixed-encoding": f"The file mixes two encodings (first seen in line {fault.line:,}), so names would be "
        "spoilt. Save it again as CSV UTF-8.",
        "unknown-encoding": f"The letters in line {fault.line:,} cannot be read. Save the file again as CSV UTF-8.",
    }
    return Refusal(fault.kind, texts[fault.kind])
