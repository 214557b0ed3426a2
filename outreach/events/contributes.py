"""What this room offers to the rooms below it; `runtime` composes it. Nothing here rests on yield."""

from outreach.contacts.timeline import TouchKind
from outreach.events.blocks import EventAnswer, EventCard
from outreach.events.committing import committed
from outreach.events.group_facts import EVENT_FACTS
from outreach.events.models import Event

TIMELINE_KINDS = (
    TouchKind("invited", "Invited", "calendar-plus"),
    TouchKind("rsvp", "Answered", "calendar-event"),
    TouchKind("attended", "Came to an event", "users", personal=True),
)
GROUP_FACTS = EVENT_FACTS
PLANNED_VALUE = (committed,)
CONTENT_BLOCKS = (EventCard(), EventAnswer())
SOURCE_NAMES = (("event", Event.id, Event.title),)
