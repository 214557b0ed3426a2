"""`outreach doctor`: what is well, what is not, and what to do about it."""

from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from jobs import watching
from jobs.dispatching import dispatcher_for
from outreach import audit, jobruns
from outreach.clock import SystemClock
from outreach.commands.backing_up import verified
from outreach.commands.revisions import is_current
from outreach.config import Settings
from outreach.deliveries import outbox, spooling
from outreach.deliveries.guards import disk_guard, ground, high_water
from outreach.deliveries.models import NEEDS_A_LOOK, Delivery, TransportState
from outreach.deliveries.ways import way_rules, way_settings
from outreach.deliveries.ways.transport_models import TransportSetting
from outreach.errors import SettingsError
from outreach.practice import audit_checking
from outreach.practice.models import Practice
from outreach.practice.queries import has_administrator
from outreach.runtime import Runtime, open_runtime
from outreach.screen import Turn

SILENCE = timedelta(minutes=3)
OLDEST_BACKUP = timedelta(days=7)
CLOCK_APART = timedelta(seconds=5)
SECRETS = ("secret.key", "secrets.keys", "outreach.db")
COMMON_KEYS = (b"change-me", b"changeme", b"secret", b"development", b"example", b"password", b"0" * 32, b"x" * 32)

Finding = tuple[bool, str]


def examine(settings: Settings) -> tuple[bool, str]:
    """(all well, one line per finding)."""
    runtime = open_runtime(settings, dispatcher=dispatcher_for(settings))
    try:
        found = list(_findings(runtime))
    finally:
        runtime.close()
    lines = [f"{'ok  ' if well else 'LOOK'}  {words}" for well, words in found]
    return all(well for well, _ in found), "\n".join(lines)


def _findings(runtime: Runtime) -> Iterator[Finding]:
    settings = runtime.settings
    yield from _machine(settings)
    yield from _database(runtime)
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
        why = high_water.old_copy(turn.session, settings.home)
        yield why is None, why or "The database goes on where it stopped: it is no old copy."
        yield from _practice(turn.session, settings)
        yield _ticks(turn)
        yield from _jobs(turn)
        yield from _mail(turn.session, settings)
        broken = audit.first_broken(turn.session)
        yield (
            broken is None,
            "The record of changes is whole."
            if broken is None
            else (f"Entry {broken} of the record of changes was altered."),
        )
        if broken is None and audit_checking.altered(turn.session):
            yield False, "The last nightly check found the record of changes altered, and now it fits: see the log."


def _machine(settings: Settings) -> Iterator[Finding]:
    free = disk_guard.free_bytes(settings)
    room = free >= disk_guard.FLOOR_BYTES
    yield room, f"{free // 1024**2} MB are free in {settings.home}.{'' if room else ' ' + disk_guard.WHY}"
    for name in SECRETS:
        file = settings.home / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield False, f"Others on this machine may open {file}: run chmod 600 {file}"
    if settings.home.stat().st_mode & 0o022:
        yield False, f"Others on this machine may write into {settings.home}: run chmod 700 {settings.home}"
    if is_weak(settings.secret_key):
        yield False, "The secret key can be guessed: leave OUTREACH_SECRET_KEY out, and one is made."
    waiting = spooling.spooled(settings.home)
    if waiting:
        yield False, f"{len(waiting)} unsubscribes wait on disk for the database: is the worker running?"
    aside = settings.home / spooling.SPOOL / spooling.ASIDE
    if aside.is_dir() and (number := len(list(aside.iterdir()))):
        yield False, f"{number} files in {aside} could not be read as unsubscribes. Look at them, then delete them."
    yield from _backups(settings)


def is_weak(key: bytes) -> bool:
    """Whether a key is one of the well-known ones, or repeats itself."""
    low = key.lower()
    return len(set(key)) < 8 or any(low.startswith(each) for each in COMMON_KEYS)


