"""Which tick of which job was won by whom: a unique row makes any number of schedulers safe."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Index, String, UniqueConstraint, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id

KEPT_FOR = timedelta(days=7)


class JobRun(Base):
    """One won slot of one job, and what came of it."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "slot_at"), Index("ix_job_run_started_at", "started_at"))

    id: Mapped[Id]
    job: Mapped[str] = mapped_column(String(60))
    slot_at: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    handled: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(200))


def slot_of(now: datetime, every: timedelta) -> datetime:
    """The start of the slot that `now` lies in, counted from the epoch in UTC."""
    seconds = int(every.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def win(session: Session, job: str, *, now: datetime, every: timedelta) -> JobRun | None:
    """The run of this slot if nobody had it before, else None. Holds once the turn commits."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    slot_at = slot_of(now, every)
    won = session.execute(
        build(JobRun)
        .values(job=job, slot_at=slot_at, started_at=now, handled=0)
        .on_conflict_do_nothing(index_elements=["job", "slot_at"])
        .returning(JobRun.id)
    ).scalar()
    return session.get(JobRun, won) if won is not None else None


def last_tick_at(session: Session) -> datetime | None:
    """When any job last started: the health page goes red when this is old."""
    return session.scalar(select(JobRun.started_at).order_by(JobRun.started_at.desc()).limit(1))


def purge(session: Session, *, now: datetime) -> int:
    """Slots older than a week are forgotten; idempotent."""
    return len(session.scalars(delete(JobRun).where(JobRun.slot_at < now - KEPT_FOR).returning(JobRun.id)).all())
