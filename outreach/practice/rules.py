"""What the practice's own facts must be to mean something. Pure."""

import re
from importlib import resources
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from outreach.errors import Refusal

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LATEST_MINUTE = 21 * 60
EARLIEST_MINUTE = 8 * 60
"""Nothing before 8:00 or after 21:00 in the recipient's time: 47 CFR 64.1200(c)(1) says so of calls, we of mail too."""
SHORTEST_WINDOW_MINUTES = 60


def known_zones() -> tuple[str, ...]:
    """The IANA names of the pinned tzdata package, not of this machine."""
    return tuple((resources.files("tzdata") / "zones").read_text("utf-8").split())


def zone_or_refusal(name: str) -> str | Refusal:
    """The zone's exact name, also when it was typed in other case or with spaces. Refusals: `unknown-zone`."""
    wanted = re.sub(r"[\s-]+", "_", name.strip()).lower()
    by_lower = {zone.lower(): zone for zone in known_zones()}
    found = by_lower.get(name.strip().lower()) or by_lower.get(wanted)
    if found is None:
        city = next((zone for zone in known_zones() if zone.lower().endswith("/" + wanted)), None)
        hint = f" Did you mean {city}?" if city else " A time zone is written like America/Chicago."
        return Refusal("unknown-zone", f"There is no time zone called {name.strip()!r}.{hint}")
    return found


def hours_or_refusal(from_minute: int, until_minute: int, weekdays: list[int]) -> Refusal | None:
    """None when mail may be sent in these hours. Refusals: `no-window`, `quiet-hours`, `no-day`."""
    if not weekdays:
        return Refusal("no-day", "Choose at least one day of the week on which mail may go out.")
    if until_minute - from_minute < SHORTEST_WINDOW_MINUTES:
        return Refusal("no-window", "The end must be at least one hour after the beginning.")
    if from_minute < EARLIEST_MINUTE or until_minute > LATEST_MINUTE:
        return Refusal("quiet-hours", "Mail goes out between 8:00 in the morning and 9:00 in the evening.")
    return None


def address_or_refusal(email: str) -> str | Refusal:
    """The address with its domain in lower case. Refusals: `bad-address`."""
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        return Refusal("bad-address", f"{email.strip() or 'An empty text'} is not an email address: {wrong}")


def public_url_or_refusal(url: str, *, local: bool) -> str | Refusal:
    """The address without a slash at its end. Refusals: `bad-url`, `not-https` (http passes only where `local`)."""
    text = url.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and parts.path == "" and not parts.query and not parts.username
    except ValueError:
        parts, whole = urlsplit(""), False
    if not whole or parts.scheme not in ("http", "https"):
        return Refusal("bad-url", "Write the address as it stands in a browser, such as https://outreach.example.org.")
    if parts.scheme == "http" and not local:
        return Refusal("not-https", "The address must begin with https://, so that links in mail are safe to press.")
    return text


def postal_or_refusal(street: str, city: str, state: str, zip5: str) -> Refusal | None:
    """None when mail may carry this address (15 USC 7704(a)(5)(A)(iii)). Refusals: `no-postal-address`."""
    if not (street.strip() and city.strip() and state.strip() and zip5.strip()):
        return Refusal(
            "no-postal-address", "Every email must show a complete postal address: street, city, state, ZIP."
        )
    if not re.fullmatch(r"[A-Za-z0-9 -]{3,10}", zip5.strip()):
        return Refusal("no-postal-address", f"{zip5.strip()!r} is not a ZIP code.")
    return None
