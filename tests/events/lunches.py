"""The lunch at Lakeside that the tests plan, and the mail that leaves for it."""

import re
from datetime import date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import vobject
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.deliveries.mail import mime
from outreach.events import inviting, planning
from outreach.events.models import Event, Invitation
from outreach.events.planning import Facts, When
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast

THE_DAY = date(2026, 3, 26)
"""A Thursday, 24 days after MONDAY; clocks go forward on March 8 in between."""
NOON = When(THE_DAY, 12 * 60 + 15, 60, "America/New_York", "Conference room")


def facts(cast: Cast, **changed: Any) -> Facts:
    """Everything that a lunch needs to be confirmed."""
    wanted: dict[str, Any] = {
        "type": "lunch-and-learn",
        "title": "Shoulders after surgery",
        "topic": "When to begin with motion",
        "learning_points": "Protocols\nWhen to call us",
        "content_minutes": 30,
        "presenter_id": cast.theo,
        "host_id": cast.maya,
        "meal": True,
        **changed,
    }
    return Facts(**wanted)


def plan(turn: Turn, cast: Cast, when: When | None = NOON, **changed: Any) -> Event:
    """A booked lunch."""
    event = planning.plan_event(turn.session, facts(cast, **changed), when, now=turn.now, by_id=cast.maya)
    assert isinstance(event, Event), event
    return event


def invite(turn: Turn, runtime: Runtime, event: Event, *contact_ids: int) -> list[Invitation]:
    """These people are invited by hand; answers their invitations in the order of the arguments."""
    made = inviting.invite(turn.session, event, now=turn.now, world=runtime, by_id=None, contact_ids=contact_ids)
    assert isinstance(made, inviting.Invited), made
    rows = turn.session.scalars(select(Invitation).where(Invitation.event_id == event.id)).all()
    by_contact = {row.contact_id: row for row in rows}
    return [by_contact[each] for each in contact_ids]


def lunch_with(runtime: Runtime, cast: Cast, *contact_ids: int, **changed: Any) -> int:
    """A lunch whose invitations were delivered; answers its id."""
    with runtime.turn() as turn:
        event = plan(turn, cast, **changed)
        invite(turn, runtime, event, *contact_ids)
    send(runtime)
    return event.id


def send(runtime: Runtime) -> None:
    """What is due leaves."""
    work_own(runtime, "send")


def tick(runtime: Runtime, *names: str) -> None:
    """These jobs run once, then what is due leaves."""
    for name in names:
        work(runtime, job_named(name))
    send(runtime)


def work_own(runtime: Runtime, name: str) -> None:
    """One job, whichever way it opens its turns."""
    work(runtime, job_named(name))


def sent(runtime: Runtime, *, to: str = "", kind: str = "") -> list[Any]:
    """What left through the memory transport so far."""
    found = runtime.transports["memory"].sent
    return [one for one in found if to in one.to_email and kind in one.kind]


def as_mail(outgoing: Any) -> EmailMessage:
    """The very bytes, read as a mail program reads them."""
    mail = message_from_bytes(mime.build(outgoing), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def entry_of(outgoing: Any) -> Any:
    """The VEVENT in the delivered bytes, read by vobject, with the METHOD of its calendar as `method_`."""
    parts = [part for part in as_mail(outgoing).walk() if part.get_content_type() == "text/calendar"]
    assert len(parts) == 1
    calendar = vobject.readOne(parts[0].get_payload(decode=True).decode())
    assert parts[0].get_param("method") == calendar.method.value
    return calendar.method.value, calendar.vevent


def page_of(outgoing: Any, answer: str = "yes") -> str:
    """The path of the answer link in the text part."""
    found = re.search(rf"https://outreach\.cedarlane\.example(/r/[A-Za-z0-9_-]+\?answer={answer})", outgoing.text)
    assert found, outgoing.text
    return found.group(1)


def press(client: FlaskClient, path: str, answer: str, **typed: Any) -> Any:
    """The press of a button on the RSVP page."""
    page = client.get(path).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token, page
    return client.post(path.partition("?")[0], data={"answer": answer, "csrf_token": token.group(1), **typed})


def wait_until(clock: FrozenClock, text: str) -> None:
    """Time passes (a clock that jumps would hold all mail)."""
    clock.advance(at(text) - clock.now())


def at(text: str) -> datetime:
    """An instant written in ISO form."""
    return datetime.fromisoformat(text)
