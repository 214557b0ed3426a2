"""Noting the people met at an event, from a phone: one short form, ready for the next card."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.kinds import KIND_LABELS
from outreach.errors import Refusal
from outreach.events import attending, meeting_people, saying
from outreach.events.event_views import event_or_404, events
from outreach.events.meeting_people import Card
from outreach.events.models import Event


@events.get("/<int:event_id>/met")
@screen.needs(*screen.WRITERS)
def met(event_id: int) -> ResponseReturnValue:
    return _met_page(event_or_404(event_id), Card(), None)


@events.post("/<int:event_id>/met")
@screen.needs(*screen.WRITERS)
def note_met(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    card = Card(**{name: request.form.get(name, "") for name in Card.__dataclass_fields__})
    made = meeting_people.capture(
        screen.session(),
        event,
        card,
        now=screen.now(),
        key=screen.world().key,
        by_id=screen.actor_id(),
        zone=screen.zone(),
    )
    if isinstance(made, Refusal):
        return _met_page(event, card, made)
    screen.record("met", "contact", made.id, event_id=event.id)
    return screen.done(f"/events/{event.id}/met", f"{made.name} is in the book. The note to write is a task.")


def _met_page(event: Event, card: Card, refusal: Refusal | None) -> ResponseReturnValue:
    return screen.page(
        "events/met.html",
        200 if refusal is None else 422,
        event=event,
        card=card,
        refusal=refusal,
        stop=attending.refuse_sign_in(event, now=screen.now()),
        people=meeting_people.met(screen.session(), event),
        kinds=[(name, KIND_LABELS[name]) for name in meeting_people.MET_KINDS],
        when=saying.when(event, now=screen.now()),
    )
