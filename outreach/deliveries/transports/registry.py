"""The ways out that this installation has, by name, and which one a message takes."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import quote

from sqlalchemy.orm import Session

from outreach.config import SENDGRID_URL, Settings
from outreach.deliveries.models import TransportState
from outreach.deliveries.rules import Way, may_carry
from outreach.deliveries.transports.dkim_signing import DkimSigner, signer_from
from outreach.deliveries.transports.folder import FolderTransport
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.protocol import Transport
from outreach.deliveries.transports.sendgrid_api import SendGridTransport
from outreach.deliveries.transports.smtp import SmtpTransport
from outreach.deliveries.ways import way_settings
from outreach.deliveries.ways.way_rules import REGIONS, counts_for, host_problem, signs_no_agreement
from outreach.errors import SettingsError

log = logging.getLogger(__name__)

ORDER = ("sendgrid", "smtp", "folder", "memory")
MIME_IS_OURS = ("smtp", "folder", "memory", "sendgrid")
"""Invitations: over the API neither charset nor encoding of the calendar part can be chosen (standards C2)."""
INVITATION_KINDS = ("invitation", "invitation-update", "cancellation", "reminder")


class Transports:
    """The configured transports, in the order of `ORDER`: those of the environment, then those that people set."""

    def __init__(self, transports: Iterable[Transport], *, settings: Settings | None = None) -> None:
        """Each name once. Without `settings` the database is never asked."""
        self._fixed = {transport.name: transport for transport in transports}
        self._settings = settings
        self._set: dict[str, Transport] = {}
        self._revisions: dict[str, str] = {}
        self._retired: deque[Transport] = deque(maxlen=8)
        self._lock = threading.Lock()
        self._by_name = self._in_order()

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
        return tuple(
            Way(t.name, t.leaves_nothing, None if _signs_none(t) else agreements.get(t.name))
            for t in self._by_name.values()
        )

    def agreements(self, states: Iterable[TransportState]) -> dict[str, date | None]:
        """{transport: day of its agreement}; one that was made for another server than is used now does not count."""
        hosts = {t.name: t.host for t in self._by_name.values() if isinstance(t, SmtpTransport)}
        return {
            each.name: each.baa_signed_on if counts_for(each.baa_for, hosts.get(each.name, "")) else None
            for each in states
        }

    def choose(self, *, kind: str, audience_class: str, agreements: Mapping[str, date | None], on: date) -> str | None:
        """The way that a message of this kind to this class takes on that day; None when none may carry it."""
        order = MIME_IS_OURS if kind in INVITATION_KINDS else ORDER
        ways = {way.name: way for way in self.ways(agreements)}
        ranked = sorted(ways, key=lambda name: order.index(name) if name in order else len(order))
        return next((name for name in ranked if may_carry(ways[name], audience_class, on=on)), None)

    def follow(self, session: Session) -> None:
        """What administrators changed since the last look holds from now on: only those transports are made anew.

        Calls in flight end on the old ones, whose connections are given back as they become idle. One statement.
        """
        if self._settings is None:
            return
        for old in tuple(self._retired):
            old.close()
        present = way_settings.revisions(session)
        if present == self._revisions:
            return
        with self._lock:
            changed = {n for n in {*present, *self._revisions} if present.get(n) != self._revisions.get(n)}
            fresh = {name: way for name in changed if (way := _made(session, self._settings, name)) is not None}
            self._retired.extend(self._set[name] for name in changed if name in self._set)
            self._set = {**{n: way for n, way in self._set.items() if n not in changed}, **fresh}
            self._revisions = present
            self._by_name = self._in_order()

    def close(self) -> None:
        """Connections are given back."""
        for transport in (*self._by_name.values(), *self._fixed.values(), *self._retired):
            transport.close()

    def _in_order(self) -> dict[str, Transport]:
        """The environment wins. Folder and memory, which stand in where there is no other way, go when one is set."""
        fixed = {n: way for n, way in self._fixed.items() if not (self._set and way.leaves_nothing)}
        known = {**self._set, **fixed}
        return {name: known[name] for name in (*ORDER, *known) if name in known}


def open_transports(settings: Settings) -> Transports:
    """The transports that the settings name; without any, demo writes to the folder and tests to memory.

    Run has none then, unless the preview inbox was asked for: mail lands there and nothing leaves (architecture 5).
    """
    found: list[Transport] = []
    if settings.sendgrid_api_key:
        base, sandbox = settings.sendgrid_base_url, settings.sendgrid_sandbox
        found.append(SendGridTransport(settings.sendgrid_api_key, base_url=base, sandbox=sandbox))
    if settings.smtp_url:
        found.append(SmtpTransport(settings.smtp_url, sign=_signer(settings)))
    if not found and (settings.mode == "demo" or (settings.mode == "run" and settings.preview_inbox)):
        found.append(FolderTransport(settings.outbox_folder))
    if not found and settings.mode == "test":
        found.append(MemoryTransport())
    return Transports(found, settings=settings)


def _signs_none(transport: Transport) -> bool:
    """Whether what is on record cannot be about this server: the environment names another one than it did then."""
    return isinstance(transport, SmtpTransport) and signs_no_agreement(transport.host)


def _made(session: Session, settings: Settings, name: str) -> Transport | None:
    """The transport as administrators set it; None when it is none, is set outside, or its key cannot be read."""
    if name not in MAKERS or way_settings.outside(settings, name):
        return None
    try:
        way = way_settings.way_of(session, settings, name)
    except SettingsError:
        log.exception("The kept key of %s cannot be read", name)
        return None
    if way is None:
        return None
    if way.lost:
        log.error("The kept key of %s cannot be read; it must be typed anew", name)
        return None
    try:
        return MAKERS[name](way, settings)
    except SettingsError:
        log.exception("%s cannot be used as it is set", name)
        return None


def _sendgrid(way: way_settings.Way, settings: Settings) -> Transport | None:
    base = REGIONS[way.facts["region"]] if settings.sendgrid_base_url == SENDGRID_URL else settings.sendgrid_base_url
    if "sendgrid.key" not in way.secrets or way_settings.kept_inside(settings, way.name):
        return None
    return SendGridTransport(way.secrets["sendgrid.key"], base_url=base, sandbox=bool(way.facts.get("sandbox")))


def _smtp(way: way_settings.Way, settings: Settings) -> Transport | None:
    facts, secret = way.facts, way.secrets.get("smtp.password", "")
    if host_problem(facts["host"], only_here=settings.mode == "demo"):
        return None
    signs_in = facts["sign_in"] != "none"
    person = f"{quote(facts['user'], safe='')}:{quote(secret, safe='')}@" if signs_in else ""
    host = f"[{facts['host']}]" if ":" in facts["host"] else facts["host"]
    return SmtpTransport(
        f"{'smtps' if facts['tls'] == 'tls' else 'smtp'}://{person}{host}:{facts['port']}",
        must_encrypt=facts["tls"] != "plain",
        token=(lambda: secret) if facts["sign_in"] == "token" else None,
        most_per_session=facts["most_per_session"],
        sign=_own_signer(way) or _signer(settings),
    )


def _own_signer(way: way_settings.Way) -> DkimSigner | None:
    """The signer whose key an administrator put in. Errors: SettingsError when the key will not do."""
    selector, key = way.facts.get("dkim_selector"), way.secrets.get("smtp.dkim")
    if not selector or not key:
        return None
    try:
        return DkimSigner(selector, None, key.encode())
    except ValueError as broken:
        raise SettingsError(f"The DKIM key will not do: {broken}") from broken


def _signer(settings: Settings) -> DkimSigner | None:
    """What signs mail over SMTP. Errors: SettingsError when the key will not do."""
    if settings.dkim_key_file is None:
        return None
    try:
        return signer_from(settings.dkim_selector, None, settings.dkim_key_file)
    except ValueError as broken:
        raise SettingsError(f"OUTREACH_DKIM_KEY and OUTREACH_DKIM_SELECTOR will not do: {broken}") from broken


MAKERS = {"sendgrid": _sendgrid, "smtp": _smtp}
