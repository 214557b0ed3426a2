"""Meals over the yearly limit on screen: an administrator lets one person come, with a reason."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.events import committing
from outreach.events.event_views import event_or_404, events
from outreach.gifts import passing


@events.post("/<int:event_id>/let-come")
@screen.needs_right("override")
def let_come(event_id: int) -> ResponseReturnValue:
    event, contact_id = event_or_404(event_id), request.form.get("contact", 0, screen.whole_number)
    where = f"/events/{event.id}/invite?add={contact_id}" if request.form.get("from") == "invite" else _limit(event.id)
    known = passing.pass_of(screen.session(), event.id, contact_id)
    made = committing.let_come(
        screen.session(),
        event,
        contact_id,
        now=screen.now(),
        reason=request.form.get("reason", ""),
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        return screen.refused(made, where)
    if known is None:
        screen.record("let-pass", "limit-pass", made.id, event_id=event.id, contact_id=contact_id)
    return screen.done(where, "They may come. The value ledger keeps your name and the reason.")


def _limit(event_id: int) -> str:
    return f"/events/{event_id}#limit"
