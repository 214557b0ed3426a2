"""Calendar files: the invitation to one person, its cancellation, and the feed that calendars subscribe to.

Pure: the same input gives the same bytes. The rules are iTIP (RFC 5546), iMIP (RFC 6047) and what Outlook, Gmail and
Apple are known to refuse; answers that come back are read in `replies`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from icalendar import STATUS, TRANSP, Alarm, Calendar, Component, Event, vCalAddress, vDuration

from outreach.events.timezones import zone_component

PRODID = "-//Outreach//Outreach//EN"
REFRESH = timedelta(hours=4)
ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[A-Za-z0-9.-]+")
"""A dot-atom with an ASCII domain (RFC 5322 section 3.4.1)."""
URI_MEANING = {"%": "%25", "?": "%3F", "#": "%23"}
"""What would end or change a `mailto:` URI (RFC 6068 section 2); other letters stay, for programs compare literally."""
UNSAFE_IN_NAMES = re.compile(r'["^\\;:,]')
"""A quote is written in RFC 6868 caret form, which vobject and node-ical do not decode; the others split lines."""
TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "•": "-", "·": "-", "ß": "ss"}
    | {"æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)

Method = Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """One meeting as one invited person is to see it.

    `sequence` starts at 0 and rises with a change of time or place and with cancellation; `issued_at` is the moment
    of this issue (aware). `organizer_email` carries the token (`rsvp+<token>@…`), never the practice's own mailbox:
    between two Google calendars the reply would not be mailed.
    """

    uid: str
    sequence: int
    issued_at: datetime
    starts_at: datetime
    ends_at: datetime
    zone: str
    summary: str
    organizer_name: str
    organizer_email: str
    attendee_name: str
    attendee_email: str
    location: str = ""
    description: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One entry of a feed. `starts` and `ends` are both aware instants, or both dates (`ends` not included)."""

    uid: str
    changed_at: datetime
    starts: datetime | date
    ends: datetime | date
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    sequence: int = 0
    cancelled: bool = False
    remind_before: timedelta | None = None


def uid_for(event_id: int, invitation_id: int, domain: str) -> str:
    """The identity of one person's invitation, fixed for life: one per invitee keeps replies and guests apart."""
    return f"{event_id}-{invitation_id}@{domain}"


def request(invitation: Invitation, *, ascii_only: bool = False) -> bytes:
    """The REQUEST (RFC 5546 section 3.2.2) that asks one person; also the update, with a higher `sequence`.

    `ascii_only` transliterates texts, for SendGrid's API where the charset of the part cannot be chosen; letters
    without a Latin form stay. Raises ValueError for naive times, an end before the start, or an unusable address.
    """
    return _invite(invitation, "REQUEST", ascii_only)


def cancel(invitation: Invitation, *, ascii_only: bool = False) -> bytes:
    """The CANCEL (RFC 5546 section 3.2.5) that takes the meeting out of a calendar; `sequence` is already raised."""
    return _invite(invitation, "CANCEL", ascii_only)


def feed(name: str, uid: str, events: Iterable[FeedEvent], *, refresh: timedelta = REFRESH) -> bytes:
    """A calendar to subscribe to (RFC 7986): times in UTC, no attendees, ordered, stable bytes between changes.

    `uid` names the calendar itself; left out, icalendar would invent one at each call and no ETag would ever match.
    """
    calendar = Calendar.new(prodid=PRODID, calscale="GREGORIAN", method="PUBLISH", uid=uid, name=_line(name))
    # icalendar's own setter leaves out VALUE=DURATION, which RFC 7986 section 5.7 requires.
    calendar.add("refresh-interval", refresh, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(refresh))
    for event in sorted(events, key=lambda event: (event.starts.isoformat(), event.uid)):
        calendar.add_component(_feed_entry(event))
    return bytes(calendar.to_ical())


def as_ascii(text: str) -> str:
    """`text` with accents dropped and typographic signs spelled plainly; what has no Latin form stays as it is."""
    return "".join(_ascii_form(letter) for letter in text.translate(TYPOGRAPHY))


