"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.newsletters.models import Issue

SOURCE_NAMES = (("newsletter", Issue.id, Issue.title),)
