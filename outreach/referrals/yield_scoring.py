"""From records to yields: the same few lines for a whole practice and for one contact between refreshes."""

from dataclasses import replace

import numpy as np

from outreach.referrals.yield_facts import ContactColumns
from outreach.referrals.yield_outcomes import (
    OwnValues,
    convert_rates,
    learn_convert_rates,
    learn_values,
    value_each,
)
from outreach.referrals.yield_params import (
    DAYS_PER_YEAR,
    KIND_NAMES,
    KINDS,
    QUARTER_DAYS,
    Days,
    Floats,
    Ints,
    YieldParams,
    evidence_for,
)
from outreach.referrals.yield_ranges import started_range
from outreach.referrals.yield_rates import (
    LearnedRates,
    blend_rates,
    chance_active,
    horizon_worth,
    learn_rates,
    silence_chance,
)
from outreach.referrals.yield_record import BorderNotes, Events, Records
from outreach.referrals.yield_table import PracticeMeans, YieldTable
from outreach.referrals.yield_tiers import rank_within_kind, tiers_of


def learn_means(contacts: ContactColumns, events: Events, records: Records, params: YieldParams) -> PracticeMeans:
    """What the practice's contacts do on average, as far as its data carries; else the assumed kind priors."""
    history_days = int(records.age.max(initial=0))
    evidence = evidence_for(int(records.counted.sum()), history_days)
    if evidence == "prior only":
        rates = LearnedRates({kind.name: kind.prior_per_year / DAYS_PER_YEAR for kind in KINDS}, {})
    else:
        rates = learn_rates(records, contacts, params)
    values, caps = learn_values(contacts, events)
    return PracticeMeans(
        evidence=evidence,
        rates=rates.by_kind,
        specialty_rates=rates.by_specialty,
        convert_rates=learn_convert_rates(records, contacts),
        values=values,
        value_caps=caps,
        sizes=dict(zip(KIND_NAMES, np.bincount(contacts.kind, minlength=len(KIND_NAMES)).tolist(), strict=True)),
    )


def score_records(
    contacts: ContactColumns,
    records: Records,
    own: OwnValues,
    means: PracticeMeans,
    notes: BorderNotes,
    *,
    params: YieldParams,
    horizon_days: int,
) -> YieldTable:
    """The table without ranks: each column for each contact, in the order of `contacts`."""
    typical_rate = typical_rates(contacts, means)
    typical_convert = _by_kind(means.convert_rates, contacts.kind)
    read = records.unread() if means.evidence == "prior only" else records
    rates = blend_rates(read, typical_rate, params)
    p_active = chance_active(rates.last_shape, rates.last_days, read.gap, params.lapse_per_day)
    chance = p_active + (1.0 - p_active) * params.floor
    convert, convert_lo, convert_hi = convert_rates(records, typical_convert, params)
    in_horizon = rates.mean * horizon_worth(horizon_days, params)
    started = in_horizon * chance * convert
    low, high, one = started_range(chance, rates.shape, in_horizon * convert)
    return YieldTable(
        as_of=np.datetime64(records.today, "D").item(),
        horizon_days=horizon_days,
        params=params,
        means=means,
        notes=notes,
        id=contacts.id,
        kind=contacts.kind,
        expected_started=started,
        lo80=low,
        hi80=high,
        p_at_least_one=one,
        expected_referrals=in_horizon * chance,
        expected_value=started * value_each(own, _by_kind(means.values, contacts.kind), params),
        parts=np.stack([in_horizon, chance, convert], axis=1),
        rate_90=rates.mean * QUARTER_DAYS,
        typical_rate_90=typical_rate * QUARTER_DAYS,
        own_weight=rates.own_weight,
        # With fewer than two referrals the silence says next to nothing about this contact, so no chance is shown.
        p_active=np.where((records.count >= 2) & (means.evidence != "prior only"), p_active, np.nan),
        surprise=silence_chance(rates.last_shape, rates.last_days, read.gap),
        gap_days=records.gap,
        last_on=_dates(np.where(records.count > 0, records.last, np.iinfo(np.int64).min)),
        entry_on=_dates(records.entry),
        referral_count=records.count,
        convert_rate=convert,
        convert_lo=convert_lo,
        convert_hi=convert_hi,
        typical_convert_rate=typical_convert,
        started_count=records.started,
        finished_count=records.finished,
        record_shape=rates.last_shape,
        record_days=rates.last_days,
        rank_pct=np.full(len(started), np.nan),
        tier=np.full(len(started), "", dtype="<U1"),
    )


def typical_rates(contacts: ContactColumns, means: PracticeMeans) -> Floats:
    """The rate of similar contacts for each, in referrals a day: its specialty's where known, else its kind's."""
    rates = _by_kind(means.rates, contacts.kind)
    for kind, by_specialty in means.specialty_rates.items():
        of_kind = contacts.kind == KIND_NAMES.index(kind)
        for code, name in enumerate(contacts.specialty_names):
            if name in by_specialty:
                rates[of_kind & (contacts.specialty == code)] = by_specialty[name]
    return rates


def with_ranks(table: YieldTable) -> YieldTable:
    """The table with percentiles and tiers; unchanged while there is nothing but kind priors to rank."""
    if table.evidence == "prior only":
        return table
    ranks = rank_within_kind(table.expected_started, table.kind)
    return replace(table, rank_pct=ranks, tier=tiers_of(ranks))


def _by_kind(figures: dict[str, float], kind: Ints) -> Floats:
    return np.array([figures.get(name, np.nan) for name in KIND_NAMES])[kind]


def _dates(days: Ints) -> Days:
    return days.astype("datetime64[D]")
