"""The ledger's rows by address: found along the unique key, which holds the beginning of the hash only."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, String, and_, bindparam, literal_column

from outreach.deliveries.models import LEDGER, SHORT_HASH, SHORT_LENGTH

_short: ColumnElement[str] = literal_column(SHORT_HASH.replace("(", "(delivery."), String())
# Compared as an expression: where it is a bare column, SQLite puts the hash into the short one and finds no index.
_whole: ColumnElement[str] = LEDGER.c.address_hash.concat("")


def to_address(hashed: str) -> ColumnElement[bool]:
    """The condition on the ledger to be planned for this address (its keyed hash)."""
    return and_(_short == bindparam("short", hashed[:SHORT_LENGTH], unique=True), _whole == hashed)


def to_one_of(hashes: Collection[str]) -> ColumnElement[bool]:
    """The same for any of several."""
    short: BindParameter[Any] = bindparam(
        "short", sorted({each[:SHORT_LENGTH] for each in hashes}), expanding=True, unique=True
    )
    return and_(_short.in_(short), _whole.in_(set(hashes)))
