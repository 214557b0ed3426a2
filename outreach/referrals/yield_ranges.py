"""The 80 % range of the referrals to come, and the chance of at least one."""

import numpy as np
from scipy.special import gammaln

from outreach.referrals.yield_params import Floats, Ints

LOW, HIGH = 0.1, 0.9


def started_range(active: Floats, shape: Floats, mean: Floats) -> tuple[Ints, Ints, Floats]:
    """The tenth and ninetieth percentile of the count, and the chance that it is at least one.

    The count is zero with chance 1 - `active`, else negative binomial with size `shape` and mean `mean`. A percentile
    is the smallest count whose cumulative chance reaches it. *Units*: referrals in the horizon.
    """
    count, pmf = _start_of_walk(shape, mean)
    ratio = mean / (shape + mean)
    total = (1.0 - active) + active * pmf
    low = np.where(total >= LOW, count, -1)
    # One step of the pmf at a time for those not there yet: a quantile function per row takes minutes for a million.
    todo = np.flatnonzero(total < HIGH)
    while todo.size:
        pmf[todo] *= (count[todo] + shape[todo]) / (count[todo] + 1.0) * ratio[todo]
        count[todo] += 1
        total[todo] += active[todo] * pmf[todo]
        reached = todo[(low[todo] < 0) & (total[todo] >= LOW)]
        low[reached] = count[reached]
        todo = todo[total[todo] < HIGH]
    return low, count, active * -np.expm1(-shape * np.log1p(mean / shape))


def _start_of_walk(shape: Floats, mean: Floats) -> tuple[Ints, Floats]:
    """A count below which less than 1e-12 of the chance lies, and the chance of that count.

    Starting at zero would underflow for large means (the walk would never arrive) and waste steps.
    """
    spread = np.sqrt(mean + mean * mean / shape)
    count = np.floor(np.maximum(mean - 8.0 * spread, 0.0))
    log_pmf = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1.0)
    log_pmf += -shape * np.log1p(mean / shape) + count * np.log(mean / (shape + mean))
    return count.astype(np.int64), np.exp(log_pmf)
