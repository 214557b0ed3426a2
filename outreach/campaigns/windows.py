"""One step open in two windows of one person: whoever saves later is told, as between two people."""

import hashlib
import json
import secrets

from outreach.campaigns.steps import LANES, Step
from outreach.errors import Refusal

PAGE = "page"
"""In a step: which page saved it last, so that a page which saves itself again and again is not in its own way."""
ELSEWHERE = Refusal(
    "edited-elsewhere",
    "You changed this step in another window after you opened it here. That was kept; this is not saved yet.",
)
MOST_CHARS = 20


def mark_of(step: Step) -> str:
    """What a page that shows the step carries along: a name of its own, and how the step looked."""
    return f"{secrets.token_hex(4)}.{_look(step)}"


def page_of(mark: str) -> str:
    """The page's own name in its mark; "" for none."""
    return mark.partition(".")[0][:MOST_CHARS]


def saved_elsewhere(step: Step, mark: str) -> bool:
    """Whether another page saved the step since the page with this mark was opened; never without a mark."""
    seen = mark.partition(".")[2]
    return bool(seen) and step.get(PAGE) not in (None, page_of(mark)) and _look(step) != seen


def _look(step: Step) -> str:
    own = {name: value for name, value in step.items() if name != PAGE and name not in LANES}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]
