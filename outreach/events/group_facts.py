"""What a group can ask about events: who was invited, what they answered, who came. Nothing here rests on yield."""

from outreach.contacts.group_asking import linked_fact, named_rows, touch_fact
from outreach.events.models import Attendance, Event, Invitation

_EVENTS = named_rows(Event.id, Event.title)
EVENT_FACTS = (
    touch_fact("attended-event", "Came to an event", ("attended",)),
    touch_fact("invited-event", "Invited to an event", ("invited",)),
    touch_fact("answered-event", "Answered an invitation", ("rsvp",)),
    linked_fact("invited-to", "Invited to the event", Invitation.contact_id, Invitation.event_id, _EVENTS),
    linked_fact(
        "said-yes-to",
        "Said yes to the event",
        Invitation.contact_id,
        Invitation.event_id,
        _EVENTS,
        Invitation.answer == "yes",
    ),
    linked_fact("came-to", "Came to the event", Attendance.contact_id, Attendance.event_id, _EVENTS),
)
