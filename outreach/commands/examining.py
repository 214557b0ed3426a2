"""`outreach doctor`: what is well, what is not, and what to do about it."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach import audit, jobruns
from outreach.commands.migrating import is_current
from outreach.config import Settings
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery, TransportState
from outreach.practice.models import Practice
from outreach.practice.queries import has_administrator
from outreach.runtime import Runtime, open_runtime
from outreach.screen import Turn

FREE_FLOOR_BYTES = 200 * 1024 * 1024
"""Below this, planning and sending would risk a full disk (reliability C6)."""
SILENCE = timedelta(minutes=3)

Finding = tuple[bool, str]


def examine(settings: Settings) -> tuple[bool, str]:
    """(all well, one line per finding)."""
    runtime = open_runtime(settings)
    try:
        found = list(_findings(runtime))
    finally:
        runtime.close()
    lines = [f"{'ok  ' if well else 'LOOK'}  {words}" for well, words in found]
    return all(well for well, _ in found), "\n".join(lines)


def _findings(runtime: Runtime) -> Iterator[Finding]:
    settings = runtime.settings
    free = shutil.disk_usage(settings.home).free
    yield free >= FREE_FLOOR_BYTES, f"{free // 1024**2} MB are free in {settings.home}."
    if not is_current(runtime.reading_engine):
        yield False, "The tables are not those of this program: run `outreach migrate`."
        return
    yield True, f"The database is up to date; time zones are of tzdata {version('tzdata')}."
    trouble = runtime.dispatcher.health()
    yield trouble is None, trouble or "Work is spread as it should be."
    with runtime.turn(write=False) as turn:
        if turn.session.get(Practice, 1) is None or not has_administrator(turn.session):
            yield False, "Nobody can sign in yet: run `outreach setup-code` and open the pages in a browser."
            return
        yield from _practice(turn.session, settings)
        yield _ticks(turn)
        yield from _jobs(turn)
        yield from _mail(turn.session)
        broken = audit.first_broken(turn.session)
        yield (
            broken is None,
            "The record of changes is whole."
            if broken is None
            else (f"Entry {broken} of the record of changes was altered."),
        )


def _practice(session: Session, settings: Settings) -> Iterator[Finding]:
    address = settings.public_url or session.get_one(Practice, 1).public_url
    https = address.startswith("https://") or settings.mode == "demo"
    yield (
        https,
        f"People outside reach {address}."
        if https
        else (
            "There is no public https address: unsubscribe and answer links cannot work. Set it under Settings, Sender."
        ),
    )
    if not settings.second_factor_required and settings.mode == "run":
        yield False, "No second factor is asked for at sign-in (OUTREACH_SECOND_FACTOR)."


def _ticks(turn: Turn) -> Finding:
    last = jobruns.last_tick_at(turn.session)
    if last is None or turn.now - last > SILENCE:
        since = "never" if last is None else f"not since {last:%Y-%m-%d %H:%M} UTC"
        return False, f"The worker has {since} been at work: start it with `outreach run` or `outreach worker`."
    return True, f"The worker was at work {int((turn.now - last).total_seconds())} seconds ago."


def _jobs(turn: Turn) -> Iterator[Finding]:
    failed = turn.session.execute(
        select(jobruns.JobRun.job, func.count())
        .where(jobruns.JobRun.error.is_not(None), jobruns.JobRun.started_at > turn.now - timedelta(days=1))
        .group_by(jobruns.JobRun.job)
    )
    for name, number in failed:
        yield False, f"The job {name} failed {number} times in the last day; the worker's log says why."


def _mail(session: Session) -> Iterator[Finding]:
    for scope, hold in outbox.held_scopes(session).items():
        yield False, f"Mail is on hold ({scope}): {hold.why or 'held by a person'}"
    for state in session.scalars(select(TransportState).where(TransportState.paused_at.is_not(None))):
        yield False, f"The transport {state.name} is paused: {state.paused_why}"
    counted = session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.state.in_(("unconfirmed", "failed", "held")))
        .group_by(Delivery.state)
    )
    waiting: dict[str, int] = {row[0]: row[1] for row in counted}
    words = ", ".join(f"{number} {state}" for state, number in waiting.items())
    yield not waiting, f"In the outbox: {words}." if words else "Nothing in the outbox needs a look."
