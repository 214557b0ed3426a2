"""The status of a source as something that a group, and so a saved view of Contacts, can ask for."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, not_, or_
from sqlalchemy.orm import Session

from outreach.contacts.group_asking import among
from outreach.contacts.group_rules import Choices, Fact, as_list
from outreach.contacts.models import Contact
from outreach.referrals.judging.potential import never_referred
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.judging.status_words import NEVER, STATUSES, WORDS


def in_status(statuses: list[str]) -> ColumnElement[bool]:
    """The condition on Contact: has one of these statuses, or is at the stage before them all."""
    kept = exists().where(SourceStatus.contact_id == Contact.id, SourceStatus.status.in_(statuses))
    if NEVER not in statuses:
        return kept
    return never_referred() if len(statuses) == 1 else or_(kept, never_referred())


def _status(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    chosen = as_list(value)
    if set(chosen) - {*STATUSES, NEVER}:
        raise ValueError("This status does not exist.")
    found = in_status(chosen)
    return not_(found) if operator == "is-not" else found


def _seek(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    chosen = as_list(value)
    if operator == "is-not" or set(chosen) - set(STATUSES):
        return _status(operator, value, now, zone)
    return among(SourceStatus.contact_id, SourceStatus.status.in_(chosen))


def _choices(_session: Session) -> Choices:
    return tuple((name, WORDS[name].label) for name in (*STATUSES, NEVER))


STATUS_FACTS = (
    Fact("source-status", "Status as a source", ("is", "is-not"), _status, _choices, from_yield=True, seek=_seek),
)
