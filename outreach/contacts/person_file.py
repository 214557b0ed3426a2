"""Everything kept about one person, in words: for the person who asks, and for whoever has to answer them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Suppression
from outreach.contacts.models import Contact
from outreach.contacts.repointing import pointing_to

INSIDE = frozenset(
    {
        *("address_hash", "rendered_hash", "token", "lease_until_at", "fenced_at", "fact_rank", "priority", "uid"),
        *("sort_name", "version", "case_key", "row", "origin", "from_yield", "has_value", "rsvp_generation"),
        *("message_id_header", "provider_message_id", "window_from_at", "window_until_at", "local_minute"),
    }
)
"""Columns that say nothing of the person: keys, locks and hashes of ours."""
LEFT_OUT = frozenset({"contact_search", "contact_unsearched", "lapse_alert", "day_done", "source_status"})
"""Tables that only repeat what stands elsewhere, for our own work."""
TITLES = {
    "touch": "What happened",
    "task": "Tasks",
    "consent": "What they agreed to",
    "authorization": "Permissions for their story",
    "story": "Their story",
    "delivery": "Messages",
    "membership": "Places",
    "contact_tag": "Tags",
    "contact_payer": "Payers",
    "contact_group_member": "Fixed lists",
    "family_link": "Family",
    "referral": "Referrals",
    "value_entry": "Meals and gifts",
    "value_payback": "What they paid back",
    "limit_pass": "Meals over the limit that were allowed",
    "invitation": "Invitations",
    "attendance": "Events attended",
    "campaign_enrollment": "Campaigns",
    "newsletter_recipient": "Newsletters",
    "card_recipient": "Holiday cards",
    "import_line": "Lines of imported files",
    "standing": "Our estimate of referrals to come",
    "yield_score": "How the estimate was reckoned",
    "snooze": "Reminders put off",
    "peer_relation": "How we work together",
    "source_alias": "Other names in referral files",
    "loss_fix": "What we did about lost referrals",
}
MOST_ROWS = 5_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One heading of the record with its rows, each {what: value}; empty values are left out."""

    title: str
    rows: list[Row]


def whole_record(session: Session, contact: Contact) -> list[Part]:
    """The person's own fields first, then everything that points to them, then what stops mail to their address.

    At most 5,000 rows of a kind. What people of ours did is in the record of changes and is not part of it.
    """
    ids = [contact.id, *session.scalars(select(Contact.id).where(Contact.merged_into_id == contact.id))]
    parts = [Part("The person", _rows(session, Contact.__table__, Contact.id.in_(ids)))]  # type: ignore[arg-type]
    for table, clause in _tables(ids):
        rows = _rows(session, table, clause)
        if rows:
            parts.append(Part(TITLES.get(table.name, table.name.replace("_", " ").capitalize()), rows))
    if contact.address_hash is not None:
        stops = _rows(session, Suppression.__table__, Suppression.address_hash == contact.address_hash)  # type: ignore[arg-type]
        parts += [Part("Why no mail goes to this address", stops)] if stops else []
    return parts


def _tables(ids: Sequence[int]) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    columns: dict[Table, list[Column[int]]] = {}
    for table, column in pointing_to("contact", everything=True):
        if table.name not in LEFT_OUT:
            columns.setdefault(table, []).append(column)
    for table, found in columns.items():
        yield table, or_(*(column.in_(ids) for column in found))


def _rows(session: Session, table: Table, clause: ColumnElement[bool]) -> list[Row]:
    found = session.execute(select(table).where(clause).order_by(*table.primary_key.columns).limit(MOST_ROWS))
    return [
        {name.replace("_", " "): _said(value) for name, value in row.items() if name not in INSIDE and _tells(value)}
        for row in found.mappings()
    ]


def _tells(value: Any) -> bool:
    return value is not None and value != "" and value != [] and value != {} and not isinstance(value, bytes)


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
