"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.contacts.group_facts import GROUP_FACTS
from outreach.contacts.timeline import OWN_KINDS

TIMELINE_KINDS = OWN_KINDS

__all__ = ["GROUP_FACTS", "TIMELINE_KINDS"]
