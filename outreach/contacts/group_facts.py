"""What this room knows about a contact that a group can ask for."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from outreach.contacts.group_rules import Choices, Fact, as_ids, as_list, as_number
from outreach.contacts.groups import latest_consent
from outreach.contacts.kinds import KIND_LABELS, ORGANIZATION_TYPES
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Organization
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.practice.models import DISCIPLINES, Payer, Person

CLASS_WORDS = {"provider": "Providers and offices", "organization": "Community", "peer": "Peers", "client": "Clients"}
Text = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


def touch_fact(name: str, label: str, kinds: tuple[str, ...], *, from_yield: bool = False) -> Fact:
    """A fact about touches of these kinds: within days, not within days, ever, never. For any room's kinds."""

    def make(operator: str, value: Any, now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        found = exists().where(Touch.contact_id == Contact.id, Touch.kind.in_(kinds))
        if operator.endswith("within-days"):
            found = found.where(Touch.at >= now - timedelta(days=as_number(value)))
        return not_(found) if operator in ("never", "not-within-days") else found

    operators = ("within-days", "not-within-days", "ever", "never")
    return Fact(name, label, operators, make, from_yield=from_yield)


def _one_of(name: str, label: str, column: Text, words: dict[str, str]) -> Fact:
    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        chosen = as_list(value)
        found = func.coalesce(column, "").in_(chosen)
        return not_(found) if operator == "is-not" else found

    return Fact(name, label, ("is", "is-not"), make, lambda _session: tuple(words.items()))


def _typed(name: str, label: str, column: Text, operators: tuple[str, ...] = ("is", "is-not", "contains")) -> Fact:
    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        texts = [one.strip().lower() for text in as_list(value) for one in text.split(",") if one.strip()]
        if not texts:
            raise ValueError("Type a word.")
        low = func.lower(func.coalesce(column, ""))
        if operator == "contains":
            return or_(*(low.contains(text, autoescape=True) for text in texts))
        if operator == "starts-with":
            return or_(*(low.startswith(text, autoescape=True) for text in texts))
        return not_(low.in_(texts)) if operator == "is-not" else low.in_(texts)

    return Fact(name, label, operators, make)


def _specialty(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = Contact.specialty.in_(as_list(value))
    return not_(found) if operator == "is-not" else found


def _specialties(session: Session) -> Choices:
    named = select(Contact.specialty).where(Contact.specialty != "").distinct()
    return tuple((one, one) for one in session.scalars(named.order_by(Contact.specialty)))


def _organization_type(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists().where(Organization.id == Contact.organization_id, Organization.type.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _organization(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    texts = as_list(value)
    name = func.lower(Organization.name)
    named = or_(*(name.contains(text.strip().lower(), autoescape=True) for text in texts))
    if operator == "is":
        named = name.in_([text.strip().lower() for text in texts])
    return exists().where(Organization.id == Contact.organization_id, named)


def _tag(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _tags(session: Session) -> Choices:
    return tuple((tag, tag) for tag in session.scalars(select(ContactTag.tag).distinct().order_by(ContactTag.tag)))


def _payer(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    ids = as_ids(value)
    found = exists().where(ContactPayer.contact_id == Contact.id, ContactPayer.payer_id.in_(ids))
    return not_(found) if operator == "is-not" else found


def _payers(session: Session) -> Choices:
    return tuple((str(id_), name) for id_, name in session.execute(select(Payer.id, Payer.name).order_by(Payer.name)))


def _owner(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = func.coalesce(Contact.owner_id, 0).in_(as_ids(value))
    return not_(found) if operator == "is-not" else found


def _owners(session: Session) -> Choices:
    people = session.execute(select(Person.id, Person.name).order_by(Person.name))
    return (("0", "Nobody"), *((str(id_), name) for id_, name in people))


def _added(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    since = now.astimezone(zone).date() - timedelta(days=as_number(value))
    return Contact.added_on < since if operator == "not-within-days" else Contact.added_on >= since


def _has_email(operator: str, _value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    return Contact.email.is_not(None) if operator == "yes" else Contact.email.is_(None)


def _permission(operator: str, _value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    given = latest_consent("all")
    return given.is_(True) if operator == "yes" else given.is_not(True)


def _advocate(operator: str, _value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    return Contact.advocate.is_(operator == "yes")


def _types(_session: Session) -> Choices:
    return tuple(TYPE_WORDS.items())


TYPE_WORDS = {name: name.replace("-", " ").capitalize() for name in ORGANIZATION_TYPES}
GROUP_FACTS = (
    _one_of("kind", "Kind", Contact.kind, KIND_LABELS),
    _one_of("audience-class", "Audience", Contact.audience_class, CLASS_WORDS),
    Fact("specialty", "Specialty", ("is", "is-not"), _specialty, _specialties),
    Fact("organization", "Organization", ("contains", "is"), _organization),
    Fact(
        "organization-type",
        "Type of organization",
        ("is", "is-not"),
        _organization_type,
        _types,
    ),
    Fact("tag", "Tag", ("is", "is-not"), _tag, _tags),
    _typed("city", "City", Contact.city),
    _typed("state", "State", Contact.state, ("is", "is-not")),
    _typed("zip", "ZIP", Contact.zip5, ("is", "is-not", "starts-with")),
    Fact("payer", "Payer", ("is", "is-not"), _payer, _payers),
    Fact("owner", "Looked after by", ("is", "is-not"), _owner, _owners),
    Fact("added", "Added", ("within-days", "not-within-days"), _added),
    Fact("has-email", "Has an email address", ("yes", "no"), _has_email),
    _one_of("discipline", "Discipline", Contact.discipline, {name: name for name in DISCIPLINES}),
    Fact("permission", "Gave permission", ("yes", "no"), _permission),
    Fact("advocate", "Advocate", ("yes", "no"), _advocate),
    touch_fact("touched", "Any touch", PERSONAL),
    touch_fact("called", "Called", ("call",)),
    touch_fact("visited", "Visited", ("visit", "drop-off")),
    touch_fact("met", "Met", ("meeting",)),
    touch_fact("thanked", "Thanked", ("thank-you",)),
)
