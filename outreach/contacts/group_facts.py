"""What this room knows about a contact that a group can ask for."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.group_asking import (
    IS,
    Text,
    among,
    linked_fact,
    named_rows,
    touch_fact,
    word_fact,
    words_of,
    yes_fact,
)
from outreach.contacts.group_consent_facts import CONSENT_FACTS
from outreach.contacts.group_place_facts import PLACE_FACTS, ways
from outreach.contacts.group_rules import Choices, Fact, as_ids, as_list, as_number
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.models import Contact, ContactPayer, ContactTag
from outreach.contacts.timeline import PERSONAL
from outreach.practice.models import DISCIPLINES, Payer, Person

__all__ = ["CLASS_WORDS", "GROUP_FACTS", "touch_fact"]

CLASS_WORDS = {"provider": "Providers and offices", "organization": "Community", "peer": "Peers", "client": "Clients"}


def _said(column: Text) -> Any:
    """Choices that are the words which stand in the column."""

    def choose(session: Session) -> Choices:
        said = select(column).where(column != "", column.is_not(None)).distinct().order_by(column)
        return tuple((str(one), str(one)) for one in session.scalars(said))

    return choose


def _typed(name: str, label: str, column: Text) -> Fact:
    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        texts = ways(value)
        low = func.lower(func.coalesce(column, ""))
        if operator == "contains":
            return or_(*(low.contains(text, autoescape=True) for text in texts))
        return not_(low.in_(texts)) if operator == "is-not" else low.in_(texts)

    return Fact(name, label, (*IS, "contains"), make)


def _tag(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _tag_sought(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = among(ContactTag.contact_id, ContactTag.tag.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _tags(session: Session) -> Choices:
    return tuple((tag, tag) for tag in session.scalars(select(ContactTag.tag).distinct().order_by(ContactTag.tag)))


def _owner(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    ids = as_ids(value)
    owned, nobodys = Contact.owner_id.in_([one for one in ids if one]), Contact.owner_id.is_(None)
    if operator == "is":
        return or_(owned, nobodys) if 0 in ids else owned
    return and_(not_(nobodys), not_(owned)) if 0 in ids else or_(nobodys, not_(owned))


def _owners(session: Session) -> Choices:
    return (("0", "Nobody"), *named_rows(Person.id, Person.name)(session))


def _added(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    since = now.astimezone(zone).date() - timedelta(days=as_number(value))
    return Contact.added_on < since if operator == "not-within-days" else Contact.added_on >= since


PERSON_FACTS = (
    word_fact("kind", "Kind", Contact.kind, words_of(KIND_LABELS)),
    word_fact("audience-class", "Audience", Contact.audience_class, words_of(CLASS_WORDS)),
    word_fact("specialty", "Specialty", Contact.specialty, _said(Contact.specialty)),
    _typed("title", "Title", Contact.title),
    _typed("therapy-relationship", "Works with the therapist", Contact.therapy_relationship),
    Fact("tag", "Tag", IS, _tag, _tags, seek=_tag_sought),
    linked_fact("payer", "Payer", ContactPayer.contact_id, ContactPayer.payer_id, named_rows(Payer.id, Payer.name)),
    Fact("owner", "Looked after by", IS, _owner, _owners, by_id=True),
    Fact("added", "Added", ("within-days", "not-within-days"), _added),
    word_fact("source", "Came from", Contact.source, _said(Contact.source)),
    word_fact("language", "Language", Contact.language, _said(Contact.language)),
    word_fact("discipline", "Discipline", Contact.discipline, words_of({name: name for name in DISCIPLINES})),
    yes_fact("has-email", "Has an email address", Contact.email.is_not(None)),
    yes_fact("has-phone", "Has a phone number", Contact.phone != ""),
    yes_fact("has-npi", "Has an NPI", Contact.npi.is_not(None)),
    yes_fact("advocate", "Advocate", Contact.advocate.is_(True)),
)
TOUCH_FACTS = (
    touch_fact("touched", "Any touch", PERSONAL),
    touch_fact("called", "Called", ("call",)),
    touch_fact("visited", "Visited", ("visit", "drop-off")),
    touch_fact("met", "Met", ("meeting",)),
    touch_fact("noted", "Note taken", ("note",)),
    touch_fact("thanked", "Thanked", ("thank-you",)),
)
GROUP_FACTS = (*PERSON_FACTS, *PLACE_FACTS, *CONSENT_FACTS, *TOUCH_FACTS)
