"""What a group can ask about consent: what people said yes and no to, and what stops mail to them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select

from outreach.contacts.consent import EVERYTHING, TOPIC_LABELS, Suppression
from outreach.contacts.group_asking import IS, words_of, yes_fact
from outreach.contacts.group_rules import Fact, as_list
from outreach.contacts.groups import last_said, latest_consent
from outreach.contacts.models import Contact

CAME_BACK = ("bounced", "invalid-address")


def _about(value: Any) -> list[str]:
    chosen = as_list(value)
    if not set(chosen) <= set(TOPIC_LABELS):
        raise ValueError("Choose the topics from the list.")
    return chosen


def _gave(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    given = or_(*(latest_consent(topic).is_(True) for topic in _about(value)))
    return not_(given) if operator == "is-not" else given


def _gave_sought(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    given = or_(*(Contact.id.in_(last_said(topic, granted=True)) for topic in _about(value)))
    return not_(given) if operator == "is-not" else given


def _stopped(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists().where(Suppression.address_hash == Contact.address_hash, *_stops(_about(value)))
    return not_(found) if operator == "is-not" else found


def _stopped_sought(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = _listed(*_stops(_about(value)))
    return not_(found) if operator == "is-not" else found


def _stops(topics: list[str]) -> tuple[ColumnElement[bool], ...]:
    return Suppression.topic.in_((*topics, EVERYTHING)), Suppression.lifted_at.is_(None)


def _listed(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    listed = Contact.address_hash.in_(select(Suppression.address_hash).where(*where))
    return and_(Contact.address_hash.is_not(None), listed)


_BOUNCES = (Suppression.lifted_at.is_(None), Suppression.reason.in_(CAME_BACK))
CONSENT_FACTS = (
    yes_fact(
        "permission",
        "Gave permission",
        latest_consent(EVERYTHING).is_(True),
        Contact.id.in_(last_said(EVERYTHING, granted=True)),
    ),
    Fact("permission-for", "Gave permission for", IS, _gave, words_of(TOPIC_LABELS), seek=_gave_sought),
    Fact("stopped", "Stopped mail about", IS, _stopped, words_of(TOPIC_LABELS), seek=_stopped_sought),
    yes_fact(
        "address-bounces",
        "Mail came back",
        exists().where(Suppression.address_hash == Contact.address_hash, *_BOUNCES),
        _listed(*_BOUNCES),
    ),
    yes_fact("on-hold", "On hold because something went wrong", Contact.recovery_hold_at.is_not(None)),
)
