"""The words of a letter on paper, from the plain text of the email that it stands for. Pure."""

import re

FOOTER = "-- "
"""The line above the footer of every email (RFC 3676): a letter has a foot of its own."""
WIDTH = 76
SLACK = 20
"""Lines were folded for details of the usual length: with a short name they end earlier."""
POINT = re.compile(r"[-*•]|\d{1,2}\.")
NOT_ON_PAPER = re.compile(r"-{3,}|\[[^\]]*\]")
"""Dividers, and what stands for a picture."""
WEB = re.compile(r"https?://(?:www\.)?([^\s<>()]+)", re.IGNORECASE)


def paragraphs(text: str) -> tuple[str, ...]:
    """The text without the email's footer, one string per paragraph; lines folded for email are one line again.

    A line break that somebody typed stays as "\\n" inside its paragraph.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if FOOTER in lines:
        lines = lines[: len(lines) - 1 - lines[::-1].index(FOOTER)]
    found: list[list[str]] = [[]]
    for place, line in enumerate(lines):
        if not line.strip():
            found.append([])
        elif found[-1] and _was_folded(lines[place - 1], line):
            found[-1][-1] += " " + line.strip()
        else:
            found[-1].append(line.strip())
    said = ("\n".join(each) for each in found if each)
    return tuple(short(each) for each in said if not NOT_ON_PAPER.fullmatch(each))


def short(text: str) -> str:
    """Addresses of pages as people type them: no "https://", no "www.", no slash at the end."""
    return WEB.sub(lambda found: found[1].rstrip("/"), text)


def foot(practice_name: str, phone: str, *, commercial: bool) -> str:
    """How to get no more letters, as the last lines of one; "" for a letter that is no advertising."""
    if not commercial:
        return ""
    call = f"call {phone} or write" if phone else "write"
    return (
        f"{practice_name} writes to you because you agreed to hear from us. If you would rather not get letters like "
        f"this one, {call} to us at the address above. We will stop, and nothing about your care changes."
    )


def postal(name: str, street: str, city: str, state: str, zip5: str) -> tuple[str, ...]:
    """The lines on the envelope, empty ones left out."""
    town = " ".join(part for part in (f"{city}," if city and (state or zip5) else city, state, zip5) if part)
    return tuple(line for line in (name, street, town) if line)


def _was_folded(before: str, line: str) -> bool:
    """Whether the line was broken only because its first word did not fit any more; each point stands by itself."""
    first = line.split()[0]
    return not POINT.fullmatch(first) and len(before.rstrip()) + 1 + len(first) > WIDTH - SLACK
