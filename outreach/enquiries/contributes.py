"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.contacts.group_asking import touch_fact
from outreach.contacts.timeline import TouchKind
from outreach.enquiries.rules import TOUCH

TIMELINE_KINDS = (TouchKind(TOUCH, "Told a friend", "user-plus", from_yield=True),)
GROUP_FACTS = (touch_fact(TOUCH, "Somebody came by their card", (TOUCH,), from_yield=True),)
