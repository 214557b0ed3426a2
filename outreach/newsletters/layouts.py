"""What a new issue can start from. Gaps are written [insert …], which preflight refuses to send."""

from dataclasses import dataclass
from typing import Any

from outreach.content.blocks import Data
from outreach.content.drafts import Draft


@dataclass(frozen=True)
class Layout:
    """One starting point: a name, for whom it is, and a complete draft with a few gaps."""

    key: str
    name: str
    text: str
    draft: Draft

    def to_json(self) -> dict[str, Any]:
        """The draft as an issue keeps it."""
        return self.draft.to_json()


def _text(*paragraphs: str) -> Data:
    return {"type": "text", "html": "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)}


def _heading(text: str) -> Data:
    return {"type": "heading", "text": text}


def _greeting(fallback: str, word: str = "Dear") -> Data:
    return {"type": "greeting", "word": word, "fallback": fallback}


_DIVIDER: Data = {"type": "divider"}
_SIGNATURE: Data = {"type": "signature", "person_id": ""}

PHYSICIANS = Layout(
    "physicians",
    "Quarterly news for physicians",
    "What is new, one clinical pearl, how to reach us. Two minutes to read.",
    Draft(
        subject="What is new at {{ practice_name }}",
        preview_line="Openings, one finding worth knowing, and a direct line",
        blocks=[
            _greeting("colleague"),
            _text("Here is what changed with us this quarter, in two minutes."),
            _heading("New with us"),
            _text("[insert what is new: a clinician, a program, openings at a location]"),
            _heading("Worth knowing"),
            _text("[insert one finding with its source, and what it means for when to refer]"),
            _heading("Getting someone in"),
            _text(
                "We offer a first appointment within a few working days. Call {{ practice_phone }} and ask for the "
                "referral line, or send the order as you always do. You hear back from us after the first visit."
            ),
            _SIGNATURE,
        ],
    ),
)
COMMUNITY = Layout(
    "community",
    "Community update",
    "For schools, senior centers, employers and clubs: a tip, a date, an offer to come by.",
    Draft(
        subject="News from your neighbors at {{ practice_name }}",
        preview_line="One tip, one date, and an offer to come by",
        blocks=[
            _greeting("neighbor", "Hello"),
            _text("A short hello from {{ practice_name }}, with something you can pass on."),
            _heading("A tip to share"),
            _text("[insert a tip that everybody can use, for example how to test balance at home]"),
            _heading("Mark the date"),
            _text("[insert a talk, screening or open house with day, time and place]"),
            _DIVIDER,
            _text(
                "We are glad to come to you: a talk of twenty minutes on moving well, safe hands at work or clear "
                "speech, free and without selling anything. Call {{ practice_phone }} to find a date."
            ),
            _SIGNATURE,
        ],
    ),
)
PEERS = Layout(
    "peers",
    "Peers",
    "For therapists of other practices: what we treat, what we send on, a question.",
    Draft(
        subject="From one practice to another: {{ practice_name }}",
        preview_line="What we see a lot of, and what we gladly send on",
        layout="plain",
        blocks=[
            _greeting("colleague", "Hi"),
            _text(
                "[insert two sentences about what you see a lot of at the moment]",
                "What we gladly send on: [insert what you do not treat, so that a peer knows]",
                "If you have someone who would be better off with us, or a question about how we do it, call "
                "{{ practice_phone }}. We do the same with you.",
            ),
            _SIGNATURE,
        ],
    ),
)
FORMER_CLIENTS = Layout(
    "former-clients",
    "Letter to former clients",
    "Warm and general: a tip and an open door. Nothing about anyone's treatment.",
    Draft(
        subject="A hello from {{ practice_name }}",
        preview_line="One thing to try this week, and our door is open",
        blocks=[
            {"type": "greeting", "word": "Hello", "fallback": "friend"},
            _text("We hope you are well. Here is one thing to try this week."),
            _heading("One thing to try"),
            _text("[insert a general tip for moving, hands, voice or balance]"),
            _DIVIDER,
            _text("If a question comes up, call {{ practice_phone }}. We are glad to hear from you."),
            _SIGNATURE,
        ],
    ),
)
LAYOUTS = {layout.key: layout for layout in (PHYSICIANS, COMMUNITY, PEERS, FORMER_CLIENTS)}
