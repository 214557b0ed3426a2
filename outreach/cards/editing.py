"""Starting a run for an occasion, its words and choices, its trash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.cards import listing, occasions, undoing
from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.occasions import Occasion, Span
from outreach.contacts import tasks
from outreach.content.drafts import Draft
from outreach.deliveries.house import House, house_of
from outreach.errors import Refusal
from outreach.screen import World

MAX_TITLE_CHARS = 200
MAX_FRONT_CHARS = 80
MAX_INSIDE_CHARS = 700
"""What fits on a folded quarter of a letter page with the greeting and the signature."""
MAX_GROUPS = 40
SEARCH_BACK_DAYS = 14
NOT_A_DRAFT = Refusal("not-a-draft", "This run is approved and cannot be edited any more.")
CHANGED_MEANWHILE = Refusal(
    "changed-meanwhile",
    "Someone else saved this run while you were writing. What you typed is still here: saving again keeps yours.",
)


@dataclass(frozen=True)
class Typed:
    """What the form of a run holds."""

    title: str
    draft: Draft
    front: str
    inside: str
    group_ids: Collection[int]
    by_email: bool
    on_paper: bool
    one_per: str
    leap_day_after: bool
    send_on: date


def start(
    session: Session, occasion: Occasion, *, now: datetime, world: World, by_id: int | None, year: int | None = None
) -> CardRun:
    """A draft for the next occurrence (or that year's), with last year's words and groups or good new ones."""
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    span = occasion.span(year) if year else occasions.next_span(occasion, house.today)
    before = latest(session, occasion.key)
    run = CardRun(
        occasion=occasion.key,
        year=span.first_on.year,
        title=f"{occasion.name} {span.first_on.year}",
        draft=dict(before.draft) if before else email_of(occasion).to_json(),
        front=before.front if before else occasion.front,
        inside=before.inside if before else occasion.inside,
        fallback=occasion.fallback,
        group_ids=list(before.group_ids) if before else [],
        by_email=before.by_email if before else True,
        on_paper=before.on_paper if before else True,
        one_per=before.one_per if before else "person",
        send_on=_first_day(occasion, span, house),
        last_on=span.last_on,
        created_at=now,
        created_by_id=by_id,
        edited_at=now,
    )
    session.add(run)
    session.flush()
    return run


def email_of(occasion: Occasion) -> Draft:
    """The email that a run starts with: plain and short, like a note."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in occasion.inside.split("\n\n"))
    return Draft(
        subject=occasion.subject,
        preview_line=occasion.front,
        layout="designed",
        sponsored="no",
        blocks=[
            {"type": "greeting", "word": "Dear", "fallback": occasion.fallback},
            {"type": "heading", "text": occasion.front},
            {"type": "text", "html": paragraphs},
            {"type": "signature", "person_id": ""},
        ],
    )


def latest(session: Session, occasion: str) -> CardRun | None:
    """The last run for an occasion: the next one takes its words and groups."""
    found = select(CardRun).where(CardRun.occasion == occasion, CardRun.deleted_at.is_(None))
    return session.scalars(found.order_by(CardRun.year.desc(), CardRun.id.desc()).limit(1)).first()


def save(
    session: Session,
    run: CardRun,
    typed: Typed,
    *,
    now: datetime,
    version: int,
    by_id: int | None = None,
    by_itself: bool = False,
) -> CardRun | Refusal:
    """The run is as typed; how it was can be brought back. Saving what is there already changes nothing.

    Refusals: not-a-draft, changed-meanwhile, from-yield, too-late, too-long.
    """
    if run.status != "draft":
        return NOT_A_DRAFT
    if version != run.version:
        return CHANGED_MEANWHILE
    known = listing.groups_of(session, list(typed.group_ids)[:MAX_GROUPS])
    if any(one.from_yield for one in known):
        return listing.FROM_YIELD
    if typed.send_on > run.last_on:
        words = f"{run.last_on:%B} {run.last_on.day}"
        return Refusal("too-late", f"The occasion is over on {words}. Choose an earlier day for the email.")
    if len(typed.inside) > MAX_INSIDE_CHARS or len(typed.front) > MAX_FRONT_CHARS:
        return Refusal(
            "too-long", f"The words do not fit on a card: {MAX_INSIDE_CHARS} characters inside are possible."
        )
    before = _write(run, typed, sorted(one.id for one in known))
    if before is None:
        return run
    undoing.remember(session, run, before, now=now, by_id=by_id, by_itself=by_itself)
    run.version += 1
    run.edited_at = now
    session.flush()
    return run


def put_away(session: Session, run: CardRun, *, now: datetime) -> bool:
    """A draft is in the trash for 30 days and its people are free for another list; others stay where they are."""
    if run.status not in ("draft", "cancelled"):
        return False
    run.deleted_at = now
    tasks.drop(session, f"card-run:{run.id}:", now=now)
    free(session, run)
    return True


def bring_back(run: CardRun) -> None:
    """Out of the trash; the list is to be made again. Idempotent."""
    run.deleted_at, run.listed_at = None, None


def free(session: Session, run: CardRun) -> None:
    """Whoever has not got a card of this run may be on another list for the occasion."""
    session.execute(
        update(CardRecipient)
        .where(
            CardRecipient.run_id == run.id,
            CardRecipient.way != "skip",
            CardRecipient.planned_at.is_(None),
            CardRecipient.mailed_on.is_(None),
        )
        .values(way="skip", reason="cancelled")
        .execution_options(synchronize_session="fetch")
    )


def purge(session: Session, *, now: datetime, kept_for: timedelta = timedelta(days=30)) -> int:
    """What lay in the trash for 30 days and never reached anybody is gone. Answers how many."""
    gone = delete(CardRun).where(CardRun.deleted_at < now - kept_for, CardRun.approved_at.is_(None))
    return len(session.scalars(gone.returning(CardRun.id)).all())


def _write(run: CardRun, typed: Typed, group_ids: list[int]) -> dict[str, Any] | None:
    """What was there before; None when nothing changed."""
    changes: dict[str, Any] = {
        "title": " ".join(typed.title.split())[:MAX_TITLE_CHARS] or run.title,
        "draft": typed.draft.to_json(),
        "front": " ".join(typed.front.split()),
        "inside": typed.inside.replace("\r\n", "\n").strip(),
        "group_ids": group_ids,
        "by_email": typed.by_email,
        "on_paper": typed.on_paper,
        "one_per": typed.one_per if typed.one_per in ("person", "household") else run.one_per,
        "leap_day_after": typed.leap_day_after,
        "send_on": typed.send_on,
    }
    before = {name: getattr(run, name) for name in changes}
    for name, value in changes.items():
        setattr(run, name, value)
    return before if before != changes else None


def _first_day(occasion: Occasion, span: Span, house: House) -> date:
    """The default day, moved back to a day on which mail is sent, but never before today nor after the occasion."""
    if occasion.personal:
        return max(span.first_on, house.today)
    wanted = occasions.send_day(occasion, span)
    for back in range(SEARCH_BACK_DAYS):
        day = wanted - timedelta(days=back)
        if day.weekday() in house.practice.send_weekdays and day not in house.quiet:
            return min(max(day, house.today), span.last_on)
    return min(max(wanted, house.today), span.last_on)


def occasion_of(run: CardRun) -> Occasion:
    """The occasion of a run."""
    return OCCASIONS[run.occasion]
