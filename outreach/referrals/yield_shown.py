"""The yield of one contact as the profile explains it. Apart from the queries: this loads what reckons the yield."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.referrals.models import LapseAlert, YieldScore
from outreach.referrals.scoring import row_from
from outreach.referrals.yield_explained import amount, explain
from outreach.referrals.yield_model import YieldRow


@dataclass(frozen=True)
class YieldView:
    """A contact's yield as the profile explains it: the number, its parts, its rank, in words."""

    contact_id: int
    row: YieldRow
    standing: Standing
    sentence: str
    number: str
    headline: str
    parts: list[dict[str, object]]
    rank_text: str
    change_text: str
    alert: LapseAlert | None


def yield_view(session: Session, contact: Contact) -> YieldView | None:
    """What the profile shows of a contact's yield, or None when it was never scored."""
    score = session.get(YieldScore, contact.id)
    standing = session.get(Standing, contact.id)
    if score is None or standing is None:
        return None
    row = row_from(score.row)
    return YieldView(
        contact_id=contact.id,
        row=row,
        standing=standing,
        sentence=explain(row, name=contact.name),
        number=amount(row.expected_started),
        headline=_headline(row),
        parts=_parts(row, most=_highest_rate(session, contact.kind)),
        rank_text=_rank_text(session, contact, score),
        change_text=_change_text(score),
        alert=session.scalar(
            select(LapseAlert).where(LapseAlert.contact_id == contact.id, LapseAlert.ended_on.is_(None)).limit(1)
        ),
    )


def _headline(row: YieldRow) -> str:
    expected, started = amount(row.expected_referrals), amount(row.expected_started)
    span = f"in the next {row.horizon_days} days ({row.lo80} to {row.hi80})"
    return f"About {started} referrals that start care {span}, of {expected} expected"


def _highest_rate(session: Session, kind: str) -> float:
    """The highest rate among contacts of the kind: what the bar of a rate is drawn against."""
    rates = select(func.max(YieldScore.row["rate_90"].as_float())).join(Contact, Contact.id == YieldScore.contact_id)
    return session.scalar(rates.where(Contact.kind == kind)) or 1.0


def _parts(row: YieldRow, *, most: float) -> list[dict[str, object]]:
    rate, chance, share = row.parts
    own = f"{abs(row.own_weight):.0%} their own record"  # none at all comes as -0.0
    count = (
        "no referral yet" if row.referral_count == 0 else f"{row.referral_count} so far, recent ones count more; {own}"
    )
    if row.evidence == "prior only":
        count = "typical for contacts of this kind; not your own data yet"
    silent = "not shown with fewer than two referrals"
    if row.p_active is not None and row.last_on is not None:
        silent = "last referral today" if row.gap_days == 0 else f"last referral {row.gap_days} days ago"
    finished = (
        f"{row.started_count} of {row.finished_count} finished referrals did"
        if row.finished_count
        else "none finished yet"
    )
    return [
        {"label": "Rate while active", "fact": count, "value": min(row.rate_90 / most, 1.0), "text": amount(rate)},
        {"label": "Chance still active", "fact": silent, "value": chance, "text": f"{chance:.0%}"},
        {"label": "Share that starts care", "fact": finished, "value": share, "text": f"{share:.0%}"},
    ]


def _rank_text(session: Session, contact: Contact, score: YieldScore) -> str:
    if score.rank_pct is None:
        return ""
    same_kind = select(func.count()).select_from(YieldScore).join(Contact, Contact.id == YieldScore.contact_id)
    same_kind = same_kind.where(Contact.kind == contact.kind, Contact.deleted_at.is_(None))
    of_all = session.scalar(same_kind) or 1
    ahead = session.scalar(same_kind.where(YieldScore.expected_started > score.expected_started)) or 0
    return f"{ahead + 1} of {of_all}"


def _change_text(score: YieldScore) -> str:
    if score.week_ago is None:
        return ""
    before, now = amount(score.week_ago), amount(score.expected_started)
    if before == now:
        return "Unchanged since last week"
    return f"{'Up' if score.expected_started > score.week_ago else 'Down'} from {before} to {now} since last week"
