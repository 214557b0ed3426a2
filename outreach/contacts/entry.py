"""What a person typed about a contact or an organization, brought into its stored form or refused by name."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from outreach.contacts import names, npi, phones, postal
from outreach.contacts.addresses import Address, parse_address
from outreach.contacts.kinds import KINDS, ORGANIZATION_TYPES
from outreach.contacts.models import PREFERRED_CHANNELS
from outreach.errors import Refusal
from outreach.practice.models import DISCIPLINES

CONTACT_LENGTHS = {
    "prefix": 40,
    "first_name": 200,
    "last_name": 200,
    "credentials": 60,
    "title": 200,
    "specialty": 200,
    "phone": 40,
    "fax": 40,
    "street": 500,
    "city": 200,
    "state": 40,
    "zip5": 10,
    "language": 10,
    "taxonomy": 10,
    "refers_for": 500,
    "ask_for": 200,
    "best_time": 200,
    "languages": 500,
    "therapy_relationship": 500,
    "do_not_contact_why": 500,
    "source": 200,
}
ORGANIZATION_LENGTHS = {
    "name": 200,
    "street": 500,
    "city": 200,
    "state": 40,
    "zip5": 10,
    "phone": 40,
    "fax": 40,
    "website": 500,
    "lunch_hour": 200,
    "visit_rules": 10_000,
    "notes": 10_000,
    "front_desk": 200,
    "referral_coordinator": 200,
    "channel_contact": 200,
    "booking_window": 200,
    "parking": 500,
    "diets": 500,
}
COUNTS = ("weeks_between_lunches", "visitors_allowed", "physicians", "advanced_providers", "staff")
DAYS = ("birthday_on", "discharged_on", "deceased_on")
PLAIN = ("organization_id", "owner_id", "stark_physician", "advocate", *DAYS)
CONTACT_FIELDS = (*CONTACT_LENGTHS, *PLAIN, "kind", "email", "npi", "time_zone", "discipline")
ORGANIZATION_FIELDS = (*ORGANIZATION_LENGTHS, *COUNTS, "type", "npi", "preferred_channel", "owner_id")


def contact_values(fields: Mapping[str, Any], *, today: date) -> dict[str, Any] | Refusal:
    """The columns of a contact as they are stored; only the fields given. `email` comes back as an Address or None.

    Refusals: those of `parse_address`, bad-kind, bad-npi, bad-taxonomy, bad-time-zone, bad-discipline, bad-day,
    too-long.
    Errors: TypeError for a field that a contact does not have.
    """
    return _checked(fields, CONTACT_FIELDS, CONTACT_LENGTHS, CONTACT_CHECKS, today)


def organization_values(fields: Mapping[str, Any], *, today: date) -> dict[str, Any] | Refusal:
    """The columns of an organization as they are stored; only the fields given.

    Refusals: no-name, bad-type, bad-npi, bad-website, bad-count, too-long. Errors: TypeError for an unknown field.
    """
    return _checked(fields, ORGANIZATION_FIELDS, ORGANIZATION_LENGTHS, ORGANIZATION_CHECKS, today)


def sort_name(first_name: str, last_name: str) -> str:
    """What lists are ordered by: "raman priya"."""
    return f"{last_name} {first_name}".strip().lower()[:400]


Check = Callable[[Any, date], Any]


def _checked(
    fields: Mapping[str, Any], known: tuple[str, ...], lengths: dict[str, int], checks: dict[str, Check], today: date
) -> dict[str, Any] | Refusal:
    unknown = set(fields) - set(known)
    if unknown:
        raise TypeError(f"There is no field {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {}
    for name, given in fields.items():
        value = given
        if name in lengths:
            value = names.clean_lines(str(given or "")) if lengths[name] > 1000 else names.clean(str(given or ""))
            if len(value) > lengths[name]:
                return Refusal("too-long", f"“{_words(name)}” may have at most {lengths[name]} characters.")
        if name in checks:
            value = checks[name](value, today)
            if isinstance(value, Refusal):
                return value
        values[name] = value
    if "state" in values and "zip5" in values:
        values["zip5"] = postal.zip5(values["zip5"], values["state"]) or values["zip5"]
    return values


def _words(name: str) -> str:
    return name.replace("zip5", "ZIP").replace("_", " ").capitalize()


def _email(value: Any, _today: date) -> Address | Refusal | None:
    return parse_address(str(value)) if value and str(value).strip() else None


def _npi(value: Any, _today: date) -> str | Refusal | None:
    text = "".join(str(value or "").split())
    if not text:
        return None
    if not npi.is_valid_npi(text):
        return Refusal(
            "bad-npi", "This is no NPI: it has ten digits and its last one is a check digit. Look it up again."
        )
    return text


def _zone(value: Any, _today: date) -> str | Refusal | None:
    text = str(value or "").strip()
    if text and text not in available_timezones():
        return Refusal("bad-time-zone", "This time zone is not known. It is written like America/New_York.")
    return text or None


def _day(value: Any, today: date) -> date | Refusal | None:
    if value in (None, ""):
        return None
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        return Refusal("bad-day", "A day is written like 2026-03-02.")
    if not date(1890, 1, 1) <= day <= today:
        return Refusal("bad-day", "This day lies in the future or too far back.")
    return day


def _birthday(value: Any, _today: date) -> date | Refusal | None:
    """Day and month, in the year 2000: the year of a birth is nobody's business, and 29 February stays."""
    if value in (None, ""):
        return None
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        return Refusal("bad-day", "A day is written like 2026-03-02.")
    return day.replace(year=2000)