def _backups(settings: Settings) -> Iterator[Finding]:
    if settings.mode != "run":
        return
    if not settings.database_url.startswith("sqlite"):
        yield True, "Backups of PostgreSQL are made with pg_dump or the provider's tools: look there."
        return
    made = [each for each in (settings.home / "backups").glob("outreach-*.db") if each.is_file()]
    youngest = max(made, key=lambda each: each.stat().st_mtime, default=None)
    now = SystemClock().now()
    if youngest is None or now.timestamp() - youngest.stat().st_mtime > OLDEST_BACKUP.total_seconds():
        yield False, "No backup was made in the last 7 days: run `outreach backup`, best every night."
        return
    try:
        verified(youngest)
    except SettingsError as damaged:
        yield False, f"The last backup cannot be used. {damaged}"
        return
    yield True, f"The last backup is {youngest}."


def _database(runtime: Runtime) -> Iterator[Finding]:
    if runtime.engine.dialect.name == "sqlite":
        troubles = list(ground.pragma_troubles(runtime.engine))
    else:
        troubles = list(ground.server_troubles(runtime.engine))
        with runtime.engine.connect() as connection:
            server = connection.execute(select(func.clock_timestamp())).scalar_one()
            connection.rollback()
        apart = abs(server - SystemClock().now())
        if apart > CLOCK_APART:
            yield False, f"The clocks of this machine and the database differ by {int(apart.total_seconds())} seconds."
    for trouble in troubles:
        yield False, trouble
    if not troubles:
        yield True, "The database keeps what it was told."


def _practice(session: Session, settings: Settings) -> Iterator[Finding]:
    practice = session.get_one(Practice, 1)
    address = settings.public_url or practice.public_url
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
    sends = settings.sendgrid_api_key or session.get(TransportSetting, "sendgrid")
    if sends and not way_settings.webhook_key(session, settings):
        where = "set SENDGRID_WEBHOOK_KEY" if settings.sendgrid_api_key else "put in its key on the Transports screen"
        yield False, f"SendGrid sends, but its events cannot be checked: {where}."
    if practice.inbound_domain and way_settings.inbound_agreed_on(session, settings) is None:
        yield False, "No agreement is recorded for the mailbox of replies: client mail does not offer it."


def _ticks(turn: Turn) -> Finding:
    last = jobruns.last_tick_at(turn.session)
    if last is None or turn.now - last > SILENCE:
        since = "has never been at work" if last is None else f"has not been at work since {last:%Y-%m-%d %H:%M} UTC"
        return False, f"The worker {since}: start it with `outreach run` or `outreach worker`."
    return True, f"The worker was at work {int((turn.now - last).total_seconds())} seconds ago."


def _jobs(turn: Turn) -> Iterator[Finding]:
    failed = turn.session.execute(
        select(jobruns.JobRun.job, func.count())
        .where(jobruns.JobRun.error.is_not(None), jobruns.JobRun.started_at > turn.now - timedelta(days=1))
        .group_by(jobruns.JobRun.job)
    )
    last = jobruns.last_tick_at(turn.session)
    works = last is not None and turn.now - last <= SILENCE
    for name in watching.silent_jobs(turn.session, now=turn.now) if works else ():
        yield False, f"The job {name} has missed three of its ticks; the worker's log says why."
    for name, number in failed:
        yield False, f"The job {name} failed {number} times in the last day; the worker's log says why."


def _mail(session: Session, settings: Settings) -> Iterator[Finding]:
    for scope, hold in outbox.held_scopes(session).items():
        yield False, f"Mail is on hold ({scope}): {hold.why or 'held by a person'}"
    for state in session.scalars(select(TransportState).where(TransportState.paused_at.is_not(None))):
        advice = f" {way_rules.advice(state.paused_why)}" if state.paused_by_id is None else ""
        yield False, f"The transport {state.name} is paused: {state.paused_why}{advice}"
    for name in way_settings.SECRETS:
        way = None if way_settings.outside(settings, name) else way_settings.way_of(session, settings, name)
        if way is not None and way.lost:
            yield False, f"The kept key of {name} cannot be read: type it again on the Transports screen."
    counted = session.execute(
        select(Delivery.state, func.count()).where(text(NEEDS_A_LOOK)).group_by(Delivery.state).order_by(Delivery.state)
    )
    waiting: dict[str, int] = {row[0]: row[1] for row in counted}
    words = ", ".join(f"{number} {state}" for state, number in waiting.items())
    yield not waiting, f"In the outbox: {words}." if words else "Nothing in the outbox needs a look."
