"""Email addresses: which are usable, and when two are the same. Pure: no look-up of names on the network."""

import re
from functools import lru_cache
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from outreach.errors import Refusal

# RFC 5321 4.5.3.1: local part 64 octets, a path that fits 254.
LONGEST_ADDRESS = 254
_LONGEST_LOCAL = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.-]+)")
_FORMULA_STARTS = ("=", "+", "-", "@")


class Address(NamedTuple):
    """An address to write to, and the `key` under which the same mailbox is found again."""

    email: str
    key: str


def parse_address(text: str) -> Address | Refusal:
    """The address in a cell, its domain in lower case and ASCII as mail servers take it, or why it is none.

    Syntax by a plain expression with each domain checked once by email-validator; anything unusual goes through
    email-validator whole (RFC 5321, 5322, 6531). Whether mail arrives there is not asked.
    Refusals (their texts never repeat the address): empty-address, comma-in-address, formula, bad-address.
    """
    text = text.strip()
    plain = _PLAIN.fullmatch(text)
    if plain is None or text.startswith(_FORMULA_STARTS) or len(text) > LONGEST_ADDRESS:
        return _unusual(text)
    local, domain = plain.groups()
    if len(local) > _LONGEST_LOCAL:
        return Refusal("bad-address", "The part before the @ is longer than 64 characters.")
    checked = _domain(domain)
    if isinstance(checked, Refusal):
        return checked
    return Address(f"{local}@{checked}", f"{local.lower()}@{checked}")


def address_key(text: str) -> str:
    """What two spellings of one mailbox share: NFC, lower case, domain in ASCII; "" for what is no address.

    Local parts are case-sensitive on paper (RFC 5321 2.4) and nowhere in practice: nobody is written to twice.
    """
    parsed = parse_address(text)
    return parsed.key if isinstance(parsed, Address) else ""


@lru_cache(maxsize=16384)
def _domain(domain: str) -> str | Refusal:
    try:
        checked = validate_email(f"a@{domain}", check_deliverability=False)
    except EmailNotValidError as error:
        return Refusal("bad-address", str(error))
    return (checked.ascii_domain or checked.domain).lower()


def _unusual(text: str) -> Address | Refusal:
    if not text:
        return Refusal("empty-address", "There is no address.")
    if text.startswith(_FORMULA_STARTS):
        return Refusal("formula", "This starts like a spreadsheet formula and is not used as an address.")
    if "," in text:
        return Refusal("comma-in-address", "The address holds a comma. Two addresses need two columns; or is it a dot?")
    if len(text) > LONGEST_ADDRESS:
        return Refusal("bad-address", f"The address is longer than {LONGEST_ADDRESS} characters.")
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return Refusal("bad-address", str(error))
    if not checked.local_part.isascii():
        # It would need SMTPUTF8 all the way (RFC 6531), which no way out of ours promises: better said now than later.
        return Refusal("bad-address", "Mail cannot be sent to an address with letters such as é or ü before the @.")
    domain = (checked.ascii_domain or checked.domain).lower()
    return Address(f"{checked.local_part}@{domain}", f"{checked.local_part.lower()}@{domain}")
