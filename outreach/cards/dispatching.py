"""Hands the emails of approved runs to the outbox on their day, and closes runs of which nothing is left."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select, text, update
from sqlalchemy.orm import Session

from outreach.cards import ledger, listing
from outreach.cards.approving import UNDO_FOR
from outreach.cards.checking import SEND_MINUTE
from outreach.cards.editing import occasion_of
from outreach.cards.models import IS_DUE, CardRecipient, CardRun
from outreach.cards.occasions import PERSONAL_GRACE
from outreach.cards.wishing import wishing
from outreach.contacts.models import Contact
from outreach.content.publishing import message_of
from outreach.deliveries import outbox, pacing
from outreach.deliveries.house import House, house_of
from outreach.deliveries.models import Delivery
from outreach.screen import World

SOURCE = "card"
ON_ITS_WAY = ("scheduled", "claimed", "sending", "resend-approved")
PAPER_MAY_LAG = timedelta(days=21)
"""A run is closed that long after its occasion even when paper was never said to be mailed."""
LIVE = ("approved", "going-out")


def dispatch(session: Session, *, now: datetime, world: World, limit: int) -> int:
    """Up to `limit` emails whose day has come are planned; answers how many. Idempotent.

    Whoever left the groups or changed class since approval is left out with the reason; an opt-out is stopped by the
    outbox. A card whose occasion is over expires there and is seen.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    handled = 0
    while handled < limit and (due := _next(session, house.today, now)) is not None:
        run, day = due
        batch = session.scalars(
            select(CardRecipient.contact_id)
            .where(CardRecipient.run_id == run.id, CardRecipient.send_on == day, text(IS_DUE))
            .order_by(CardRecipient.contact_id)
            .limit(limit - handled)
        ).all()
        _plan(session, run, day, batch, now=now, world=world, house=house)
        handled += len(batch)
    ledger.settle(session, now=now, house=house)
    _finish(session, now=now, today=house.today)
    return handled


def _next(session: Session, today: date, now: datetime) -> tuple[CardRun, date] | None:
    open_for_undo = CardRun.approved_at > now - UNDO_FOR
    row = session.execute(
        select(CardRun, CardRecipient.send_on)
        .join(CardRecipient, CardRecipient.run_id == CardRun.id)
        .where(CardRun.status.in_(LIVE), CardRecipient.send_on <= today, text(IS_DUE), ~open_for_undo)
        .order_by(CardRecipient.send_on, CardRun.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=CardRun)
    ).first()
    return (row[0], row[1]) if row else None


def _plan(
    session: Session,
    run: CardRun,
    day: date,
    batch: Sequence[int],
    *,
    now: datetime,
    world: World,
    house: House,
) -> None:
    reasons = _left_out(session, run, batch, now=now, world=world, house=house)
    last_on = day + PERSONAL_GRACE if occasion_of(run).personal else run.last_on
    nine = pacing.resolved(day, SEND_MINUTE, house.zone)
    assert run.message_id is not None  # approved with emails on the list
    outbox.put(
        session,
        now=now,
        world=world,
        message_id=run.message_id,
        kind=listing.KIND,
        source=SOURCE,
        source_id=run.id,
        contact_ids=[each for each in batch if each not in reasons],
        occurrence=str(run.year),
        not_before_at=nine,
        # Late on the day itself it leaves at once: asking for nine o'clock would mean tomorrow.
        local_time=SEND_MINUTE if now <= nine else None,
        not_after_at=pacing.resolved(last_on + timedelta(days=1), 0, house.zone),
    )
    rows = [{"run_id": run.id, "contact_id": each, "planned_at": now} for each in batch]
    session.execute(update(CardRecipient), rows)
    for each, reason in reasons.items():
        session.execute(
            update(CardRecipient), [{"run_id": run.id, "contact_id": each, "way": "skip", "reason": reason}]
        )
    run.status = "going-out"
    session.flush()


def _left_out(
    session: Session, run: CardRun, batch: Sequence[int], *, now: datetime, world: World, house: House
) -> dict[int, str]:
    inside = listing.still_wanted(session, run.group_ids, now=now, world=world, house=house)
    allowed = message_of(session, run.message_id or 0).audiences
    rows = session.execute(
        select(Contact.id, Contact.audience_class, inside.label("inside")).where(Contact.id.in_(batch))
    )
    found = {row.id: row for row in rows}
    wishes = wishing.of(session, Contact.id.in_(batch))
    mine = (CardRecipient.run_id == run.id, CardRecipient.contact_id.in_(batch), CardRecipient.by_hand)
    by_hand = set(session.scalars(select(CardRecipient.contact_id).where(*mine)))
    reasons = {}
    for each in batch:
        row = found.get(each)
        if row is None or not row.inside:
            reasons[each] = "left-group"
        elif row.audience_class not in allowed:
            reasons[each] = "contact-changed"
        elif wishing.forbids(wishes.get(each), run.occasion, "" if each in by_hand else "email"):
            reasons[each] = "wishes"
    return reasons


def _finish(session: Session, *, now: datetime, today: date) -> None:
    """Runs with no email left to plan or under way, and no paper left to mail (or long past), are done."""
    on_its_way = exists().where(
        Delivery.source == SOURCE,
        Delivery.source_id == CardRun.id,
        Delivery.state.in_(ON_ITS_WAY),
        Delivery.step != ledger.STEP,
    )
    paper = _some(and_(CardRecipient.way == "print", CardRecipient.mailed_on.is_(None)))
    session.execute(
        update(CardRun)
        .where(
            CardRun.status.in_(LIVE),
            ~_some(and_(CardRecipient.way == "email", CardRecipient.planned_at.is_(None))),
            ~on_its_way,
            or_(~paper, CardRun.last_on < today - PAPER_MAY_LAG),
        )
        .values(status="done", finished_at=now)
        .execution_options(synchronize_session="fetch")
    )


def _some(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(CardRecipient.run_id == CardRun.id, which).correlate(CardRun)
