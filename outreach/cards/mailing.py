"""Cards on paper that were taken to the post: said once, told on every timeline, taken back when it was a slip."""

from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.cards import ledger, stopping
from outreach.cards.editing import occasion_of
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts import timeline
from outreach.contacts.timeline import Touch
from outreach.deliveries.house import house_of
from outreach.errors import Refusal
from outreach.screen import World

KIND = "card-mailed"


def mark_mailed(
    session: Session, run: CardRun, *, now: datetime, world: World, mailed_on: date, by_id: int | None
) -> int | Refusal:
    """Every printed card of the run is mailed and on its contact's timeline; answers how many. Idempotent.

    Whoever may get none any more is asked about once more, and is left off. Refusals: in-the-future, on-hold,
    nothing-printed.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    if stopping.holds_paper(session, run):
        return Refusal("on-hold", "These cards are on hold: nothing was changed. Resume first.")
    if mailed_on > house.today:
        return Refusal("in-the-future", "That day has not come yet. Say when the cards were taken to the post.")
    printed = session.scalars(
        select(CardRecipient.contact_id).where(
            CardRecipient.run_id == run.id,
            CardRecipient.way == "print",
            CardRecipient.printed_at.is_not(None),
            CardRecipient.mailed_on.is_(None),
        )
    ).all()
    passed = ledger.mail(session, run, printed, now=now, house=house) if printed else set()
    _leave_out(session, run, [each for each in printed if each not in passed])
    printed = [each for each in printed if each in passed]
    if not printed:
        return Refusal("nothing-printed", "No printed card waits to be mailed. Print the cards first.")
    session.execute(
        update(CardRecipient),
        [{"run_id": run.id, "contact_id": each, "mailed_on": mailed_on} for each in printed],
    )
    text = f"{occasion_of(run).name} card mailed on {mailed_on:%B} {mailed_on.day}"
    timeline.add_many(
        session,
        [
            {
                "contact_id": each,
                "kind": KIND,
                "at": now,
                "text": text,
                "minutes": None,
                "by_id": by_id,
                "origin": origin(run),
                "from_yield": False,
            }
            for each in printed
        ],
    )
    return len(printed)


def take_back(session: Session, run: CardRun, *, now: datetime) -> int:
    """It was a slip: the last cards that were mailed, within `ledger.UNDO_FOR`, are not, and the timelines say
    nothing of it. Answers how many. Idempotent."""
    back = ledger.take_back(session, run, now=now)
    if not back:
        return 0
    session.execute(
        update(CardRecipient)
        .where(CardRecipient.run_id == run.id, CardRecipient.contact_id.in_(back))
        .values(mailed_on=None)
        .execution_options(synchronize_session="fetch")
    )
    mine = (Touch.origin == origin(run), Touch.kind == KIND, Touch.contact_id.in_(back))
    session.execute(delete(Touch).where(*mine))
    if run.status == "done":
        run.status, run.finished_at = "going-out", None
    session.flush()
    return len(back)


def _leave_out(session: Session, run: CardRun, contact_ids: list[int]) -> None:
    if contact_ids:
        session.execute(
            update(CardRecipient)
            .where(CardRecipient.run_id == run.id, CardRecipient.contact_id.in_(contact_ids))
            .values(way="skip", reason="stopped")
            .execution_options(synchronize_session="fetch")
        )


def origin(run: CardRun) -> str:
    """What the timeline remembers of where a touch comes from."""
    return f"card:{run.id}"
