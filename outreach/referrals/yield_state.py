"""One contact between two refreshes: a new referral moves its yield at once, without reading its history again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from outreach.referrals.yield_facts import (
    OPEN,
    OUTCOME_CODE,
    STARTED,
    ContactFacts,
    ReferralFacts,
    contact_columns,
    kind_codes,
    referral_columns,
)
from outreach.referrals.yield_outcomes import OwnValues, own_values
from outreach.referrals.yield_params import (
    KIND_NAMES,
    OPEN_COUNTS_AS_LOST_AFTER_DAYS,
    QUARTER_DAYS,
    YieldParams,
)
from outreach.referrals.yield_record import BorderNotes, Records, day_number, order_events, read_records
from outreach.referrals.yield_scoring import score_records
from outreach.referrals.yield_table import PracticeMeans, YieldRow


@dataclass(frozen=True)
class YieldState:
    """All that a contact's yield needs, of constant size. Each change answers a new state.

    `means` are those of the last refresh; ranks and means move with the next one, and so does all of a practice whose
    evidence is "prior only". *Units*: days count from 1970;
    `weight` is the number of referrals seen from the last one, each halved per half-life; `on_last_day` is how many
    came on that day, for the batch cap.
    """

    contact: ContactFacts
    as_of: date
    means: PracticeMeans
    params: YieldParams
    entry: int
    last: int
    count: int
    counted: int
    on_last_day: int
    weight: float
    started: int
    finished: int
    value_total: float
    value_number: int

    @classmethod
    def from_events(
        cls,
        contact: ContactFacts,
        referrals: Sequence[ReferralFacts],
        *,
        as_of: date,
        means: PracticeMeans,
        params: YieldParams = YieldParams(),
    ) -> "YieldState":
        """The state of this contact after these referrals. *Errors*: as `score_contacts`."""
        people = contact_columns([contact])
        events, _ = order_events(people, referral_columns(referrals), as_of=as_of, params=params)
        records = read_records(people, events, as_of=as_of, params=params)
        own = own_values(people, events, means.value_caps)
        last = int(records.last[0])
        return cls(
            contact=contact,
            as_of=as_of,
            means=means,
            params=params,
            entry=int(records.entry[0]),
            last=last,
            count=int(records.count[0]),
            counted=int(records.counted[0]),
            on_last_day=int((events.day == last).sum()),
            weight=float(records.weight[0]),
            started=int(records.started[0]),
            finished=int(records.finished[0]),
            value_total=float(own.total[0]),
            value_number=int(own.number[0]),
        )

    def roll(self, to: date) -> "YieldState":
        """The same contact on a later day; fading needs no work, it is read off when the yield is.

        An open referral that passes 90 days meanwhile counts as lost only from the next refresh.
        *Errors*: `ValueError` for an earlier day.
        """
        if to < self.as_of:
            raise ValueError(f"the state already stands at {self.as_of}")
        return replace(self, as_of=to)

    def add(self, referral: ReferralFacts) -> "YieldState":
        """The state with one more referral, of today or entered late.

        The caller adds each referral once. For one entered late the batch cap of its day is not known here and waits
        for the refresh. *Errors*: `ValueError` for another contact, a later day, an unknown outcome, a negative value.
        """
        self._refuse_foreign(referral)
        day = day_number(referral.received_on)
        code = OUTCOME_CODE[referral.outcome]
        open_long = day_number(self.as_of) - day > OPEN_COUNTS_AS_LOST_AFTER_DAYS
        valued = code == STARTED and referral.value is not None
        kind = KIND_NAMES[kind_codes([self.contact.kind])[0]]
        cap = self.means.value_caps.get(kind, float("inf"))
        return replace(
            self._received(day),
            started=self.started + (code == STARTED),
            finished=self.finished + (code != OPEN or open_long),
            value_total=self.value_total + (min(referral.value or 0.0, cap) if valued else 0.0),
            value_number=self.value_number + valued,
        )

    def forecast(self, horizon_days: int = QUARTER_DAYS) -> YieldRow:
        """The row of this contact, equal to that of `score_contacts` with the same means; without a rank."""
        records = Records(
            today=day_number(self.as_of),
            entry=np.array([self.entry]),
            last=np.array([self.last]),
            count=np.array([self.count]),
            counted=np.array([self.counted]),
            weight=np.array([self.weight]),
            started=np.array([self.started]),
            finished=np.array([self.finished]),
        )
        own = OwnValues(np.array([self.value_total]), np.array([self.value_number]))
        table = score_records(
            contact_columns([self.contact]),
            records,
            own,
            self.means,
            BorderNotes(),
            params=self.params,
            horizon_days=horizon_days,
        )
        return table.row(0)

    def _received(self, day: int) -> "YieldState":
        """The record with one more arrival; late ones weigh less, later ones let the earlier ones fade."""
        first = self.count == 0
        on_day = 1 if first or day > self.last else self.on_last_day + (day == self.last)
        if (first or day >= self.last) and on_day > self.params.batch_cap:
            return replace(self, count=self.count + 1, on_last_day=on_day)
        last = day if first else max(self.last, day)
        fade = self.params.half_life_days
        kept = 0.0 if first else self.weight * 2.0 ** ((self.last - last) / fade)
        return replace(
            self,
            entry=min(self.entry, day),
            last=last,
            count=self.count + 1,
            counted=self.counted + 1,
            on_last_day=on_day,
            weight=kept + 2.0 ** ((day - last) / fade),
        )

    def _refuse_foreign(self, referral: ReferralFacts) -> None:
        if referral.contact_id != self.contact.id:
            raise ValueError(f"referral {referral.id} belongs to another contact")
        if referral.received_on > self.as_of:
            raise ValueError(f"referral {referral.id} was received after {self.as_of}")
        referral_columns([referral])
