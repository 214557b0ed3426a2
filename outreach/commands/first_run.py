"""What `outreach run` says when it is up: the address, and the one-time code as long as nobody can sign in."""

from outreach.commands.starting import address_of
from outreach.config import Settings
from outreach.errors import OutreachError
from outreach.practice.models import Practice
from outreach.practice.setting_up import make_code
from outreach.runtime import open_runtime


def prepare(settings: Settings) -> str:
    """The words for the terminal. Errors: OutreachError when the data folder holds a demo."""
    address = address_of(settings)
    code = _code(settings)
    lines = ["", f"Outreach is running:  {address}"]
    if code:
        lines += [
            "",
            "Nobody can sign in yet. Open the address and type this code to set up the practice:",
            f"  {code}",
        ]
    return "\n".join([*lines, "", "Stop with Ctrl-C; everything is kept.", ""])


def new_code(settings: Settings) -> str:
    """A fresh code, which ends the one before. Errors: OutreachError when somebody can sign in already."""
    code = _code(settings)
    if code is None:
        raise OutreachError("The practice is set up already: sign in, or ask an administrator for a link.")
    return code


def _code(settings: Settings) -> str | None:
    runtime = open_runtime(settings)
    try:
        with runtime.turn() as turn:
            practice = turn.session.get(Practice, 1)
            if practice is not None and practice.is_demo:
                raise OutreachError(
                    f"The data folder {settings.home} holds a demo. Start it with `outreach demo`, "
                    "or choose another folder with OUTREACH_HOME."
                )
            return make_code(turn.session, now=turn.now)
    finally:
        runtime.close()
