"""The standard words of each message of an event, as drafts that people may edit."""

from outreach.content.drafts import Draft
from outreach.events import rules
from outreach.events.models import Event

KIND_LABELS = {
    "invitation": "Invitation",
    "invitation-update": "Change of time or place",
    "cancellation": "Cancellation",
    "reminder": "Reminder to those who are coming",
    "reminder-unanswered": "Reminder to those who have not answered",
    "thank-you": "Thank-you",
}
ANSWERABLE = ("invitation", "invitation-update", "reminder", "reminder-unanswered")
"""In these the answer buttons stand."""

_SUBJECTS = {
    "invitation": "Will you join us? {{ event_title | Our event }}",
    "invitation-update": "Changed: {{ event_title | Our event }}",
    "cancellation": "Cancelled: {{ event_title | Our event }}",
    "reminder": "See you soon: {{ event_title | Our event }}",
    "reminder-unanswered": "Are you coming? {{ event_title | Our event }}",
    "thank-you": "Thank you for coming",
}
_LINES = {
    "invitation": "{{ event_when | Soon }}",
    "invitation-update": "Now {{ event_when | at another time }}",
    "cancellation": "It does not take place.",
    "reminder": "{{ event_when | Soon }}",
    "reminder-unanswered": "One press is enough: yes, no or not sure.",
    "thank-you": "It was good to meet you.",
}
_TEXTS = {
    "invitation": "<p>we would like to invite you. Please tell us with one press whether you can come. "
    "The entry for your calendar comes along with this email.</p>",
    "invitation-update": "<p>the time or place has changed. In most programs the entry in your calendar changes by "
    "itself. Please tell us whether it still suits you.</p>",
    "cancellation": "<p>we are sorry: this event does not take place. The entry in your calendar is taken back. "
    "We will be in touch about another date.</p>",
    "reminder": "<p>good that you are coming. Here is when and where once more. If something came up, please tell us "
    "with the buttons below.</p>",
    "reminder-unanswered": "<p>we have not heard from you yet, and we plan by the number of people who come. "
    "One press is enough.</p>",
    "thank-you": "<p>thank you for coming and for your questions. If you would like the materials once more, or want "
    "to talk something over, just reply to this email.</p>",
}


def standard(kind: str, *, about: str = "") -> Draft:
    """The standard draft of that kind. `about` goes into the invitation. Errors: KeyError for another kind."""
    blocks = [
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {"type": "text", "html": _TEXTS[kind] + about},
        *([{"type": "event-answer"}] if kind != "thank-you" else []),
        {"type": "signature"},
    ]
    return Draft(subject=_SUBJECTS[kind], preview_line=_LINES[kind], blocks=blocks)


def draft_for(event: Event, kind: str) -> Draft:
    """What this event says in that kind of message: the edited words, else the standard ones."""
    if kind in event.drafts:
        return Draft.from_json(event.drafts[kind])
    return standard(kind, about=_about(event) if kind == "invitation" else "")


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
