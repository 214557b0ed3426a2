"""Each contact's own record, summed from its referrals; and the rules at the border where facts come in."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from outreach.referrals.yield_facts import OPEN, STARTED, ContactColumns, ReferralColumns
from outreach.referrals.yield_params import (
    OPEN_COUNTS_AS_LOST_AFTER_DAYS,
    Days,
    Flags,
    Floats,
    Ints,
    YieldParams,
)

SPREAD = 8
"""How much wider than their number the ids of contacts may lie for the list of places to be worth its memory."""


@dataclass(frozen=True)
class BorderNotes:
    """What was put right on the way in; a caller tells the person who can mend the source."""

    duplicate_referrals: int = 0
    referrals_without_contact: int = 0
    entries_moved_back: int = 0
    unknown_kinds: int = 0
    entry_dates_unsure: bool = False  # over half of the contacts share one added date: a bulk import


@dataclass(frozen=True)
class Events:
    """Referrals in order of contact and day. Days count from 1970; `counts` is false beyond the cap."""

    contact: Ints
    day: Ints
    outcome: Ints
    value: Floats
    counts: Flags


@dataclass(frozen=True)
class Records:
    """One entry per contact. Days count from 1970; `last` is the entry day while there is no referral.

    `weight` is the number of referrals seen from the day of the last one, each halved per half-life.
    `count` is what came in, `counted` what the batch cap left; `finished` are started, lost, and open for more
    than 90 days.
    """

    today: int
    entry: Ints
    last: Ints
    count: Ints
    counted: Ints
    weight: Floats
    started: Ints
    finished: Ints

    @property
    def age(self) -> Ints:
        return self.today - self.entry

    @property
    def gap(self) -> Ints:
        return self.today - self.last

    @property
    def at_last(self) -> Ints:
        """Age on the day of the last referral."""
        return self.last - self.entry

    def unread(self) -> "Records":
        """The same contacts as if nothing were known, for the rung of the ladder that shows kind priors only."""
        zero = np.zeros_like(self.entry)
        now = zero + self.today
        return replace(self, entry=now, last=now, counted=zero, weight=zero.astype(np.float64))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype(np.int64))


def order_events(
    contacts: ContactColumns, referrals: ReferralColumns, *, as_of: date, params: YieldParams
) -> tuple[Events, BorderNotes]:
    """Referrals in order, each known once and belonging to a known contact.

    *Errors*: `ValueError` when a contact, a referral or an outcome is dated after `as_of`.
    """
    today = np.datetime64(as_of, "D")
    _refuse_future(contacts, referrals, today)
    first = _first_of_each_id(referrals.id)
    position = places_among(contacts.id, referrals.contact_id[first])
    kept, position = first[position >= 0], position[position >= 0]
    day = _numbers(referrals.received_on[kept])
    # One stable sort of one number is twice as fast as two of two.
    since = day - day.min(initial=0)
    order = np.argsort(position * (int(since.max(initial=0)) + 1) + since, kind="stable")
    kept, position, day = kept[order], position[order], day[order]
    added = _numbers(contacts.added_on)
    events = Events(
        position,
        day,
        referrals.outcome[kept],
        referrals.value[kept],
        _place_in_batch(position, day) < params.batch_cap,
    )
    notes = BorderNotes(
        duplicate_referrals=len(referrals.id) - len(first),
        referrals_without_contact=len(first) - len(kept),
        entries_moved_back=len(np.unique(position[day < added[position]])),
        unknown_kinds=contacts.unknown_kinds,
        entry_dates_unsure=_share_one_date(contacts),
    )
    return events, notes


def read_records(contacts: ContactColumns, events: Events, *, as_of: date, params: YieldParams) -> Records:
    """The sums per contact. A referral older than the added date moves the entry back to that referral."""
    size, who, today = len(contacts.id), events.contact, day_number(as_of)
    added = _numbers(contacts.added_on)
    count = np.bincount(who, minlength=size)
    start = np.cumsum(count) - count
    some = count > 0
    entry, last = added.copy(), added.copy()
    entry[some] = np.minimum(added[some], events.day[start[some]])
    last[some] = events.day[(start + count - 1)[some]]
    faded = np.exp2(-(last[who] - events.day) / params.half_life_days) * events.counts
    open_long = (events.outcome == OPEN) & (today - events.day > OPEN_COUNTS_AS_LOST_AFTER_DAYS)
    finished = (events.outcome != OPEN) | open_long
    return Records(
        today=today,
        entry=entry,
        last=last,
        count=count,
        counted=np.bincount(who[events.counts], minlength=size),
        weight=np.bincount(who, weights=faded, minlength=size).astype(np.float64),
        started=np.bincount(who[events.outcome == STARTED], minlength=size),
        finished=np.bincount(who[finished], minlength=size),
    )


def places_among(known: Ints, wanted: Ints) -> Ints:
    """The place in `known` of each wanted id, -1 where it is not there; `known` holds each once, in any order."""
    if not len(known):
        return np.full(len(wanted), -1)
    lowest, highest = int(known.min()), int(known.max())
    if highest - lowest < SPREAD * len(known):
        # Ids out of a database lie close together: a list of places finds them without a search.
        places = np.full(highest - lowest + 1, -1)
        places[known - lowest] = np.arange(len(known))
        inside = (wanted >= lowest) & (wanted <= highest)
        return np.where(inside, places[np.where(inside, wanted - lowest, 0)], -1)
    order = np.argsort(known, kind="stable")
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return np.where(known[place] == wanted, place, -1)


def _numbers(days: Days) -> Ints:
    return days.astype("datetime64[D]").astype(np.int64)


def _refuse_future(contacts: ContactColumns, referrals: ReferralColumns, today: np.datetime64) -> None:
    for ids, days, what in (
        (contacts.id, contacts.added_on, "contact {} was added"),
        (referrals.id, referrals.received_on, "referral {} was received"),
        (referrals.id, referrals.outcome_on, "referral {} got its outcome"),
    ):
        late = np.flatnonzero(days > today)  # NaT compares false
        if late.size:
            raise ValueError(f"{what.format(ids[late[0]])} after {today}")


def _first_of_each_id(ids: Ints) -> Ints:
    if (np.diff(ids) > 0).all():  # the usual case out of a database, without a sort
        return np.arange(len(ids))
    return np.sort(np.unique(ids, return_index=True)[1])


def _place_in_batch(contact: Ints, day: Ints) -> Ints:
    """0 for the first referral of a contact on a day, 1 for the second, and so on; the input is in order."""
    index = np.arange(len(contact))
    fresh = np.ones(len(contact), dtype=np.bool_)
    fresh[1:] = (np.diff(contact) != 0) | (np.diff(day) != 0)
    return index - np.maximum.accumulate(np.where(fresh, index, 0))


def _share_one_date(contacts: ContactColumns) -> bool:
    # Ten: with fewer, sharing a date is a busy afternoon rather than a bulk import.
    if len(contacts.id) < 10:
        return False
    return bool(np.unique(contacts.added_on, return_counts=True)[1].max() * 2 > len(contacts.id))
