"""The other side: a fast SMTP sink and an HTTP stub, each in a process of its own. They count and answer, no more.

`python -m bench.sink smtp|http` prints its port and serves until its standard input is closed.
"""

import asyncio
import sys

END = b"\r\n.\r\n"
EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 35882577\r\n250 ENHANCEDSTATUSCODES\r\n"


class Counts:
    """What has arrived at this sink."""

    mails = 0
    bytes = 0


class SmtpSink(asyncio.Protocol):
    """Takes every message. `NOOP` answers "250 <mails> <bytes>", so that the bench can ask."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client is here."""
        self._out, self._buffer, self._in_data = transport, bytearray(), False
        transport.write(b"220 sink.example ready\r\n")

    def data_received(self, data: bytes) -> None:
        """Everything that is complete is answered, with one write for all."""
        start = max(len(self._buffer) - len(END), 0) if self._in_data else 0
        self._buffer += data
        answers: list[bytes] = []
        while (end := self._buffer.find(END if self._in_data else b"\r\n", start)) >= 0:
            start = 0
            if self._in_data:
                Counts.mails, Counts.bytes = Counts.mails + 1, Counts.bytes + end
                del self._buffer[: end + len(END)]
                self._in_data = False
                answers.append(b"250 2.0.0 taken\r\n")
            else:
                line = bytes(self._buffer[:end])
                # The line break after DATA stays: it is the first half of the end mark of an empty message.
                del self._buffer[: end if line[:4].upper() == b"DATA" else end + 2]
                answers.append(self._answer(line[:4].upper()))
        if answers:
            self._out.write(b"".join(answers))
        if answers and answers[-1].startswith(b"221"):
            self._out.close()

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"DATA":
            self._in_data = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return EHLO
        if verb == b"NOOP":
            return b"250 %d %d\r\n" % (Counts.mails, Counts.bytes)
        return b"221 2.0.0 bye\r\n" if verb == b"QUIT" else b"250 2.1.0 fine\r\n"


class HttpStub(asyncio.Protocol):
    """Answers 202 to every POST as the mail API does; counts `"to":`. `GET` answers "<recipients> <bytes>"."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client is here."""
        self._out, self._buffer, self._needs = transport, bytearray(), 0

    def data_received(self, data: bytes) -> None:
        """Each complete request is answered."""
        self._buffer += data
        while len(self._buffer) >= self._needs and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _content_length(bytes(self._buffer[:end]))
            self._needs = end + 4 + length
            if len(self._buffer) < self._needs:
                return
            body = bytes(self._buffer[end + 4 : self._needs])
            self._out.write(_answered(self._buffer[:3] == b"GET", body))
            del self._buffer[: self._needs]
            self._needs = 0


def _content_length(head: bytes) -> int:
    place = head.lower().find(b"content-length:")
    return int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


def _answered(asked: bool, body: bytes) -> bytes:
    if asked:
        text = b"%d %d" % (Counts.mails, Counts.bytes)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
    Counts.mails, Counts.bytes = Counts.mails + body.count(b'"to":'), Counts.bytes + len(body)
    return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: stub-%d\r\nContent-Length: 0\r\n\r\n" % Counts.mails


async def serve(what: str) -> None:
    """Listens on a free port of this machine until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(SmtpSink if what == "smtp" else HttpStub, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
