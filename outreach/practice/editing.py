"""What an administrator changes about the practice itself."""

from datetime import date

from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice import quieting, rules
from outreach.practice.models import DISCIPLINES, Practice


def describe(
    session: Session,
    practice: Practice,
    *,
    name: str,
    disciplines: list[str],
    phone: str,
    tagline: str = "",
    website: str = "",
    fax: str = "",
) -> Practice | Refusal:
    """The practice's name and what it treats are as given. Refusals: `no-name`, `no-discipline`."""
    if not name.strip():
        return Refusal("no-name", "Give the practice a name.")
    treated = [discipline for discipline in DISCIPLINES if discipline in disciplines]
    if not treated:
        return Refusal("no-discipline", "Choose at least one of physical, occupational and speech therapy.")
    practice.name, practice.disciplines, practice.phone = name.strip(), treated, phone.strip()
    practice.tagline, practice.website, practice.fax = tagline.strip(), website.strip(), fax.strip()
    return practice


def move(
    session: Session,
    practice: Practice,
    *,
    today: date,
    street: str,
    city: str,
    state: str,
    zip5: str,
    country: str,
    time_zone: str,
) -> Practice | Refusal:
    """The postal address and the zone are as given; coming holidays are those of the place.

    Refusals: `no-postal-address`, `unknown-zone`.
    """
    refused = rules.postal_or_refusal(street, city, state, zip5)
    if refused is not None:
        return refused
    zone = rules.zone_or_refusal(time_zone)
    if isinstance(zone, Refusal):
        return zone
    moved = (practice.country, practice.state) != (country.upper(), state.strip())
    practice.street, practice.city, practice.state = street.strip(), city.strip(), state.strip()
    practice.zip5, practice.country, practice.time_zone = zip5.strip(), country.upper(), zone
    if moved:
        quieting.refreeze_holidays(session, practice=practice, today=today)
    return practice


def name_sender(
    session: Session,
    practice: Practice,
    *,
    sender_name: str,
    sender_email: str,
    reply_to_email: str,
    public_url: str,
    local: bool,
    inbound_domain: str = "",
) -> Practice | Refusal:
    """Mail comes from here, answers go there, links lead to `public_url` (empty: not known yet).

    Refusals: `bad-address`, `bad-url`, `not-https`, `no-name`.
    """
    if any(sign in sender_name for sign in "\r\n\0") or not sender_name.strip():
        return Refusal("no-name", "Write the sender's name on one line, such as Maya at Cedar Lane Therapy.")
    sender = rules.address_or_refusal(sender_email)
    reply_to = rules.address_or_refusal(reply_to_email) if reply_to_email.strip() else sender
    address = rules.public_url_or_refusal(public_url, local=local) if public_url.strip() else ""
    for refused in (sender, reply_to, address):
        if isinstance(refused, Refusal):
            return refused
    practice.sender_name = sender_name.strip()
    practice.sender_email, practice.reply_to_email, practice.public_url = str(sender), str(reply_to), str(address)
    practice.inbound_domain = inbound_domain.strip().lower()
    return practice


def set_hours(
    session: Session,
    practice: Practice,
    *,
    today: date,
    from_minute: int,
    until_minute: int,
    weekdays: list[int],
    holidays: bool,
) -> Practice | Refusal:
    """Mail leaves only between these local minutes on these weekdays (Monday is 0), and never on kept holidays.

    Refusals: `no-day`, `no-window`, `quiet-hours`.
    """
    refused = rules.hours_or_refusal(from_minute, until_minute, weekdays)
    if refused is not None:
        return refused
    practice.send_from_minute, practice.send_until_minute = from_minute, until_minute
    practice.send_weekdays = sorted(set(weekdays))
    if practice.keeps_holidays != holidays:
        practice.keeps_holidays = holidays
        quieting.refreeze_holidays(session, practice=practice, today=today)
    return practice
