"""The standard words of each message of an event, as drafts that people may edit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from outreach.content.drafts import Draft
from outreach.events import handouts, rules
from outreach.events.models import Event

KIND_LABELS = {
    "invitation": "Invitation",
    "invitation-update": "Change of time or place",
    "cancellation": "Cancellation",
    "reminder": "Reminder to those who are coming",
    "reminder-unanswered": "Reminder to those who have not answered",
    "reminder-unsure": "Reminder to those who are not sure",
    "place": "A place opened up",
    "thank-you": "Thank-you",
}
ANSWERABLE = ("invitation", "invitation-update", "reminder", "reminder-unanswered")
"""Kinds of mail in which the answer buttons stand."""
_SENT_AS = {"reminder-unsure": "reminder-unanswered", "place": "invitation-update"}
"""Words of their own that leave as another kind of mail: its class, its footer, its limits."""

_SUBJECTS = {
    "invitation": "Will you join us? {{ event_title | Our event }}",
    "invitation-update": "Changed: {{ event_title | Our event }}",
    "cancellation": "Cancelled: {{ event_title | Our event }}",
    "reminder": "See you soon: {{ event_title | Our event }}",
    "reminder-unanswered": "Are you coming? {{ event_title | Our event }}",
    "reminder-unsure": "Do you know by now? {{ event_title | Our event }}",
    "place": "You have a place: {{ event_title | Our event }}",
    "thank-you": "Thank you for coming",
}
_LINES = {
    "invitation": "{{ event_when | Soon }}",
    "invitation-update": "Now {{ event_when | at another time }}",
    "cancellation": "It does not take place.",
    "reminder": "{{ event_when | Soon }}",
    "reminder-unanswered": "One press is enough: yes, no or not sure.",
    "reminder-unsure": "Yes or no, one press is enough.",
    "place": "{{ event_when | Soon }}",
    "thank-you": "It was good to meet you.",
}
_TEXTS = {
    "invitation": "<p>We would like to invite you. Please tell us with one press whether you can come. "
    "The entry for your calendar comes along with this email.</p>",
    "invitation-update": "<p>The time or place has changed. In most programs the entry in your calendar changes by "
    "itself. Please tell us whether it still suits you.</p>",
    "cancellation": "<p>We are sorry: this event does not take place. The entry in your calendar is taken back. "
    "We will be in touch about another date.</p>",
    "reminder": "<p>Good that you are coming. Here is when and where once more. If something came up, please tell us "
    "with the buttons below.</p>",
    "reminder-unanswered": "<p>We have not heard from you yet, and we plan by the number of people who come. "
    "One press is enough.</p>",
    "reminder-unsure": "<p>You were not sure yet whether you can come. Do you know by now? If not, nothing is lost: "
    "the buttons work until it begins.</p>",
    "place": "<p>Good news: a place opened up, and it is yours. You do not have to do anything. If you cannot come any "
    "more, please press No, so that the next person gets it.</p>",
    "thank-you": "<p>Thank you for coming and for your questions. If you would like the materials once more, or want "
    "to talk something over, just reply to this email.</p>",
}


_TEXTS_OF_TYPE = {
    ("invitation", "one-to-one"): "<p>I would like to meet you and hear what you need from us. Please tell me with one "
    "press whether this time suits you. The entry for your calendar comes along with this email.</p>",
    ("invitation", "conference"): "<p>We will be there too, and it would be good to meet you in person. Please tell us "
    "with one press whether you are coming. The entry for your calendar comes along with this email.</p>",
    ("invitation", "community-talk"): "<p>You are invited, and so is whoever you would like to bring. It costs "
    "nothing. Please tell us with one press whether you can come.</p>",
    ("reminder-unanswered", "one-to-one"): "<p>I have not heard from you yet. Does the time suit you? One press is "
    "enough, and another day is no trouble.</p>",
    ("reminder-unanswered", "conference"): "<p>Will you be there? One press is enough, then we look out for you.</p>",
    ("thank-you", "case-discussion"): "<p>Thank you for thinking it through with us. If something came to your mind "
    "afterwards, just reply to this email; please leave out anything about a client.</p>",
    ("thank-you", "community-talk"): "<p>Thank you for coming. If you would like to ask something in private, just "
    "call us or reply to this email.</p>",
}
"""Where a kind of event says it in other words."""
_FALLBACKS = {"community-talk": "friend"}
_HANDOUTS = "<p>Here is what we showed you, to keep:</p>"


def message_kind(words: str) -> str:
    """The kind of mail (content.kinds) as which these words leave."""
    return _SENT_AS.get(words, words)


def standard(kind: str, *, event_type: str = "", about: str = "", files: Sequence[int] = ()) -> Draft:
    """The standard draft of that kind. `about` goes into the invitation, files of the library into the thank-you.

    Errors: KeyError for another kind.
    """
    text = _TEXTS_OF_TYPE.get((kind, event_type), _TEXTS[kind])
    blocks: list[dict[str, Any]] = [
        {"type": "greeting", "word": "Dear", "fallback": _FALLBACKS.get(event_type, "colleague")},
        {"type": "text", "html": text + about + (_HANDOUTS if files else "")},
        *({"type": "file", "asset_id": str(each), "label": ""} for each in files),
        *([{"type": "event-answer"}] if kind != "thank-you" else []),
        {"type": "signature"},
    ]
    return Draft(subject=_SUBJECTS[kind], preview_line=_LINES[kind], blocks=blocks)


def draft_for(session: Session, event: Event, kind: str) -> Draft:
    """What this event says in that kind of message: the edited words, else the standard ones."""
    if kind in event.drafts:
        return Draft.from_json(event.drafts[kind])
    return standard(
        kind,
        event_type=event.type,
        about=_about(event) if kind == "invitation" else "",
        files=[one.id for one in handouts.chosen(session, event.handouts)] if kind == "thank-you" else (),
    )


def _about(event: Event) -> str:
    topic = f"<p>{_plain(event.topic)}</p>" if event.topic else ""
    points = [_plain(line.strip(" -•")) for line in event.learning_points.splitlines() if line.strip(" -•")]
    items = "".join(f"<li>{point}</li>" for point in points[:10])
    meal = "<p>Lunch is on the table.</p>" if event.meal and event.type in rules.EDUCATION_TYPES else ""
    return topic + (f"<ul>{items}</ul>" if items else "") + meal


def _plain(text: str) -> str:
    """Typed text inside our markup: what looks like a tag or a detail is taken as it stands."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("{{", "{").replace("}}", "}")
