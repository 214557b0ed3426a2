"""The usual sorts of facts that a group can ask for: one of some words, yes or no, a link to a row, a touch."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from outreach.contacts.group_rules import Choices, Fact, as_ids, as_list, as_number
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch

Text = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
Link = InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
IS = ("is", "is-not")
YES = ("yes", "no")
WITHIN = ("within-days", "not-within-days", "ever", "never")


def word_fact(name: str, label: str, column: Text, choose: Callable[[Session], Choices]) -> Fact:
    """A fact about a column of Contact with a few words in it; an empty column is none of them."""

    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        chosen = as_list(value)
        if operator == "is-not":
            return or_(column.is_(None), column.not_in(chosen))
        return column.in_(chosen)

    return Fact(name, label, IS, make, choose)


def yes_fact(name: str, label: str, when: ColumnElement[bool], seek: ColumnElement[bool] | None = None) -> Fact:
    """A fact that is so or not so; `seek` is the same in the form for a whole book (`Fact.seek`)."""
    wide = when if seek is None else seek
    return Fact(
        name,
        label,
        YES,
        lambda operator, _value, _now, _zone: when if operator == "yes" else not_(when),
        seek=lambda operator, _value, _now, _zone: wide if operator == "yes" else not_(wide),
    )


def linked_fact(
    name: str,
    label: str,
    contact: Link,
    key: Link,
    choose: Callable[[Session], Choices],
    *where: ColumnElement[bool],
    from_yield: bool = False,
) -> Fact:
    """A fact about rows that hold a contact and the id of something: a payer, a campaign, an event, with `where`."""

    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        found = exists().where(contact == Contact.id, key.in_(as_ids(value)), *where)
        return not_(found) if operator == "is-not" else found

    def seek(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        found = among(contact, key.in_(as_ids(value)), *where)
        return not_(found) if operator == "is-not" else found

    return Fact(name, label, IS, make, choose, from_yield=from_yield, seek=seek, by_id=True)


def touch_fact(name: str, label: str, kinds: tuple[str, ...], *, from_yield: bool = False) -> Fact:
    """A fact about touches of these kinds: within days, not within days, ever, never. For any room's kinds."""

    def lately(operator: str, value: Any, now: datetime) -> list[ColumnElement[bool]]:
        within = operator.endswith("within-days")
        return [Touch.kind.in_(kinds), *([Touch.at >= now - timedelta(days=as_number(value))] if within else [])]

    def make(operator: str, value: Any, now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        found = exists().where(Touch.contact_id == Contact.id, *lately(operator, value, now))
        return not_(found) if operator in ("never", "not-within-days") else found

    def seek(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        # "Ever" would read every touch there is: contact by contact is quicker then.
        if not operator.endswith("within-days") or as_number(value) > SEEK_DAYS:
            return make(operator, value, now, zone)
        found = among(Touch.contact_id, *lately(operator, value, now))
        return not_(found) if operator == "not-within-days" else found

    return Fact(name, label, WITHIN, make, from_yield=from_yield, seek=seek)


SEEK_DAYS = 120
"""Up to so many days back, touches are read by their own index; further back most contacts have one anyway."""


def among(contact: Link, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The contact is among those whom these rows name: read once, not contact by contact."""
    return Contact.id.in_(select(contact).where(contact.is_not(None), *where))


def words_of(words: dict[str, str]) -> Callable[[Session], Choices]:
    """Choices that are always the same."""
    return lambda _session: tuple(words.items())


def named_rows(key: Link, name: Text, *where: ColumnElement[bool]) -> Callable[[Session], Choices]:
    """Choices that are rows: their ids with their names, in the order of the names."""

    def choose(session: Session) -> Choices:
        rows: Sequence[Any] = session.execute(select(key, name).where(*where).order_by(name)).all()
        return tuple((str(id_), said) for id_, said in rows)

    return choose
