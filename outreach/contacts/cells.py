"""One cell of an imported file, read as the field it was mapped to. Pure."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outreach.contacts import filedates, names
from outreach.contacts.addresses import Address, parse_address
from outreach.contacts.csvfile import bare_cell
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.npi import is_taxonomy, is_valid_npi
from outreach.contacts.phones import parse_phone
from outreach.contacts.postal import state_code

_BETWEEN_VALUES = ":::"  # Google Contacts joins several values of one kind like this
_YES = frozenset({"true", "1", "yes", "y", "x", "on"})
_NO = frozenset({"false", "0", "no", "n", "off", "none"})
_MAY_WRITE = _NO | {
    "active",
    "subscribed",
    "opted in",
    "opted-in",
    "implicit",
    "explicit",
    "confirmed",
    "express",
    "not set",
}
_MAY_NOT_WRITE = _YES | {"unsubscribed", "opted out", "opted-out", "optout", "opt-out", "unsubscribe", "removed"}
_MAY_NOT_WRITE |= {"opt out", "do-not-email", "do-not-contact", "unsubscribed from all"}
_MAY_NOT_WRITE |= {"do not email", "do not contact", "complained", "spam", "abuse", "suppressed"}
_COMPLAINED = _YES | {"abuse", "complained", "complaint", "spam", "spam report", "reported as spam"}
_DEAD = frozenset({"bounced", "hard bounced", "hard bounce", "cleaned", "invalid", "undeliverable"})
SAYS_WHETHER_WE_WRITE = (_MAY_WRITE | _MAY_NOT_WRITE | _DEAD) - _YES - _NO
"""What columns hold that tell whom a mailing tool still wrote to, whatever they are called."""
ALSO_ELSEWHERE = frozenset({"active", "implicit", "explicit", "confirmed", "express", "not set", "removed", "invalid"})
"""Those of them that columns of other things hold too."""
_KINDS = {code: code for code in KIND_LABELS} | {label.casefold(): code for code, label in KIND_LABELS.items()}

Values = dict[str, Any]
Reader = Callable[[Values, str], None]


class Unusable(Exception):
    """A cell that cannot be read as its field; the message is the reason for people and never repeats the value."""


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable() and text[0] != "'":
        return text.strip()
    return names.clean(bare_cell(text))


@dataclass(frozen=True)
class Line:
    """One line of text that becomes the field `name`: read without looking at anything else of the row."""

    name: str
    longest: int
    polish: Callable[[str], str] | None = None

    def read(self, text: str) -> str:
        """The cell as it is kept; may be "". Errors: Unusable."""
        text = _plain(text)
        if len(text) > self.longest:
            raise Unusable(f"This is longer than {self.longest} characters.")
        return self.polish(text) if self.polish and text else text

    def __call__(self, values: Values, text: str) -> None:
        """As any reader."""
        said = self.read(text)
        if said:
            values[self.name] = said


def _take_email(values: Values, text: str) -> None:
    if "email" not in values and text[0] != "'":
        plain = parse_address(text)
        if isinstance(plain, Address):  # nearly every cell: what follows is for the others
            values["email"], values["email_key"] = plain
            return
    for part in text.split(_BETWEEN_VALUES):
        one = _plain(part) if part else ""
        if not one:
            continue
        address = parse_address(one)
        if not isinstance(address, Address):
            raise Unusable(address.text)
        if "email" not in values:
            values["email"], values["email_key"] = address
        elif address.key != values["email_key"] and address.email not in values.get("other_emails", ()):
            values["other_emails"] = (*values.get("other_emails", ()), address.email)


def _take_phone(values: Values, text: str) -> None:
    if "phone" not in values and len(text) <= 40 and _BETWEEN_VALUES not in text:
        said = _plain(text)
        if said:
            values["phone"], values["phone_e164"] = parse_phone(said)
        return
    for part in text.split(_BETWEEN_VALUES):
        said = _plain(part) if part else ""
        if len(said) > 40:
            raise Unusable("This is longer than 40 characters.")
        if not said:
            continue
        if "phone" not in values:
            values["phone"], values["phone_e164"] = parse_phone(said)
        else:
            values["other_phones"] = (*values.get("other_phones", ()), parse_phone(said).display)


def _take_street(values: Values, text: str) -> None:
    line = ", ".join(map(names.street, names.clean_lines(bare_cell(text)).split("\n")))
    street = f"{values['street']}, {line}" if values.get("street") and line else line or values.get("street", "")
    if len(street) > 500:
        raise Unusable("This is longer than 500 characters.")
    values["street"] = street


def _take_notes(values: Values, text: str) -> None:
    notes = names.clean_lines(bare_cell(text))
    notes = f"{values['notes']}\n{notes}" if values.get("notes") else notes
    if len(notes) > 10_000:
        raise Unusable("This is longer than 10,000 characters.")
    values["notes"] = notes


def _take_tags(values: Values, text: str) -> None:
    text = names.clean(bare_cell(text))
    if _BETWEEN_VALUES in text:
        parts = text.split(_BETWEEN_VALUES)
    elif ";" in text and "," not in text:
        parts = text.split(";")
    else:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    said = [part.strip() for part in parts]
    if any(len(tag) > 200 for tag in said):
        raise Unusable("A tag is longer than 200 characters.")
    # Google marks its own labels ("* myContacts") with a star.
    kept = [tag for tag in said if tag and not tag.startswith("* ")]
    values["tags"] = tuple(dict.fromkeys((*values.get("tags", ()), *kept)))


def _take_kind(values: Values, text: str) -> None:
    said = names.clean(text).casefold()
    if not said:
        return
    if said not in _KINDS:
        raise Unusable(f"This is no kind of contact. Use one of: {', '.join(KIND_LABELS)}.")
    values["suggested_kind"] = _KINDS[said]


def _take_npi(values: Values, text: str) -> None:
    number = names.clean(text)
    if number and not is_valid_npi(number):
        raise Unusable("This is not an NPI: ten digits with a valid check digit are needed.")
    if number:
        values["npi"] = number


def _take_taxonomy(values: Values, text: str) -> None:
    code = names.clean(text).upper()
    if code and not is_taxonomy(code):
        raise Unusable("This is not a taxonomy code like 207Q00000X.")
    if code:
        values["taxonomy"] = code


def _take_birthday(values: Values, text: str) -> None:
    said = names.clean(text)
    if said.strip("0/"):  # Outlook writes 0/0/00 for no date
        values["birthday_on"] = filedates.birthday(said)
        if values["birthday_on"] is None:
            raise Unusable("This is not a date like 04/12 or 1970-04-12.")


def _take_permission(values: Values, text: str) -> None:
    said = names.clean(text)
    if said and "source_opt_in_at" not in values:
        since = filedates.instant(said)
        if since is None:
            raise Unusable("This is not a date like 2024-04-12, so it is not clear since when permission is given.")
        values["source_opt_in_at"] = since


def _take_suppressed_at(values: Values, text: str) -> None:
    since = filedates.instant(names.clean(text))
    if since:
        values.setdefault("suppressed_at", since)
    elif "suppression_reason" not in values:  # an opt-out counts even when its date cannot be read
        raise Unusable("This is not a date, so it is not clear whether the person unsubscribed.")
    values.setdefault("suppression_reason", "unsubscribed")


def _take_unsubscribed(values: Values, text: str) -> None:
    said = names.clean(text).casefold()
    since = filedates.instant(said.upper())
    if said in _COMPLAINED - _YES:
        values["suppression_reason"] = "complained"
    elif said in _DEAD:
        values.setdefault("suppression_reason", "bounced")
    elif said in _MAY_NOT_WRITE or since:
        if values.get("suppression_reason") != "complained":
            values["suppression_reason"] = "unsubscribed"
        if since:
            values.setdefault("suppressed_at", since)
    elif said and said not in _MAY_WRITE:
        raise Unusable("It is not clear whether this means unsubscribed. Write yes or no.")


def _take_bounced(values: Values, text: str) -> None:
    said = names.clean(text).casefold()
    if said in _DEAD or said in _YES:
        values.setdefault("suppression_reason", "bounced")
    elif said and said not in _MAY_WRITE:
        raise Unusable("It is not clear whether this means bounced. Write yes or no.")


def _take_complained(values: Values, text: str) -> None:
    # What else stands there (Mailchimp's NORMAL) is a reason of another kind, and the row may still be an opt-out.
    if names.clean(text).casefold() in _COMPLAINED:
        values["suppression_reason"] = "complained"


def _take_subscribed(values: Values, text: str) -> None:
    said = names.clean(text).casefold()
    if said in _NO or said in _MAY_NOT_WRITE - _YES:
        values.setdefault("suppression_reason", "unsubscribed")
    elif said in _DEAD:
        values.setdefault("suppression_reason", "bounced")
    elif said and said not in _YES and said not in _MAY_WRITE and not filedates.instant(said.upper()):
        raise Unusable("It is not clear whether this means subscribed. Write yes or no.")


def _at_home(read: Reader) -> Reader:
    """The same of the address at home, which counts when the file knows no other."""

    def take(values: Values, text: str) -> None:
        read(values.setdefault("home", {}), text)

    return take


READERS: dict[str, Reader] = {
    "name": Line("full_name", 200),
    "prefix": Line("prefix", 40, names.personal),
    "first_name": Line("first_name", 200, names.personal),
    "middle_name": Line("middle_name", 200, names.personal),
    "last_name": Line("last_name", 200, names.personal),
    "suffix": Line("suffix", 40, names.personal),
    "credentials": Line("credentials", 60, names.credentials),
    "organization": Line("organization", 200, names.organizational),
    "title": Line("title", 200),
    "kind": _take_kind,
    "email": _take_email,
    "phone": _take_phone,
    "street": _take_street,
    "city": Line("city", 200, names.personal),
    "state": Line("state", 40, state_code),
    "zip": Line("postal_code", 20),
    "npi": _take_npi,
    "taxonomy": _take_taxonomy,
    "specialty": Line("specialty", 200),
    "tags": _take_tags,
    "birthday": _take_birthday,
    "notes": _take_notes,
    "permission_at": _take_permission,
    "unsubscribed": _take_unsubscribed,
    "bounced": _take_bounced,
    "complained": _take_complained,
    "subscribed": _take_subscribed,
    "suppressed_at": _take_suppressed_at,
}
READERS |= {f"home_{name}": _at_home(READERS[name]) for name in ("street", "city", "state", "zip")}
"""For each field of `columns.FIELDS` the function that puts a cell's meaning into the values of its row."""
