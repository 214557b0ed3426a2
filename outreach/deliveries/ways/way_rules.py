"""What may be typed about a way out: hosts, ports, regions, limits. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit

CONFIGURABLE = ("sendgrid", "smtp", "inbound")
"""`inbound` is the mailbox where answers arrive."""
REGIONS = {"us": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
TLS_MODES = ("starttls", "tls", "plain")
SIGN_INS = ("password", "token", "none")
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
NEVER_UNDER_AGREEMENT = ("sendgrid.net", "sendgrid.com", "twilio.com")
"""SendGrid signs no agreement, and its SMTP door is SendGrid too."""
FASTEST, MOST_PER_DAY = 10_000.0, 10_000_000
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def host_problem(text: str, *, only_here: bool = False) -> str | None:
    """Why this is no host name or address of a server; None when it is one. `only_here`: nothing but this machine."""
    host = text.strip().lower()
    if not host:
        return "Type the name of the server, as in mail.example.com."
    if "/" in host or "@" in host or "://" in host:
        return "Only the name of the server, without https:// or anything else around it."
    if not _is_address(host) and not _is_name(host):
        return "This is no server name. It looks like mail.example.com."
    if only_here and host not in THIS_MACHINE:
        return "In the demo no mail leaves this machine: only localhost works here."
    return None


def signs_no_agreement(host: str) -> bool:
    """Whether the server belongs to a provider with whom there can be no business associate agreement."""
    name = host.strip().lower().rstrip(".")
    return any(name == each or name.endswith(f".{each}") for each in NEVER_UNDER_AGREEMENT)


def counts_for(agreed_with: str | None, host: str) -> bool:
    """Whether an agreement is about this server: one that names no server is about none that has a name."""
    return (agreed_with or "") == host.lower()


def host_of(url: str | None) -> str:
    """The host that an address from the environment names."""
    return (urlsplit(url).hostname or "") if url else ""


def secret_problem(text: str) -> str | None:
    """Why this cannot be a password, key or token: it would break the line that it is sent on."""
    if len(text) > 4000:
        return "This is too long."
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return "This holds a line break or a control character. Copy it again, without the line's end."
    return None


def sendgrid_key_problem(text: str) -> str | None:
    """Why this is no API key of SendGrid: "SG." and two parts."""
    if re.fullmatch(r"SG\.[\w-]{10,60}\.[\w-]{20,90}", text, re.ASCII):
        return None
    return "A SendGrid key begins with SG. and has two dots. It is shown once, when it is made."


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    # What follows a percent sign (an interface of this machine) may be anything, line breaks included.
    return "%" not in host


def _is_name(host: str) -> bool:
    labels = host.rstrip(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return host == "localhost" or not labels[-1].isdigit()


ADVICE = (
    (
        ("sender identity", "sender authentication"),
        "Verify the sender's address or domain at SendGrid (Sender Authentication)",
    ),
    (("credits", "402"), "The account has no credit left: look at your plan there"),
    (("401", "authorization grant"), "The key is not accepted: put in a new one under Change"),
    (("403",), "The key may not send: give it the permission Mail Send there, or put in another"),
    (("535", "534", "530", "sign in"), "The user or password is not accepted: correct it under Change"),
    (("encryption",), "Choose a server or port that offers encryption under Change"),
    (
        ("550", "553", "551", "5.1.8", "5.7"),
        "The server does not let us send from our address: allow it there, or choose another under Settings, Sender",
    ),
)


def advice(said: str) -> str:
    """What to do about the words with which a provider refused our account; always ends with how to go on."""
    words = said.lower()
    what = next((text for signs, text in ADVICE if any(sign in words for sign in signs)), "Look at your account there")
    return f"{what}. Then press Resume: one email goes first, the others follow when it worked."
