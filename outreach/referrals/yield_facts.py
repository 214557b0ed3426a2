"""What the yield model is told: contacts and referrals, as single facts or as columns.

The two forms say the same. Facts read well in tests and for one contact; the nightly refresh hands over columns, so
that a practice with a million referrals does not build a million objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from outreach.referrals.yield_params import KIND_CODE, OTHER, Days, Floats, Ints

OUTCOMES: tuple[str, ...] = ("open", "started", "lost")
OPEN, STARTED, LOST = range(3)
OUTCOME_CODE: dict[str, int] = {name: code for code, name in enumerate(OUTCOMES)}


@dataclass(frozen=True)
class ContactFacts:
    """One contact: its kind (a name from `KINDS`, anything else is "other") and the day it was added."""

    id: int
    kind: str
    added_on: date
    specialty: str | None = None


@dataclass(frozen=True)
class ReferralFacts:
    """One referral received; `outcome` is open, started or lost; `value` in visits or money, of one sort throughout."""

    id: int
    contact_id: int
    received_on: date
    outcome: str = "open"
    outcome_on: date | None = None
    value: float | None = None


@dataclass(frozen=True)
class ContactColumns:
    """Contacts as columns of equal length.

    *Columns*: `id` int64, unique; `kind` int64, see `kind_codes`; `added_on` datetime64[D]; `specialty` int64,
    an index into `specialty_names`, -1 for none.
    """

    id: Ints
    kind: Ints
    added_on: Days
    specialty: Ints
    specialty_names: tuple[str, ...] = ()
    unknown_kinds: int = 0

    def __post_init__(self) -> None:
        _same_length(self.id, self.kind, self.added_on, self.specialty)


@dataclass(frozen=True)
class ReferralColumns:
    """Referrals as columns of equal length.

    *Columns*: `id` int64; `contact_id` int64; `received_on` datetime64[D]; `outcome` int64, 0 open, 1 started,
    2 lost; `outcome_on` datetime64[D], NaT where unknown; `value` float64, NaN where unknown.
    """

    id: Ints
    contact_id: Ints
    received_on: Days
    outcome: Ints
    outcome_on: Days
    value: Floats

    def __post_init__(self) -> None:
        _same_length(self.id, self.contact_id, self.received_on, self.outcome, self.outcome_on, self.value)


def kind_codes(kinds: Sequence[str]) -> Ints:
    """The column `kind` for these names; a name that the model does not know becomes "other"."""
    return np.array([KIND_CODE.get(kind, OTHER) for kind in kinds], dtype=np.int64)


def contact_columns(contacts: Sequence[ContactFacts] | ContactColumns) -> ContactColumns:
    """The contacts as columns, in the order given.

    *Errors*: `ValueError` when a contact id occurs twice or a code lies outside its table.
    """
    columns = contacts if isinstance(contacts, ContactColumns) else _contacts_from_facts(contacts)
    if not (np.diff(columns.id) > 0).all() and (np.diff(np.sort(columns.id)) == 0).any():
        raise ValueError("a contact id occurs twice")
    _check_codes(columns.kind, 0, len(KIND_CODE), "kind")
    _check_codes(columns.specialty, -1, len(columns.specialty_names), "specialty")
    return columns


def referral_columns(referrals: Sequence[ReferralFacts] | ReferralColumns) -> ReferralColumns:
    """The referrals as columns, in the order given.

    *Errors*: `ValueError` for an unknown outcome, a missing date, or a value that is negative or endless.
    """
    columns = referrals if isinstance(referrals, ReferralColumns) else _referrals_from_facts(referrals)
    _check_codes(columns.outcome, 0, len(OUTCOMES), "outcome")
    if np.isnat(columns.received_on).any():
        raise ValueError("a referral has no date")
    if (columns.value < 0).any() or np.isinf(columns.value).any():
        raise ValueError("the value of a referral must be zero or more")
    return columns


def _contacts_from_facts(contacts: Sequence[ContactFacts]) -> ContactColumns:
    names = tuple(sorted({contact.specialty for contact in contacts if contact.specialty}))
    code = {name: position for position, name in enumerate(names)}
    return ContactColumns(
        id=np.array([contact.id for contact in contacts], dtype=np.int64),
        kind=kind_codes([contact.kind for contact in contacts]),
        added_on=_days([contact.added_on for contact in contacts]),
        specialty=np.array([code.get(contact.specialty or "", -1) for contact in contacts], dtype=np.int64),
        specialty_names=names,
        unknown_kinds=sum(contact.kind not in KIND_CODE for contact in contacts),
    )


def _referrals_from_facts(referrals: Sequence[ReferralFacts]) -> ReferralColumns:
    for referral in referrals:
        if referral.outcome not in OUTCOME_CODE:
            raise ValueError(f"referral {referral.id}: unknown outcome {referral.outcome!r}")
    return ReferralColumns(
        id=np.array([referral.id for referral in referrals], dtype=np.int64),
        contact_id=np.array([referral.contact_id for referral in referrals], dtype=np.int64),
        received_on=_days([referral.received_on for referral in referrals]),
        outcome=np.array([OUTCOME_CODE[referral.outcome] for referral in referrals], dtype=np.int64),
        outcome_on=_days([referral.outcome_on for referral in referrals]),
        value=np.array([np.nan if r.value is None else r.value for r in referrals], dtype=np.float64),
    )


def _days(dates: Sequence[date | None]) -> Days:
    return np.array(dates, dtype="datetime64[D]")


def _check_codes(codes: Ints, first: int, end: int, name: str) -> None:
    if ((codes < first) | (codes >= end)).any():
        raise ValueError(f"the column {name} holds a code that does not exist")


def _same_length(*columns: Ints | Days | Floats) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError("the columns differ in length")
