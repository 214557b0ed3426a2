"""Two years of about four hundred referrals: sources that are steady, rising, lapsing, one-off or silent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.models import Contact
from outreach.practice.models import Location, Payer, Person, Service
from outreach.referrals.models import Referral

DAYS = 730
LOST = ("chose-other-provider", "out-of-network", "never-scheduled", "did-not-show", "unreachable", "no-capacity")
BARRIER_OF = {"out-of-network": "insurance", "never-scheduled": "transport", "chose-other-provider": "preference"}
TOUCH_TEXTS = {
    "call": ("Called the front desk, new pads are needed.", "Talked about same-week evaluations.", "Left a message."),
    "visit": ("Dropped by with the new referral guide.", "Met the referral coordinator.", "Said hello at lunch."),
    "note": ("Prefers fax for reports.", "Asks for a one-page summary at discharge.", "Likes short emails."),
    "thank-you": ("Handwritten thank-you note.", "Thanked for last month's referrals."),
    "meeting": ("Quarterly meeting, good talk about criteria.",),
}


@dataclass(frozen=True)
class Pattern:
    """How a source refers: the mean gap in days as a function of how far into the two years it is (0 to 1)."""

    name: str
    starts: float
    ends: float
    gap_from: float
    gap_to: float
    share_started: float


STEADY = ((16, 0.8), (19, 0.7), (24, 0.85), (28, 0.6), (34, 0.75), (40, 0.8), (46, 0.5), (52, 0.7), (60, 0.65))
RISING = ((8, 0.75), (10, 0.8), (13, 0.6), (16, 0.7))
LAPSING = ((0.78, 17), (0.72, 20), (0.8, 26))
ONCE = (0.1, 0.2, 0.3, 0.42, 0.5, 0.58, 0.66, 0.75, 0.83, 0.9, 0.95, 0.98)
PATTERNS = (
    *(Pattern("steady", 0.0, 1.0, gap, gap, share) for gap, share in STEADY),
    *(Pattern("rising", 0.35, 1.0, 60, gap, share) for gap, share in RISING),
    *(Pattern("lapsing", 0.0, end, gap, gap, 0.75) for end, gap in LAPSING),
    *(Pattern("one-off", at, at + 0.02, 9, 9, 0.6) for at in ONCE),
)


def furnish_referrals(session: Session, *, now: datetime, today: date, chance: Random) -> None:
    """The referral log, its touches on the timelines, and the touches that the practice made in return."""
    sources = _sources(session)
    services = list(session.scalars(select(Service).order_by(Service.id)))
    payers = list(session.scalars(select(Payer.id).order_by(Payer.id)))
    places = list(session.scalars(select(Location.id).order_by(Location.id)))
    maya = session.scalars(select(Person.id).where(Person.email == "maya@cedarlane.example")).one()
    rows = sorted(_arrivals(sources, today, chance), key=lambda row: row[0])
    for number, (day, contact, pattern) in enumerate(rows):
        service = _service_for(contact, services, chance)
        referral = Referral(
            contact_id=contact.id,
            service_id=service.id,
            discipline=service.discipline,
            payer_id=chance.choices(payers, (26, 20, 15, 11, 10, 6, 4, 8))[0],
            location_id=chance.choice(places),
            client_number=str(1600 + number),
            received_on=day,
            logged_by_id=maya,
            created_at=_noon(day),
        )
        _outcome(referral, pattern, today=today, chance=chance)
        session.add(referral)
    _others(session, len(rows), services, payers, today=today, chance=chance)
    session.flush()
    _tell(session, maya)
    timeline.add_many(session, list(_touches(sources, maya, now=now, chance=chance)))


def _sources(session: Session) -> list[tuple[Contact, Pattern]]:
    wanted = ("physician", "provider", "office", "community-organization", "peer-therapist", "former-client")
    contacts = list(
        session.scalars(
            select(Contact).where(Contact.kind.in_(wanted), Contact.deceased_on.is_(None)).order_by(Contact.id)
        )
    )
    pools = {
        kind: [one for one in contacts if one.kind in kinds]
        for kind, kinds in (
            ("physicians", ("physician", "provider")),
            ("community", ("community-organization",)),
            ("peers", ("peer-therapist",)),
            ("clients", ("former-client",)),
            ("offices", ("office",)),
        )
    }
    # Each kind has sources of its own; the first four patterns, the steadiest, go to the first physicians.
    order = ("physicians",) * 4 + ("community", "physicians", "peers", "physicians", "clients", "physicians", "offices")
    chosen: list[tuple[Contact, Pattern]] = []
    for number, pattern in enumerate(PATTERNS):
        pool = pools[order[number] if number < len(order) else order[4 + number % 7]]
        chosen.append((pool.pop(0 if number < 4 else len(pool) // 2), pattern))
    return chosen


def _arrivals(
    sources: Sequence[tuple[Contact, Pattern]], today: date, chance: Random
) -> Iterator[tuple[date, Contact, Pattern]]:
    for contact, pattern in sources:
        at = pattern.starts * DAYS + chance.expovariate(1 / pattern.gap_from) * 0.5
        while at < pattern.ends * DAYS:
            day = today - timedelta(days=DAYS - int(at))
            # Offices send on working days: what would fall on a weekend comes on the Monday.
            day += timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
            if day <= today:
                yield day, contact, pattern
                if pattern.name == "one-off":
                    break
            progress = (at / DAYS - pattern.starts) / max(pattern.ends - pattern.starts, 0.01)
            gap = pattern.gap_from + (pattern.gap_to - pattern.gap_from) * min(max(progress, 0), 1)
            # Between clockwork and pure chance, as referrals in a practice are.
            at += 0.5 * gap + chance.expovariate(2 / gap)


def _service_for(contact: Contact, services: list[Service], chance: Random) -> Service:
    if "ediatric" in contact.specialty:
        fitting = [s for s in services if s.discipline in ("SLP", "OT")]
    elif contact.specialty in ("Hand surgery",):
        fitting = [s for s in services if s.discipline == "OT"]
    elif contact.specialty in ("Otolaryngology", "Neurology"):
        fitting = [s for s in services if s.discipline == "SLP"]
    elif contact.kind in ("physician", "provider"):
        fitting = services[:4]
    else:
        fitting = services
    return chance.choice(fitting)


def _outcome(referral: Referral, pattern: Pattern, *, today: date, chance: Random) -> None:
    age = (today - referral.received_on).days
    steps = (
        ("contacted", "contacted_on", chance.randrange(0, 3)),
        ("scheduled", "scheduled_on", chance.randrange(2, 6)),
        ("evaluated", "evaluated_on", chance.randrange(5, 15)),
        ("started", "started_on", chance.randrange(8, 20)),
        ("completed", "completed_on", chance.randrange(60, 120)),
    )
    starts = chance.random() < pattern.share_started
    gets_to = 5 if starts else chance.randrange(0, 3)
    for stage, column, after in steps[:gets_to]:
        if after > age:
            return
        referral.stage = stage
        setattr(referral, column, referral.received_on + timedelta(days=after))
    if not starts and age > 21:
        referral.stage = "closed"
        referral.closed_on = referral.received_on + timedelta(days=21)
        referral.close_reason = chance.choice(LOST)
        referral.barrier = BARRIER_OF.get(referral.close_reason)


def _others(
    session: Session, first: int, services: list[Service], payers: list[int], *, today: date, chance: Random
) -> None:
    """Clients who came without a referrer, two whose source nobody has named yet, and some that we sent to peers."""
    for number, source in enumerate(("website", "search", "self", "review-site", "word-of-mouth", "event") * 4):
        service = chance.choice(services)
        day = today - timedelta(days=chance.randrange(3, 600))
        other = Referral(
            source_type=source,
            service_id=service.id,
            discipline=service.discipline,
            payer_id=chance.choice(payers),
            client_number=str(1600 + first + number),
            received_on=day,
            created_at=_noon(day),
        )
        _outcome(other, PATTERNS[0], today=today, chance=chance)
        session.add(other)
    for words, days in (("Dr. Reyes at the walk-in clinic", 2), ("orthopedics, name not readable", 5)):
        session.add(
            Referral(
                source_type="unmatched",
                unmatched_source=words,
                discipline="PT",
                service_id=services[0].id,
                received_on=today - timedelta(days=days),
                created_at=_noon(today - timedelta(days=days)),
            )
        )
    peers = session.scalars(select(Contact).where(Contact.kind == "peer-therapist").order_by(Contact.id)).all()
    for number in range(9):
        day = today - timedelta(days=chance.randrange(10, 500))
        session.add(
            Referral(
                direction="out",
                contact_id=peers[number % len(peers)].id,
                discipline=("OT", "SLP")[number % 2],
                received_on=day,
                stage="started",
                started_on=day,
                created_at=_noon(day),
            )
        )


def _tell(session: Session, by_id: int) -> None:
    names = {service.id: service.name for service in session.scalars(select(Service))}
    timeline.add_many(
        session,
        [
            {
                "contact_id": referral.contact_id,
                "kind": "referred" if referral.direction == "in" else "referred-to",
                "at": _noon(referral.received_on),
                "text": f"{'Referred' if referral.direction == 'in' else 'We sent'} "
                f"{'client ' + referral.client_number if referral.client_number else 'a client'} for "
                f"{names.get(referral.service_id or 0, referral.discipline)}",
                "by_id": by_id,
                "from_yield": True,
                "origin": f"referral:{referral.id}",
            }
            for referral in session.scalars(select(Referral).where(Referral.contact_id.is_not(None)))
        ],
    )


def _touches(
    sources: Sequence[tuple[Contact, Pattern]], by_id: int, *, now: datetime, chance: Random
) -> Iterator[dict[str, object]]:
    for contact, pattern in sources:
        times = {"steady": 9, "rising": 8, "lapsing": 4, "one-off": 2}[pattern.name]
        for _ in range(times):
            kind = chance.choices(tuple(TOUCH_TEXTS), (5, 3, 2, 3, 1))[0]
            # The last ten days stay free of thank-yous, so that Today has somebody to thank.
            ago = timedelta(days=chance.randrange(12, 600), hours=chance.randrange(0, 6))
            yield {
                "contact_id": contact.id,
                "kind": kind,
                "at": now - ago,
                "text": chance.choice(TOUCH_TEXTS[kind]),
                "minutes": chance.choice((5, 10, 20, 45)),
                "by_id": by_id,
                "from_yield": False,
                "origin": None,
            }


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(16), UTC)
