"""The share of referrals that start care, and what one that started is worth: own record shrunk to the kind."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from outreach.referrals.yield_facts import STARTED, ContactColumns
from outreach.referrals.yield_params import KIND_NAMES, Floats, Ints, YieldParams
from outreach.referrals.yield_record import Events, Records


@dataclass(frozen=True)
class OwnValues:
    """Per contact: the capped sum and the number of its started referrals that carry a value."""

    total: Floats
    number: Ints


def learn_convert_rates(records: Records, contacts: ContactColumns) -> dict[str, float]:
    """The share that starts care per kind, pulled to the practice by ten referrals, and that to one half by four."""
    size = len(KIND_NAMES)
    practice = (records.started.sum() + 2.0) / (records.finished.sum() + 4.0)
    started = np.bincount(contacts.kind, weights=records.started, minlength=size)
    finished = np.bincount(contacts.kind, weights=records.finished, minlength=size)
    shares = (started + 10.0 * practice) / (finished + 10.0)
    return dict(zip(KIND_NAMES, shares.tolist(), strict=True))


def convert_rates(records: Records, typical: Floats, params: YieldParams) -> tuple[Floats, Floats, Floats]:
    """The share of each contact's referrals that starts care, with the ends of its 80 % range.

    *Units*: shares 0-1; `typical` is the share of similar contacts.
    """
    pull = params.conv_weight
    rate = (records.started + pull * typical) / (records.finished + pull)
    # Most contacts share a handful of records, and the inverse beta is slow: each distinct record once.
    _, which = np.unique(typical, return_inverse=True)
    most = int(records.finished.max(initial=0)) + 1
    told = (which.reshape(-1) * most + records.finished) * most + records.started
    _, first, where = np.unique(told, return_index=True, return_inverse=True)
    wins = records.started[first] + pull * typical[first]
    losses = records.finished[first] - records.started[first] + pull * (1.0 - typical[first])
    where = where.reshape(-1)
    return rate, betaincinv(wins, losses, 0.1)[where], betaincinv(wins, losses, 0.9)[where]


def learn_values(contacts: ContactColumns, events: Events) -> tuple[dict[str, float], dict[str, float]]:
    """Per kind, the mean value of a started referral and the cap on one value, its 99th percentile.

    A kind without values takes the practice's; without any value both are empty. *Units*: those of the values.
    """
    valued = _valued(events)
    values, kinds = events.value[valued], contacts.kind[events.contact[valued]]
    if not values.size:
        return {}, {}
    practice_cap = float(np.quantile(values, 0.99))
    practice_mean = float(np.minimum(values, practice_cap).mean())
    means: dict[str, float] = {}
    caps: dict[str, float] = {}
    for code, name in enumerate(KIND_NAMES):
        own = values[kinds == code]
        caps[name] = float(np.quantile(own, 0.99)) if own.size else practice_cap
        means[name] = float(np.minimum(own, caps[name]).mean()) if own.size else practice_mean
    return means, caps


def own_values(contacts: ContactColumns, events: Events, value_caps: dict[str, float]) -> OwnValues:
    """The capped values of each contact's started referrals."""
    size, valued = len(contacts.id), _valued(events)
    who = events.contact[valued]
    caps = np.array([value_caps.get(name, np.inf) for name in KIND_NAMES])
    capped = np.minimum(events.value[valued], caps[contacts.kind[who]])
    total = np.bincount(who, weights=capped, minlength=size).astype(np.float64)
    return OwnValues(total, np.bincount(who, minlength=size))


def value_each(own: OwnValues, typical: Floats, params: YieldParams) -> Floats:
    """What one started referral of each contact is worth; NaN where the practice records no values.

    *Source*: the conditional mean of the gamma-gamma model (Fader and Hardie, note 025).
    """
    return (params.value_weight * typical + own.total) / (params.value_weight + own.number)


def _valued(events: Events) -> Ints:
    return np.flatnonzero((events.outcome == STARTED) & ~np.isnan(events.value))
