"""Settings: who may send, approve, override a limit and see the value ledger."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import rights
from outreach.practice.people_views import people
from outreach.practice.right_models import RIGHTS, chosen
from outreach.practice.settings_forms import ROLE_WORDS

__all__ = ["people"]

COLUMNS = tuple((role, role.capitalize().replace("-", " ")) for role, _ in ROLE_WORDS)


@people.get("/rights")
@screen.needs(*screen.WRITERS)
def who_may() -> ResponseReturnValue:
    """The rights, and which roles hold them."""
    return screen.page(
        "practice/rights.html",
        rights=RIGHTS,
        held=chosen(screen.session()),
        columns=COLUMNS,
        may_change=screen.actor().role in screen.ADMINISTRATORS,
    )


@people.post("/rights")
@screen.needs(*screen.ADMINISTRATORS)
def give_rights() -> ResponseReturnValue:
    """The rights are held by the roles that were ticked, and by administrators."""
    shown = set(request.form.getlist("shown"))
    wanted = {right.name: request.form.getlist(right.name) for right in RIGHTS if right.name in shown}
    changed = rights.choose(screen.session(), dict(wanted), now=screen.now(), by_id=screen.actor_id())
    if isinstance(changed, Refusal):
        return screen.refused(changed, "/settings/people/rights")
    for name, roles in changed.items():
        screen.record("give-right", "right", None, right=name, roles=roles)
    return screen.done("/settings/people/rights", "Saved." if changed else "Nothing was changed.")
