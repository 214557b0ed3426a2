"""The fixed numbers of the yield model, the kinds it compares, and how much data it asks for.

Model: a lapse-aware Gamma-Poisson with slow forgetting. Nothing here is fitted: doubling or halving any of these
numbers moved the forecast by a few per cent at most in the study behind them, while fitting them sometimes hurt.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Texts = NDArray[np.str_]

Evidence = Literal["prior only", "early", "full"]

DAYS_PER_YEAR = 365.25
QUARTER_DAYS = 90
OPEN_COUNTS_AS_LOST_AFTER_DAYS = 90
SPECIALTIES_FROM_CONTACTS = 2_000
LONGEST_HORIZON_DAYS = 1_096


@dataclass(frozen=True)
class YieldParams:
    """The settings of one run; stored with the run so that an old number can be computed again.

    *Units*: `half_life_days` days, `lapse_per_year` per year, `kind_weight` referrals, `conv_weight` finished
    referrals, `value_weight` valued referrals, `batch_cap` referrals of one contact on one day.
    *Errors*: `ValueError` naming the setting that makes no sense.
    """

    shape: float = 0.35  # spread between contacts: most send little, a few a lot
    half_life_days: float = 540.0  # a referral 18 months old counts half
    lapse_per_year: float = 0.25  # about 22 % of active referrers go quiet in a year
    kind_weight: float = 5.0  # pull of a kind to the mean of the practice
    floor: float = 0.05  # nobody is written off fully
    conv_weight: float = 8.0  # pull of a contact's conversion to its kind
    value_weight: float = 1.0  # pull of a contact's value to its kind
    batch_cap: int = 3  # an import that stamps one date on everything must not look like a flood

    def __post_init__(self) -> None:
        for name in ("shape", "half_life_days", "kind_weight", "conv_weight", "value_weight"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be a number above zero")
        if not (math.isfinite(self.lapse_per_year) and self.lapse_per_year >= 0):
            raise ValueError("lapse_per_year must be zero or more")
        if not 0 <= self.floor <= 1:
            raise ValueError("floor must lie between 0 and 1")
        if self.batch_cap < 1:
            raise ValueError("batch_cap must be at least 1")

    @property
    def lapse_per_day(self) -> float:
        return self.lapse_per_year / DAYS_PER_YEAR

    @property
    def memory_days(self) -> float:
        """The days that an endless history is worth: half-life / ln 2."""
        return self.half_life_days / math.log(2)


@dataclass(frozen=True)
class YieldKind:
    """A kind of contact that is compared with its own: name, plural, referrals a year before any data."""

    name: str
    singular: str
    plural: str
    prior_per_year: float


# The names are those of `contacts.kinds`, and "other". The rates are ASSUMED, not measured: 2.0, 0.9, 0.7 and 0.25 are
# the study's guesses for physicians, peers, organizations and former clients; the other kinds borrow from the nearest
# of the four. Shown only under the badge "prior only".
KINDS: tuple[YieldKind, ...] = (
    YieldKind("physician", "physician", "physicians", 2.0),
    YieldKind("provider", "provider", "providers", 2.0),
    YieldKind("office-staff", "office staff member", "office staff", 2.0),
    YieldKind("office", "office", "offices", 2.0),
    YieldKind("community-organization", "community organization", "community organizations", 0.7),
    YieldKind("peer-therapist", "peer therapist", "peer therapists", 0.9),
    YieldKind("client", "client", "clients", 0.25),
    YieldKind("former-client", "former client", "former clients", 0.25),
    YieldKind("family", "family member", "families", 0.25),
    YieldKind("payer", "payer", "payers", 0.7),
    YieldKind("transport-partner", "transport partner", "transport partners", 0.7),
    YieldKind("other", "contact of this kind", "contacts of this kind", 0.25),
)
KIND_NAMES: tuple[str, ...] = tuple(kind.name for kind in KINDS)
KIND_CODE: dict[str, int] = {name: code for code, name in enumerate(KIND_NAMES)}
OTHER = KIND_CODE["other"]


def evidence_for(referrals: int, history_days: int) -> Evidence:
    """How far the practice's own data carries: under 30 days or no referral at all, under 90 days or 20, more."""
    if referrals == 0 or history_days < 30:
        return "prior only"
    if referrals < 20 or history_days < 90:
        return "early"
    return "full"
