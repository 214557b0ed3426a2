"""VTIMEZONE components that every calendar program reads the same way.

`icalendar.Calendar.add_missing_timezones` writes several STANDARD components with RDATE lists; Exchange parses only
one STANDARD and expects yearly rules (MS-OXCICAL 2.1.3.1.1.19). So the component is made here: one STANDARD and one
DAYLIGHT at most, each with a yearly rule (RFC 5545 section 3.6.5).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NEIGHBOURS = (-2, -1, 1, 2)
"""Years around the event's that decide between "fourth" and "last" Sunday."""
FIRST_YEAR = 1970
"""Where rules begin, as Google writes them. With a late first onset vobject, which compares zones over the years 2000
to 2020, took London for UTC."""


@dataclass(frozen=True, slots=True)
class Observance:
    """One half of a zone's year: the offset in force from `onset` on, repeated each year by month and weekday.

    `onset` is local wall-clock time before the change; `month` is 0 for a zone that never changes.
    """

    offset_from: timedelta
    offset_to: timedelta
    label: str
    onset: datetime
    month: int = 0
    byday: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a zone's offset. `wall` is the local time that clocks showed at that instant."""

    before: timedelta
    after: timedelta
    label: str
    wall: datetime


def zone_component(zone: str, year: int) -> Timezone | None:
    """The VTIMEZONE named `zone` that is exact for every instant of `year`.

    None where a year cannot be told as one yearly pair (Ramadan in Morocco, a year in which a country leaves daylight
    time): the caller then writes UTC. Raises ZoneInfoNotFoundError for an unknown zone.
    """
    observances = observances_of(zone, year)
    if not observances:
        return None
    component = Timezone()
    component.add("tzid", zone)
    lowest = min(observance.offset_to for observance in observances)
    for observance in observances:
        kind = TimezoneStandard if observance.offset_to == lowest else TimezoneDaylight
        component.add_component(_sub_component(kind, observance))
    return component


@lru_cache(maxsize=256)
def observances_of(zone: str, year: int) -> tuple[Observance, ...]:
    """The observances of `zone` as `year` has them: one, two, or none when no yearly pair tells the year."""
    changes = transitions(zone, year)
    if not changes:
        noon = datetime(year, 7, 1, 12, tzinfo=ZoneInfo(zone))
        offset = _offset(noon)
        return (Observance(offset, offset, noon.tzname() or zone, datetime(FIRST_YEAR, 1, 1)),)  # noqa: DTZ001
    if len(changes) != 2 or changes[0].before != changes[1].after:
        return ()
    nearby = [change for step in NEIGHBOURS for change in transitions(zone, year + step)]
    return tuple(_observance(change, nearby) for change in changes)


@lru_cache(maxsize=1024)
def transitions(zone: str, year: int) -> tuple[Transition, ...]:
    """Every change of the offset of `zone` whose instant lies in `year` (UTC), in order."""
    info = ZoneInfo(zone)
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = (datetime(year + 1, 1, 1, tzinfo=UTC) - start).days
    instants = [start + timedelta(days=day) for day in range(days + 1)]
    changed = [(a, b) for a, b in pairwise(instants) if _offset_at(a, info) != _offset_at(b, info)]
    return tuple(_transition(a, b, info) for a, b in changed)


def _sub_component(
    kind: type[TimezoneStandard] | type[TimezoneDaylight], observance: Observance
) -> TimezoneStandard | TimezoneDaylight:
    part = kind()
    part.add("dtstart", observance.onset)
    part.add("tzoffsetfrom", observance.offset_from)
    part.add("tzoffsetto", observance.offset_to)
    part.add("tzname", observance.label)
    if observance.month:
        part.add("rrule", vRecur(freq="YEARLY", bymonth=observance.month, byday=observance.byday))
    return part


def _observance(change: Transition, nearby: list[Transition]) -> Observance:
    """The yearly rule of a change: among the rules true for it, the one that neighbouring years share most."""
    alike = [other.wall.date() for other in nearby if other.after == change.after]
    names = _weekday_names(change.wall.date())
    byday = max(names, key=lambda name: sum(name in _weekday_names(day) for day in alike))
    first = datetime.combine(_day_of(byday, FIRST_YEAR, change.wall.month), change.wall.time())
    return Observance(change.before, change.after, change.label, first, change.wall.month, byday)


def _weekday_names(day: date) -> tuple[str, ...]:
    """How a day is called within its month: ("2SU",), and ("4SU", "-1SU") where both are true."""
    weekday = WEEKDAYS[day.weekday()]
    last = (day + timedelta(days=7)).month != day.month
    nth = (day.day - 1) // 7 + 1
    if nth == 5:
        return (f"-1{weekday}",)
    return (f"{nth}{weekday}", f"-1{weekday}") if last else (f"{nth}{weekday}",)


def _day_of(byday: str, year: int, month: int) -> date:
    days = (date(year, month, 1) + timedelta(days=step) for step in range(31))
    return next(day for day in days if day.month == month and byday in _weekday_names(day))


def _transition(earlier: datetime, later: datetime, info: ZoneInfo) -> Transition:
    """Halves the span until one second is left; a zone changes at most once a day."""
    before = _offset_at(earlier, info)
    while later - earlier > timedelta(seconds=1):
        middle = earlier + timedelta(seconds=(later - earlier) // timedelta(seconds=2))
        if _offset_at(middle, info) == before:
            earlier = middle
        else:
            later = middle
    local = later.astimezone(info)
    return Transition(before, _offset(local), local.tzname() or str(info), (later + before).replace(tzinfo=None))


def _offset_at(instant: datetime, info: ZoneInfo) -> timedelta:
    return _offset(instant.astimezone(info))


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None
    return offset
