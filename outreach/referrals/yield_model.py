"""Referral yield: how many referrals that start care each contact is expected to send in the next 90 days.

    yield = (rate while active x horizon) x (chance still active) x (share that starts care)

A quantity with a range, not points; three parts whose product it is exactly. A lapse-aware Gamma-Poisson model with
slow forgetting: closed forms and one 16-point quadrature, no fitting, no random numbers, so the same facts give the
same number to the last digit. Yield orders information, never gifts (42 CFR 411.357(k)).

*Sources*: Fader, Hardie and Lee 2005; Schmittlein, Morrison and Colombo 1987; Aktekin, Polson and Soyer 2016.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from outreach.referrals.yield_facts import (
    ContactColumns,
    ContactFacts,
    ReferralColumns,
    ReferralFacts,
    contact_columns,
    kind_codes,
    referral_columns,
)
from outreach.referrals.yield_outcomes import own_values
from outreach.referrals.yield_params import (
    KINDS,
    LONGEST_HORIZON_DAYS,
    QUARTER_DAYS,
    Evidence,
    YieldKind,
    YieldParams,
)
from outreach.referrals.yield_record import BorderNotes, order_events, read_records
from outreach.referrals.yield_scoring import learn_means, score_records, with_ranks
from outreach.referrals.yield_table import PracticeMeans, YieldRow, YieldTable
from outreach.referrals.yield_tiers import settle_tiers

__all__ = [
    "KINDS",
    "BorderNotes",
    "ContactColumns",
    "ContactFacts",
    "Evidence",
    "PracticeMeans",
    "ReferralColumns",
    "ReferralFacts",
    "YieldKind",
    "YieldParams",
    "YieldRow",
    "YieldTable",
    "kind_codes",
    "score_contacts",
    "settle_tiers",
]


def score_contacts(
    contacts: Sequence[ContactFacts] | ContactColumns,
    referrals: Sequence[ReferralFacts] | ReferralColumns,
    *,
    as_of: date,
    horizon_days: int = QUARTER_DAYS,
    params: YieldParams = YieldParams(),
    means: PracticeMeans | None = None,
) -> YieldTable:
    """Every contact has its expected started referrals for the horizon after `as_of`, with range, parts and rank.

    Given the stored `means` of a refresh, the contacts may be any part of the practice (one that has just referred):
    nothing is learned from them and no ranks are claimed. *Units*: days; see `YieldTable` for the columns.

    *Errors*: `ValueError` for a date after `as_of`, a contact id given twice, an unknown outcome, a negative value, a
    horizon outside 1-1096 days. Put right and noted: referrals given twice, referrals without a contact, a referral
    before the added date (the entry moves back), unknown kinds ("other").
    """
    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise ValueError(f"the horizon must be 1 to {LONGEST_HORIZON_DAYS} days")
    people = contact_columns(contacts)
    events, notes = order_events(people, referral_columns(referrals), as_of=as_of, params=params)
    records = read_records(people, events, as_of=as_of, params=params)
    learned = means or learn_means(people, events, records, params)
    table = score_records(
        people,
        records,
        own_values(people, events, learned.value_caps),
        learned,
        notes,
        params=params,
        horizon_days=horizon_days,
    )
    table = replace(table, events=events)
    return table if means else with_ranks(table)