def _invite(invitation: Invitation, method: Method, ascii_only: bool) -> bytes:
    if invitation.ends_at <= invitation.starts_at:
        raise ValueError("The meeting ends before it starts.")
    starts, ends, zone = _times(invitation)
    calendar = Calendar.new(prodid=PRODID, method=method, calscale="GREGORIAN", uid=invitation.uid)
    if zone is not None:
        calendar.add_component(zone)
    spell = as_ascii if ascii_only else str
    event = Event.new(
        uid=invitation.uid,
        sequence=invitation.sequence,
        stamp=_utc(invitation.issued_at),
        start=starts,
        end=ends,
        summary=_line(spell(invitation.summary)),
        location=_line(spell(invitation.location)) or None,
        description=_text(spell(invitation.description)) or None,
        url=_line(invitation.url) or None,
        status=STATUS.CONFIRMED if method == "REQUEST" else STATUS.CANCELLED,
        transparency=TRANSP.OPAQUE,
        organizer=_organizer(invitation.organizer_email, spell(invitation.organizer_name)),
        attendees=[_attendee(invitation.attendee_email, spell(invitation.attendee_name))],
    )
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _times(invitation: Invitation) -> tuple[datetime, datetime, Component | None]:
    """Start and end in local time with the zone's component, or in UTC where local time would be ambiguous."""
    starts, ends = _utc(invitation.starts_at), _utc(invitation.ends_at)
    if invitation.zone == "UTC":
        return starts, ends, None
    info = ZoneInfo(invitation.zone)
    local = (starts.astimezone(info), ends.astimezone(info))
    component = zone_component(invitation.zone, starts.year)
    if component is None or any(_ambiguous(instant) for instant in local):
        return starts, ends, None
    return *local, component


def _ambiguous(local: datetime) -> bool:
    """Whether clocks show this time twice: a calendar file cannot say which one is meant (RFC 5545 section 3.3.5)."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _organizer(email: str, name: str) -> vCalAddress:
    return vCalAddress.new(_address(email), cn=_common_name(name) or None)


def _attendee(email: str, name: str) -> vCalAddress:
    return vCalAddress.new(
        _address(email),
        cn=_common_name(name) or None,
        cutype="INDIVIDUAL",
        role="REQ-PARTICIPANT",
        partstat="NEEDS-ACTION",
        rsvp=True,
    )


def _feed_entry(event: FeedEvent) -> Event:
    return Event.new(
        uid=event.uid,
        sequence=event.sequence,
        stamp=_utc(event.changed_at),
        last_modified=_utc(event.changed_at),
        start=_utc(event.starts) if isinstance(event.starts, datetime) else event.starts,
        end=_utc(event.ends) if isinstance(event.ends, datetime) else event.ends,
        summary=_line(event.summary),
        location=_line(event.location) or None,
        description=_text(event.description) or None,
        url=_line(event.url) or None,
        status=STATUS.CANCELLED if event.cancelled else STATUS.CONFIRMED,
        subcomponents=_alarms(event),
    )


def _alarms(event: FeedEvent) -> list[Component]:
    if event.remind_before is None or event.cancelled:
        return []
    return [Alarm.new_display(description=_line(event.summary), trigger=-event.remind_before)]


def _common_name(name: str) -> str:
    """A person's name as every calendar program can read it: no quotes, separators or control characters in CN."""
    return " ".join(UNSAFE_IN_NAMES.sub(" ", _line(name)).split())


def _line(text: str) -> str:
    """One line: control characters and line breaks of any kind become spaces."""
    return " ".join("".join(" " if _breaks(letter) else letter for letter in text).split())


def _text(text: str) -> str:
    """Several lines, each one clean, joined by a bare newline (which icalendar escapes)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_line(line) for line in lines).strip("\n")


def _breaks(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}


def _ascii_form(letter: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return plain if plain.isascii() else letter


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("A calendar file needs aware times.")
    return instant.astimezone(UTC)


def _address(email: str) -> str:
    if not ADDRESS.fullmatch(email):
        raise ValueError("This address cannot stand in a calendar file.")
    return "".join(URI_MEANING.get(letter, letter) for letter in email)
