"""Two years of a practice that one recognises: steady, rising, lapsing and new sources, touches, promises, a lunch."""

import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.contacts import tasks, timeline
from outreach.contacts.consent import grant
from outreach.contacts.models import Contact, Organization
from outreach.db import make_engine
from outreach.events.models import Event, EventMessage, Invitation
from outreach.newsletters.models import Issue
from outreach.practice.models import Location, Payer, QuietDay, Service
from outreach.referrals import scoring
from outreach.referrals.models import Referral
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from outreach.today import planning
from tests.conftest import KEY, MONDAY
from tests.people import Cast
from tests.people import furnish as furnish_practice

TODAY = date(2026, 3, 2)
OTHERS = (
    ("Dr.", "Hana", "Castillo", "physician", "Mercy Neuro Group", 1),
    ("Dr.", "Leo", "Whitman", "physician", "Lakeside Family Medicine", 16),
    ("Dr.", "Nadia", "Farouk", "physician", "Westside Pediatrics", 11),
    ("", "Ruth", "Abel", "community-organization", "St. Anne Parish", 6),
    ("", "Ivan", "Petrov", "peer-therapist", "Clear Speech", 5),
    ("", "Joan", "Miller", "former-client", "", 3),
    ("Dr.", "Amos", "Reed", "physician", "Harbor Spine", 9),
    ("", "Paula", "Stern", "provider", "Harbor Spine", 7),
)


def furnish(runtime: Runtime, cast: Cast) -> None:
    """The practice has its history, is scored and has its list of the day."""
    with runtime.turn() as turn:
        session = turn.session
        dice = random.Random(7)
        people = _people(session, cast, now=turn.now)
        _details(session, cast)
        session.add_all([Location(name="Millbrook"), Location(name="Riverside")])
        session.flush()
        for contact, days in _days(people, cast, dice):
            for day in days:
                _refer(session, contact, day, dice)
        _refer(session, None, TODAY - timedelta(days=3), dice)
        _refer(session, None, TODAY - timedelta(days=1), dice)
        _touches(session, cast, people, dice)
        _duties(session, cast, now=turn.now)
        _plans(session, cast, now=turn.now)
        scoring.refresh(session, now=turn.now, today=TODAY)
    with runtime.turn() as turn:
        planning.keep_plan(turn.session, now=turn.now)


