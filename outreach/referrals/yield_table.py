"""The result of a refresh: one row per contact, kept as columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import numpy as np

from outreach.referrals.yield_params import KIND_NAMES, Days, Evidence, Floats, Ints, Texts, YieldParams
from outreach.referrals.yield_record import BorderNotes, Events


@dataclass(frozen=True)
class PracticeMeans:
    """What similar contacts do; stored with a refresh so that one contact can be scored alone until the next.

    *Units*: `rates` and `specialty_rates` (kind, then specialty) in referrals a day of an active contact;
    `convert_rates` 0-1; `values` and `value_caps` in the unit of the values, empty where none are recorded; `sizes`
    are the contacts of each kind.
    """

    evidence: Evidence
    rates: dict[str, float]
    specialty_rates: dict[str, dict[str, float]]
    convert_rates: dict[str, float]
    values: dict[str, float]
    value_caps: dict[str, float]
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class YieldRow:
    """One contact's yield. The columns of `YieldTable` as plain values, with None where a column says NaN or ""."""

    id: int
    kind: str
    as_of: date
    horizon_days: int
    evidence: Evidence
    expected_started: float
    lo80: int
    hi80: int
    p_at_least_one: float
    expected_referrals: float
    expected_value: float | None
    parts: tuple[float, float, float]
    rate_90: float
    typical_rate_90: float
    own_weight: float
    p_active: float | None
    surprise: float
    gap_days: int
    last_on: date | None
    entry_on: date
    referral_count: int
    convert_rate: float
    convert_lo: float
    convert_hi: float
    typical_convert_rate: float
    started_count: int
    finished_count: int
    record_shape: float
    record_days: float
    rank_pct: float | None
    tier: str | None


@dataclass(frozen=True)
class YieldTable:
    """The yield of every contact on `as_of`, in the order the contacts were given.

    | column | meaning, unit |
    |---|---|
    | expected_started | the yield: referrals that start care within the horizon; the product of `parts` |
    | parts | n x 3: referrals in the horizon while active; chance still active, with the floor; share that starts |
    | lo80, hi80, p_at_least_one | 80 % range of the started referrals and the chance of one or more |
    | expected_referrals | the first two parts: referrals, whether they start or not |
    | expected_value | expected_started times the value of one; NaN where no values are recorded |
    | rate_90, typical_rate_90 | referrals in 90 days while active: this contact's, and that of similar ones |
    | own_weight | 0-1, how much of rate_90 is the contact's own record |
    | p_active | chance of still referring, before the floor; NaN with fewer than two referrals |
    | surprise | chance that an active contact is silent this long |
    | gap_days, last_on, entry_on, referral_count | days since the last referral or entry, its day, entry, number |
    | convert_rate, convert_lo, convert_hi | share of referrals that starts care, and its 80 % range |
    | typical_convert_rate | that share among similar contacts |
    | started_count, finished_count | the contact's own started and finished referrals |
    | record_shape, record_days | the rate on the day of the last referral: Gamma(shape, days) |
    | rank_pct, tier | percentile within the kind, 100 best, and A, B or C; NaN and "" while "prior only" |
    """

    as_of: date
    horizon_days: int
    params: YieldParams
    means: PracticeMeans
    notes: BorderNotes
    id: Ints
    kind: Ints
    expected_started: Floats
    lo80: Ints
    hi80: Ints
    p_at_least_one: Floats
    expected_referrals: Floats
    expected_value: Floats
    parts: Floats
    rate_90: Floats
    typical_rate_90: Floats
    own_weight: Floats
    p_active: Floats
    surprise: Floats
    gap_days: Ints
    last_on: Days
    entry_on: Days
    referral_count: Ints
    convert_rate: Floats
    convert_lo: Floats
    convert_hi: Floats
    typical_convert_rate: Floats
    started_count: Ints
    finished_count: Ints
    record_shape: Floats
    record_days: Floats
    rank_pct: Floats
    tier: Texts
    events: Events | None = None
    """The referrals in order that the table was made from, for those who read on: sorting them is half of the work."""

    @property
    def evidence(self) -> Evidence:
        return self.means.evidence

    def __len__(self) -> int:
        return len(self.id)

    def __iter__(self) -> Iterator[YieldRow]:
        return (self.row(position) for position in range(len(self)))

    def row(self, position: int) -> YieldRow:
        """The row at this position."""
        shared: dict[str, Any] = {
            "as_of": self.as_of,
            "horizon_days": self.horizon_days,
            "evidence": self.evidence,
            "kind": KIND_NAMES[self.kind[position]],
        }
        columns = [one.name for one in fields(YieldRow) if one.name not in shared]
        return YieldRow(**shared, **{name: _plain(getattr(self, name)[position]) for name in columns})

    def row_of(self, contact_id: int) -> YieldRow:
        """The row of this contact. *Errors*: `KeyError` when it was not scored."""
        found = np.flatnonzero(self.id == contact_id)
        if not found.size:
            raise KeyError(contact_id)
        return self.row(int(found[0]))


def _plain(cell: Any) -> Any:
    if isinstance(cell, np.ndarray):
        return tuple(cell.tolist())
    plain = cell.item() if isinstance(cell, np.generic) else cell
    return None if plain == "" or plain != plain else plain
