"""Which dispatcher an installation has: chosen by its doors, by the database and what is installed."""

from importlib.util import find_spec

from outreach.config import Settings
from outreach.dispatch import Dispatcher, EmbeddedDispatcher

ALONE = (
    "This is PostgreSQL without Procrastinate: one worker at a time sends. Run `make scale`, then `outreach migrate`."
)


def is_spread(settings: Settings) -> bool:
    """Whether several workers share the sending."""
    return settings.database_url.startswith("postgresql") and find_spec("procrastinate") is not None


def dispatcher_for(settings: Settings) -> Dispatcher:
    """Procrastinate over PostgreSQL where it is installed, else the worker's own loop."""
    if is_spread(settings):
        from jobs.on_procrastinate import ProcrastinateDispatcher

        return ProcrastinateDispatcher(settings.database_url)
    return EmbeddedDispatcher(ALONE if settings.database_url.startswith("postgresql") else None)
