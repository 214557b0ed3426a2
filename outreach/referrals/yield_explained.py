"""The yield in sentences: where the number comes from, in words that a coordinator can check against her own memory."""

from outreach.referrals.lapse_alerts import Alert
from outreach.referrals.yield_params import KIND_CODE, KINDS, YieldKind
from outreach.referrals.yield_table import YieldRow

# A silence that one in five active contacts would show is worth a sentence; rarer ones all the more.
QUIET_BELOW = 0.2
NEW_FOR_DAYS = 60
ALMOST_ENTIRELY = 0.85


def explain(row: YieldRow, *, name: str) -> str:
    """One to three sentences that say what the yield of this contact is made of.

    `name` is the contact as the reader calls it. The figures are those of the row, rounded for reading.
    """
    kind = KINDS[KIND_CODE[row.kind]]
    if row.evidence == "prior only":
        return f"Not based on your data yet: typical figure for a {kind.singular}."
    if row.referral_count == 0:
        return _none_yet(row, kind)
    expected, finished = _expected(row, name, kind), _finished(row)
    if row.p_active is None:
        return f"{expected}. {finished}"
    if row.surprise < QUIET_BELOW:
        return f"{expected}. {_quiet(row, name, row.p_active)} {finished}"
    return f"{expected}, and there is a {_percent(row.p_active)} chance they are still referring. {finished}"


def explain_change(before: YieldRow, after: YieldRow, *, since: str, because: str) -> str:
    """Why the yield moved: `since` as in "last week", `because` as in "1 new referral on 3 March"; "" if it did not."""
    return said_change(before.expected_started, after.expected_started, since=since, because=because)


def said_change(before: float, after: float, *, since: str, because: str) -> str:
    """The same from the two numbers alone. *Units*: expected referrals that start care."""
    old, new = amount(before), amount(after)
    if old == new:
        return ""
    return f"{'Up' if after > before else 'Down'} from {old} to {new} since {since} because of {because}."


def explain_alert(alert: Alert, *, name: str, alpha: float = 0.05) -> str:
    """What is unusual about this silence. `alpha` is the setting that the alert was made with."""
    rhythm = _count(max(1, round(alert.usual_gap_days)), "day")
    text = (
        f"{name} usually sends one about every {rhythm} and has now been quiet for {alert.gap_days}. "
        f"Under your setting, fewer than 1 in {round(1 / alpha)} ordinary silences get this far."
    )
    if alert.probably_stopped:
        return f"{text} Has probably stopped ({_percent(alert.p_active)} chance of still referring)."
    return f"{text} Worth a check-in."


def amount(referrals: float) -> str:
    """A number of referrals for reading: 12, 1.5, 0.16, less than 0.01."""
    if referrals < 0.005:
        return "less than 0.01"
    if referrals < 0.495:
        return f"{referrals:.2f}"
    return f"{referrals:.1f}" if referrals < 9.95 else f"{referrals:.0f}"


def _expected(row: YieldRow, name: str, kind: YieldKind) -> str:
    early = "Early estimate: " if row.evidence == "early" else ""
    recent = ", recent ones counting more," if row.referral_count > 1 else ""
    gives = "give" if row.referral_count > 1 else "gives"
    return (
        f"{early}{name} is expected to send about {amount(row.expected_started)} referrals that start care in the next "
        f"{row.horizon_days} days (80% range {row.lo80} to {row.hi80}), of {amount(row.expected_referrals)} expected: "
        f"{row.referral_count} so far over {_duration(_known_for(row))}{recent} {gives} {amount(row.rate_90)} a "
        f"quarter – {_percent(row.own_weight)} their own record, {_percent(1 - row.own_weight)} what other "
        f"{kind.plural} send"
    )


def _quiet(row: YieldRow, name: str, p_active: float) -> str:
    return (
        f"{name} has been silent {_count(row.gap_days, 'day')}; a gap this long happens by chance "
        f"{_percent(row.surprise)} of the time for someone with this record, so we put {_percent(p_active)} on still "
        f"active and expect {amount(row.expected_referrals)} referrals instead of {amount(row.parts[0])}."
    )


def _finished(row: YieldRow) -> str:
    similar = f"similar contacts {_percent(row.typical_convert_rate)}"
    if row.finished_count == 0:
        return f"About {_percent(row.convert_rate)} should start care (none finished yet; {similar})."
    noun = "referral" if row.finished_count == 1 else "referrals"
    return (
        f"About {_percent(row.convert_rate)} should start care "
        f"({row.started_count} of {row.finished_count} finished {noun} did; {similar})."
    )


def _none_yet(row: YieldRow, kind: YieldKind) -> str:
    known, others = _known_for(row), 1 - row.own_weight
    if known < NEW_FOR_DAYS and others >= ALMOST_ENTIRELY:
        added = "today" if known == 0 else f"{_duration(known)} ago"
        return (
            f"Added {added}, so this is almost entirely ({_percent(others)}) what other {kind.plural} send: "
            f"about {amount(row.rate_90)} a quarter."
        )
    return (
        f"No referrals in {_duration(known)}; together with what other {kind.plural} send "
        f"that makes about {amount(row.rate_90)} a quarter."
    )


def _known_for(row: YieldRow) -> int:
    return (row.as_of - row.entry_on).days


def _percent(share: float) -> str:
    """Never 0% or 100%: the model is never that sure."""
    if share < 0.005:
        return "under 1%"
    return "over 99%" if share > 0.995 else f"{100 * share:.0f}%"


def _duration(days: int) -> str:
    if days < 14:
        return _count(days, "day")
    if days < 60:
        return _count(round(days / 7), "week")
    months = round(days / 30.44)
    if months < 24 and months != 12:
        return _count(months, "month")
    return _count(round(days / 365.25), "year")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
