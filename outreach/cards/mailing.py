"""Cards on paper that were taken to the post: said once, told on every timeline, taken back when it was a slip."""

from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.cards.editing import occasion_of
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts import timeline
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal

KIND = "card-mailed"


def mark_mailed(
    session: Session, run: CardRun, *, now: datetime, today: date, mailed_on: date, by_id: int | None
) -> int | Refusal:
    """Every printed card of the run is mailed and on its contact's timeline; answers how many. Idempotent.

    Refusals: in-the-future, nothing-printed.
    """
    if mailed_on > today:
        return Refusal("in-the-future", "That day has not come yet. Say when the cards were taken to the post.")
    printed = session.scalars(
        select(CardRecipient.contact_id).where(
            CardRecipient.run_id == run.id,
            CardRecipient.way == "print",
            CardRecipient.printed_at.is_not(None),
            CardRecipient.mailed_on.is_(None),
        )
    ).all()
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


def take_back(session: Session, run: CardRun) -> int:
    """It was a slip: the cards are not mailed, and the timelines say nothing of it. Answers how many. Idempotent."""
    back = session.execute(
        update(CardRecipient)
        .where(CardRecipient.run_id == run.id, CardRecipient.mailed_on.is_not(None))
        .values(mailed_on=None)
        .returning(CardRecipient.contact_id)
        .execution_options(synchronize_session="fetch")
    ).all()
    session.execute(delete(Touch).where(Touch.origin == origin(run), Touch.kind == KIND))
    if run.status == "done":
        run.status, run.finished_at = "going-out", None
    session.flush()
    return len(back)


def origin(run: CardRun) -> str:
    """What the timeline remembers of where a touch comes from."""
    return f"card:{run.id}"
