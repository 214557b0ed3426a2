"""Stops planning and sending before the disk is full, by itself, and goes on by itself (reliability C6).

Nothing is written down for it: on a full disk that could fail too. Unsubscribing stays alive.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import make_url

from outreach.config import Settings

FLOOR_BYTES = 200 * 1024 * 1024
ASKED_PER_LOOK = 10
"""The lanes ask twenty times a second, so the disk is looked at twice a second."""
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
    """Stopping, too, as soon as the disk is nearly full: calls in flight are finished and recorded.

    The disk is looked at only now and then, since that costs as much as a mail.
    """
    asked = itertools.count()
    low = False

    def stops() -> bool:
        nonlocal low
        if stopping():
            return True
        if next(asked) % ASKED_PER_LOOK == 0:
            low = is_low(settings)
        return low

    return stops


def _folders(settings: Settings) -> Iterator[Path]:
    yield settings.home
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database).resolve().parent
