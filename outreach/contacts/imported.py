"""One row of an imported file, understood: what every format is turned into. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RowKind = Literal["person", "organization", "suppression"]


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A person, an organization or an opt-out as the file tells it; texts are "" where it says nothing.

    `email_key` finds the same mailbox again; `phone_e164` is "" when `phone` does not ring; `birthday` is "MM-DD", the
    year is dropped unread; `suggested_kind` is "" when a person has to choose; `is_physician` is None when unknown.
    A suppression always has an address; it may carry a name as well. Instants are aware UTC.
    """

    row_number: int
    kind: RowKind
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    prefix: str = ""
    suffix: str = ""
    credentials: str = ""
    organization: str = ""
    title: str = ""
    email: str = ""
    email_key: str = ""
    other_emails: tuple[str, ...] = ()
    phone: str = ""
    phone_e164: str = ""
    other_phones: tuple[str, ...] = ()
    street: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    postal_code: str = ""
    npi: str = ""
    taxonomy: str = ""
    specialty: str = ""
    is_physician: bool | None = None
    suggested_kind: str = ""
    tags: tuple[str, ...] = ()
    birthday: str = ""
    notes: str = ""
    source_opt_in_at: datetime | None = None
    suppression_reason: Literal["", "unsubscribed", "bounced"] = ""
    suppressed_at: datetime | None = None
