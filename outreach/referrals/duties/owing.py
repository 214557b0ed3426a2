"""What a referral owes its source, and until when. Made from the referral's own days; closed when somebody sent it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.kinds import CLASS_OF
from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.models import Referral

DUE_AFTER = {
    "acknowledge": timedelta(days=2),
    "evaluation-report": timedelta(days=7),
    "plan-of-care": timedelta(days=30),
    "discharge-report": timedelta(days=7),
}
"""Counted from the day of DUTY_FROM. Plan of care: 42 CFR 424.24(c), certified within 30 days of the evaluation."""
DUTY_FROM = {
    "acknowledge": ("received_on",),
    "evaluation-report": ("evaluated_on", "started_on"),
    "plan-of-care": ("evaluated_on", "started_on"),
    "discharge-report": ("completed_on",),
}
DUTY_LABELS = {
    "acknowledge": "Acknowledge the referral",
    "evaluation-report": "Send the evaluation report",
    "plan-of-care": "Send the plan of care",
    "discharge-report": "Send the discharge report",
}
DUTY_DONE = {
    "acknowledge": "Referral acknowledged",
    "evaluation-report": "Evaluation report sent",
    "plan-of-care": "Plan of care sent",
    "discharge-report": "Discharge report sent",
}
HISTORY = timedelta(days=45)
"""What began longer ago, as in the first import of an export, is history: nobody is asked for it."""
GETS_REPORTS = ("provider", "peer")
"""Audience classes that treat: nothing about a client goes to anybody else."""


def owe(session: Session, referrals: Sequence[Referral], *, now: datetime, today: date) -> None:
    """The duties of these referrals are on record with their days; what lost its cause is dropped. Idempotent.

    Two queries, whatever the number of referrals.
    """
    if not referrals:
        return
    ids = {referral.contact_id for referral in referrals if referral.contact_id}
    rows = session.execute(select(Contact.id, Contact.kind).where(Contact.id.in_(ids)))
    kinds = {row[0]: row[1] for row in rows}
    stored: dict[tuple[int, str], ReferralDuty] = {}
    for duty in session.scalars(select(ReferralDuty).where(ReferralDuty.referral_id.in_([r.id for r in referrals]))):
        stored[duty.referral_id, duty.kind] = duty
    for referral in referrals:
        treats = CLASS_OF.get(kinds.get(referral.contact_id or 0, "")) in GETS_REPORTS
        wanted = dict(_wanted(referral, today=today)) if treats else {}
        for kind in DUE_AFTER:
            _settle(session, referral, kind, stored.get((referral.id, kind)), wanted.get(kind), now=now)
    session.flush()


def owe_lacking(session: Session, *, now: datetime, limit: int) -> int:
    """Up to `limit` referrals that owe something and have no duty on record get theirs; answers how many. Idempotent.

    For what was logged before there were duties: looks at the days of `owe`, and finds nothing once they are there.
    """
    zone = session.scalar(select(Practice.time_zone))
    if zone is None:
        return 0
    today = now.astimezone(ZoneInfo(zone)).date()
    treating = [kind for kind, audience in CLASS_OF.items() if audience in GETS_REPORTS]
    days = {names: [getattr(Referral, name) for name in names] for names in DUTY_FROM.values()}
    since = [func.coalesce(*some) if len(some) > 1 else some[0] for some in days.values()]
    lacking = (
        select(Referral)
        .join(Contact, Contact.id == Referral.contact_id)
        .where(
            or_(*(day >= today - HISTORY for day in since)),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            or_(Referral.stage != "closed", func.coalesce(Referral.close_reason, "") != "duplicate"),
            Contact.kind.in_(treating),
            ~exists().where(ReferralDuty.referral_id == Referral.id),
        )
    )
    found = session.scalars(lacking.order_by(Referral.id).limit(limit)).all()
    owe(session, found, now=now, today=today)
    return len(found)


def close(
    session: Session, duty: ReferralDuty, *, on: date, now: datetime, today: date, by_id: int | None
) -> Refusal | None:
    """The duty is done on that day, and the source's timeline says so. Idempotent. Refusals: future, too-early."""
    referral = session.get_one(Referral, duty.referral_id)
    if on > today:
        return Refusal("future", "Say when it was sent; this day lies in the future.")
    if on < referral.received_on:
        return Refusal("too-early", f"The referral came on {referral.received_on:%B %-d, %Y}: nothing was sent before.")
    if duty.done_on is not None or duty.dropped_at is not None:
        return None
    duty.done_on, duty.done_by_id = on, by_id
    if duty.kind != "acknowledge":
        # Whoever has the report knows that the referral arrived.
        session.execute(
            update(ReferralDuty)
            .where(
                ReferralDuty.referral_id == duty.referral_id,
                ReferralDuty.kind == "acknowledge",
                ReferralDuty.done_on.is_(None),
                ReferralDuty.dropped_at.is_(None),
            )
            .values(done_on=on, done_by_id=by_id)
        )
    if referral.contact_id is not None:
        client = f" for client {referral.client_number}" if referral.client_number else ""
        timeline.add(
            session,
            now=now,
            contact_id=referral.contact_id,
            kind="report-sent",
            by_id=by_id,
            origin=f"duty:{duty.id}",
            from_yield=True,
            text=DUTY_DONE[duty.kind] + client,
        )
    return None


def reopen(session: Session, duty: ReferralDuty) -> None:
    """Marked as sent by mistake: it is owed again and off the timeline. Idempotent."""
    duty.done_on = duty.done_by_id = None
    session.execute(delete(timeline.Touch).where(timeline.Touch.origin == f"duty:{duty.id}"))
    session.flush()


def _wanted(referral: Referral, *, today: date) -> Iterator[tuple[str, date]]:
    over = referral.stage == "closed" and referral.close_reason == "duplicate"
    if referral.direction != "in" or referral.deleted_at is not None or over:
        return
    for kind, columns in DUTY_FROM.items():
        since = next((day for day in (getattr(referral, name) for name in columns) if day is not None), None)
        if since is not None and since >= today - HISTORY:
            yield kind, since + DUE_AFTER[kind]


def _settle(
    session: Session, referral: Referral, kind: str, stored: ReferralDuty | None, due_on: date | None, *, now: datetime
) -> None:
    if stored is None and due_on is not None:
        session.add(ReferralDuty(referral_id=referral.id, kind=kind, due_on=due_on, created_at=now))
    elif stored is not None and stored.done_on is None:
        gone = due_on is None and not _still_caused(referral, kind)
        stored.dropped_at = (stored.dropped_at or now) if gone else None
        stored.due_on = due_on or stored.due_on


def _still_caused(referral: Referral, kind: str) -> bool:
    """Whether a duty that grew old still has its cause: age alone drops nothing."""
    alive = referral.deleted_at is None and referral.contact_id is not None and referral.close_reason != "duplicate"
    return alive and any(getattr(referral, name) is not None for name in DUTY_FROM[kind])
