"""A draft that tells what changed in the service catalogue. It goes nowhere before somebody chose its groups."""

from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.content.drafts import Draft
from outreach.newsletters import editing
from outreach.practice import cataloguing
from outreach.practice.catalogue_models import ServiceChange
from outreach.practice.models import Service
from outreach.practice.queries import practice_of

QUIET_FOR = timedelta(minutes=10)
"""Somebody who changes five services in a row gets one draft, not five."""
TOLD_WITHIN = timedelta(days=3)
"""The task to look it over is due then."""
MOST_CHANGES = 20
SAID = {
    "added": "{name} is new.",
    "changed": "{name}: there is news about {parts}.",
    "back": "We offer {name} again.",
    "retired": "We do not offer {name} any more.",
}


def draft_news(session: Session, *, now: datetime) -> int:
    """Every change that waits stands in one new draft of a newsletter, once nothing changed for a while.

    Answers how many drafts were made. Idempotent: a change is told once.
    """
    waiting = cataloguing.untold(session, limit=MOST_CHANGES)
    if not waiting or now - max(change.at for change in waiting) < QUIET_FOR:
        return 0
    told = [(change, session.get_one(Service, change.service_id)) for change in waiting]
    issue = editing.start(session, now=now, by_id=None, title="What’s new in our services")
    issue.draft = news(told).to_json()
    tasks.add(
        session,
        now=now,
        kind="write",
        title=f"Tell people: “{issue.title}” is drafted",
        script="Choose its groups and look it over, or put it in the trash. It does not leave before you approve it.",
        due_on=now.astimezone(ZoneInfo(practice_of(session).time_zone)).date() + TOLD_WITHIN,
        origin=f"newsletter:{issue.id}:draft",
    )
    for change in waiting:
        change.told_at = now
    session.flush()
    return 1


def news(told: list[tuple[ServiceChange, Service]]) -> Draft:
    """What changed in a list, and each service that is offered as it is now."""
    items = "".join(f"<li>{escape(_said(change, service))}</li>" for change, service in told)
    names = [service.name for change, service in told if change.what != "retired"]
    subject = f"News about {names[0]}" if len(names) == 1 else "What’s new in our services"
    return Draft(
        subject=subject[:200],
        preview_line="What we offer, for whom, and when to refer",
        blocks=[
            {"type": "greeting", "word": "Dear", "fallback": "colleague"},
            {"type": "text", "html": f"<p>Some of what we offer has changed:</p><ul>{items}</ul>"},
            *(
                {"type": "service", "service_id": str(service.id), "figures": "yes"}
                for change, service in told
                if change.what != "retired" and service.retired_on is None
            ),
            {"type": "signature", "person_id": ""},
        ],
    )


def _said(change: ServiceChange, service: Service) -> str:
    parts = [part.lower() for part in change.parts]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "it"
    # Braces in a name would be read as details about the reader.
    name = service.name.replace("{", "(").replace("}", ")")
    return SAID[change.what].format(name=name, parts=listed)
