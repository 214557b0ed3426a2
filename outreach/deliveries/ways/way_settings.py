"""What administrators set about the ways out, read with its secrets opened: for the registry and the mailbox reader."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.deliveries.models import TransportState
from outreach.deliveries.ways import kept_secrets
from outreach.deliveries.ways.transport_models import TransportSetting
from outreach.deliveries.ways.way_rules import THIS_MACHINE, counts_for, host_of
from outreach.practice.models import KeptSecret

SECRETS = {
    "sendgrid": ("sendgrid.key",),
    "smtp": ("smtp.password", "smtp.dkim"),
    "inbound": ("inbound.password",),
}


@dataclass(frozen=True)
class Way:
    """How a way out is reached, secrets opened. `lost`: names of secrets that can no longer be read."""

    name: str
    facts: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    lost: tuple[str, ...] = ()


def revisions(session: Session) -> dict[str, str]:
    """{name: revision} of what administrators set; the same as long as nothing changed. One statement."""
    rows = session.execute(select(TransportSetting.name, TransportSetting.revision))
    return {row.name: row.revision for row in rows}


def way_of(session: Session, settings: Settings, name: str) -> Way | None:
    """How that way is reached, as an administrator set it; None when nobody did."""
    row = session.get(TransportSetting, name, populate_existing=True)
    if row is None:
        return None
    known = set(session.scalars(select(KeptSecret.name).where(KeptSecret.name.in_(SECRETS[name]))))
    plain = kept_secrets.opened(session, settings, SECRETS[name])
    return Way(name, dict(row.facts), plain, tuple(sorted(known - plain.keys())))


def inbound_host(session: Session, settings: Settings) -> str:
    """The server of the mailbox where answers arrive; "" when none is connected."""
    if settings.imap_url:
        return host_of(settings.imap_url)
    row = session.get(TransportSetting, "inbound")
    return str(row.facts.get("host", "")) if row else ""


def inbound_agreed_on(session: Session, settings: Settings) -> date | None:
    """The day of the agreement for the mailbox where answers arrive; one with another server does not count.

    Without a mailbox answers come by Inbound Parse only, whose provider signs none.
    """
    state = session.get(TransportState, "inbound")
    if state is None or state.baa_signed_on is None:
        return None
    host = inbound_host(session, settings)
    return state.baa_signed_on if host and counts_for(state.baa_for, host) else None


def webhook_key(session: Session, settings: Settings) -> str | None:
    """The public key with which SendGrid's posts are checked: the environment's, else the typed one."""
    if settings.sendgrid_webhook_key:
        return settings.sendgrid_webhook_key
    row = session.get(TransportSetting, "sendgrid")
    return (row.facts.get("webhook_key") or None) if row else None


def outside(settings: Settings, name: str) -> bool:
    """Whether the environment sets this way: then what is in the database does not count."""
    return bool(
        {"sendgrid": settings.sendgrid_api_key, "smtp": settings.smtp_url, "inbound": settings.imap_url}.get(name)
    )


def kept_inside(settings: Settings, name: str) -> bool:
    """Whether this way would leave the demo's machine: then it can be neither set up nor used."""
    return name == "sendgrid" and settings.mode == "demo" and host_of(settings.sendgrid_base_url) not in THIS_MACHINE
