"""Logging a referral and moving it through its stages. Every change scores the source again at once."""

import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks, timeline
from outreach.errors import Refusal
from outreach.practice.models import DISCIPLINES, Location, Payer, Practice, Service
from outreach.referrals import refreshing, sourcing
from outreach.referrals.duties import owing, thanking
from outreach.referrals.models import Referral
from outreach.referrals.payers.learning import learn
from outreach.referrals.rules import DIRECTIONS, SOURCE_TYPES, STAGE_DATES, STAGES, Move, refuse_move

EARLIEST = date(2000, 1, 1)
"""A referral of an earlier day is a slip of the keyboard, such as the year 26."""
TWICE = timedelta(seconds=10)
"""Nobody fills in the form anew within that time."""
KEPT_IN_TRASH = timedelta(days=30)
CLIENT_NUMBER = re.compile(r"[A-Za-z0-9._/#-]{1,40}")


@dataclass(frozen=True)
class NewReferral:
    """What is typed in fifteen seconds. `client_number` is the practice's own number, never a name."""

    received_on: date
    source_type: str = "contact"
    contact_id: int | None = None
    advocate_id: int | None = None
    unmatched_source: str = ""
    service_id: int | None = None
    discipline: str | None = None
    payer_id: int | None = None
    location_id: int | None = None
    client_number: str = ""
    stage: str = "received"
    direction: str = "in"


def log_referral(
    session: Session, new: NewReferral, *, now: datetime, today: date, by_id: int | None
) -> Referral | Refusal:
    """The referral is in the log, on its source's timeline and in its yield; what it owes its source has its days.

    A source that was merged away meanwhile is the record it was merged into. The day may lie before the contact was
    added. Refusals: bad-date, future-date, unknown-source, unknown-service, looks-like-a-name, unknown-word.
    """
    new = replace(new, contact_id=_present(session, new.contact_id), advocate_id=_present(session, new.advocate_id))
    service = session.get(Service, new.service_id) if new.service_id else None
    discipline = service.discipline if service else new.discipline
    refusal = _refuse(session, new, discipline=discipline, today=today)
    if refusal is not None:
        return refusal
    assert discipline is not None
    again = _pressed_twice(session, new, discipline=discipline, now=now, by_id=by_id)
    if again is not None:
        return again
    referral = Referral(
        direction=new.direction,
        source_type=new.source_type,
        contact_id=new.contact_id,
        advocate_id=new.advocate_id,
        unmatched_source=new.unmatched_source[:200],
        service_id=new.service_id,
        discipline=discipline,
        payer_id=new.payer_id,
        location_id=new.location_id,
        client_number=new.client_number.strip(),
        stage=new.stage,
        received_on=new.received_on,
        logged_by_id=by_id,
        created_at=now,
    )
    if new.stage in STAGE_DATES:
        setattr(referral, STAGE_DATES[new.stage], new.received_on)
    session.add(referral)
    session.flush()
    _tell(session, referral, service, now=now, by_id=by_id)
    _credit_advocate(session, referral, now=now, by_id=by_id)
    _follow(session, referral, now=now, today=today, by_id=by_id)
    _score_source(session, referral, now=now, today=today)
    return referral


def purge(session: Session, *, now: datetime, limit: int) -> int:
    """What lay in the trash for 30 days is gone with its duties; answers how many. Idempotent."""
    old = select(Referral.id).where(Referral.deleted_at < now - KEPT_IN_TRASH).order_by(Referral.id).limit(limit)
    gone = session.scalars(old).all()
    if gone:
        session.execute(delete(Referral).where(Referral.id.in_(gone)))
    return len(gone)


def move(
    session: Session, referral: Referral, step: Move, *, now: datetime, today: date, by_id: int | None
) -> Referral | Refusal:
    """The referral stands at the new stage with its day, and its source is scored again. Idempotent."""
    if sentence := refuse_move(step, received_on=referral.received_on, today=today):
        return Refusal("wrong-step", sentence)
    referral.stage = step.stage
    referral.close_reason = step.close_reason if step.stage == "closed" else None
    referral.barrier = step.barrier if step.stage == "closed" else None
    setattr(referral, STAGE_DATES.get(step.stage, "received_on"), step.on)
    if step.stage != "closed":
        # Back from a stage that was pressed by mistake: what it stood for has not happened.
        for later in STAGES[STAGES.index(step.stage) + 1 :]:
            setattr(referral, STAGE_DATES[later], None)
    session.flush()
    owing.owe(session, [referral], now=now, today=today)
    _score_source(session, referral, now=now, today=today)
    return referral


