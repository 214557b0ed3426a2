"""What states and reasons are called on screens and on the timeline."""

from outreach.deliveries.links import HIDDEN_LINK

STATE_WORDS = {
    "scheduled": "Scheduled",
    "claimed": "About to leave",
    "sending": "Leaving",
    "sent": "Sent",
    "delivered": "Delivered",
    "bounced": "Came back",
    "complained": "Reported as spam",
    "unconfirmed": "Not confirmed",
    "resend-approved": "To be sent again",
    "abandoned": "Given up",
    "held": "Held back",
    "suppressed": "Stopped",
    "expired": "Too late",
    "cancelled": "Cancelled",
    "failed": "Failed",
    "duplicate-address": "Same address",
}
REASON_WORDS = {
    "unsubscribed": "they unsubscribed",
    "bounced": "their address bounces",
    "complained": "they reported our mail as spam",
    "do-not-contact": "they are not to be contacted",
    "imported": "an imported list says they do not want mail",
    "invalid-address": "their address is not valid",
    "deceased": "they are marked as deceased",
    "erased": "their data was erased",
    "removed": "the contact is in the trash",
    "recovery-hold": "outreach to them is on hold because something went wrong",
    "no-permission": "they have not given permission",
    "no-email": "there is no email address",
    "too-late": "its time had passed",
    "contact-changed": "the contact changed after it was planned",
    "no-authorization": "it quotes a story without a live authorization",
    "no-transport": "nothing can carry it: its way out is gone, or the sender or our public address is not set yet",
    "no-allowed-transport": "no transport with a signed agreement may carry mail to clients",
    "never-open": "no day is open for sending",
    "duplicate-address": "someone else with the same address gets it",
    "on-hold": "sending is on hold",
    "transport-paused": "the transport is paused",
    "outside-hours": "it is outside sending hours",
    "other-zone": "they are in another time zone now",
    "unknown-zone": "their time zone is not known",
    "gave-up": "it could not be handed over in time",
    "refused": "the address or the message was refused",
    "no-answer": "the mail server gave no clear answer",
    "not-reached": "the mail server could not be reached; it is tried again",
    "asked-to-wait": "the mail server asked to wait; it is tried again",
    "over-the-cap": "they had as much mail from us as they should get",
    "after-another": "a message that matters more to them goes first",
    "reply-first": "they wrote back, and somebody has to answer first",
    "away": "an automatic answer says they are away",
    "by-hand": "somebody stopped it",
    "cannot-be-written": "the message could not be put together",
    "restored": "an older copy of the database was put in place, so it may have left already",
    "worker-stopped": "the worker stopped while it was on its way",
}


def state_words(state: str) -> str:
    """The state as people say it."""
    return STATE_WORDS.get(state, state.replace("-", " ").capitalize())


def reason_words(reason: str) -> str:
    """The reason as the second half of a sentence; unknown ones (a room's own "why") are said as they are."""
    return REASON_WORDS.get(reason, reason.replace("-", " "))


SIGN_WORDS = {
    "head": "asked for the address only",
    "at-once": "within seconds of its arrival",
    "all-links": "all links at once",
    "burst": "together with all other links",
    "hidden": "also took the link that nobody sees",
    "crowd": "in the same second as others of that office",
    "host": "from a network of servers",
    "agent": "says that it is a program",
}


def click_words(number: int, machine: bool, signs: str) -> tuple[str, str]:
    """(title, sub) of a link that was followed: `number` from 0 in the message, `signs` of a machine with spaces."""
    what = "The hidden link was" if number == HIDDEN_LINK else f"Link {number + 1}"
    said = ", ".join(SIGN_WORDS.get(each, each) for each in signs.split())
    return what + (" followed by a mail scanner" if machine else " followed"), said.capitalize()


WAY_WORDS = {
    "sendgrid": "SendGrid",
    "smtp": "Mail server (SMTP)",
    "inbound": "Mailbox for answers",
    "folder": "Folder (nothing leaves this machine)",
    "memory": "Memory (nothing leaves this machine)",
    "print": "Paper",
}


def way_words(name: str) -> str:
    """What a way out is called on screens."""
    return WAY_WORDS.get(name, name)


PLACES = {
    "campaign": ("Campaign", "/campaigns/{}"),
    "newsletter": ("Newsletter issue", "/newsletters/{}"),
    "card": ("Cards", "/cards/{}"),
    "event": ("Event", "/events/{}"),
    "story": ("Story", "/stories/{}"),
    "transport": ("Transport", "/outbox/transports"),
}
"""Where mail of these sources is held and resumed: there, what belongs to it waits along."""


def scope_words(scope: str) -> str:
    """What a hold or a source is about, as people say it."""
    if scope == "all":
        return "All mail"
    sort, _, which = scope.partition(":")
    name = PLACES[sort][0] if sort in PLACES else sort.replace("-", " ").capitalize()
    return name if which in ("", "0") else f"{name} {which}"


def place_of(scope: str) -> str:
    """The page of what a hold or a source is about; "" when it has none."""
    sort, _, which = scope.partition(":")
    return PLACES[sort][1].format(which) if sort in PLACES and which not in ("", "0") else ""
