"""Pages to print before an event: what the presenter has to know, and what goes into the bag."""

from typing import Any

from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.events import handouts, office_rules, packing, queries, rules, saying
from outreach.events.event_views import event_or_404, events, local_now
from outreach.practice.models import Person

COMING = ("yes", "maybe")


@events.get("/<int:event_id>/brief")
def brief(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    invited = queries.guests(screen.session(), event)
    coming = [one for one in invited if one.invitation.answer in COMING and one.invitation.state != "not-sent"]
    return _paper(
        "events/brief.html",
        event_id,
        coming=coming,
        order=packing.running_order(event),
        expected=saying.expected(event),
        presenter=_named(event.presenter_id),
        backup=_named(event.backup_presenter_id),
        host=_named(event.host_id),
    )


@events.get("/<int:event_id>/packing")
def packing_list(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    heads = queries.heads(queries.guests(screen.session(), event), event)
    titles = [one.title for one in handouts.chosen(screen.session(), event.handouts)]
    return _paper("events/packing.html", event_id, bag=packing.bag(event, heads, titles))


def _paper(template: str, event_id: int, **more: Any) -> ResponseReturnValue:
    event = event_or_404(event_id)
    return screen.page(
        template,
        event=event,
        heads=queries.heads(queries.guests(screen.session(), event), event),
        office=office_rules.office_of(screen.session(), event),
        when=saying.when(event, now=screen.now()),
        where=saying.where(screen.session(), event),
        rules=rules,
        now=local_now(),
        **more,
    )


def _named(person_id: int | None) -> str:
    person = screen.session().get(Person, person_id) if person_id else None
    return person.name if person else ""
