"""Everything kept about one person, in words: for the person who asks, and for whoever has to answer them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Suppression
from outreach.contacts.models import Contact
from outreach.contacts.repointing import pointing_to

INSIDE = frozenset(
    {
        *("address_hash", "rendered_hash", "token", "lease_until_at", "fenced_at", "fact_rank", "priority", "uid"),
        *("sort_name", "version", "case_key", "row", "origin", "from_yield", "has_value", "rsvp_generation"),
        *("message_id_header", "provider_message_id", "window_from_at", "window_until_at", "local_minute"),
        *("source_id", "weight", "own_share", "end_moves", "occurrence", "not_before_at", "not_after_at", "zone"),
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
NAMES_AT_A_TIME = 500
CALLED = ("name", "title", "subject", "words", "occasion")
"""How a row of another table is called: the first of these columns that its table has."""
DETAIL = re.compile(r"\{\{\s*(\w+)\s*(?:\|\s*([^}]*?)\s*)?\}\}")
"""A detail in a subject: what they read there stands with the message, or it was the fallback."""
LABELS = {"zip5": "ZIP", "npi": "NPI", "by": "By", "stark physician": "Physician under the Stark law"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One heading of the record with its rows, each {what: value}; empty values are left out."""

    title: str
    rows: list[Row]

    @property
    def columns(self) -> list[str]:
        """Everything that any of its rows says, in the order it is first said."""
        return list(dict.fromkeys(name for row in self.rows for name in row))


def whole_record(session: Session, contact: Contact) -> list[Part]:
    """The person's own fields first, then everything that points to them, then what stops mail to their address.

    Values are texts, numbers, days, instants and lists; whom or what a row points to is told by name. At most 5,000
    rows of a kind. What people of ours did is in the record of changes and is not part of it.
    """
    ids = [contact.id, *session.scalars(select(Contact.id).where(Contact.merged_into_id == contact.id))]
    found = [("The person", Contact.__table__, _rows(session, Contact.__table__, Contact.id.in_(ids)))]
    for table, clause in _tables(ids):
        title = TITLES.get(table.name, table.name.replace("_", " ").capitalize())
        found.append((title, table, _rows(session, table, clause)))
    if contact.address_hash is not None:
        known = Suppression.__table__
        stops = _rows(session, known, Suppression.address_hash == contact.address_hash)
        found.append(("Why no mail goes to this address", known, stops))
    names = _names(session, found)
    return [Part(title, [_told(table, row, names, ids) for row in rows]) for title, table, rows in found if rows]


def _tables(ids: Sequence[int]) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    columns: dict[Table, list[Column[int]]] = {}
    for table, column in pointing_to("contact", everything=True):
        if table.name not in LEFT_OUT:
            columns.setdefault(table, []).append(column)
    for table, found in columns.items():
        yield table, or_(*(column.in_(ids) for column in found))


def _rows(session: Session, table: Any, clause: ColumnElement[bool]) -> list[Row]:
    found = session.execute(select(table).where(clause).order_by(*table.primary_key.columns).limit(MOST_ROWS))
    return [
        {name: value for name, value in row.items() if name not in INSIDE and _tells(value)} for row in found.mappings()
    ]


def _tells(value: Any) -> bool:
    return value is not None and value != "" and value != [] and value != {} and not isinstance(value, bytes)


def _names(session: Session, found: Sequence[tuple[str, Any, list[Row]]]) -> dict[Table, dict[Any, str]]:
    """What the rows point to, by table and number: a few queries, however many rows there are."""
    asked: dict[Table, set[Any]] = {}
    for _, table, rows in found:
        for column in table.columns:
            target = _target(column)
            if target is not None:
                asked.setdefault(target, set()).update(row[column.name] for row in rows if column.name in row)
    names: dict[Table, dict[Any, str]] = {}
    for target, numbers in asked.items():
        known, ordered = names.setdefault(target, {}), sorted(numbers)
        for start in range(0, len(ordered), NAMES_AT_A_TIME):
            some = target.c.id.in_(ordered[start : start + NAMES_AT_A_TIME])
            known |= {row[0]: row[1] for row in session.execute(select(target.c.id, _called(target)).where(some))}
    return names


def _target(column: Column[Any]) -> Table | None:
    for key in column.foreign_keys:
        target = key.column.table
        if key.column.name == "id" and isinstance(target, Table) and (_called(target) is not None):
            return target
    return None


def _called(table: Table) -> Any:
    if table.name == "contact":
        return func.trim(table.c.first_name + " " + table.c.last_name)
    return next((table.c[name] for name in CALLED if name in table.c), None)


def _told(table: Any, row: Row, names: dict[Table, dict[Any, str]], ids: Sequence[int]) -> Row:
    """The row in words: no numbers of ours, and not the person again whose record it is."""
    told: Row = {}
    for name, value in row.items():
        column = table.c[name]
        target = _target(column)
        if column.primary_key and not column.foreign_keys:
            continue
        if target is not None and target.name == "contact" and value in ids:
            continue
        label = name.removesuffix("_id") if target is not None else name
        told[_label(label)] = names[target].get(value) or f"No. {value}" if target is not None else value
    details = told.get("Details")
    if "Message" in told and isinstance(details, dict):
        told["Message"] = DETAIL.sub(lambda found: str(details.get(found[1]) or found[2] or ""), told["Message"])
    return told


def _label(name: str) -> str:
    words = name.replace("_", " ")
    return LABELS.get(words, words.capitalize())
