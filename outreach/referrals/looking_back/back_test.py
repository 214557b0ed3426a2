"""How good is the yield for this practice? The list of each past quarter against what came, and against simple counts.

Scored anew as of 90, 180, 270 and 360 days ago with nothing that was learned later: no referral, no outcome and no
contact of a later day. What came in the 90 days after is then counted. Pure; the same facts give the same report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy.special import betainc, gammaincinv, gammaln

from outreach.referrals.yield_facts import OPEN, ContactColumns, ReferralColumns
from outreach.referrals.yield_model import YieldParams, YieldTable, score_contacts
from outreach.referrals.yield_params import QUARTER_DAYS, Floats, Ints

ORIGINS = 4
LEAST_REFERRALS = 30
"""Fewer in the scored window: "too few to judge"."""
TOP_SHARE = 0.2
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class LookBack:
    """One origin. Without `judged`, only the counts are to be shown.

    *Units*: `caught_*` are shares (0-1) of the referrals of the window that came from the `top` contacts, the best
    fifth of each list; `predicted` and `actual` referrals; `ratio_lo` and `ratio_hi` the 95 % Poisson range of
    predicted / actual; `coverage` 0-1, aimed at 0.8; `log_score` nats per contact, lower is better.
    """

    origin: date
    days_ago: int
    contacts: int
    actual: int
    judged: bool
    top: int = 0
    caught_yield: float = 0.0
    caught_quarter: float = 0.0
    caught_lifetime: float = 0.0
    predicted: float = 0.0
    ratio_lo: float = 0.0
    ratio_hi: float = 0.0
    coverage: float = 0.0
    log_score: float = 0.0


@dataclass(frozen=True)
class BackTestReport:
    """The look-backs, the latest first."""

    as_of: date
    horizon_days: int
    origins: tuple[LookBack, ...]

    @property
    def oldest(self) -> LookBack | None:
        """The oldest look-back that can be judged: last year's list, where the history reaches so far."""
        return next((one for one in reversed(self.origins) if one.judged), None)

    @property
    def sentence(self) -> str:
        """The report in one sentence, or "too few to judge"."""
        one = self.oldest
        if one is None:
            return f"Too few to judge: it takes {LEAST_REFERRALS} referrals in the 90 days after a list."
        when = "A year ago's list" if one.days_ago >= 360 else f"The list made {one.days_ago} days ago"
        return (
            f"{when} of the top {one.top} contacts went on to send {one.caught_yield:.0%} of the referrals of the next "
            f"90 days; last-quarter counts would have caught {one.caught_quarter:.0%}, all-time counts "
            f"{one.caught_lifetime:.0%}."
        )


def backtest(
    contacts: ContactColumns,
    referrals: ReferralColumns,
    *,
    as_of: date,
    origins: int = ORIGINS,
    horizon_days: int = QUARTER_DAYS,
    params: YieldParams = YieldParams(),
) -> BackTestReport:
    """The report for lists of `origins` past quarters. *Errors*: as `score_contacts`, for dates after `as_of`."""
    found = _look_backs(contacts, referrals, as_of=as_of, origins=origins, horizon_days=horizon_days, params=params)
    return BackTestReport(as_of, horizon_days, tuple(found))


def known_on(
    contacts: ContactColumns, referrals: ReferralColumns, origin: date
) -> tuple[ContactColumns, ReferralColumns]:
    """What was known at the end of that day. An outcome without its day counts as still open: nobody can tell."""
    day = np.datetime64(origin, "D")
    there = referrals.received_on <= day
    outcome_known = ~np.isnat(referrals.outcome_on) & (referrals.outcome_on <= day)
    earlier = ReferralColumns(
        id=referrals.id[there],
        contact_id=referrals.contact_id[there],
        received_on=referrals.received_on[there],
        outcome=np.where(outcome_known, referrals.outcome, OPEN)[there],
        outcome_on=np.where(outcome_known, referrals.outcome_on, np.datetime64("NaT"))[there],
        value=referrals.value[there],
    )
    # An import writes today as the day of entry: whoever had referred by then was there.
    had_referred = np.isin(contacts.id, earlier.contact_id)
    kept = (contacts.added_on <= day) | had_referred
    people = ContactColumns(
        id=contacts.id[kept],
        kind=contacts.kind[kept],
        added_on=np.minimum(contacts.added_on[kept], day),
        specialty=contacts.specialty[kept],
        specialty_names=contacts.specialty_names,
    )
    return people, earlier


