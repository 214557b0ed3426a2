"""What mail shows of an event: a card for newsletters, and the facts with answer links for the invited."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.blocks import Block, Context, Data, Field, Paragraph
from outreach.content.mjml import row
from outreach.content.problems import Problem, blocker, warning
from outreach.content.segments import TEXT
from outreach.events import rules, saying
from outreach.events.models import Event
from outreach.events.wording import ANSWERABLE, KIND_LABELS

ANSWERS = (("rsvp_yes_url", "Yes"), ("rsvp_no_url", "No"), ("rsvp_maybe_url", "Not sure"))


class EventCard(Block):
    """Title, day and place of one of our events, as they are when the message is published."""

    name, label, icon = "event", "Event card", "calendar-event"
    fields = (Field("event_id", "Event", "choice"),)

    def to_mjml(self, data: Data, context: Context) -> str:
        """A quiet panel with a rule at its side."""
        event = _event(data, context.session)
        if event is None:
            return ""
        title, when, where = (context.words(_literal(text)) for text in _facts(event, context))
        return row("event_card", c=context, title=title, when=when, where=where)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The same on three lines."""
        event = _event(data, context.session)
        if event is None:
            return []
        return [Paragraph(["\n".join(text for text in _facts(event, context) if text)])]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """No event chosen, a cancelled one, or one that is over."""
        event = _event(data, context.session)
        if event is None:
            return [blocker("no-event", "The event card shows no event. Choose one, or remove the card.")]
        if event.status == "cancelled":
            return [blocker("event-cancelled", f"“{event.title}” was cancelled: remove the card.")]
        if event.ends_at is None or event.ends_at <= context.now:
            return [warning("event-over", f"“{event.title}” is over or has no date.")]
        return []

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """Events that lie ahead, soonest first."""
        ahead = session.scalars(
            select(Event).where(Event.status.in_(rules.STANDS), Event.starts_at > now).order_by(Event.starts_at)
        )
        return [("", "Choose an event"), *((str(e.id), f"{e.title} ({e.starts_on:%b %-d})") for e in ahead)]


class EventAnswer(Block):
    """When and where, and the three answers of the invited person."""

    name, label, icon = "event-answer", "Event and answers", "calendar-plus"
    offered_for = tuple(KIND_LABELS)

    def to_mjml(self, data: Data, context: Context) -> str:
        """The card with this person's facts; three links where an answer makes sense."""
        title, when, where = (context.words(line) for line in _LINES)
        card = row("event_card", c=context, title=title, when=when, where=where)
        if context.kind.name not in ANSWERABLE:
            return card
        answers = [
            (context.address(f"{{{{ {name} }}}}"), label, place == 0) for place, (name, label) in enumerate(ANSWERS)
        ]
        return card + row("event_answer", c=context, answers=answers)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """Facts line by line, then each answer with its address."""
        lines = [context.paragraph("\n".join(_LINES))]
        if context.kind.name not in ANSWERABLE:
            return lines
        for name, label in ANSWERS:
            lines.append(Paragraph([f"{label}:\n", *context.link(f"{{{{ {name} }}}}", TEXT)]))
        return lines


_LINES = ("{{ event_title | Our event }}", "{{ event_when | Soon }}", "{{ event_where | We will tell you where }}")


def _event(data: Data, session: Session) -> Event | None:
    chosen = str(data.get("event_id") or "")
    return session.get(Event, int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 16 else None


def _facts(event: Event, context: Context) -> tuple[str, str, str]:
    return event.title, saying.when(event, now=context.now), saying.where(context.session, event)


def _literal(text: str) -> str:
    """Typed text that must not be read as a detail."""
    return text.replace("{{", "{").replace("}}", "}")
