"""What sources and holds are called on screens: by the name that people gave them, in one statement per kind."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.deliveries.words import PLACES, scope_words


def names_of(session: Session, scopes: Iterable[str], *, known: Iterable[Any]) -> dict[str, str]:
    """{scope: its name}: "campaign:12" is Campaign “New physician welcome”; what has no name is said by its number.

    `known` are the (source, column of the id, column of the name) that the rooms offer.
    """
    ids: dict[str, set[int]] = defaultdict(set)
    found = {scope: scope_words(scope) for scope in scopes}
    for scope in found:
        sort, _, which = scope.partition(":")
        if which.isascii() and which.isdigit():
            ids[sort].add(int(which))
    for sort, number, name in known:
        if ids[sort]:
            rows = session.execute(select(number, name).where(number.in_(ids[sort])))
            found |= {f"{sort}:{which}": f"{PLACES[sort][0]} “{called}”" for which, called in rows if called}
    return found
