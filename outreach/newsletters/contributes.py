"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.newsletters.group_facts import NEWSLETTER_FACTS
from outreach.newsletters.models import Issue

SOURCE_NAMES = (("newsletter", Issue.id, Issue.title),)
GROUP_FACTS = NEWSLETTER_FACTS
