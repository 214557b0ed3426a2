"""One status and one next step for every source that ever referred, from its counts and its yield. Pure.

Statuses are tried in the order of `STATUSES`; the first that fits is the one. Columns in, so that a refresh of a
million contacts and one contact alone follow the same lines.
"""

from dataclasses import dataclass

import numpy as np

from outreach.referrals.judging.status_words import STATUSES
from outreach.referrals.yield_params import QUARTER_DAYS, Flags, Floats, Ints, Texts

NEW_DAYS = 90
DORMANT_DAYS = 365
LEAST_FINISHED = 5
REGULAR_FROM = 3
"""Referrals ever: below that there is no rhythm to speak of."""
UNUSUAL = 0.1
"""A quarter this unlikely from the source's own average counts as rising or falling."""
STOPPED_BELOW = 0.2


@dataclass(frozen=True)
class SourceColumns:
    """What statuses rest on, one entry per source.

    *Units*: `first_ago` and `last_ago` are days since the first and last referral; `recent` counts the last 90 days,
    `before` the days until then over which the own average is taken, `before_days`; `started` of `finished`
    referrals, `convert_hi` the upper end of the 80 % range of their share, `typical` that share among similar
    contacts; `alert` says whether a silence alert is open; `p_active` 0-1, NaN with fewer than two referrals.
    """

    received: Ints
    first_ago: Ints
    last_ago: Ints
    recent: Ints
    before: Ints
    before_days: Ints
    finished: Ints
    convert_hi: Floats
    typical: Floats
    alert: Flags
    p_active: Floats


def statuses(of: SourceColumns) -> Texts:
    """The status of each source. All have referred at least once."""
    down, up = trends(of.recent, of.before, of.before_days)
    regular = of.received >= REGULAR_FROM
    fits: dict[str, Flags] = {
        "stopped": of.alert & (of.p_active < STOPPED_BELOW),
        "lapsing": of.alert,
        "new": of.first_ago < NEW_DAYS,
        "few-start": (of.finished >= LEAST_FINISHED) & (of.convert_hi < of.typical) & (of.last_ago < DORMANT_DAYS),
        "falling": regular & down & (of.last_ago < DORMANT_DAYS),
        "rising": regular & up,
        "dormant": of.last_ago >= DORMANT_DAYS,
        "occasional": ~regular,
    }
    return np.select([fits[name] for name in STATUSES[:-1]], list(STATUSES[:-1]), STATUSES[-1])


def trends(recent: Ints, before: Ints, before_days: Ints) -> tuple[Flags, Flags]:
    """(falling, rising): whether the last 90 days lie outside what the own average makes likely.

    Given all referrals of both stretches, those of the last 90 days are binomial with the share of the days: exact,
    and with small numbers it says nothing, as it should. At least a quarter of days before is asked for.
    """
    # Only when there is something to judge: the first use of scipy takes a moment and some memory.
    from scipy.special import betainc

    share = QUARTER_DAYS / (QUARTER_DAYS + np.maximum(before_days, 1))
    known = (before_days >= QUARTER_DAYS) & (before > 0)
    # The tails of the binomial as incomplete beta functions.
    at_most = betainc(np.maximum(before, 1), recent + 1.0, 1.0 - share)
    at_least = np.where(recent > 0, betainc(np.maximum(recent, 1), before + 1.0, share), 1.0)
    return known & (at_most < UNUSUAL), known & (at_least < UNUSUAL)
