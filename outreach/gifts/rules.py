"""What may be given to whom. Pure. The limits are law; the giver knows of no referrals (42 CFR 411.357(k))."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Standing:
    """How far a recipient is with this entry. `level`: ok, warning or blocked; `text` says why."""

    level: str
    text: str
    total_cents: int
    limit_cents: int | None


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
