"""Reads a mail that anybody may have written: within a bounded time, whatever stands in its head.

The parser of addresses takes seconds for a long list, and nothing else is written while a mail is stored: values are
cut before they are looked at, and where a pattern is searched they are not parsed at all.
"""

import email
from collections.abc import Collection
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from typing import cast

LONGEST_VALUE = 2_000
MOST_VALUES = 50


class _Bounded(EmailPolicy):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_VALUE]


POLICY = _Bounded()


def read(raw: bytes) -> EmailMessage:
    """The mail, each value of its head cut to 2,000 characters. Errors: any, for what is broken."""
    return cast(EmailMessage, email.message_from_bytes(raw, policy=POLICY))


def values(message: Message, names: Collection[str] = ()) -> list[tuple[str, str]]:
    """(name, value as it was written) of the first 50 headers of these names (of all: without any)."""
    wanted = {name.lower() for name in names}
    found = []
    for name, value in message.raw_items():
        if not wanted or name.lower() in wanted:
            found.append((name, str(value)))
            if len(found) == MOST_VALUES:
                break
    return found
