"""Drafts that the tests of this room share, and the comparison of rendered mail with kept snapshots."""

import os
from pathlib import Path
from typing import Any

from outreach.content.drafts import Draft
from outreach.content.models import Message
from outreach.content.publishing import keep
from outreach.content.rendering import Rendered
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "OUTREACH_UPDATE_SNAPSHOTS"
ADDRESSES = {
    "unsubscribe_url": "https://outreach.cedarlane.example/u/7f3k",
    "preferences_url": "https://outreach.cedarlane.example/p/7f3k",
}
WELCOME = Draft(
    subject="A therapy team near you, {{ greeting_name | colleague }}",
    preview_line="Same-week evaluations for shoulder and hip",
    blocks=[
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {"type": "heading", "text": "How we can help"},
        {
            "type": "text",
            "html": "<p>Your patients at {{ organization | your office }} live close to us, and most can be seen "
            "within <b>three days</b>. We treat:</p><ul><li>shoulder and knee</li><li>hands, with "
            '<a href="https://cedarlane.example/hands?a=1&amp;b=2">our hand team</a></li></ul>'
            '<p>Write to <a href="mailto:maya@cedarlane.example">maya@cedarlane.example</a> or call.</p>',
        },
        {"type": "button", "label": "How to refer", "url": "https://cedarlane.example/refer"},
        {
            "type": "columns",
            "left_heading": "Fast",
            "left_html": "<p>Same-week evaluations.</p>",
            "right_heading": "Close",
            "right_html": "<p>Two clinics, free parking.</p>",
        },
        {"type": "divider"},
        {"type": "signature"},
    ],
)


def kept(runtime: Runtime, turn: Turn, draft: Draft, kind: str = "drip", **more: Any) -> Message | Refusal:
    """The draft kept as a message in this turn."""
    return keep(turn.session, now=turn.now, world=runtime, draft=draft, kind=kind, by_id=None, **more)


def message(runtime: Runtime, turn: Turn, draft: Draft, kind: str = "drip", **more: Any) -> Message:
    """The same, when it must not be refused."""
    made = kept(runtime, turn, draft, kind, **more)
    assert isinstance(made, Message), made
    return made


def text_draft(html: str, **more: Any) -> Draft:
    """A draft with one text block."""
    return Draft(**{"subject": "A word from us", "blocks": [{"type": "text", "html": html}], **more})


def matches_snapshot(name: str, shown: Rendered) -> None:
    """The rendered mail equals the kept files; with the environment variable set they are written anew."""
    found = {
        f"{name}.txt": f"Subject: {shown.subject}\n\n{shown.text}",
        f"{name}.html": shown.html.replace("><", ">\n<") + "\n",
    }
    for file, text in found.items():
        path = SNAPSHOTS / file
        if os.environ.get(UPDATE):
            path.write_text(text)
        assert path.exists(), f"No snapshot {file}: run with {UPDATE}=1 and look at it"
        assert text == path.read_text(), f"{file} changed: look at the difference, then run with {UPDATE}=1"
