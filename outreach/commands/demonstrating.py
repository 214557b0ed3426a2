"""The demo: a seeded practice, sign-ins for everybody in it, and a clock that can be pushed forward."""

import hashlib
import hmac
import re
import sys
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from jobs import runner
from outreach.commands.starting import address_of
from outreach.config import Settings
from outreach.demo.seeding import seed
from outreach.errors import OutreachError, SettingsError
from outreach.practice import passwords
from outreach.practice.models import Person, Practice
from outreach.runtime import Runtime, open_runtime

STEP = timedelta(hours=1)
UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def prepare(settings: Settings) -> str:
    """The demo practice is there and everybody in it can sign in; answers the words for the terminal. Idempotent."""
    runtime = open_runtime(settings)
    try:
        _seed_once(runtime)
        _give_passwords(runtime)
        return _welcome(runtime)
    finally:
        runtime.close()


def advance(settings: Settings, text: str) -> str:
    """The demo's clock stands `text` (as in 3d, 6h) further; every job ran at each hour on the way.

    Refusals: SettingsError for words that are no duration, OutreachError outside a demo database.
    """
    by = _duration(text)
    runtime = open_runtime(settings)
    try:
        _refuse_real(runtime)
        handled, left = 0, by
        while left > timedelta(0):
            step = min(STEP, left)
            with runtime.turn() as turn:
                practice = turn.session.get_one(Practice, 1)
                practice.demo_offset_seconds += int(step.total_seconds())
            handled += runner.run_everything(runtime)
            left -= step
        return _time_now(runtime, handled)
    finally:
        runtime.close()


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([dhm])", text.strip().lower())
    by = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < by <= timedelta(days=366):
        raise SettingsError(f"--advance takes a time such as 3d, 6h or 30m, up to 366d, not {text!r}.")
    return by


def _refuse_real(runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        practice = turn.session.get(Practice, 1)
        if practice is None or not practice.is_demo:
            raise OutreachError(
                f"The data folder {runtime.settings.home} holds no demo: its clock is not touched. "
                "Start one with `outreach demo` and an empty OUTREACH_HOME."
            )


def _seed_once(runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        known = turn.session.get(Practice, 1) is not None
    if not known:
        print("Furnishing the demo practice; this takes a moment.", flush=True)
    seed(runtime)


def _password(key: bytes, email: str) -> str:
    # Not a constant: a demo that is reachable from outside is still not open to everybody who read the manual.
    found = hmac.new(key, b"demo-password|" + email.encode(), hashlib.sha256).hexdigest()
    return f"demo-{found[:4]}-{found[4:8]}"


def _give_passwords(runtime: Runtime) -> None:
    with runtime.turn() as turn:
        for person in turn.session.scalars(select(Person).where(Person.password.is_(None), Person.active)):
            person.password = passwords.hashed(_password(runtime.key, person.email))


def _welcome(runtime: Runtime) -> str:
    address = address_of(runtime.settings)
    with runtime.turn(write=False) as turn:
        people = [(p.role, p.email) for p in turn.session.scalars(select(Person).where(Person.active))]
    order = ("coordinator", "administrator", "clinician", "read-only")
    people.sort(key=lambda row: order.index(row[0]))
    wide = max((len(email) for _, email in people), default=0)
    lines = [f"  {email:<{wide}}   {_password(runtime.key, email)}   {role}" for role, email in people]
    return "\n".join(
        (
            "",
            f"Outreach is running:  {address}",
            "",
            "Sign in as",
            *lines,
            "",
            f"Every mail lands in the preview inbox:  {address}outbox/inbox",
            f"Push the clock from another terminal:   {sys.argv[0]} demo --advance 3d",
            "Stop with Ctrl-C; everything is kept.",
            "",
        )
    )


def _time_now(runtime: Runtime, handled: int) -> str:
    with runtime.turn(write=False) as turn:
        local = turn.now.astimezone(ZoneInfo(turn.session.get_one(Practice, 1).time_zone))
    return f"In the demo it is now {local:%A, %B} {local.day}, {local:%Y, %H:%M}. The jobs handled {handled} things."
