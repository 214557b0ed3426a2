"""The addresses that a message carries: unsubscribe, preferences, view in browser, tracked links, reply identifiers.

A delivery's number in a path is its id in base 36; it says which message it was and opens nothing without its token
(architecture 9.3). A contact's token for opting out is registered before it leaves; those of one delivery are made anew
and compared.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from outreach import tokens

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LONGEST_NUMBER = 12
BOUNCE_SIGN = 20
LARGEST_ID = 2**31 - 1
"""What an id column holds; PostgreSQL refuses to look for more."""
UNTRACKED_CLASSES = ("client", "staff")
TRACKED_KINDS = ("drip", "newsletter", "card", "thank-you")
"""Never client-class mail, invitations, RSVP, unsubscribe or preferences (architecture 9.5); tests do not count."""
HIDDEN_LINK = 999
"""Stands for no link of the message but for the one that nobody sees; a token has room for three digits."""
OPTING_OUT = "unsubscribe"
"""One token per contact opens both pages on which a person says what they want: unsubscribe and preferences."""
TOKEN_PLACE = re.compile(r"\{token:([a-z]{1,20}):(\d{1,18})(?::([a-z0-9-]{0,60}))?(?::(\d{1,9}))?\}")
MESSAGE_ID = re.compile(r"<?([0-9a-z]{1,12})\.([A-Za-z0-9_-]{16})@[A-Za-z0-9.-]+>?")


def number(delivery_id: int) -> str:
    """The short number of a delivery as it stands in paths."""
    text = ""
    while delivery_id:
        delivery_id, rest = divmod(delivery_id, 36)
        text = DIGITS[rest] + text
    return text or "0"


def delivery_id(number: str) -> int | None:
    """The delivery that a number from a path names; None for what is no number."""
    if not 0 < len(number) <= LONGEST_NUMBER or not set(number) <= set(DIGITS):
        return None
    found = int(number, 36)
    return found if found <= LARGEST_ID else None


def own_pages(public_url: str, key: bytes, *, short: str, contact_id: int | None) -> dict[str, str]:
    """The reserved details of one message, `short` its number. A typed address has no contact: its links lead to an
    example page."""
    if contact_id is None:
        example = f"{public_url}/u/example"
        return {"unsubscribe_url": example, "preferences_url": example, "view_url": example}
    token = tokens.derive(key, OPTING_OUT, contact_id)
    return {
        "unsubscribe_url": f"{public_url}/u/{short}/{token}",
        "preferences_url": f"{public_url}/p/{token}",
        "view_url": f"{public_url}/v/{short}/{tokens.derive(key, 'view', contact_id)}",
    }


def friend_page(public_url: str, key: bytes, contact_id: int) -> str:
    """The contact's own page to pass on: by its number, signed, so that nothing need be stored to make it."""
    return f"{public_url}/f/{number(contact_id)}-{tokens.derive(key, 'friend', contact_id)}"


def read_friend_token(key: bytes, token: str) -> int | None:
    """The contact whose page to pass on that is, or None when it was not made by us or was cut short."""
    short, _, sign = token.partition("-")
    contact_id = delivery_id(short)
    if contact_id is None or not sign.isascii():
        return None
    return contact_id if hmac.compare_digest(sign, tokens.derive(key, "friend", contact_id)) else None


def opens_view(key: bytes, token: str, contact_id: int) -> bool:
    """Whether it is this contact's token for looking at what they were sent."""
    return hmac.compare_digest(tokens.derive(key, "view", contact_id).encode(), token.encode("utf-8", "replace"))


def tracked_indexes(public_url: str, links: Sequence[str]) -> frozenset[int]:
    """Which links of a message are tracked: all but those to our own pages."""
    own = urlsplit(public_url).netloc
    return frozenset(index for index, url in enumerate(links) if urlsplit(url).netloc != own)


@dataclass(frozen=True, slots=True)
class Signs:
    """What names one delivery in its links, in its Message-ID and in its return path: its short number and three
    signatures."""

    number: str
    link: str
    message: str
    bounce: str


def signs(key: bytes, delivery: int) -> Signs:
    """One reckoning for the whole mail: half of the signature is for the links, half for the Message-ID, and the hash
    of both for the return path."""
    both = tokens.signature(key, "message-id", delivery)
    return Signs(
        number(delivery),
        tokens.written(both[tokens.TOKEN_BYTES :]),
        tokens.written(both[:16])[:16],
        hashlib.sha256(both).hexdigest()[:BOUNCE_SIGN],
    )


def link_token(key: bytes, delivery: int, index: int) -> str:
    """What stands in a tracked link: delivery, which link, and the delivery's signature."""
    known = signs(key, delivery)
    return f"{known.number}-{index}-{known.link}"


def read_link_token(key: bytes, token: str) -> tuple[int, int] | None:
    """(delivery id, link index) of a tracked link, or None when it was not made by us or was cut short."""
    found = re.fullmatch(r"([0-9a-z]{1,12})-(\d{1,3})-([A-Za-z0-9_-]{22})", token)
    if not found:
        return None
    delivery, index = int(found[1], 36), int(found[2])
    good = (signs(key, delivery).link, tokens.derive(key, "link", delivery, str(index)))
    # The second sort, a signature per link, stands in mail that was sent before.
    return (delivery, index) if any(hmac.compare_digest(found[3], sign) for sign in good) else None


def message_id(key: bytes, delivery: int, domain: str) -> str:
    """The Message-ID (without brackets): the same for every try, and nobody else can make one up."""
    known = signs(key, delivery)
    return f"{known.number}.{known.message}@{domain}"


def deliveries_named(key: bytes, header: str) -> list[int]:
    """The deliveries whose Message-ID stands in a header such as In-Reply-To or References, last first."""
    found = [(int(match[1], 36), match[2]) for match in MESSAGE_ID.finditer(header)]
    return [each for each, sign in reversed(found) if hmac.compare_digest(message_id(key, each, "")[-17:-1], sign)]


def bounce_address(known: Signs, domain: str) -> str:
    """Where bounces of one delivery come back to (a return path of its own). Lower case: mail servers may fold it."""
    return f"bounce+{known.number}.{known.bounce}@{domain}"


def read_bounce_token(key: bytes, token: str) -> int | None:
    """The delivery of what stands between `bounce+` and `@`, in any case; None when it was not made by us."""
    short, _, sign = token.lower().partition(".")
    delivery = delivery_id(short)
    if delivery is None or not sign.isascii():
        return None
    # The second sort, a signature of its own, stands in mail that was sent before.
    good = (signs(key, delivery).bounce, tokens.digest(tokens.derive(key, "bounce", delivery))[:BOUNCE_SIGN])
    return delivery if any(hmac.compare_digest(sign, each) for each in good) else None


def filled(key: bytes, details: Mapping[str, str]) -> dict[str, str]:
    """The details with `{token:PURPOSE:SUBJECT_ID[:TOPIC[:GENERATION]]}` filled in, in keys that end in `_url` only."""
    return {
        name: TOKEN_PLACE.sub(lambda place: _token(key, place), value) if name.endswith("_url") else value
        for name, value in details.items()
    }


def _token(key: bytes, place: re.Match[str]) -> str:
    return tokens.derive(key, place[1], int(place[2]), place[3] or "", int(place[4] or 0))
