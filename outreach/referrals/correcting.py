"""Correcting what was typed about a referral: service, payer, location, client number, the day it came."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.errors import Refusal
from outreach.practice.models import Location, Payer, Service
from outreach.referrals import refreshing
from outreach.referrals.duties import owing
from outreach.referrals.logging import EARLIEST, is_client_number, touch_of, zone_of
from outreach.referrals.models import Referral
from outreach.referrals.payers.learning import learn
from outreach.referrals.rules import STAGE_DATES


@dataclass(frozen=True)
class Correction:
    """What the referral says from now on."""

    service_id: int
    payer_id: int | None
    location_id: int | None
    client_number: str
    received_on: date


def correct(
    session: Session, referral: Referral, wanted: Correction, *, now: datetime, today: date, by_id: int | None
) -> Referral | Refusal:
    """The referral says so, on the timeline, in its duties and in the yield too. Idempotent.

    Refusals: bad-date, future-date, after-a-stage, unknown-service, unknown-word, looks-like-a-name.
    """
    service = session.get(Service, wanted.service_id)
    refusal = _refuse(session, referral, wanted, service, today=today)
    if refusal is not None:
        return refusal
    assert service is not None
    referral.service_id, referral.discipline = service.id, service.discipline
    referral.payer_id, referral.location_id = wanted.payer_id, wanted.location_id
    referral.client_number, referral.received_on = wanted.client_number.strip(), wanted.received_on
    session.flush()
    if referral.contact_id is not None:
        session.execute(delete(timeline.Touch).where(timeline.Touch.origin == f"referral:{referral.id}"))
        line = touch_of(referral, service.name, now=now, zone=zone_of(session), by_id=referral.logged_by_id)
        timeline.add_many(session, [line])
        owing.owe(session, [referral], now=now, today=today)
        if referral.direction == "in":
            learn(session, [(referral.contact_id, referral.payer_id)])
            refreshing.rescore(session, referral.contact_id, now=now, today=today)
    return referral


def _refuse(
    session: Session, referral: Referral, wanted: Correction, service: Service | None, *, today: date
) -> Refusal | None:
    if wanted.received_on < EARLIEST:
        return Refusal("bad-date", "That day is too far back: look at the year.")
    if wanted.received_on > today:
        return Refusal("future-date", "A referral came today or earlier; this day lies in the future.")
    days = [day for name in STAGE_DATES.values() if (day := getattr(referral, name)) is not None]
    if days and wanted.received_on > min(days):
        return Refusal("after-a-stage", f"Something happened on {min(days):%B %-d, %Y} already: it came before that.")
    if service is None:
        return Refusal("unknown-service", "Say which service the client was sent for.")
    if wanted.payer_id is not None and session.get(Payer, wanted.payer_id) is None:
        return Refusal("unknown-word", "This payer is no longer in the list. Choose another one.")
    if wanted.location_id is not None and session.get(Location, wanted.location_id) is None:
        return Refusal("unknown-word", "This location is no longer in the list. Choose another one.")
    if not is_client_number(wanted.client_number):
        return Refusal("looks-like-a-name", "Type the client's number only, never a name: this looks like a name.")
    return None
