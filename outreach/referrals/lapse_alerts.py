"""Who is unusually quiet: an alert whose false alarms are held to a promised share by the practice's own past.

"Ninety days silent" was wrong in nine alerts out of ten in the study, because most referrers send a few a year. Here
a silence counts against the contact's own rhythm, and the bar against the silences that ended well before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from outreach.referrals.yield_facts import (
    ContactColumns,
    ContactFacts,
    ReferralColumns,
    ReferralFacts,
    contact_columns,
    referral_columns,
)
from outreach.referrals.yield_params import QUARTER_DAYS, Floats, Ints, YieldParams
from outreach.referrals.yield_rates import effective_days, silence_chance
from outreach.referrals.yield_record import order_events
from outreach.referrals.yield_scoring import typical_rates
from outreach.referrals.yield_table import YieldTable

LEAST_REFERRALS = 3
LEAST_PER_QUARTER = 0.5
PRIOR_SILENCES = 20.0  # the model's own word counts as much as twenty silences of the past
PROBABLY_STOPPED_BELOW = 0.2


@dataclass(frozen=True)
class Alert:
    """A contact unusually quiet for its own rhythm; at the promised setting, more often still active than not.

    *Units*: days; chances 0-1. `last_on` names the silence: an alert about it is given once.
    """

    id: int
    last_on: date
    gap_days: int
    usual_gap_days: float
    surprise: float
    p_active: float
    threshold: float
    past_silences: int

    @property
    def probably_stopped(self) -> bool:
        """Whether the words may go beyond "unusually quiet"."""
        return self.p_active < PROBABLY_STOPPED_BELOW


def lapse_alerts(
    table: YieldTable, past: Floats, *, alpha: float = 0.05, told: Mapping[int, date] | None = None
) -> list[Alert]:
    """The silences to tell about now, most surprising first; none unless the evidence is "full".

    `past` comes from `past_silences`, `told` maps a contact to the `last_on` of the silence already told about.
    `alpha` is the share of ordinary silences that may raise an alert, 0-1. *Errors*: `ValueError` for another alpha.
    """
    if table.evidence != "full":
        return []
    threshold = alert_threshold(past, alpha)
    quarterly = table.record_shape / table.record_days * QUARTER_DAYS
    eligible = (table.referral_count >= LEAST_REFERRALS) & (quarterly >= LEAST_PER_QUARTER)
    quiet = np.flatnonzero(eligible & (table.surprise < threshold))
    quiet = quiet[np.lexsort((table.id[quiet], table.surprise[quiet]))]
    alerts = [_alert(table, int(position), threshold, len(past)) for position in quiet]
    return [alert for alert in alerts if (told or {}).get(alert.id) != alert.last_on]


def alert_threshold(past: Floats, alpha: float) -> float:
    """The bar that at most `alpha` of the past silences, and of the model's own, would have fallen below.

    The largest s with (number of past at or below s + 20 s) / (number of past + 20) <= alpha: without a past the
    model's alpha, with much of it the plain quantile. Alerts fire strictly below, so the bar may be a past value.
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha must lie between 0 and 1")
    ordered = np.sort(past)
    below = np.arange(len(ordered) + 1)
    room = (alpha * (len(ordered) + PRIOR_SILENCES) - below) / PRIOR_SILENCES
    # With i past values below the bar it can rise to room[i], unless past value i + 1 stops it first.
    stops = int(np.argmax(room < np.append(ordered, np.inf)))
    reached = ordered[stops - 1] if stops else 0.0
    return float(max(room[stops], reached))


def past_silences(
    contacts: Sequence[ContactFacts] | ContactColumns,
    referrals: Sequence[ReferralFacts] | ReferralColumns,
    *,
    table: YieldTable,
) -> Floats:
    """How surprising each completed silence of an eligible contact was on the day a referral ended it.

    Contacts and referrals are those that `table` was made from. Every alert about one of these would have been a
    false alarm. Several referrals on one day have no silence between them.
    """
    people = contact_columns(contacts)
    events = table.events
    if events is None:
        events, _ = order_events(people, referral_columns(referrals), as_of=table.as_of, params=table.params)
    entry = table.entry_on.astype("datetime64[D]").astype(np.int64)
    counted = np.flatnonzero(events.counts)
    who, day = events.contact[counted], events.day[counted]
    place = _place_in_record(who)
    weight = _weights_after(day, place, table.params)
    ended = np.flatnonzero((who[:-1] == who[1:]) & (day[:-1] < day[1:]))
    prior_days = table.params.shape / typical_rates(people, table.means)[who[ended]]
    shape = table.params.shape + weight[ended]
    days = prior_days + effective_days(day[ended] - entry[who[ended]], table.params)
    ready = (place[ended] + 1 >= LEAST_REFERRALS) & (shape / days * QUARTER_DAYS >= LEAST_PER_QUARTER)
    return silence_chance(shape[ready], days[ready], (day[1:] - day[:-1])[ended][ready])


def _alert(table: YieldTable, position: int, threshold: float, past_silences: int) -> Alert:
    return Alert(
        id=int(table.id[position]),
        last_on=table.last_on[position].item(),
        gap_days=int(table.gap_days[position]),
        usual_gap_days=float(table.record_days[position] / table.record_shape[position]),
        surprise=float(table.surprise[position]),
        p_active=float(table.p_active[position]),
        threshold=threshold,
        past_silences=past_silences,
    )


def _place_in_record(who: Ints) -> Ints:
    """0 for a contact's first referral, 1 for its second; the input is in order."""
    index = np.arange(len(who))
    fresh = np.append(True, who[1:] != who[:-1])[: len(who)]
    return index - np.maximum.accumulate(np.where(fresh, index, 0))


def _weights_after(day: Ints, place: Ints, params: YieldParams) -> Floats:
    """The faded number of referrals on the day of each, itself included.

    Walks all second referrals at once, then all third ones: as many steps as the longest record, and no differences
    of large running sums, which would cost digits.
    """
    weight = np.ones(len(day))
    in_turn = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place))
    for begin, end in pairwise(ends):
        now = in_turn[begin:end]
        weight[now] += weight[now - 1] * np.exp2((day[now - 1] - day[now]) / params.half_life_days)
    return weight