def match_source(
    session: Session, referral: Referral, contact_id: int, *, now: datetime, today: date, by_id: int | None
) -> Referral | Refusal:
    """An unmatched referral has its source: it stands on that contact's timeline and in their yield.

    The words it came with mean this contact from now on. Refusals: unknown-source.
    """
    present = sourcing.survivor(session, contact_id)
    if present is None:
        return Refusal("unknown-source", "This contact is no longer there. Choose another one.")
    before, contact_id = referral.contact_id, present.id
    if referral.source_type == "unmatched":
        sourcing.remember(session, referral.unmatched_source, contact_id, now=now)
    referral.contact_id, referral.source_type = contact_id, "contact"
    session.flush()
    elsewhere = (timeline.Touch.origin == f"referral:{referral.id}", timeline.Touch.contact_id != contact_id)
    session.execute(delete(timeline.Touch).where(*elsewhere))
    service = session.get(Service, referral.service_id) if referral.service_id else None
    _tell(session, referral, service, now=now, by_id=by_id)
    _follow(session, referral, now=now, today=today, by_id=by_id)
    _score_source(session, referral, now=now, today=today)
    if before and before != contact_id:
        refreshing.rescore(session, before, now=now, today=today)
    return referral


def trash(session: Session, referral: Referral, *, now: datetime, today: date) -> None:
    """The referral no longer counts; it stays restorable for 30 days. Idempotent."""
    referral.deleted_at = referral.deleted_at or now
    session.flush()
    session.execute(delete(timeline.Touch).where(timeline.Touch.origin == f"referral:{referral.id}"))
    tasks.drop(session, f"referral:{referral.id}:", now=now)
    owing.owe(session, [referral], now=now, today=today)
    _score_source(session, referral, now=now, today=today)


def restore(session: Session, referral: Referral, *, now: datetime, today: date) -> None:
    """A trashed referral counts again. Idempotent."""
    referral.deleted_at = None
    session.flush()
    service = session.get(Service, referral.service_id) if referral.service_id else None
    _tell(session, referral, service, now=now, by_id=referral.logged_by_id)
    owing.owe(session, [referral], now=now, today=today)
    _score_source(session, referral, now=now, today=today)


def is_client_number(text: str) -> bool:
    """Whether this may stand as a client's number: digits and no spaces. A name has it the other way round.

    Nothing is one too: the number may come later.
    """
    number = text.strip()
    return not number or (bool(CLIENT_NUMBER.fullmatch(number)) and any(sign.isdigit() for sign in number))


def zone_of(session: Session) -> ZoneInfo:
    """The zone in which the practice counts its days."""
    return ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")


def touch_of(
    referral: Referral, service_name: str, *, now: datetime, zone: ZoneInfo, by_id: int | None
) -> dict[str, object]:
    """The line on its source's timeline, as a row for `timeline.add_many`; the referral has a contact.

    `zone` is the practice's, see `zone_of`.
    """
    client = f"client {referral.client_number}" if referral.client_number else "a client"
    said = "Referred" if referral.direction == "in" else "We sent"
    return {
        "contact_id": referral.contact_id,
        "kind": "referred" if referral.direction == "in" else "referred-to",
        "at": _happened_at(referral, now, zone),
        "text": f"{said} {client} for {service_name or referral.discipline}",
        "minutes": None,
        "by_id": by_id,
        "origin": f"referral:{referral.id}",
        "from_yield": True,
    }


