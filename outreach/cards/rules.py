"""Who gets a card which way, and how a name stands on an envelope. Pure. Nothing here knows what anybody is worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

WAYS = ("email", "print", "skip")
WISHES = ("either", "email", "print", "none")
WISH_WORDS = {"either": "As it fits", "email": "By email only", "print": "On paper", "none": "No cards"}
WAY_WORDS = {"email": "By email", "print": "On paper", "skip": "No card"}
REASON_WORDS = {
    "deceased": "deceased",
    "do-not-contact": "do not contact",
    "unsubscribed": "unsubscribed",
    "recovery-hold": "on hold because something went wrong",
    "no-permission": "no permission",
    "no-email": "no email address",
    "bounced": "their email address bounces",
    "no-allowed-transport": "mail to clients goes on paper",
    "address-to-fix": "postal address is not complete",
    "same-household": "one card for the whole office or household",
    "same-address": "same email address as someone else",
    "other-run": "on another list for this occasion",
    "by-hand": "taken off the list",
    "day-passed": "their day is over",
    "no-way": "neither email nor paper is chosen",
    "left-group": "no longer in the group",
    "contact-changed": "became a client or changed kind",
    "cancelled": "the run was cancelled",
    "stopped": "stopped at the moment of printing or mailing: see their page",
    "wishes": "wants no card like this",
}
CANNOT_BE_CHANGED = (
    "deceased",
    "do-not-contact",
    "unsubscribed",
    "recovery-hold",
    "no-permission",
    "wishes",
    "other-run",
    "day-passed",
)
"""A person cannot put somebody back on the list against these."""
STREET_KINDS = ("client", "former-client", "family")


@dataclass(frozen=True)
class Person:
    """A contact as the list needs it."""

    id: int
    name: str
    kind: str
    audience_class: str
    never: str | None
    """The lasting "no" by name: holds for every way."""
    no_email: str | None
    """Why no email can go; None when one can."""
    address_hash: str | None
    place: "Place"
    place_id: int | None = None
    wish: str = "either"
    """One of WISHES; whoever wants none at all has a lasting "no"."""


@dataclass(frozen=True)
class Place:
    """Where an envelope goes. `office` is the organization's name when its address is used."""

    office: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""

    @property
    def complete(self) -> bool:
        """Whether the post office can find it."""
        return bool(self.street and self.city and self.state and self.zip5)


@dataclass(frozen=True)
class Choice:
    """The way for one person, with the reason when it is not the first choice."""

    person: Person
    way: str
    reason: str = ""
    for_all: bool = False


def way_of(person: Person, *, by_email: bool, on_paper: bool) -> Choice:
    """Email where it may go, else paper where that is chosen and the address is complete, else none and why."""
    if person.never:
        return Choice(person, "skip", person.never)
    by_email, on_paper = by_email and person.wish != "print", on_paper and person.wish != "email"
    if by_email and person.no_email is None:
        return Choice(person, "email")
    why = person.no_email if by_email and person.no_email else ""
    if on_paper and person.place.complete:
        return Choice(person, "print", why)
    if on_paper:
        return Choice(person, "skip", "address-to-fix")
    return Choice(person, "skip", why or "no-way")


def once_per_household(choices: Sequence[Choice]) -> list[Choice]:
    """One card per office or household: the desk itself or the first of it by name; the others are left out."""
    first: dict[str, int] = {}
    members: dict[str, int] = {}
    for choice in choices:
        key = household(choice.person)
        if choice.way == "skip" or not key:
            continue
        members[key] = members.get(key, 0) + 1
        if key not in first or choice.person.kind == "office":
            first[key] = choice.person.id
    result = []
    for choice in choices:
        key = household(choice.person)
        if choice.way == "skip" or not key or members[key] == 1:
            result.append(choice)
        elif first[key] == choice.person.id:
            result.append(replace(choice, for_all=True))
        else:
            result.append(Choice(choice.person, "skip", "same-household"))
    return result


def once_per_address(choices: Sequence[Choice]) -> list[Choice]:
    """Two people with one mailbox do not get two emails: the second one is left out."""
    taken: set[str | None] = set()
    result = []
    for choice in choices:
        if choice.way == "email" and choice.person.address_hash in taken:
            choice = Choice(choice.person, "skip", "same-address")
        if choice.way == "email":
            taken.add(choice.person.address_hash)
        result.append(choice)
    return result


def household(person: Person) -> str:
    """What people of one office or household share; "" when nothing is known."""
    if person.kind not in STREET_KINDS:
        return f"place {person.place_id}" if person.place_id else ""
    words = " ".join(person.place.street.lower().replace(".", "").replace(",", " ").split())
    return f"{words} {person.place.zip5}" if words and person.place.zip5 else ""


def envelope(name: str, place: Place, *, for_all: bool) -> list[str]:
    """The lines of an address label, at most five."""
    if for_all and place.office:
        lines = [f"Everyone at {place.office}"]
    elif for_all:
        lines = [f"{name} and household"]
    else:
        lines = [name, place.office] if place.office and place.office != name else [name]
    town = f"{place.city}, {place.state} {place.zip5}".strip(", ")
    return [line for line in (*lines, place.street, town) if line]


def greeting(name: str, fallback: str, *, for_all: bool, office: str) -> str:
    """The first line inside a printed card."""
    if for_all:
        return f"Dear all at {office}," if office else f"Dear {name or fallback} and all at home,"
    return f"Dear {name or fallback},"


def reason_words(reason: str) -> str:
    """The reason as screens say it."""
    return REASON_WORDS.get(reason, reason.replace("-", " "))
