"""A small IMAP server on loopback, scripted to be good or bad."""

import re
import socket
import threading
from base64 import b64decode
from dataclasses import dataclass, field


@dataclass
class ImapServer:
    """One folder. `bad`: hang, garbage, cut (in the middle of a mail), huge, refuse, drip, read-only, no-uidnext."""

    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    validity: int = 7
    bad: str = ""
    signed_in: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"imap://maya:s%40cret@127.0.0.1:{self.port}/INBOX"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """The port is free again."""
        self._ended.set()
        self._listener.close()

    def arrives(self, *raws: bytes) -> None:
        """New mails, unseen."""
        for raw in raws:
            self.mails[max(self.mails, default=0) + 1] = raw

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as lines:
            try:
                line.sendall(b"* OK ready\r\n")
                while command := lines.readline():
                    tag, _, rest = command.decode("latin-1").strip().partition(" ")
                    self.commands.append(rest)
                    if self.bad == "hang" and rest.startswith("SELECT"):
                        self._ended.wait(10)
                        return
                    if self.bad == "garbage" and rest.startswith("UID"):
                        line.sendall(b"* FETCH ((( \x00\xff {9} \r\n+ ]]\r\n" + tag.encode() + b" OK\r\n")
                        continue
                    if rest.startswith("AUTHENTICATE"):
                        line.sendall(b"+ \r\n")
                        self.signed_in.append(b64decode(lines.readline()).decode())
                        line.sendall(f"{tag} OK done\r\n".encode())
                        continue
                    line.sendall(self._answer(tag, rest))
                    if rest == "LOGOUT":
                        return
            except OSError:
                return

    def _answer(self, tag: str, rest: str) -> bytes:
        done = f"{tag} OK done\r\n".encode()
        if rest == "CAPABILITY":
            return b"* CAPABILITY IMAP4REV1 AUTH=XOAUTH2\r\n" + done
        if rest.startswith("LOGIN"):
            self.signed_in.append(rest)
            return f"{tag} NO go away\r\n".encode() if self.bad == "refuse" else done
        if rest.startswith(("SELECT", "EXAMINE")):
            next_uid = max(self.mails, default=0) + 1
            told = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] x\r\n"
            told += "" if self.bad == "no-uidnext" else f"* OK [UIDNEXT {next_uid}] x\r\n"
            mode = "READ-ONLY" if self.bad == "read-only" else "READ-WRITE"
            return told.encode() + f"{tag} OK [{mode}] done\r\n".encode()
        if rest.startswith("UID SEARCH UID"):
            start = int(re.findall(r"\d+", rest)[0])
            last = max(self.mails, default=0)
            return self._found(uid for uid in self.mails if uid >= start or uid == last) + done
        if rest.startswith("UID SEARCH UNSEEN"):
            return self._found(uid for uid in self.mails if uid not in self.seen) + done
        if rest.startswith("UID FETCH"):
            return self._fetched(rest) + done
        if rest.startswith("UID STORE"):
            self.seen.add(int(rest.split()[2]))
            return done
        return b"* BYE\r\n" + done if rest == "LOGOUT" else f"{tag} BAD what\r\n".encode()

    @staticmethod
    def _found(uids: object) -> bytes:
        return b"* SEARCH " + b" ".join(str(uid).encode() for uid in uids) + b"\r\n"  # type: ignore[attr-defined]

    def _fetched(self, rest: str) -> bytes:
        uids = [int(uid) for uid in rest.split()[2].split(",") if int(uid) in self.mails]
        if "SIZE" in rest:
            return b"".join(f"* {u} FETCH (UID {u} RFC822.SIZE {len(self.mails[u])})\r\n".encode() for u in uids)
        if self.bad == "huge":
            return b"* 1 FETCH (UID 1 BODY[] {4000000000}\r\nxx"
        if not uids:
            return b""
        raw = self.mails[uids[0]]
        if self.bad == "cut":
            self._ended.wait(0.05)
            return f"* 1 FETCH (UID {uids[0]} BODY[] {{{len(raw)}}}\r\n".encode() + raw[: len(raw) // 2]
        raw = raw.partition(b"\r\n\r\n")[0] if "HEADER" in rest else raw
        return f"* 1 FETCH (UID {uids[0]} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
