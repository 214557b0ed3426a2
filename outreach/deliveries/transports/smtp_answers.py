"""What a server's "no" means at each step (RFC 5321 section 4.2.1, RFC 3463; reliability B4). Pure."""

import re

from outreach.deliveries.transports.protocol import AccountProblem, NotHandedOver, Outcome, Permanent, RefusedForNow
from outreach.deliveries.transports.smtp_wire import CLOSING, NotSmtp, Reply

BAD_MAILBOX_CODES = (550, 551, 553)
ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
ENHANCED = re.compile(r"\b5\.(\d{1,3})\.\d{1,3}\b")
LONGEST_WORDS = 300


def of_server(reply: Reply) -> Outcome:
    """It will not talk with us: greeting, EHLO, STARTTLS."""
    if 400 <= reply.code < 500:
        return RefusedForNow(words(reply), busy=True)
    return AccountProblem(words(reply)) if reply.code >= 500 else NotHandedOver(words(reply))


def of_login(reply: Reply) -> Outcome:
    """It did not take the password or token."""
    return RefusedForNow(words(reply), busy=True) if 400 <= reply.code < 500 else AccountProblem(words(reply))


def of_sender(reply: Reply) -> Outcome:
    """MAIL was refused: our sender, or the server as a whole."""
    return RefusedForNow(words(reply), busy=True) if reply.code < 500 else AccountProblem(words(reply))


def of_recipient(reply: Reply) -> Outcome:
    """RCPT was refused."""
    said = words(reply)
    if reply.code < 500:
        return RefusedForNow(said, busy=reply.code == CLOSING)
    # RFC 3463: X.1.n is about the address; X.7.n is policy and says nothing about it.
    enhanced = ENHANCED.search(said)
    return Permanent(said, bad_address=enhanced[1] == "1" if enhanced else reply.code in BAD_MAILBOX_CODES)


def of_message(reply: Reply) -> Outcome:
    """DATA or the message itself was refused."""
    if reply.code < 500:
        return RefusedForNow(words(reply), busy=reply.code == CLOSING)
    return Permanent(words(reply))


def words(reply: Reply) -> str:
    """The server's words without anything that looks like an address: they are stored and shown."""
    said = " ".join(reply.words[:1000].decode("utf-8", "replace").split())
    if "@" in said:
        said = ADDRESS.sub("(address)", said)
    return f"{reply.code} {said}"[:LONGEST_WORDS]


def told(broken: Exception) -> str:
    """Why there was no answer, for people; no address and no word of the other side."""
    if isinstance(broken, NotSmtp):
        return "What answered is not a mail server."
    if isinstance(broken, TimeoutError):
        return "The mail server did not answer in time."
    reason = getattr(broken, "verify_message", None) or getattr(broken, "strerror", None) or type(broken).__name__
    if hasattr(broken, "verify_message"):
        return f"The mail server's certificate cannot be trusted ({reason})."[:LONGEST_WORDS]
    return f"The mail server did not answer ({reason})."[:LONGEST_WORDS]
