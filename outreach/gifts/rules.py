"""What may be given to whom. Pure. The limits are law; the giver knows of no referrals (42 CFR 411.357(k))."""

from dataclasses import dataclass
from datetime import date, timedelta

KINDS = ("meal", "item", "education", "other")
KIND_LABELS = {
    "meal": "Meal",
    "item": "Small item",
    "education": "Education material",
    "other": "Something else",
}
REFUSED = {
    "cash": "Cash is never given.",
    "gift-card": "A gift card counts as cash and is never given.",
    "alcohol": "Alcohol is not paid for.",
    "entertainment": "Tickets and entertainment are not paid for.",
    "guest": "Guests who have no professional reason to be there are not paid for.",
    "solicited": "Something that was asked for is not given, whoever asked for it.",
}
"""Kinds that are refused whatever they cost (42 CFR 411.357(k), OIG Special Fraud Alert of 16 November 2020)."""
REFUSED_LABELS = {
    "cash": "Cash",
    "gift-card": "Gift card",
    "alcohol": "Alcohol",
    "entertainment": "Tickets or entertainment",
    "guest": "A guest's share",
}

PUBLISHED_CENTS = {2021: 42_900, 2022: 45_200, 2023: 48_900, 2024: 50_700, 2025: 51_900, 2026: 53_500}
"""Non-monetary compensation per physician and calendar year, 42 CFR 411.357(k), as CMS and law firms published it.
A later year is entered by an administrator; it is never guessed."""
CLIENT_ITEM_CENTS, CLIENT_YEAR_CENTS = 1_500, 7_500
"""OIG nominal value for beneficiaries, December 2016."""
WARN_SHARE = 0.75
CURE_DAYS = 180
CURE_YEARS = 3
CURE_SHARE = 0.5
"""An excess that happened by mistake, up to half of the limit, is cured when it is paid back by the end of the year and
within 180 days, once in three years for the same physician (42 CFR 411.357(k)(3))."""


@dataclass(frozen=True)
class Standing:
    """How far a recipient is with this entry. `level`: ok, warning or blocked; `text` says why."""

    level: str
    text: str
    total_cents: int
    limit_cents: int | None


@dataclass(frozen=True)
class Excess:
    """What a physician got over the limit of a year. `since`: the day on which the limit was passed."""

    contact_id: int
    name: str
    cents: int
    limit_cents: int
    since: date
    on_purpose: bool
    """An administrator let an entry of the year pass the limit."""
    earlier_year: int | None
    """The latest of the three years before with an excess."""
    paid: tuple[tuple[date, int], ...] = ()
    """(day, cents) of each payback, by day."""

    @property
    def owed_cents(self) -> int:
        """What has not come back yet."""
        return max(self.cents - sum(cents for _, cents in self.paid), 0)

    @property
    def in_time(self) -> bool:
        """Whether all of it came back by the last day."""
        return sum(cents for day, cents in self.paid if day <= self.until) >= self.cents

    @property
    def mended(self) -> bool:
        """Whether the payback mends it, if it happened by mistake."""
        small = self.cents <= CURE_SHARE * self.limit_cents
        return small and not self.on_purpose and self.earlier_year is None and self.in_time

    @property
    def until(self) -> date:
        """The last day to pay it back: the end of the year or 180 days later, whichever comes first."""
        return min(date(self.since.year, 12, 31), self.since + timedelta(days=CURE_DAYS))


def cure(excess: Excess, *, today: date) -> str:
    """What can be done about an excess, with its deadline and what came back, in a few sentences."""
    over = f"{said(excess.cents)} over the limit of {said(excess.limit_cents)} since {excess.since:%b %-d, %Y}."
    if excess.paid:
        back = f"{said(sum(cents for _, cents in excess.paid))} came back by {excess.paid[-1][0]:%b %-d, %Y}"
        over += f" {back}, {said(excess.owed_cents)} are still owed." if excess.owed_cents else f" {back}, all of it."
    ask = "Ask a lawyer what to do."
    if excess.on_purpose:
        return f"{over} It was let pass with a reason, so paying it back does not mend it by itself. {ask}"
    if excess.cents > CURE_SHARE * excess.limit_cents:
        return f"{over} That is more than half of the limit, so paying it back does not mend it by itself. {ask}"
    if excess.earlier_year is not None:
        return f"{over} There was one in {excess.earlier_year} too, and paying back mends it once in three years. {ask}"
    if excess.in_time:
        return f"{over} If it happened by mistake, it is mended; that works once in three years."
    if today > excess.until or not excess.owed_cents:
        return f"{over} The time to pay it back ended on {excess.until:%b %-d, %Y}. {ask}"
    return (
        f"{over} If it happened by mistake, it is mended when {said(excess.owed_cents)} are paid back by "
        f"{excess.until:%b %-d, %Y}, once in three years."
    )


def is_limited(kind: str, *, stark_physician: bool) -> bool:
    """Whether the yearly limit of physicians applies. Staff, nurses and community are outside of it."""
    return stark_physician or kind == "physician"


def weigh(
    amount_cents: int,
    *,
    before_cents: int,
    limit_cents: int | None,
    limited: bool,
    client: bool,
    year: int,
    committed_cents: int = 0,
) -> Standing:
    """What giving this amount means after `before_cents` of the same year: ok, warning (75 %) or blocked (over 100 %).

    `committed_cents` are meals that are planned: they count as given. An unknown limit is a warning on every entry,
    never a guess.
    """
    total = before_cents + committed_cents + amount_cents
    planned = f", {said(committed_cents)} of it in planned meals" if committed_cents else ""
    if client:
        return _client(amount_cents, total, planned)
    if not limited:
        return Standing("ok", "", total, None)
    if limit_cents is None:
        text = f"No limit is set for {year}. Ask an administrator to enter it."
        return Standing("warning", text, total, None)
    if total > limit_cents:
        return Standing(
            "blocked",
            f"This would be {said(total)} in {year}{planned}; the limit is {said(limit_cents)}.",
            total,
            limit_cents,
        )
    if total >= WARN_SHARE * limit_cents:
        text = f"{said(total)} of {said(limit_cents)} are used in {year}{planned}."
        return Standing("warning", text, total, limit_cents)
    return Standing("ok", "", total, limit_cents)


def said(cents: int) -> str:
    """Cents as dollars: 53500 is "$535", 1250 is "$12.50"."""
    return f"${cents // 100:,}" + (f".{cents % 100:02d}" if cents % 100 else "")


def share(cost_cents: int, heads: int) -> int:
    """The cost of one of `heads` plates, rounded up so that no total comes out too low. Errors: ValueError for 0."""
    if heads < 1:
        raise ValueError("Nobody was there to share the cost.")
    return -(-cost_cents // heads)


def _client(amount_cents: int, total: int, planned: str) -> Standing:
    if amount_cents > CLIENT_ITEM_CENTS:
        text = f"Clients may get at most {said(CLIENT_ITEM_CENTS)} per item."
        return Standing("blocked", text, total, CLIENT_YEAR_CENTS)
    if total > CLIENT_YEAR_CENTS:
        text = f"Clients may get at most {said(CLIENT_YEAR_CENTS)} per year; this would be {said(total)}{planned}."
        return Standing("blocked", text, total, CLIENT_YEAR_CENTS)
    return Standing("ok", "", total, CLIENT_YEAR_CENTS)
