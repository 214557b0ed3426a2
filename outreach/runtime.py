"""The only composition root: settings in, a world out. Rooms contribute values here; nobody registers at import."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from outreach.campaigns import contributes as campaigns_offers
from outreach.cards import contributes as cards_offers
from outreach.clock import Clock, SystemClock
from outreach.config import Settings
from outreach.contacts import contributes as contacts_offers
from outreach.content import contributes as content_offers
from outreach.db import make_engine, make_quick_engine, make_reading_engine
from outreach.deliveries import contributes as deliveries_offers
from outreach.deliveries.guards import ground
from outreach.deliveries.transports import registry
from outreach.dispatch import Dispatcher, EmbeddedDispatcher
from outreach.enquiries import contributes as enquiries_offers
from outreach.events import contributes as events_offers
from outreach.newsletters import contributes as newsletters_offers
from outreach.practice.models import Practice
from outreach.referrals import contributes as referrals_offers
from outreach.screen import Turn
from outreach.stories import contributes as stories_offers

OFFERS = (
    contacts_offers,
    content_offers,
    deliveries_offers,
    campaigns_offers,
    newsletters_offers,
    cards_offers,
    events_offers,
    stories_offers,
    enquiries_offers,
    referrals_offers,
)


@dataclass
class Runtime:
    """One open installation: what web, worker and commands work with."""

    settings: Settings
    engine: Engine
    reading_engine: Engine
    quick_engine: Engine
    clock: Clock
    dispatcher: Dispatcher
    key: bytes
    group_facts: tuple[Any, ...] = ()
    content_blocks: tuple[Any, ...] = ()
    preflight_checks: tuple[Any, ...] = ()
    timeline_kinds: tuple[Any, ...] = ()
    source_names: tuple[Any, ...] = ()
    thanks_sources: tuple[Any, ...] = ()
    planned_value: tuple[Any, ...] = ()
    transports: Any = field(default=None)

    @contextmanager
    def turn(self, *, write: bool = True, quick: bool = False) -> Iterator[Turn]:
        """One unit of work with one frozen now; commits at its end, or leaves no trace when it raises.

        `quick` gives up after 1.5 seconds when the database is busy, for writers that have another way then.
        """
        engine = (self.quick_engine if quick else self.engine) if write else self.reading_engine
        with Session(engine, expire_on_commit=False) as session:
            turn = Turn(session=session, now=self.now(session))
            try:
                yield turn
                session.commit()
            except BaseException:
                _undo(session)
                raise

    def now(self, session: Session) -> datetime:
        """The instant of a turn: the database's time on PostgreSQL, else the clock's, plus a demo's offset."""
        now = self.clock.now()
        if session.get_bind().dialect.name == "postgresql" and isinstance(self.clock, SystemClock):
            now = session.scalar(select(func.clock_timestamp())) or now
        if self.settings.mode == "run":
            return now
        return now + timedelta(seconds=session.scalar(select(Practice.demo_offset_seconds)) or 0)

    def close(self) -> None:
        """All connections are given back."""
        self.transports.close()
        self.engine.dispose()
        self.reading_engine.dispose()
        self.quick_engine.dispose()


def open_runtime(settings: Settings, *, dispatcher: Dispatcher | None = None, clock: Clock | None = None) -> Runtime:
    """The installation is open; the database is migrated already (see `outreach migrate`).

    Refusals: SettingsError when an SQLite database lies where it could forget what was sent.
    """
    engine = make_engine(settings.database_url)
    try:
        ground.refuse_what_forgets(engine)
    except BaseException:
        engine.dispose()
        raise
    return Runtime(
        settings=settings,
        engine=engine,
        reading_engine=make_reading_engine(settings.database_url),
        quick_engine=make_quick_engine(settings.database_url),
        clock=clock or SystemClock(),
        dispatcher=dispatcher or EmbeddedDispatcher(),
        key=settings.secret_key,
        group_facts=_offered("GROUP_FACTS"),
        content_blocks=_offered("CONTENT_BLOCKS"),
        preflight_checks=_offered("PREFLIGHT_CHECKS"),
        timeline_kinds=_offered("TIMELINE_KINDS"),
        source_names=_offered("SOURCE_NAMES"),
        thanks_sources=_offered("THANKS_SOURCES"),
        planned_value=_offered("PLANNED_VALUE"),
        transports=registry.open_transports(settings),
    )


def _offered(what: str) -> tuple[Any, ...]:
    return tuple(value for offers in OFFERS for value in getattr(offers, what, ()))


def _undo(session: Session) -> None:
    # A full disk makes even ROLLBACK fail and would hide the real error (reliability C6).
    with suppress(Exception):
        session.rollback()
