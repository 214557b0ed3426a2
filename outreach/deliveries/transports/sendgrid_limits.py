"""What SendGrid's Mail Send accepts, and what our contract with it allows. Pure.

Sources: the Mail Send reference, its errors and limitations pages, and the OpenAPI description (sendgrid-oai).
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from outreach.deliveries.mail.headers import ADDRESS

MID = "om_mid"
"""Our custom argument: the delivery's id. SendGrid flattens it into each event, hence the prefix."""
MAX_PEOPLE = 1000
MAX_BYTES = 30 * 1000 * 1000
MAX_ARGUMENT_BYTES = 10_000
MAX_SUBSTITUTION_BYTES = 10_000
"""The reference says 10,000, another page 50,000: the smaller holds."""
LONGEST_LETTER = 6
"""Bytes that one character takes at most in JSON."""
MAX_CATEGORIES = 10
MAX_CATEGORY = 255
MAX_GROUPS = 25
POOL_NAME = (2, 64)
FORBIDDEN_HEADERS = frozenset(
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    | {"to", "from", "subject", "reply-to", "cc", "bcc"}
)
TOP_KEYS = frozenset(
    {"from", "reply_to", "reply_to_list", "subject", "personalizations", "content", "attachments", "categories"}
    | {"headers", "custom_args", "asm", "ip_pool_name", "tracking_settings", "mail_settings"}
)
"""Left out on purpose: templates and sections (our previews would no longer be the truth), send_at and batch_id (a
provider's schedule cannot be stopped by an unsubscribe in its last ten minutes)."""
PERSON_KEYS = frozenset({"from", "to", "subject", "headers", "substitutions", "custom_args"})
BYPASSES = ("bypass_list_management", "bypass_spam_management", "bypass_bounce_management")
TRACKERS = (("click_tracking", "enable"), ("click_tracking", "enable_text"), ("open_tracking", "enable"))
API_KEY = re.compile(r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")
OPAQUE = re.compile(r"[A-Za-z0-9._:-]+")
"""Categories and custom arguments are kept for long and read by SendGrid's staff: ids and plain words of ours only."""
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
CALENDAR_TYPE = re.compile(r"text/calendar; method=(REQUEST|CANCEL)")
ATTACHMENT_TYPE = re.compile(r"[^;\s/]+/[^;\s/]+")


def check(payload: dict[str, Any], *, size_bytes: int | None = None) -> list[str]:
    """What is wrong with a Mail Send body, one sentence each, without names or addresses; empty when it may go out.

    `size_bytes`: of the body as it will be posted, when that is known already.
    """
    people = _dicts(payload.get("personalizations"))
    return [
        *_keys(payload, people),
        *_sender(payload),
        *_recipients(people),
        *(problem for person in people for problem in _person(person, payload)),
        *_header_problems(payload.get("headers", {})),
        *_content(payload, people),
        *_attachments(payload),
        *_labels(payload),
        *_settings(payload),
        *_size(_bytes(payload) if size_bytes is None else size_bytes),
    ]


def fits(values: dict[str, Any], most_bytes: int) -> bool:
    """Whether these are strings only and no longer than that in JSON."""
    if not _strings(values):
        return False
    letters = sum(map(len, values)) + sum(map(len, values.values()))
    # Written out only when it could be too long: that takes most of the time of a check.
    return letters * LONGEST_LETTER + 6 * len(values) + 2 <= most_bytes or _bytes(values) <= most_bytes


def _keys(payload: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[str]:
    for key in sorted(payload.keys() - TOP_KEYS):
        yield f"`{key}` is not part of our requests."
    for key in sorted({key for person in people for key in person.keys() - PERSON_KEYS}):
        yield f"`{key}` is not part of our personalizations."


def _sender(payload: dict[str, Any]) -> Iterator[str]:
    if not _is_mailbox(payload.get("from")):
        yield "`from` needs one plain ASCII address."
    answers = [payload["reply_to"]] if "reply_to" in payload else []
    listed = payload.get("reply_to_list", [])
    if answers and listed:
        yield "`reply_to` and `reply_to_list` exclude each other."
    if len(listed) > MAX_PEOPLE:
        yield f"`reply_to_list` holds more than {MAX_PEOPLE} addresses."
    if not all(_is_mailbox(box) for box in [*answers, *listed]):
        yield "An answer address is not one plain ASCII address."


def _recipients(people: list[dict[str, Any]]) -> Iterator[str]:
    boxes = [box for person in people for key in ("to", "cc", "bcc") for box in _dicts(person.get(key))]
    if not 1 <= len(people) <= MAX_PEOPLE:
        yield f"A request has 1 to {MAX_PEOPLE} personalizations."
    if len(boxes) > MAX_PEOPLE:
        yield f"A request has at most {MAX_PEOPLE} recipients."
    emails = [str(box.get("email", "")).lower() for box in boxes]
    if len(set(emails)) < len(emails):
        yield "The same address stands twice in one request."
    if any(len(_dicts(person.get("to"))) != 1 for person in people):
        yield "A personalization has exactly one recipient."
    if not all(_is_mailbox(box) for box in boxes):
        yield "A recipient is not one plain ASCII address."
    if any(re.search("[;,]", name) or BREAKS.search(name) for name in (str(box.get("name", "")) for box in boxes)):
        yield "A recipient's name holds a semicolon, a comma or a line break."


def _person(person: dict[str, Any], payload: dict[str, Any]) -> Iterator[str]:
    subject = person.get("subject", payload.get("subject"))
    if not isinstance(subject, str) or not subject.strip() or BREAKS.search(subject):
        yield "A personalization needs a subject of one line."
    if "from" in person and not _is_mailbox(person["from"]):
        yield "`from` needs one plain ASCII address."
    yield from _header_problems(person.get("headers", {}))
    yield from _arguments({**payload.get("custom_args", {}), **person.get("custom_args", {})}, person)
    replaced = person.get("substitutions", {})
    if not fits(replaced, MAX_SUBSTITUTION_BYTES):
        yield f"Substitutions are strings and at most {MAX_SUBSTITUTION_BYTES} bytes."


def _arguments(arguments: dict[str, Any], person: dict[str, Any]) -> Iterator[str]:
    if not _strings(arguments):
        yield "Custom arguments are strings."
    elif not fits(arguments, MAX_ARGUMENT_BYTES):
        yield f"Custom arguments have at most {MAX_ARGUMENT_BYTES} bytes."
    if not arguments.get(MID):
        yield f"The custom argument `{MID}` is missing."
    if any(_is_personal(str(value), person) for value in arguments.values()):
        yield "A custom argument holds personal data."


def _header_problems(headers: dict[str, Any]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in FORBIDDEN_HEADERS:
            yield f"The header `{name}` may not be set."
        if not name.isascii() or not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            yield "A header is not one line of ASCII text."
    names = {name.lower(): value for name, value in headers.items()}
    if "list-unsubscribe-post" in names and "<https://" not in str(names.get("list-unsubscribe", "")):
        yield "List-Unsubscribe-Post stands without an https address in List-Unsubscribe."


def _content(payload: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[str]:
    contents = _dicts(payload.get("content"))
    types = [str(content.get("type", "")) for content in contents]
    if types[:2] != ["text/plain", "text/html"] or not set(types[2:]).isdisjoint(types[:2]):
        yield "Content is text/plain first, then text/html, each once."
    if any(not isinstance(content.get("value"), str) or not content["value"] for content in contents):
        yield "A content part is empty."
    if any(API_KEY.search(str(content.get("value"))) for content in contents):
        yield "A content part holds an API key."
    if len(types) > 2:
        yield from _calendar(contents[2:], payload, people)


def _calendar(further: list[dict[str, Any]], payload: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[str]:
    found = CALENDAR_TYPE.fullmatch(str(further[0].get("type")))
    if len(further) > 1 or not found:
        yield "A third content part is `text/calendar; method=REQUEST` or CANCEL, and the last."
        return
    ics = str(further[0].get("value"))
    if f"\nMETHOD:{found[1]}\r\n" not in ics:
        yield "The calendar part's method is not the METHOD in its file."
    files = [file for file in _dicts(payload.get("attachments")) if file.get("type") == "application/ics"]
    if [_data(file) for file in files] != [ics.encode()]:
        yield "The calendar part needs the same file as an application/ics attachment."
    if len(people) != 1:
        yield "An invitation goes to one person per request."


def _attachments(payload: dict[str, Any]) -> Iterator[str]:
    for file in _dicts(payload.get("attachments")):
        if not ATTACHMENT_TYPE.fullmatch(str(file.get("type", ""))):
            yield "An attachment's type holds a parameter or is none."
        if not str(file.get("filename", "")).strip() or BREAKS.search(str(file["filename"])):
            yield "An attachment needs a file name of one line."
        if not _data(file):
            yield "An attachment is empty or not in base64."


def _labels(payload: dict[str, Any]) -> Iterator[str]:
    categories = payload.get("categories", [])
    if len(categories) > MAX_CATEGORIES or len(set(map(str, categories))) < len(categories):
        yield f"Categories are at most {MAX_CATEGORIES}, each once."
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_CATEGORY for name in categories):
        yield f"A category is a string of at most {MAX_CATEGORY} characters."
    people = _dicts(payload.get("personalizations"))
    if any(_is_personal(str(name), person) for name in categories for person in people):
        yield "A category holds personal data."
    if len(payload.get("asm", {}).get("groups_to_display", [])) > MAX_GROUPS:
        yield f"At most {MAX_GROUPS} unsubscribe groups can be displayed."
    pool = payload.get("ip_pool_name")
    if pool is not None and not POOL_NAME[0] <= len(pool) <= POOL_NAME[1]:
        yield "The name of an IP pool has 2 to 64 characters."


def _settings(payload: dict[str, Any]) -> Iterator[str]:
    tracking = payload.get("tracking_settings", {})
    for group, key in (*TRACKERS, ("subscription_tracking", "enable")):
        if tracking.get(group, {}).get(key) is not False:
            yield f"`{group}.{key}` must be off."
    if tracking.get("ganalytics", {}).get("enable", False) is not False:
        yield "`ganalytics.enable` must be off."
    mail = payload.get("mail_settings", {})
    if any(name.startswith("bypass_") for name in mail):
        yield "Our mail bypasses no suppression list."
    if "sandbox_mode" in mail and not isinstance(mail["sandbox_mode"].get("enable"), bool):
        yield "`sandbox_mode.enable` is a JSON boolean."


def _size(size_bytes: int) -> Iterator[str]:
    if size_bytes >= MAX_BYTES:
        yield "The request is 30 MB or more."


def _is_mailbox(box: Any) -> bool:
    """Whether it has an address: the package turns "not-an-email" into a name without one."""
    return isinstance(box, dict) and ADDRESS.fullmatch(str(box.get("email", ""))) is not None


def _is_personal(value: str, person: dict[str, Any]) -> bool:
    """Whether a label is more than an opaque word: an address, a phrase, or the person's whole name run together."""
    names = [str(box.get("name", "")) for box in _dicts(person.get("to"))]
    joined = [_letters(name) for name in names if len(name.split()) > 1]
    return not OPAQUE.fullmatch(value) or any(name and name in _letters(value) for name in joined)


def _letters(text: str) -> str:
    lower = text.lower()
    return lower if lower.isalpha() else "".join(filter(str.isalpha, lower))


def _data(file: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(file.get("content", "")), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _strings(values: dict[str, Any]) -> bool:
    return set(map(type, values.values())) <= {str}


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
