"""The ways out that this installation has, by name, and which one a message takes."""

from collections.abc import Iterable, Mapping
from datetime import date

from outreach.config import Settings
from outreach.deliveries.rules import Way, may_carry
from outreach.deliveries.transports.folder import FolderTransport
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.protocol import Transport
from outreach.deliveries.transports.sendgrid_api import SendGridTransport
from outreach.deliveries.transports.smtp import SmtpTransport

ORDER = ("sendgrid", "smtp", "folder", "memory")
MIME_IS_OURS = ("smtp", "folder", "memory", "sendgrid")
"""Invitations: over the API neither charset nor encoding of the calendar part can be chosen (standards C2)."""
INVITATION_KINDS = ("invitation", "invitation-update", "cancellation", "reminder")


class Transports:
    """The configured transports, in the order of `ORDER`."""

    def __init__(self, transports: Iterable[Transport]) -> None:
        """Each name once."""
        known = {transport.name: transport for transport in transports}
        self._by_name = {name: known[name] for name in (*ORDER, *known) if name in known}

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(self._by_name)

    @property
    def most_lanes(self) -> int:
        """How many calls the widest way takes at once."""
        return max((transport.lanes for transport in self._by_name.values()), default=1)

    def get(self, name: str | None) -> Transport | None:
        """The transport of that name, or None when this installation has none such (any more)."""
        return self._by_name.get(name or "")

    def __getitem__(self, name: str) -> Transport:
        """The transport of that name. Errors: KeyError."""
        return self._by_name[name]

    def ways(self, agreements: Mapping[str, date | None]) -> tuple[Way, ...]:
        """The transports as the rules see them; `agreements` are the days on which a BAA was signed."""
        return tuple(Way(t.name, t.leaves_nothing, agreements.get(t.name)) for t in self._by_name.values())

    def choose(self, *, kind: str, audience_class: str, agreements: Mapping[str, date | None], on: date) -> str | None:
        """The way that a message of this kind to this class takes on that day; None when none may carry it."""
        order = MIME_IS_OURS if kind in INVITATION_KINDS else ORDER
        ways = {way.name: way for way in self.ways(agreements)}
        ranked = sorted(ways, key=lambda name: order.index(name) if name in order else len(order))
        return next((name for name in ranked if may_carry(ways[name], audience_class, on=on)), None)

    def close(self) -> None:
        """Connections are given back."""
        for transport in self._by_name.values():
            transport.close()


def open_transports(settings: Settings) -> Transports:
    """The transports that the settings name; without any, demo writes to the folder and tests to memory.

    Run has none then, unless the preview inbox was asked for: mail lands there and nothing leaves (architecture 5).
    """
    found: list[Transport] = []
    if settings.sendgrid_api_key:
        found.append(SendGridTransport(settings.sendgrid_api_key, base_url=settings.sendgrid_base_url))
    if settings.smtp_url:
        found.append(SmtpTransport(settings.smtp_url))
    if not found and (settings.mode == "demo" or (settings.mode == "run" and settings.preview_inbox)):
        found.append(FolderTransport(settings.outbox_folder))
    if not found and settings.mode == "test":
        found.append(MemoryTransport())
    return Transports(found)
