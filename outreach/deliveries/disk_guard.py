"""Stops planning and sending before the disk is full, by itself, and goes on by itself (reliability C6).

Nothing is written down for it: on a full disk that could fail too. Unsubscribing stays alive.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import make_url

from outreach.config import Settings

FLOOR_BYTES = 200 * 1024 * 1024
WHY = "The disk is nearly full, so nothing is planned or sent. Make room; it goes on by itself."


def free_bytes(settings: Settings) -> int:
    """What is left where the data folder and the database file lie, whichever is less."""
    return min(shutil.disk_usage(folder).free for folder in _folders(settings))


def is_low(settings: Settings) -> bool:
    """Whether planning and sending wait for room. A folder that cannot be asked counts as full."""
    try:
        return free_bytes(settings) < FLOOR_BYTES
    except OSError:
        return True


def or_low(stopping: Callable[[], bool], settings: Settings) -> Callable[[], bool]:
    """Stopping, too, as soon as the disk is nearly full: calls in flight are finished and recorded."""
    return lambda: stopping() or is_low(settings)


def _folders(settings: Settings) -> Iterator[Path]:
    yield settings.home
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database).resolve().parent
