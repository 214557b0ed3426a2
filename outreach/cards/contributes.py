"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.cards.models import CardRun
from outreach.contacts.timeline import TouchKind

TIMELINE_KINDS = (TouchKind("card-mailed", "Card by post", "gift"),)
SOURCE_NAMES = (("card", CardRun.id, CardRun.title),)