def _people(session: Session, cast: Cast, *, now: datetime) -> dict[str, int]:
    found = {}
    for prefix, first, last, kind, place, _ in OTHERS:
        at = Organization(name=place, created_at=now) if place else None
        if at is not None:
            session.add(at)
            session.flush()
        contact = Contact(
            kind=kind, prefix=prefix, first_name=first, last_name=last, sort_name=f"{last} {first}".lower(),
            organization_id=at.id if at else None, phone="(555) 014-3100", added_on=TODAY - timedelta(days=700),
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(contact)
        session.flush()
        found[last.lower()] = contact.id
        if kind == "former-client":
            grant(session, now=now, contact_id=contact.id, source="paper form")
    for contact in session.scalars(select(Contact)):
        contact.added_on = TODAY - timedelta(days=700)
    return found


def _details(session: Session, cast: Cast) -> None:
    raman = session.get_one(Contact, cast.raman)
    raman.ask_for, raman.best_time, raman.title = "Denise", "Mon or Thu, 12:00 to 1:00", "Orthopedic surgeon"
    marisol = session.get_one(Contact, cast.marisol)
    marisol.discharged_on = TODAY.replace(year=2025)


def _days(people: dict[str, int], cast: Cast, dice: random.Random) -> list[tuple[int, list[date]]]:
    def over(first_ago: int, last_ago: int, count: int) -> list[date]:
        return sorted(TODAY - timedelta(days=dice.randint(last_ago, first_ago)) for _ in range(count))

    steady = [TODAY - timedelta(days=75 + 20 * step) for step in range(24)]
    found = [
        (cast.raman, [*over(640, 40, 22), TODAY - timedelta(days=6), TODAY - timedelta(days=3)]),
        (cast.okafor, sorted(steady)),
        (cast.greta, over(500, 30, 7)),
        (cast.tom, over(600, 40, 5)),
        (cast.marisol, over(200, 60, 2)),
        (people["castillo"], [TODAY - timedelta(days=20)]),
    ]
    found += [(people[last.lower()], over(680, 16, 2 * number)) for _, _, last, _, _, number in OTHERS[1:]]
    return found


def _refer(session: Session, contact_id: int | None, day: date, dice: random.Random) -> None:
    services = list(session.scalars(select(Service).order_by(Service.id)))
    payers = list(session.scalars(select(Payer).order_by(Payer.id)))
    locations = list(session.scalars(select(Location).order_by(Location.id)))
    service = dice.choice(services)
    age = (TODAY - day).days
    stage = "received" if age < 5 else dice.choices(("started", "completed", "closed"), (5, 2, 2))[0]
    referral = Referral(
        contact_id=contact_id, source_type="contact" if contact_id else "unmatched", unmatched_source="",
        service_id=service.id, discipline=service.discipline, payer_id=dice.choices(payers, (5, 4, 1))[0].id,
        location_id=dice.choice(locations).id, client_number=str(dice.randint(1000, 9999)), stage=stage,
        received_on=day, created_at=datetime.combine(day, time(15), UTC),
    )  # fmt: skip
    if stage != "received":
        referral.contacted_on = day + timedelta(days=1)
        referral.scheduled_on = day + timedelta(days=2)
    if stage in ("started", "completed"):
        referral.evaluated_on = day + timedelta(days=dice.randint(2, 9))
        referral.started_on = referral.evaluated_on
    if stage == "closed":
        referral.close_reason = dice.choice(("never-scheduled", "out-of-network", "unreachable"))
        referral.barrier = dice.choice(("insurance", "transport"))
        referral.closed_on = day + timedelta(days=20)
    session.add(referral)
    session.flush()
    if contact_id is not None:
        timeline.add(
            session, now=referral.created_at, contact_id=contact_id, kind="referred", at=referral.created_at,
            origin=f"referral:{referral.id}", from_yield=True,
        )  # fmt: skip


def _touches(session: Session, cast: Cast, people: dict[str, int], dice: random.Random) -> None:
    def touch(contact_id: int, days_ago: int, kind: str = "call", text: str = "") -> None:
        at = datetime.combine(TODAY - timedelta(days=days_ago), time(16), UTC)
        timeline.add(session, now=at, contact_id=contact_id, kind=kind, at=at, by_id=cast.maya, text=text)

    for contact_id in (cast.raman, cast.okafor, cast.greta, cast.tom, *people.values()):
        for _ in range(4):
            touch(contact_id, dice.randint(60, 330), dice.choice(("call", "visit", "note")))
    touch(cast.raman, 25, "visit", "lunch-and-learn at Lakeside")
    touch(cast.okafor, 70)
    for name in ("whitman", "farouk", "abel", "petrov", "reed", "stern", "miller"):
        touch(people[name], 5)
        touch(people[name], 12 if name in ("whitman", "farouk") else 20, "thank-you")


def _duties(session: Session, cast: Cast, *, now: datetime) -> None:
    tasks.add(
        session, now=now, kind="call", title="Ask about the balance screening in March", due_on=TODAY,
        owner_id=cast.maya, contact_id=cast.greta, script="Offer Tuesday or Thursday afternoon.",
    )  # fmt: skip
    tasks.add(
        session, now=now, kind="send", title="The swallowing handout", due_on=TODAY - timedelta(days=2),
        owner_id=cast.maya, contact_id=cast.tom, origin="promise:handout",
    )  # fmt: skip


def _plans(session: Session, cast: Cast, *, now: datetime) -> None:
    noon = now.replace(hour=17) + timedelta(days=1)
    lunch = Event(
        type="lunch-and-learn", title="Lakeside lunch", status="booked", starts_on=TODAY + timedelta(days=1),
        starts_minute=720, minutes=60, time_zone="America/New_York", starts_at=noon,
        ends_at=noon + timedelta(hours=1), created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(lunch)
    session.flush()
    for contact_id, answer in ((cast.denise, "yes"), (cast.tom, "none")):
        session.add(Invitation(event_id=lunch.id, contact_id=contact_id, issued_at=now, invited_at=now, answer=answer))
    session.add(
        EventMessage(
            event_id=lunch.id, step="remind-1", sequence=0, due_on=TODAY, due_at=now.replace(hour=19),
            state="planned",
        )
    )  # fmt: skip
    session.add(QuietDay(on=TODAY + timedelta(days=16), name="Founders’ Day"))
    session.add(
        Issue(
            title="March newsletter", draft={}, send_on=TODAY, send_minute=630, send_zone="America/New_York",
            counted=312, created_at=now, edited_at=now,
        )
    )  # fmt: skip


def build(folder: Path) -> Path:
    """A database file with all of this in it, to be copied by tests."""
    path = folder / "outreach.db"
    engine = make_engine(f"sqlite:///{path}")
    load_all().metadata.create_all(engine)
    with Session(engine) as session:
        furnish_practice(session, now=MONDAY, key=KEY)
        session.commit()
    engine.dispose()
    runtime = open_runtime(
        Settings(mode="test", home=folder, database_url=f"sqlite:///{path}", secret_key=KEY), clock=FrozenClock(MONDAY)
    )
    furnish(runtime, Cast(runtime))
    with runtime.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    runtime.close()
    return path