def _refuse(session: Session, new: NewReferral, *, discipline: str | None, today: date) -> Refusal | None:
    if new.received_on < EARLIEST:
        return Refusal("bad-date", "That day is too far back: look at the year.")
    if new.received_on > today:
        return Refusal("future-date", "A referral is logged on the day it came or later; this day lies in the future.")
    if new.direction not in DIRECTIONS or new.source_type not in SOURCE_TYPES or new.stage not in STAGES[:-1]:
        return Refusal("unknown-word", "Choose the source, direction and stage from the lists.")
    if discipline not in DISCIPLINES:
        return Refusal("unknown-service", "Say which service the client was sent for.")
    if new.source_type == "contact" and (not _is_there(session, new.contact_id)):
        return Refusal("unknown-source", "Choose who sent the client, or “not known yet”.")
    if new.advocate_id is not None and not _is_there(session, new.advocate_id):
        return Refusal("unknown-source", "Choose who recommended us, or leave the name empty.")
    if new.location_id is not None and session.get(Location, new.location_id) is None:
        return Refusal("unknown-word", "This location is no longer in the list. Choose another one.")
    if new.payer_id is not None and session.get(Payer, new.payer_id) is None:
        return Refusal("unknown-word", "This payer is no longer in the list. Choose another one.")
    if not is_client_number(new.client_number):
        return Refusal("looks-like-a-name", "Type the client's number only, never a name: this looks like a name.")
    return None


def _pressed_twice(
    session: Session, new: NewReferral, *, discipline: str, now: datetime, by_id: int | None
) -> Referral | None:
    """The same referral, typed by the same person a moment ago: the button was pressed twice."""
    if by_id is None:
        return None
    same = asdict(new) | {
        "discipline": discipline,
        "client_number": new.client_number.strip(),
        "unmatched_source": new.unmatched_source[:200],
        "logged_by_id": by_id,
        "deleted_at": None,
    }
    found = select(Referral).filter_by(**same).where(Referral.created_at > now - TWICE)
    return session.scalar(found.order_by(Referral.id.desc()).limit(1))


def _is_there(session: Session, contact_id: int | None) -> bool:
    return contact_id is not None and sourcing.survivor(session, contact_id) is not None


def _present(session: Session, contact_id: int | None) -> int | None:
    """The contact that this id stands for today; the id itself when nobody does, for the refusal."""
    found = sourcing.survivor(session, contact_id) if contact_id is not None else None
    return found.id if found is not None else contact_id


def _follow(session: Session, referral: Referral, *, now: datetime, today: date, by_id: int | None) -> None:
    """What comes of a referral by itself: duties with days, thanks, and the payer that the source's clients carry."""
    owing.owe(session, [referral], now=now, today=today)
    thanking.ask_for_thanks(session, [referral], now=now, today=today, by_id=by_id)
    if referral.direction == "in":
        learn(session, [(referral.contact_id, referral.payer_id)])


def _credit_advocate(session: Session, referral: Referral, *, now: datetime, by_id: int | None) -> None:
    if referral.advocate_id is None:
        return
    timeline.add(
        session,
        now=now,
        contact_id=referral.advocate_id,
        kind="recommended",
        at=_happened_at(referral, now, zone_of(session)),
        by_id=by_id,
        origin=f"referral:{referral.id}",
        from_yield=True,
        text="Somebody came on their word",
    )


def _tell(session: Session, referral: Referral, service: Service | None, *, now: datetime, by_id: int | None) -> None:
    if referral.contact_id is not None:
        name, zone = service.name if service else "", zone_of(session)
        timeline.add_many(session, [touch_of(referral, name, now=now, zone=zone, by_id=by_id)])


def _happened_at(referral: Referral, now: datetime, zone: ZoneInfo) -> datetime:
    """When it was logged, on the day on which it came: however often its line is written anew, it stays there."""
    if referral.received_on >= referral.created_at.astimezone(zone).date():
        return min(referral.created_at, now)
    # Entered late, it belongs to the day it came; noon in UTC lies on that day everywhere in America.
    return min(datetime.combine(referral.received_on, time(12), UTC), now)


def _score_source(session: Session, referral: Referral, *, now: datetime, today: date) -> None:
    if referral.contact_id is not None and referral.direction == "in":
        refreshing.rescore(session, referral.contact_id, now=now, today=today)
