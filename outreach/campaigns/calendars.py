"""The calendars by which people of one campaign are reached: one per time zone, made once per turn."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from outreach.campaigns import rules
from outreach.campaigns.rules import Calendar
from outreach.campaigns.setup import Setup
from outreach.deliveries import pacing
from outreach.deliveries.house import House


@dataclass
class Calendars:
    """What `rules` needs to know about days and hours, by the zone of a contact (None: the practice's)."""

    house: House
    _made: dict[str, Calendar] = field(default_factory=dict)
    _entries: dict[tuple[datetime, str, int, tuple[int, ...]], datetime] = field(default_factory=dict)

    def of(self, zone_name: str | None) -> Calendar:
        """The calendar of a contact in that zone."""
        zone = self.house.zone_of(zone_name)
        if zone not in self._made:
            practice = self.house.practice
            self._made[zone] = Calendar(
                zone=ZoneInfo(zone),
                weekdays=tuple(practice.send_weekdays),
                quiet=self.house.quiet,
                hours=(practice.send_from_minute, practice.send_until_minute),
            )
        return self._made[zone]

    def knows(self, zone_name: str | None) -> bool:
        """Whether the contact's zone is one, or none is set: no email leaves to a zone that nobody knows."""
        return not zone_name or self.house.zone_of(zone_name) == zone_name

    def entry_at(self, now: datetime, zone_name: str | None, setup: Setup) -> datetime:
        """When the first step is due for somebody who enters now; reckoned once per zone."""
        calendar = self.of(zone_name)
        key = (now, calendar.zone.key, setup.minute, tuple(setup.weekdays))
        if key not in self._entries:
            self._entries[key] = rules.entry_at(now, calendar, minute=setup.minute, weekdays=setup.weekdays)
        return self._entries[key]


def sends_at(at: datetime, calendar: Calendar) -> datetime:
    """When a mail that is planned at `at` leaves: then, or at the next opening; `at` when no day is ever open."""
    found = pacing.window(
        at, zone=calendar.zone, hours=calendar.hours, weekdays=calendar.weekdays, quiet=calendar.quiet
    )
    return max(at, found[0]) if found else at
