"""What this room offers to the rooms below it; `runtime` composes it. Nothing here rests on yield."""

from outreach.contacts.group_facts import touch_fact
from outreach.contacts.timeline import TouchKind
from outreach.events.blocks import EventAnswer, EventCard
from outreach.events.models import Event

TIMELINE_KINDS = (
    TouchKind("invited", "Invited", "calendar-plus"),
    TouchKind("rsvp", "Answered", "calendar-event"),
    TouchKind("attended", "Came to an event", "users", personal=True),
)
GROUP_FACTS = (
    touch_fact("attended-event", "Came to an event", ("attended",)),
    touch_fact("invited-event", "Invited to an event", ("invited",)),
    touch_fact("answered-event", "Answered an invitation", ("rsvp",)),
)
CONTENT_BLOCKS = (EventCard(), EventAnswer())
SOURCE_NAMES = (("event", Event.id, Event.title),)
