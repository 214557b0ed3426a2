"""Tasks: dated duties of one person about a contact or an event."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    case,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.contacts import timeline
from outreach.db import Base, Id, Line, Prose, Word, one_of

TASK_KINDS = ("call", "visit", "thank", "write", "send", "prepare", "other")
THANKS = "thank-you"
ONE_NOTE = timedelta(days=14)
"""A second note by hand within two weeks tells nothing new."""
UNHEARD = ("no-answer", "not-interested")
OUTCOMES = ("reached", "left-message", "no-answer", "not-interested", "done")


class Task(Base):
    """A duty. Final when done or dropped; `origin` makes the rule that created it create it once."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("origin"),
        CheckConstraint(one_of("kind", TASK_KINDS), name="kind"),
        Index(
            "ix_task_open_due_on",
            "due_on",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_task_contact_id", "contact_id"),
    )

    id: Mapped[Id]
    kind: Mapped[Word]
    title: Mapped[Line]
    script: Mapped[Prose] = mapped_column(default="")
    due_on: Mapped[date]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    event_id: Mapped[int | None]
    origin: Mapped[str | None] = mapped_column(String(80))
    from_yield: Mapped[bool] = mapped_column(default=False)
    has_value: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It offers food, a gift or anything else of value: never put in an order that yield decides."""
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None] = mapped_column(String(20))
    """One of OUTCOMES, or "dropped"."""


def add(
    session: Session,
    *,
    now: datetime,
    kind: str,
    title: str,
    due_on: date,
    owner_id: int | None = None,
    contact_id: int | None = None,
    event_id: int | None = None,
    script: str = "",
    origin: str | None = None,
    from_yield: bool = False,
) -> Task:
    """The task is on its owner's list; idempotent for a given origin."""
    known = session.scalar(select(Task).where(Task.origin == origin)) if origin else None
    if known is not None:
        return known
    task = Task(
        kind=kind,
        title=title,
        due_on=due_on,
        owner_id=owner_id,
        contact_id=contact_id,
        event_id=event_id,
        script=script,
        origin=origin,
        from_yield=from_yield,
        created_at=now,
    )
    session.add(task)
    session.flush()
    return task


def add_many(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Many tasks in one statement; rows have the columns of Task, all with the same keys and an origin. Idempotent."""
    if not rows:
        return
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(build(Task).on_conflict_do_nothing(), list(rows))


def close(
    session: Session, task: Task, *, now: datetime, by_id: int | None, outcome: str = "done", note: str = ""
) -> None:
    """The task is off every list; a call or visit is told on the contact's timeline. Idempotent."""
    if task.closed_at is not None:
        return
    task.closed_at, task.closed_by_id, task.outcome = now, by_id, outcome
    if task.contact_id is not None and outcome != "dropped":
        kind = touch_of(task, outcome)
        timeline.add(
            session,
            now=now,
            contact_id=task.contact_id,
            kind=kind,
            by_id=by_id,
            origin=f"task:{task.id}",
            text=note or f"{task.title} ({outcome.replace('-', ' ')})",
            from_yield=task.from_yield,
        )
        if kind == THANKS:
            thanked(session, task.contact_id, at=now, by_id=by_id)


def touch_of(task: Task, outcome: str = "done") -> str:
    """The kind of touch that doing the task is. Nobody is thanked by a call that nobody took."""
    if task.kind == "thank" and outcome in UNHEARD:
        return "call"
    return {"call": "call", "visit": "visit", "thank": THANKS}.get(task.kind, "note")


def thanked(
    session: Session, contact_id: int, *, at: datetime, by_id: int | None, made_until: datetime | None = None
) -> None:
    """The contact was thanked: what referrals and campaigns asked for until then (`at` by default) is done. Idempotent.

    The touch is the caller's to tell: one thank-you is one touch, whatever it answers.
    """
    session.execute(
        update(Task)
        .where(*_asked_to_thank(contact_id), Task.closed_at.is_(None), Task.created_at <= (made_until or at))
        .values(closed_at=at, closed_by_id=by_id, outcome="done")
    )


def thanks_taken_back(session: Session, contact_id: int, *, at: datetime) -> None:
    """What the thank-you of that instant closed is open again. Idempotent."""
    session.execute(
        update(Task)
        .where(*_asked_to_thank(contact_id), Task.closed_at == at)
        .values(closed_at=None, closed_by_id=None, outcome=None)
    )


def _asked_to_thank(contact_id: int) -> tuple[ColumnElement[bool], ...]:
    by_rule = or_(*(Task.origin.startswith(room) for room in ("referral:", "campaign:")))
    return Task.contact_id == contact_id, Task.kind == "thank", Task.has_value.is_(False), by_rule


def is_by_hand(kind: str, title: str) -> bool:
    """Whether that duty is a note by hand: one of them is enough for one meeting."""
    return kind == "write" and "by hand" in title.lower()


def owed_by_hand(session: Session, contact_ids: Collection[int], *, now: datetime) -> set[int]:
    """Which of these contacts got a note by hand, or are to get one, by a task of the last two weeks."""
    if not contact_ids:
        return set()
    rows = session.execute(
        select(Task.contact_id, Task.title).where(
            Task.contact_id.in_(contact_ids),
            Task.kind == "write",
            Task.created_at >= now - ONE_NOTE,
            func.coalesce(Task.outcome, "") != "dropped",
        )
    )
    return {contact_id for contact_id, title in rows if contact_id and is_by_hand("write", title)}


def open_tasks(session: Session, *, owner_id: int | None, nobody: bool = False, limit: int) -> list[Task]:
    """Open tasks of one owner (`nobody`: of no one; neither: of all), by the day they are due."""
    found = select(Task).where(Task.closed_at.is_(None)).order_by(Task.due_on, Task.id).limit(limit)
    if nobody:
        found = found.where(Task.owner_id.is_(None))
    elif owner_id is not None:
        found = found.where(Task.owner_id == owner_id)
    return list(session.scalars(found))


def open_counts(session: Session, *, today: date) -> dict[int | None, tuple[int, int]]:
    """{owner id or None: (open, overdue)}, in one query."""
    late = func.count(case((Task.due_on < today, 1)))
    rows = session.execute(
        select(Task.owner_id, func.count(), late).where(Task.closed_at.is_(None)).group_by(Task.owner_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def drop(session: Session, origin_prefix: str, *, now: datetime) -> int:
    """Open tasks whose origin starts with the prefix are dropped: their cause is gone. Idempotent."""
    open_ones = session.scalars(
        select(Task).where(Task.origin.startswith(origin_prefix, autoescape=True), Task.closed_at.is_(None))
    ).all()
    for task in open_ones:
        close(session, task, now=now, by_id=None, outcome="dropped")
    return len(open_ones)
