"""The kinds of messages. What class of mail a message is follows from its kind; nobody chooses it (domain 3.3)."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class MessageKind:
    """What the rest of the house needs to know about one kind of message."""

    name: str
    label: str
    mail_class: str
    """commercial: footer with unsubscribe; relationship: part of something the person agreed to."""
    topic: str
    """One of consent.TOPICS, or "" for mail that belongs to no topic (only "all mail" suppressions stop it)."""
    by_standing: bool = False
    """Served in the order of the contact's standing; otherwise everybody is equal (architecture 5)."""
    in_flight: int = 1
    """W of architecture 9.4: how many a crash may leave unconfirmed."""
    counts_to_cap: bool = False


PERSONAL_IN_FLIGHT = 8
NEWSLETTER_IN_FLIGHT = 500
_ALL = (
    MessageKind("drip", "Campaign email", "commercial", "education", True, PERSONAL_IN_FLIGHT, True),
    MessageKind("newsletter", "Newsletter", "commercial", "newsletter", True, NEWSLETTER_IN_FLIGHT, True),
    MessageKind("card", "Card", "commercial", "cards", True, PERSONAL_IN_FLIGHT),
    MessageKind("invitation", "Invitation", "commercial", "events", False, PERSONAL_IN_FLIGHT),
    MessageKind("invitation-update", "Change of an invitation", "relationship", "events", False, PERSONAL_IN_FLIGHT),
    MessageKind("cancellation", "Cancellation", "relationship", "events", False, PERSONAL_IN_FLIGHT),
    MessageKind("reminder", "Reminder", "relationship", "events", True, PERSONAL_IN_FLIGHT),
    MessageKind("reminder-unanswered", "Reminder to answer", "commercial", "events", False, PERSONAL_IN_FLIGHT),
    MessageKind("thank-you", "Thank-you", "commercial", "events", False, PERSONAL_IN_FLIGHT),
    MessageKind("consent-request", "Request for a story", "commercial", "asks", False, PERSONAL_IN_FLIGHT, True),
    MessageKind("story-copy", "Copy of a signed permission", "relationship", ""),
    MessageKind("system", "System mail", "relationship", ""),
    MessageKind("test", "Test", "commercial", ""),
)
MESSAGE_KINDS = {kind.name: kind for kind in _ALL}
MAIL_CLASSES = ("commercial", "relationship")
PROVIDERS = ("provider",)


def story_scopes(kind: str, audiences: Collection[str]) -> tuple[str, ...]:
    """The scopes that a story's authorization must hold to be quoted in this kind of mail to these audience classes.

    One of consent.SCOPES per sort of reader: clients and families, or everyone else (domain 3.2).
    """
    for_others = "newsletter-providers" if kind == "newsletter" else "email-providers"
    scopes = {"newsletter-clients" if audience == "client" else for_others for audience in audiences}
    return tuple(sorted(scopes))
