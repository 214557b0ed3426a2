"""What a group can ask about where somebody works or lives: organization, town, state, ZIP."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, union_all
from sqlalchemy.orm import aliased

from outreach.contacts.group_asking import IS, words_of, yes_fact
from outreach.contacts.group_rules import Fact, as_list, as_number
from outreach.contacts.kinds import ORGANIZATION_TYPES
from outreach.contacts.models import Contact, Membership, Organization
from outreach.practice.area_models import ZipPlace
from outreach.practice.service_area import in_service_area, within_miles

TYPE_WORDS = {name: name.replace("-", " ").capitalize() for name in ORGANIZATION_TYPES}


def words(value: Any) -> list[str]:
    """What was typed, word by word: commas part them. Errors: ValueError when nothing was."""
    texts = [one.strip() for text in as_list(value) for one in text.split(",") if one.strip()]
    if not texts:
        raise ValueError("Type a word.")
    return texts


def ways(value: Any) -> list[str]:
    """The typed words as `lower` of either database may answer them: SQLite's leaves letters beyond a to z alone."""
    forms = [form for text in words(value) for form in (text, text.lower(), text.upper(), text.title())]
    plain = [_ascii_lower(form) for form in forms]
    return list(dict.fromkeys([*(form.lower() for form in forms), *plain]))


def _ascii_lower(text: str) -> str:
    return "".join(one.lower() if one.isascii() else one for one in text)


def _anywhere(where: ColumnElement[bool]) -> ColumnElement[bool]:
    """One of the places that the contact belongs to now is such: the main one, or another."""
    mainly = exists().where(Organization.id == Contact.organization_id, where)
    open_stay = (Membership.contact_id == Contact.id, Membership.until_on.is_(None))
    return or_(mainly, exists().where(*open_stay, Organization.id == Membership.organization_id, where))


def _anywhere_sought(where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same, read once for everybody. One list of ids: an "or" of two would go by no index on PostgreSQL."""
    places, person = select(Organization.id).where(where), aliased(Contact)
    mainly = select(person.id).where(person.organization_id.in_(places))
    also = select(Membership.contact_id).where(Membership.until_on.is_(None), Membership.organization_id.in_(places))
    return Contact.id.in_(union_all(mainly, also))


def _organization(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    return _anywhere(_named(operator, value))


def _organization_sought(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    return _anywhere_sought(_named(operator, value))


def _named(operator: str, value: Any) -> ColumnElement[bool]:
    name, texts = func.lower(Organization.name), ways(value)
    if operator == "is":
        return name.in_(texts)
    return or_(*(name.contains(text, autoescape=True) for text in texts))


def _type(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = _anywhere(Organization.type.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _type_sought(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    found = _anywhere_sought(Organization.type.in_(as_list(value)))
    return not_(found) if operator == "is-not" else found


def _city(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    # Spelled as its index is: see contacts.group_indexes.
    low, texts = func.lower(Contact.city), ways(value)
    if operator == "contains":
        return or_(*(low.contains(text, autoescape=True) for text in texts))
    return low.not_in(texts) if operator == "is-not" else low.in_(texts)


def _state(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    low, texts = func.lower(Contact.state), ways(value)
    return low.not_in(texts) if operator == "is-not" else low.in_(texts)


def _zip(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    texts = words(value)
    if operator == "starts-with":
        return or_(*(_starts(text) for text in texts))
    return Contact.zip5.not_in(texts) if operator == "is-not" else Contact.zip5.in_(texts)


def _starts(text: str) -> ColumnElement[bool]:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise ValueError("A ZIP starts with up to five digits, for example 125.")
    # A range, because a "like" without regard to case goes by no index.
    return and_(Contact.zip5 >= text, Contact.zip5 <= text + "9" * 9)


def _at(near: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """The contact's own ZIP is one of these, or without one that of a place that it belongs to."""
    return or_(near(Contact.zip5), and_(Contact.zip5 == "", _anywhere(near(Organization.zip5))))


def _distance(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
    miles = as_number(value)
    near = _at(lambda zip5: within_miles(zip5, miles))
    # Nobody is far away only because we do not know where that is.
    return near if operator == "within-miles" else and_(_at(_is_known), not_(near))


def _is_known(zip5: Any) -> ColumnElement[bool]:
    known: ColumnElement[bool] = zip5.in_(select(ZipPlace.zip5))
    return known


PLACE_FACTS = (
    Fact("organization", "Organization", ("contains", "is"), _organization, seek=_organization_sought),
    Fact("organization-type", "Type of organization", IS, _type, words_of(TYPE_WORDS), seek=_type_sought),
    Fact("city", "City", (*IS, "contains"), _city),
    Fact("state", "State", IS, _state),
    Fact("zip", "ZIP", (*IS, "starts-with"), _zip),
    Fact("distance", "Distance", ("within-miles", "beyond-miles"), _distance),
    yes_fact("service-area", "In our service area", _at(in_service_area)),
)
