"""The ways out as the Transports screen shows them: health, limits, agreement, what each may carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import ui
from outreach.config import SENDGRID_URL, Settings
from outreach.deliveries import outbox
from outreach.deliveries.models import TransportState
from outreach.deliveries.rules import AUDIENCES, may_carry
from outreach.deliveries.transports.registry import Transports
from outreach.deliveries.ways import way_rules, way_settings
from outreach.deliveries.ways.transport_models import TransportSetting, TransportThrottle
from outreach.deliveries.words import WAY_WORDS
from outreach.practice.models import KeptSecret, Person

LABELS = WAY_WORDS
NOT_REACHED = "The last try did not work: see below. Everything is kept and tried again by itself."
AUDIENCE_LABELS = {
    "provider": "Referring providers",
    "organization": "Community organizations",
    "peer": "Peer therapists",
    "client": "Clients and families",
}


@dataclass(frozen=True)
class Shown:
    """One way out for the screen."""

    name: str
    label: str
    state: TransportState | None
    throttle: TransportThrottle | None
    health: tuple[str, str, str]
    """Tone and word of the chip, and the sentence beside it."""
    waiting: int
    carries: tuple[str, ...]
    reached: str
    """How it is reached, without anything secret."""
    source: str
    """outside: set in the environment; here: set on the screen; itself: nothing to set."""
    agreed_on: date | None = None
    """The day of the agreement that counts: one with another server does not."""
    broken: bool = False
    """Its kept key cannot be read, so nothing leaves by it."""

    @property
    def may_have_agreement(self) -> bool:
        """Whether a business associate agreement can be recorded for it."""
        return self.name in ("smtp", "inbound") or self.source == "itself"


def ways_shown(
    session: Session, *, transports: Transports, settings: Settings, today: date, now: datetime
) -> list[Shown]:
    """The ways out in the order in which they are chosen, then those whose key cannot be read. Statements: constant,
    and one per way for what waits."""
    states = {state.name: state for state in session.scalars(select(TransportState))}
    throttles = {row.name: row for row in session.scalars(select(TransportThrottle))}
    rows = {row.name: row for row in session.scalars(select(TransportSetting))}
    agreements = transports.agreements(states.values())
    ways = transports.ways(agreements)
    waiting = {way.name: outbox.waiting_in(session, f"transport:{way.name}") for way in ways}
    shown = [
        Shown(
            name=way.name,
            label=LABELS.get(way.name, way.name),
            state=states.get(way.name),
            throttle=throttles.get(way.name),
            health=health(states.get(way.name), throttles.get(way.name), now=now, waiting=waiting[way.name]),
            waiting=waiting[way.name],
            carries=tuple(AUDIENCE_LABELS[name] for name in AUDIENCES[:4] if may_carry(way, name, on=today)),
            reached=_reached(settings, way.name, rows.get(way.name)),
            source=_source(settings, way.name, rows),
            agreed_on=agreements.get(way.name),
        )
        for way in ways
    ]
    lost = [name for name in rows if name != "inbound" and name not in transports.names]
    return shown + [_lost(session, settings, name, states, throttles, rows) for name in lost]


def health(
    state: TransportState | None, throttle: TransportThrottle | None, *, now: datetime, waiting: int = 0
) -> tuple[str, str, str]:
    """(tone, word, sentence). `waiting` is how many messages wait to leave by it."""
    if state is not None and state.paused_at is not None:
        by_house = state.paused_by_id is None
        said = f"{state.paused_why} {way_rules.advice(state.paused_why)}" if by_house else state.paused_why
        return "clay" if by_house else "gold", "Paused", said
    if throttle is not None and throttle.breaker != "closed":
        if throttle.open_until_at and throttle.open_until_at > now:
            return (
                "gold",
                "Resting",
                "Too many emails were lost on the way. Everything is kept; one email tries it soon.",
            )
        return "gold", "Trying one", "One email goes first; the others follow when it worked."
    if state is not None and state.not_before_at is not None and state.not_before_at > now:
        return "gold", "Resting", "The other side asked us to wait. Everything is kept."
    if throttle is not None and throttle.slowed_to is not None:
        return "gold", "Slowed down", "The other side was busy; the pace comes back by itself within minutes."
    if state is not None and state.last_trouble_at is not None and (state.troubles or state.last_sent_at is None):
        return "gold", "Not working yet" if state.last_sent_at is None else "Trouble", NOT_REACHED
    if state is not None and state.last_sent_at is not None:
        return "leaf", "Working", ""
    if waiting:
        return (
            "plain",
            "Not used yet",
            f"{ui.count(waiting, 'message')} {ui.plural(waiting, 'waits', 'wait')} to leave.",
        )
    return "plain", "Not used yet", "Send yourself a test."


def kept_words(session: Session, name: str) -> dict[str, tuple[datetime, str]]:
    """{secret: (when it was set, by whom)} of one way; nothing of the secret itself."""
    rows = session.execute(
        select(KeptSecret.name, KeptSecret.set_at, Person.name.label("by"))
        .outerjoin(Person, Person.id == KeptSecret.set_by_id)
        .where(KeptSecret.name.in_(way_settings.SECRETS[name]))
    )
    return {row.name: (row.set_at, row.by or "") for row in rows}


def _lost(
    session: Session,
    settings: Settings,
    name: str,
    states: Mapping[str, TransportState],
    throttles: Mapping[str, TransportThrottle],
    rows: Mapping[str, TransportSetting],
) -> Shown:
    said = "Its kept key cannot be read any more. Type it again under Change; all mail is kept."
    return Shown(
        name=name,
        label=LABELS[name],
        state=states.get(name),
        throttle=throttles.get(name),
        health=("clay", "Not working", said),
        waiting=outbox.waiting_in(session, f"transport:{name}"),
        carries=(),
        reached=_reached(settings, name, rows.get(name)),
        source="here",
        broken=True,
    )


def _source(settings: Settings, name: str, rows: Mapping[str, Any]) -> str:
    if way_settings.outside(settings, name):
        return "outside"
    return "here" if name in rows else "itself"


def _reached(settings: Settings, name: str, row: TransportSetting | None) -> str:
    if way_settings.outside(settings, name):
        url = settings.smtp_url if name == "smtp" else settings.sendgrid_base_url
        return way_rules.host_of(url)
    if row is None:
        return ""
    if name == "sendgrid":
        region = {"us": "United States", "eu": "European Union"}.get(row.facts.get("region", ""), "")
        if settings.sendgrid_base_url != SENDGRID_URL:
            region = way_rules.host_of(settings.sendgrid_base_url)
        return f"{region}, sandbox: nothing is delivered" if row.facts.get("sandbox") else region
    return f"{row.facts.get('host')}, port {row.facts.get('port')}"
