"""The floor: the least that a newsletter with durable rows can cost. About a hundred lines, nothing of the product.

SQLite contacts, a pre-encoded letter into which fields are merged as bytes, pipelined SMTP over asyncio. A batch is
claimed and committed (synchronous=FULL) before its first byte leaves, its results are committed after. Every mail has
an HMAC unsubscribe token and both List-Unsubscribe headers. What it leaves out is named in bench/README.md.

`python -m bench.floor DATABASE PORT LETTER` prints its figures as JSON.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import quopri
import sqlite3
import sys
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

from bench.measuring import Span

BATCH, LANES = 500, 8
SITE = "https://outreach.cedarlane.example"
HEAD = (
    b"From: Cedar Lane Therapy <hello@cedarlane.example>\r\nTo: <%s>\r\nSubject: Spring news\r\nDate: %s\r\n"
    b"Message-ID: <%s@cedarlane.example>\r\nList-Unsubscribe: <%s>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)
NEXT = "SELECT id, email, first_name, last_name, organization, city FROM contact WHERE id > ? ORDER BY id LIMIT ?"


def encoded(segments: list) -> tuple[list[bytes], list[tuple[int, str, str]]]:
    """The letter's parts as quoted-printable, and (place, field, fallback) of each gap; soft breaks on both sides."""
    parts: list[bytes] = []
    gaps: list[tuple[int, str, str]] = []
    for segment in flat(segments):
        if isinstance(segment, str) or segment[0] == "l":
            text = segment if isinstance(segment, str) else segment[2]
            coded = b"\n" + quopri.encodestring(text.encode())
            parts.append(coded.replace(b"\n.", b"\n=2E")[1:].replace(b"\n", b"\r\n") + b"=\r\n")
        else:
            gaps.append((len(parts), segment[1], segment[2]))
            parts += [b"", b"=\r\n"]
    return parts, gaps


def flat(segments: list) -> Iterator[str | list]:
    """The segments without conditions: the floor shows every part."""
    for segment in segments:
        if not isinstance(segment, str) and segment[0] in "gv":
            yield from flat(segment[2])
        else:
            yield segment


class Lane(asyncio.Protocol):
    """One SMTP session. The end of a message and the next envelope go out together (RFC 2920)."""

    def __init__(self, floor: "Floor") -> None:
        """For this run."""
        self._floor, self._seen = floor, b""
        self._loaded: tuple[int, bytes, bytes] | None = None
        self._expected: deque[int | None] = deque([None, None])

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The greeting comes by itself; EHLO is asked at once."""
        self._out = transport
        transport.write(b"EHLO floor.example\r\n")

    def data_received(self, data: bytes) -> None:
        """Each reply is the answer to what was asked first; any refusal ends the run."""
        lines = (self._seen + data).split(b"\r\n")
        self._seen = lines.pop()
        for line in lines:
            if line[3:4] == b"-":
                continue
            if line[:1] not in b"23":
                raise SystemExit(f"The sink refused: {line!r}")
            sent = self._expected.popleft()
            if sent is not None:
                self._floor.accepted(sent)
        if not self._expected:
            self.go_on()

    def connection_lost(self, why: Exception | None) -> None:
        """A line that is cut in the middle ends the run."""
        if not self._floor.done.done():
            self._floor.done.set_exception(why or SystemExit("The line was cut."))

    def go_on(self) -> None:
        """The body whose envelope was taken, and the next envelope, in one write."""
        body = b""
        if self._loaded is not None:
            body = self._loaded[2] + b"\r\n.\r\n"
            self._expected.append(self._loaded[0])
        self._loaded = self._floor.next_mail()
        if self._loaded is not None:
            body += b"MAIL FROM:<b@cedarlane.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % self._loaded[1]
            self._expected.extend((None, None, None))
        if body:
            self._out.write(body)
        else:
            self._floor.idle.append(self)


class Floor:
    """Claims batches, builds mails, writes down what was accepted."""

    def __init__(self, database: str, letter: str) -> None:
        """The contacts are there; the ledger is made here."""
        with open(letter, encoding="utf-8") as file:
            self._parts, self._gaps = encoded(json.load(file)["html"])
        self._base = sqlite3.connect(database, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._key = hmac.new(b"k" * 64, digestmod=hashlib.sha256)
        self._date = format_datetime(datetime.now(UTC)).encode()
        self.mails: deque[tuple[int, bytes, bytes]] = deque()
        self.idle: list[Lane] = []
        self._finished: list[int] = []
        self._last, self._under_way, self.sent = 0, 0, 0
        self.done = asyncio.get_running_loop().create_future()

    def fan_out(self) -> None:
        """One row per contact, in one statement."""
        self._base.execute("CREATE TABLE ledger (contact INTEGER PRIMARY KEY, state TEXT NOT NULL, message_id TEXT)")
        self._base.execute("INSERT INTO ledger SELECT id, 'scheduled', NULL FROM contact")

    def next_mail(self) -> tuple[int, bytes, bytes] | None:
        """The next claimed mail; a new batch is claimed when none is left."""
        if not self.mails and not self.done.done():
            self.turn()
        return self.mails.popleft() if self.mails else None

    def accepted(self, contact: int) -> None:
        """The sink has it; written down with the next turn, or now when it was the last one under way."""
        self._finished.append(contact)
        self._under_way -= 1
        if not self._under_way and not self.mails:
            self.turn()

    def turn(self) -> None:
        """What was accepted is committed, and the next batch is `sending` before a byte of it leaves."""
        self._base.execute("BEGIN IMMEDIATE")
        self._base.executemany("UPDATE ledger SET state = 'sent' WHERE contact = ?", [(one,) for one in self._finished])
        self.sent += len(self._finished)
        self._finished.clear()
        rows = self._base.execute(NEXT, (self._last, BATCH)).fetchall()
        named = [(*row, self._token(row[0])) for row in rows]
        self._base.executemany(
            "UPDATE ledger SET state = 'sending', message_id = ? WHERE contact = ?",
            [(row[-1], row[0]) for row in named],
        )
        self._base.execute("COMMIT")
        self._last, self._under_way = rows[-1][0] if rows else self._last, self._under_way + len(rows)
        self.mails.extend((row[0], row[1].encode(), self._mail(row)) for row in named)
        if not rows and not self._under_way and not self.done.done():
            self.done.set_result(None)
        while self.mails and self.idle:
            self.idle.pop().go_on()

    def _token(self, contact: int) -> str:
        signed = self._key.copy()
        signed.update(b"unsubscribe|%d" % contact)
        return base64.urlsafe_b64encode(signed.digest()[:16]).rstrip(b"=").decode()

    def _mail(self, row: tuple) -> bytes:
        page = f"{SITE}/u/{row[0]}/{row[-1]}"
        fields = dict(zip(("first_name", "last_name", "organization", "city"), row[2:6], strict=True))
        fields.update(unsubscribe_url=page, greeting_name=f"Dr. {row[3]}")
        parts = self._parts.copy()
        for place, name, fallback in self._gaps:
            parts[place] = (fields.get(name) or fallback).replace("=", "=3D").encode()
        return HEAD % (row[1].encode(), self._date, row[-1].encode(), page.encode()) + b"".join(parts)


async def run(database: str, port: int, letter: str) -> dict[str, float]:
    """All contacts have been written to; answers the figures."""
    span = Span()
    floor = Floor(database, letter)
    floor.fan_out()
    loop = asyncio.get_running_loop()
    for _ in range(LANES):
        await loop.create_connection(lambda: Lane(floor), "127.0.0.1", port)
    await floor.done
    return {**span.figures(), "count": floor.sent}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
