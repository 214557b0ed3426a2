"""What a permission to tell a client's story must say, and how it stands on a day. Pure. Source: 45 CFR 164.508(c)."""

from collections.abc import Collection
from datetime import date, timedelta

EXPIRING_DAYS = 60
SCOPE_LABELS = {
    "newsletter-providers": "Our newsletter to doctors and other professionals",
    "newsletter-clients": "Our newsletter to clients and families",
    "email-providers": "Emails to doctors and other professionals",
    "website": "Our website",
    "social": "Our social media pages",
    "print": "Printed leaflets and cards",
    "presentation": "Talks and slides",
}
IDENTITIES = {
    "full-name": "With full name",
    "first-name": "With first name only",
    "initials": "With initials only",
    "anonymous": "Without a name",
}
STATES = {
    "draft": "Draft",
    "requested": "Asked",
    "live": "Live",
    "expiring": "Ends soon",
    "expired": "Expired",
    "revoked": "Withdrawn",
}
"""As shown; `Authorization.state` itself only knows draft, requested, signed, revoked."""
USABLE = ("live", "expiring")
AUTHORITIES = {
    "": "I sign for myself",
    "parent": "I am the parent of a minor",
    "guardian": "I am the legal guardian",
    "power-of-attorney": "I hold a power of attorney",
}
DEFAULT_PURPOSE = "To tell others in our community what therapy at our practice was like"
DEFAULT_YEARS = 2
LONGEST_YEARS = 5
KEPT_YEARS = 6
"""Authorizations are kept six years after they ended (45 CFR 164.530(j))."""
MOST_WORDS_CHARS = 4000


def state_of(state: str, expires_on: date | None, *, on: date) -> str:
    """How a permission stands on that local day: draft, requested, live, expiring (60 days), expired or revoked."""
    if state != "signed":
        return state
    if expires_on is None or expires_on < on:
        return "expired"
    return "expiring" if expires_on <= on + timedelta(days=EXPIRING_DAYS) else "live"


WORDS_ALONE = "the words above"
WORDS_AND_PICTURE = "the words and the picture above"
PICTURE_IF_TICKED = "the words above, with the picture when it is ticked"


def statements(practice: str, phone: str, *, what: str = WORDS_ALONE) -> tuple[str, ...]:
    """What the law wants said on the page, in plain words (45 CFR 164.508(c)(1) and (2)). `what` may be used."""
    at_phone = f" or by telephone at {phone}" if phone else ""
    return (
        f"{practice} may use and publish {what}, and only these, in the places ticked.",
        "Everyone who reads or sees these places may read them.",
        "Whether you sign has no influence on your care, your payment or anything else you get from us.",
        f"You can take this permission back at any time: on this page, in writing{at_phone}. "
        "From then on we no longer use your words. What was already sent or printed cannot be called back.",
        "Once published, others may pass your words on; the privacy rules for health care no longer protect them then.",
        "Nobody pays us for publishing your words, and you are not paid for them.",
    )


def form_text(
    *,
    practice: str,
    phone: str,
    wording: str,
    identity: str,
    scopes: Collection[str],
    purpose: str,
    expires_on: date,
    signer: str,
    authority: str,
    signed_on: date,
    picture: str = "",
) -> str:
    """The exact text that was signed, as it is kept and handed out. `picture`: what it shows, when it was allowed."""
    places = [f"[x] {SCOPE_LABELS[scope]}" for scope in SCOPE_LABELS if scope in scopes]
    who = f"Signed by {signer} on {signed_on:%B %-d, %Y}"
    if authority:
        who += f" ({AUTHORITIES.get(authority, authority)})"
    parts = (
        f"Permission to use my words, given to {practice}",
        f"My words:\n“{wording.strip()}”",
        *([f"My picture, shown with my words:\n{picture}"] if picture else []),
        f"Shown: {IDENTITIES.get(identity, identity)}",
        "May be used in:\n" + "\n".join(places),
        f"Purpose: {purpose}",
        f"This permission ends on {expires_on:%B %-d, %Y}.",
        "\n".join(
            f"- {line}" for line in statements(practice, phone, what=WORDS_AND_PICTURE if picture else WORDS_ALONE)
        ),
        who,
    )
    return "\n\n".join(parts)


def latest_end(signed_on: date) -> date:
    """The last day a permission signed on that day may have."""
    return in_years(signed_on, LONGEST_YEARS)


def in_years(day: date, years: int) -> date:
    """The same day some years later; February 29 becomes 28."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
