"""Writes each mail as an .eml file, byte for byte what SMTP would send; the preview inbox reads them."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from outreach.deliveries.mail import mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports.protocol import Accepted, GoOn, NotHandedOver, Outcome, Permanent, one_by_one


class FolderTransport:
    """One file per delivery and moment: `20260302T150000-000012.eml`, newest last by name."""

    name = "folder"
    kind = "folder"
    leaves_nothing = True
    lanes = 1

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first mail is written."""
        self.folder = folder

    def send(self, message: OutgoingMessage) -> Outcome:
        """The file is there, whole, or not at all: written beside and renamed."""
        try:
            raw = mime.build(message)
        except ValueError as broken:
            return Permanent(str(broken))
        name = f"{message.date:%Y%m%dT%H%M%S}-{message.delivery_id:06d}.eml"
        beside = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(beside, raw)
            beside.replace(self.folder / name)
        except OSError as broken:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            return NotHandedOver(f"The folder cannot be written: {broken.strerror}.")
        return Accepted(name)

    def at_once(self, kind: str) -> int:
        """Each message goes by itself."""
        return 1

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """One after the other."""
        return one_by_one(self, messages, go_on)

    def close(self) -> None:
        """Nothing is open between two mails."""


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