def _taxonomy(value: str, _today: date) -> str | Refusal | None:
    code = value.upper()
    if code and not npi.is_taxonomy(code):
        return Refusal("bad-taxonomy", "A taxonomy code has ten characters and ends with X, like 207X00000X.")
    return code or None


def _count(value: Any, _today: date) -> int | Refusal | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if not text.isascii() or not text.isdigit() or int(text) > 9999:
        return Refusal("bad-count", "This is a count: a whole number up to 9999.")
    return int(text)


def _within(words: tuple[str, ...], reason: str, text: str, *, empty: bool) -> Check:
    def check(value: Any, _today: date) -> str | Refusal | None:
        if value in words:
            return str(value)
        return None if empty and not value else Refusal(reason, text)

    return check


def _name(value: str, _today: date) -> str | Refusal:
    return value or Refusal("no-name", "An organization needs a name.")


def _website(value: str, _today: date) -> str | Refusal:
    if value and "://" not in value:
        value = f"https://{value}"
    if value and (not value.startswith(("https://", "http://")) or " " in value):
        return Refusal("bad-website", "A website starts with https://.")
    return value


def _state(value: str, _today: date) -> str:
    return postal.state_code(value)


def _phone(value: str, _today: date) -> str:
    return phones.parse_phone(value).display


CONTACT_CHECKS: dict[str, Check] = {
    "kind": _within(KINDS, "bad-kind", "Choose what kind of contact this is.", empty=False),
    "email": _email,
    "npi": _npi,
    "taxonomy": _taxonomy,
    "time_zone": _zone,
    "discipline": _within(DISCIPLINES, "bad-discipline", "Choose PT, OT or SLP.", empty=True),
    "state": _state,
    "phone": _phone,
    "fax": _phone,
    **dict.fromkeys(DAYS, _day),
    "birthday_on": _birthday,
}
ORGANIZATION_CHECKS: dict[str, Check] = {
    "name": _name,
    "type": _within(ORGANIZATION_TYPES, "bad-type", "Choose what kind of place this is.", empty=False),
    "npi": _npi,
    "website": _website,
    "state": _state,
    "phone": _phone,
    "fax": _phone,
    "preferred_channel": _within(PREFERRED_CHANNELS, "bad-channel", "Choose a channel of the list.", empty=True),
    **dict.fromkeys(COUNTS, _count),
}
