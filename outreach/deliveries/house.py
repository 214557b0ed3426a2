"""What planning and sending need to know about the practice: read once per turn, then passed around."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.deliveries import pacing
from outreach.deliveries.models import TransportState
from outreach.deliveries.rules import Way
from outreach.deliveries.transports.registry import Transports
from outreach.deliveries.ways.way_settings import inbound_agreed_on
from outreach.practice.models import Practice
from outreach.practice.queries import practice_of, quiet_days


@dataclass(frozen=True)
class House:
    """The practice as of this turn. `today` is its local day, `agreements` the recorded days of BAAs by transport."""

    practice: Practice
    zone: ZoneInfo
    today: date
    quiet: Collection[date]
    agreements: Mapping[str, date | None]
    transports: Transports
    public_url: str
    inbound_agreed: bool = False
    """Whether answers arrive at a mailbox under an agreement: clients may be given its addresses (architecture 9.6)."""
    _slots: dict[tuple[str, datetime, int | None], pacing.Slot | None] = field(default_factory=dict)

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The transports as the rules see them; none before sender and public address are known, so mail waits."""
        if not self.practice.sender_email or not self.public_url:
            return ()
        return self.transports.ways(self.agreements)

    @property
    def https(self) -> bool:
        """Whether one-click unsubscribe can be offered (RFC 8058 wants https)."""
        return self.public_url.startswith("https://")

    def zone_of(self, name: str | None) -> str:
        """The contact's zone when it is a known one, else the practice's."""
        return name if name and _is_zone(name) else self.zone.key

    def slot(self, at: datetime, zone: str, local_minute: int | None) -> pacing.Slot | None:
        """The first planned instant from `at` on in that zone; reckoned once per zone."""
        key = (zone, at, local_minute)
        if key not in self._slots:
            self._slots[key] = pacing.slot(
                at,
                zone=ZoneInfo(zone),
                hours=(self.practice.send_from_minute, self.practice.send_until_minute),
                weekdays=self.practice.send_weekdays,
                quiet=self.quiet,
                local_minute=local_minute,
            )
        return self._slots[key]

    def transport_for(self, kind: str, audience_class: str) -> str | None:
        """The way out for this kind of mail to this class today; None when none may carry it."""
        return self.transports.choose(
            kind=kind, audience_class=audience_class, agreements=self.agreements, on=self.today
        )


def house_of(session: Session, *, now: datetime, transports: Transports, settings: Settings) -> House:
    """The practice as of `now`: five statements. Transports that were changed meanwhile are the new ones."""
    transports.follow(session)
    practice = practice_of(session)
    zone = ZoneInfo(practice.time_zone)
    today = now.astimezone(zone).date()
    states = session.scalars(select(TransportState)).all()
    agreements = transports.agreements(states)
    # While `states` lives, the row of the mailbox is not asked for a second time.
    inbound = inbound_agreed_on(session, settings)
    return House(
        practice=practice,
        zone=zone,
        today=today,
        quiet=quiet_days(session),
        agreements=agreements,
        transports=transports,
        public_url=(settings.public_url or practice.public_url).rstrip("/"),
        inbound_agreed=inbound is not None and inbound <= today,
    )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
