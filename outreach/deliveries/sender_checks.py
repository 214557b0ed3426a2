"""Before publishing: does the way out take mail from the sender's domain, and does it carry mail at all?"""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries.house import House, house_of
from outreach.deliveries.models import TransportState
from outreach.deliveries.transports.smtp import SmtpTransport
from outreach.deliveries.words import way_words
from outreach.screen import World

TRANSPORTS, SENDER = "/outbox/transports", "/settings/sender"
MAILBOX_DOMAINS = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), ("gmail.com", "google.com")),
    **dict.fromkeys(("yahoo.com", "ymail.com", "rocketmail.com"), ("yahoo.com",)),
    **dict.fromkeys(("outlook.com", "hotmail.com", "live.com", "msn.com"), ("outlook.com", "office365.com")),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), ("me.com", "icloud.com")),
    "aol.com": ("aol.com",),
    "comcast.net": ("comcast.net",),
    "proton.me": ("proton.me",),
}
"""Domains that belong to everybody, with the providers whose servers alone may send for them: their DMARC policies tell
others to refuse or file away whatever comes from elsewhere (RFC 7489, section 6.6)."""
NOT_VERIFIED = ("sender identity", "sender authentication", "5.1.8", "5.7", "550", "551", "553")
"""In the words of a refusal: the way out does not take mail from this sender (see `ways.way_rules.ADVICE`)."""


def sender_is_known(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    audiences: Collection[str],
    first_send_at: datetime,
    last_send_on: date,
) -> list[Finding]:
    """A blocker for a domain that is not verified with the way out; a warning for a way that is paused or untried."""
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    chosen = {house.transport_for(kind, each) for each in audiences or ("provider",)}
    names = sorted(name for name in chosen if name and not world.transports[name].leaves_nothing)
    if not names or not house.practice.sender_email:
        return []
    known = select(TransportState).where(TransportState.name.in_(names))
    states = {state.name: state for state in session.scalars(known)}
    found = [finding for name in names for finding in _of_way(house, name, states.get(name))]
    return found or [Finding("pass", f"Mail from {_domain(house)} is taken by {' and '.join(map(way_words, names))}")]


def _of_way(house: House, name: str, state: TransportState | None) -> list[Finding]:
    domain, way = _domain(house), way_words(name)
    if domain in MAILBOX_DOMAINS and not _own_server(house, name, MAILBOX_DOMAINS[domain]):
        text = f"Your sender's address is at {domain}, which is not yours to verify: others file such mail as spam. "
        return [Finding("blocker", f"{text}Use an address at your practice's own domain.", SENDER)]
    if state is not None and state.paused_at is not None:
        if state.paused_by_id is None and any(sign in state.paused_why.lower() for sign in NOT_VERIFIED):
            text = (
                f"The sender's domain {domain} is not verified: {way} refuses mail from {house.practice.sender_email}."
            )
            return [Finding("blocker", text, TRANSPORTS)]
        return [Finding("warning", f"{way} is paused: everything waits until somebody resumes it.", TRANSPORTS)]
    if state is None or state.last_sent_at is None:
        text = f"Nothing has left by {way} yet. A test to yourself shows whether {domain} is verified there."
        return [Finding("warning", text, TRANSPORTS)]
    return []


def _domain(house: House) -> str:
    return house.practice.sender_email.rpartition("@")[2].lower()


def _own_server(house: House, name: str, providers: Collection[str]) -> bool:
    """Whether this way is the mailbox provider's own server."""
    transport = house.transports.get(name)
    host = transport.host.lower() if isinstance(transport, SmtpTransport) else ""
    return any(host == each or host.endswith(f".{each}") for each in providers)
