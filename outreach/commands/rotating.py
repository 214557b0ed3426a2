"""`outreach rotate-keys`: the kept keys of transports are encrypted under a new data key."""

from collections.abc import Callable

from sqlalchemy import func, select

from outreach import audit
from outreach.config import Settings
from outreach.deliveries.ways import kept_secrets
from outreach.errors import OutreachError
from outreach.practice.models import KeptSecret
from outreach.runtime import open_runtime


def rotate(settings: Settings, *, reached: Callable[[str], None] = lambda point: None) -> str:
    """Every kept key is sealed under the newest data key, and older ones are gone; the words say what was done.

    A rotation that was cut off is finished instead of beginning another: run it again at any time. With
    OUTREACH_SECRETS_KEY set, its first key is the newest. Errors: OutreachError when a key cannot be opened, and while
    another rotation is going on.
    """
    with kept_secrets.rotating(settings.home):
        return _rotated(settings, reached)


def _rotated(settings: Settings, reached: Callable[[str], None]) -> str:
    runtime = open_runtime(settings)
    try:
        with runtime.turn(write=False) as turn:
            kept = turn.session.scalar(select(func.count()).select_from(KeptSecret)) or 0
        if not kept:
            return "No key of a transport is kept here, so there is nothing to encrypt anew."
        unfinished = not settings.secrets_keys and kept_secrets.data_keys(settings.home) > 1
        if not settings.secrets_keys and not unfinished:
            kept_secrets.new_data_key(settings.home)
        reached("new-key")
        with runtime.turn() as turn:
            renewed, lost = kept_secrets.rotate(turn.session, settings)
            audit.record(
                turn.session,
                now=turn.now,
                actor_id=None,
                action="rotate-keys",
                subject_type="transport",
                renewed=renewed,
            )
        reached("sealed")
    finally:
        runtime.close()
    if lost:
        raise OutreachError(
            f"{renewed} were encrypted anew, but no key opens these: {', '.join(lost)}. Type them again on the "
            "Transports screen, then run this once more. No data key was dropped."
        )
    dropped = 0 if settings.secrets_keys else kept_secrets.drop_old_data_keys(settings.home)
    return _words(renewed, dropped, unfinished=unfinished, outside=bool(settings.secrets_keys))


def _words(renewed: int, dropped: int, *, unfinished: bool, outside: bool) -> str:
    begun = "A rotation that was cut off is finished: " if unfinished else ""
    where = (
        "OUTREACH_SECRETS_KEY may hold its first key alone now."
        if outside
        else f"The new data key is in {kept_secrets.FILE} in the data folder; {dropped} older went."
    )
    noun = "kept key was" if renewed == 1 else "kept keys were"
    return f"{begun}{renewed} {noun} encrypted anew. {where} Web and worker go on without a restart."
