"""People and facts that the yield tests share."""

from datetime import date, timedelta

from hypothesis import settings

from outreach.referrals.yield_model import ContactFacts, PracticeMeans, ReferralFacts
from outreach.referrals.yield_params import KIND_NAMES

# A busy machine is no reason to fail: what these properties promise is not a speed.
unhurried = settings(deadline=None)

ENTRY = date(2024, 3, 1)


def day(number: int) -> date:
    """The day this many days after the entry date."""
    return ENTRY + timedelta(days=number)


def same_means(rate: float = 0.004, convert: float = 0.5, evidence: str = "full") -> PracticeMeans:
    """Every kind alike: `rate` referrals a day, `convert` of them start."""
    return PracticeMeans(
        evidence=evidence,  # type: ignore[arg-type]
        rates=dict.fromkeys(KIND_NAMES, rate),
        specialty_rates={},
        convert_rates=dict.fromkeys(KIND_NAMES, convert),
        values={},
        value_caps={},
    )


def contact(id: int = 1, kind: str = "physician", added: int = 0, specialty: str | None = None) -> ContactFacts:
    return ContactFacts(id, kind, day(added), specialty)


def referrals_on(*days: int, contact_id: int = 1, first_id: int = 1, outcome: str = "open") -> list[ReferralFacts]:
    return [ReferralFacts(first_id + place, contact_id, day(number), outcome) for place, number in enumerate(days)]


def small_practice() -> tuple[list[ContactFacts], list[ReferralFacts]]:
    """Twelve contacts over two years: Lee sends steadily (1), Rao stopped 120 days ago (2), the others a little."""
    contacts = [contact(1), contact(2), *(contact(n, "physician" if n < 9 else "peer-therapist") for n in range(3, 13))]
    lee = [730 - 15 - 50 * n for n in range(14)]
    rao = [730 - 120 - 45 * n for n in range(13)]
    referrals = referrals_on(*lee, contact_id=1, first_id=100) + referrals_on(*rao, contact_id=2, first_id=200)
    for n in range(3, 9):
        referrals += referrals_on(100 * n - 90, contact_id=n, first_id=100 * n)
    outcomes = ("started", "lost", "started")
    return contacts, [ReferralFacts(r.id, r.contact_id, r.received_on, outcomes[r.id % 3]) for r in referrals]
