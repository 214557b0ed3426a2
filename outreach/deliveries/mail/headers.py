"""Header values of mail: cleaned, encoded and folded. Pure.

Written out by hand because the standard library's EmailMessage takes over a millisecond per message and turns any
List-Unsubscribe URI of 77 characters or more into encoded words, after which no mail program shows the button.
"""

import re
import unicodedata
from email.header import Header

from outreach.deliveries.mail.message import OutgoingMessage

LINE = 76
"""RFC 5322 section 2.1.1 wants 78 and RFC 2047 section 2 76 where encoded words stand."""
HARD_LINE = 998
"""RFC 5322 section 2.1.1: no line may be longer."""
MAX_URI = 76
"""With its brackets. Longer ones are encoded or folded by programs on the way (Unsubscribe contract 1)."""
ADDRESS = re.compile(
    r"(?=.{3,254}\Z)[!#-'*+\-/-9=?A-Z^_`a-z{|}~]+(\.[!#-'*+\-/-9=?A-Z^_`a-z{|}~]+)*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
)
"""Dot-atom and ASCII domain (RFC 5322 section 3.4.1); contacts keep international domains in their ASCII form."""
MESSAGE_ID = re.compile(r"[!#-'*+\-/-9=?A-Z^_`a-z{|}~.]+@[A-Za-z0-9.-]+")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]*")
"""What may stand unquoted in a display name (RFC 5322 section 3.2.3)."""
EASY_NAME = re.compile(r"(?=.{1,60}\Z)[A-Za-z0-9'.,-]+(?: [A-Za-z0-9'.,-]+)*")
"""A name that is clean already and has no letter to be encoded or escaped."""
EASY_TEXT = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*")
"""Clean already, and no "=?" in it."""
URI_LETTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=%]+")
"""RFC 3986 without the comma, which separates entries in List-Unsubscribe (RFC 2369 section 2)."""
OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-version"}
    | {"list-unsubscribe", "list-unsubscribe-post", "list-id", "return-path", "received", "dkim-signature"}
)
"""Set by us or by servers; nobody may pass them as extra headers, nor anything that starts with "content-"."""


def clean(value: str) -> str:
    """One line of text: line breaks and control characters become spaces, so no value can start another header."""
    if value.isprintable():
        return " ".join(value.split())
    kept = (" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in value)
    return " ".join("".join(kept).split())


def address(email: str) -> str:
    """`email` as it may stand in a header. Raises ValueError for anything but one plain ASCII address."""
    if not ADDRESS.fullmatch(email):
        raise ValueError("A message needs plain ASCII addresses; this one cannot stand in a header.")
    return email


def message_id(value: str) -> str:
    """`<value>`. Raises ValueError when it is not an identifier of RFC 5322 section 3.6.4."""
    if not MESSAGE_ID.fullmatch(value) or len(value) > 200:
        raise ValueError("The Message-ID is not one.")
    return f"<{value}>"


def mailbox(name: str, email: str) -> str:
    """`Name <email>`, the name quoted (RFC 5322 section 3.4) or encoded (RFC 2047 section 5) as it needs, folded."""
    if EASY_NAME.fullmatch(name):
        phrase = f'"{name}"' if "." in name or "," in name else name
    else:
        name = clean(name)
        if not name:
            return address(email)
        phrase = _phrase(name)
    room = LINE - len("Reply-To: ") - len(phrase.rsplit("\n", 1)[-1])
    space = "\r\n " if len(email) + 3 > room else " "
    return f"{phrase}{space}<{address(email)}>"


def text(name: str, value: str) -> str:
    """An unstructured value (RFC 5322 section 2.2.1) for the header `name`: encoded where it must be, folded."""
    if len(name) + 2 + len(value) <= LINE and EASY_TEXT.fullmatch(value):
        return value
    value = clean(value)
    if not _plain(value):
        return encoded(value, first_line=len(name) + 2)
    return _folded(value, len(name) + 2)


def encoded(value: str, *, first_line: int = 0, fold: bool = True) -> str:
    """RFC 2047 encoded words, at most 75 characters each; on one line when not `fold`."""
    header = Header(value, "utf-8", maxlinelen=LINE - 1, header_name="x" * max(first_line - 2, 0))
    words = header.encode(linesep="\r\n")
    return words if fold else words.replace("\r\n ", " ")


def list_headers(message: OutgoingMessage) -> list[tuple[str, str]]:
    """List-Unsubscribe, its one-click partner and List-Id (RFC 2369, 8058, 2919), each on one line, never encoded.

    Raises ValueError for a URI that is too long or of the wrong kind, and for one-click without an https URI.
    """
    entries = []
    if message.list_unsubscribe_url is not None:
        entries.append(_uri(message.list_unsubscribe_url, ("https://", "http://")))
    if message.list_unsubscribe_mailto is not None:
        entries.append(_uri(message.list_unsubscribe_mailto, ("mailto:",)))
    headers = [("List-Unsubscribe", ", ".join(entries))] if entries else []
    if message.one_click:
        if not (message.list_unsubscribe_url or "").startswith("https://"):
            raise ValueError("One-click unsubscribe needs an https address (RFC 8058 section 3.1).")
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    if message.list_id is not None:
        headers.append(("List-Id", _list_id(message.list_id)))
    return headers


def extra_headers(message: OutgoingMessage) -> list[tuple[str, str]]:
    """The message's further headers, cleaned, not yet encoded. Raises ValueError for a name that is not free."""
    for name, _ in message.extra_headers:
        if not HEADER_NAME.fullmatch(name) or name.lower() in OWN_HEADERS or name.lower().startswith("content-"):
            raise ValueError("An extra header has a name that is reserved or is not one.")
    return [(name, clean(value)) for name, value in message.extra_headers]


def _phrase(name: str) -> str:
    if not _plain(name) or len(name) > LINE - 12:
        return encoded(name, first_line=len("Reply-To: "))
    if ATOMS.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(value: str) -> bool:
    """Whether a value can be sent as it is: ASCII, nothing that looks encoded, no word that cannot be folded."""
    return value.isascii() and "=?" not in value and all(len(word) < HARD_LINE - 100 for word in value.split(" "))


def _folded(value: str, used: int) -> str:
    """Breaks before a space wherever the line would grow over 76 characters; unfolding gives the value back."""
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and used + len(lines[-1]) + 1 + len(word) > LINE:
            lines.append(word)
            used = 1
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _uri(uri: str, schemes: tuple[str, ...]) -> str:
    if not uri.startswith(schemes) or not URI_LETTERS.fullmatch(uri):
        raise ValueError("A List-Unsubscribe entry is not a plain URI of its kind.")
    if len(uri) + 2 > MAX_URI:
        raise ValueError(f"A List-Unsubscribe URI has {len(uri) + 2} characters with brackets; {MAX_URI} are safe.")
    return f"<{uri}>"


def _list_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,70}", value):
        raise ValueError("A List-Id is letters, digits, dots and hyphens (RFC 2919 section 2).")
    return f"<{value}>"