def _look_backs(
    contacts: ContactColumns,
    referrals: ReferralColumns,
    *,
    as_of: date,
    origins: int,
    horizon_days: int,
    params: YieldParams,
) -> Iterator[LookBack]:
    for number in range(1, origins + 1):
        origin = as_of - timedelta(days=number * horizon_days)
        people, earlier = known_on(contacts, referrals, origin)
        came = _came(people, referrals, origin, horizon_days)
        actual = int(came.sum())
        judged = actual >= LEAST_REFERRALS and bool(len(earlier.id))
        look = LookBack(origin, number * horizon_days, len(people.id), actual, judged)
        if judged:
            table = score_contacts(people, earlier, as_of=origin, horizon_days=horizon_days, params=params)
            look = _judged(look, table, earlier, came, params)
        yield look


def _came(people: ContactColumns, referrals: ReferralColumns, origin: date, horizon_days: int) -> Ints:
    """Referrals of each contact in the window after the origin. Who came later is on nobody's list and not counted."""
    day = np.datetime64(origin, "D")
    window = (referrals.received_on > day) & (referrals.received_on <= day + np.timedelta64(horizon_days, "D"))
    return _counted(people.id, referrals.contact_id[window])


def _counted(ids: Ints, who: Ints) -> Ints:
    order = np.argsort(ids, kind="stable")
    if not len(ids):
        return np.zeros(0, dtype=np.int64)
    place = order[np.minimum(np.searchsorted(ids, who, sorter=order), len(ids) - 1)]
    return np.bincount(place[ids[place] == who], minlength=len(ids))


def _judged(look: LookBack, table: YieldTable, earlier: ReferralColumns, came: Ints, params: YieldParams) -> LookBack:
    recent = earlier.received_on > np.datetime64(look.origin, "D") - np.timedelta64(QUARTER_DAYS, "D")
    top = max(1, round(TOP_SHARE * len(table)))
    predicted = float(table.expected_referrals.sum())
    low, high = _poisson_range(look.actual)
    at_most, below, at = _forecast(table, came, params)
    return LookBack(
        origin=look.origin,
        days_ago=look.days_ago,
        contacts=look.contacts,
        actual=look.actual,
        judged=True,
        top=top,
        caught_yield=_caught(table.expected_started, table.id, came, top),
        caught_quarter=_caught(_counted(table.id, earlier.contact_id[recent]), table.id, came, top),
        caught_lifetime=_caught(table.referral_count, table.id, came, top),
        predicted=predicted,
        ratio_lo=predicted / high,
        ratio_hi=predicted / low,
        coverage=float(_inside(below, at_most).mean()),
        log_score=float(-np.log(np.maximum(at, 1e-300)).mean()),
    )


def _caught(scores: Floats | Ints, ids: Ints, came: Ints, top: int) -> float:
    """The share that the best `top` by score sent. Equals at the edge share what is left of it: no luck decides."""
    order = np.lexsort((ids, -scores))
    edge = scores[order[top - 1]]
    above, level = scores > edge, scores == edge
    left = (top - int(above.sum())) / int(level.sum())
    return float((came[above].sum() + left * came[level].sum()) / came.sum())


def _forecast(table: YieldTable, came: Ints, params: YieldParams) -> tuple[Floats, Floats, Floats]:
    """Of each contact's forecast (section 2.4): the chance of at most, of fewer than, and of exactly what came."""
    mean = table.parts[:, 0]
    chance = table.parts[:, 1]
    # The table keeps the rate of the last referral's day; today's has faded since, the prior has not.
    faded = np.exp2(-table.gap_days / params.half_life_days)
    shape = params.shape + (table.record_shape - params.shape) * faded
    success = shape / (shape + mean)
    at = np.exp(_log_pmf(came, shape, mean))
    at_most = (1 - chance) + chance * _cdf(came, shape, success)
    at = chance * at + np.where(came == 0, 1 - chance, 0.0)
    return at_most, at_most - at, at


def _log_pmf(count: Ints, shape: Floats, mean: Floats) -> Floats:
    log = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1.0)
    return np.asarray(log - shape * np.log1p(mean / shape) + count * np.log(mean / (shape + mean)))


def _cdf(count: Ints, shape: Floats, success: Floats) -> Floats:
    return np.asarray(betainc(shape, count + 1.0, success))


def _inside(below: Floats, at_most: Floats) -> Floats:
    """How much of what happened lies between the tenth and the ninetieth percentile, 0 to 1 for each contact.

    Counts are lumpy: zero alone may be seven tenths of a forecast, and a range that holds it whole holds more than it
    promises. Each outcome counts with the part of its own chance that lies inside, so that 80 % means 80 %.
    """
    width = np.maximum(at_most - below, 1e-12)
    return np.clip((np.minimum(at_most, HIGH) - np.maximum(below, LOW)) / width, 0.0, 1.0)


def _poisson_range(count: int) -> tuple[float, float]:
    """The exact 95 % range of the mean of a Poisson count above zero."""
    return float(gammaincinv(count, 0.025)), float(gammaincinv(count + 1, 0.975))
