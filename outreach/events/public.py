"""Answering an invitation without signing in. Looking changes nothing; only the press of a button records."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.events import calendar, places, rsvping, rules, saying
from outreach.events.event_views import calendar_answer
from outreach.events.models import Event, Invitation

events_public = Blueprint("events_public", __name__)


@events_public.get("/r/<token>")
def rsvp(token: str) -> ResponseReturnValue:
    found = rsvping.found(screen.session(), token)
    if found is None:
        return screen.page("public/rsvp_unknown.html", 404)
    return _rsvp_page(token, *found)


@events_public.post("/r/<token>")
def answer(token: str) -> ResponseReturnValue:
    found = rsvping.found(screen.session(), token)
    if found is None:
        return screen.page("public/rsvp_unknown.html", 404)
    invitation, event = found
    said = rsvping.answer(
        screen.session(),
        invitation,
        now=screen.now(),
        answer=request.form.get("answer", ""),
        guests=_number("guests", invitation.guests),
        diets={name: _number(f"diet-{name}", invitation.diets.get(name, 0)) for name in rules.DIETS},
        comment=request.form.get("comment", ""),
        source="page",
    )
    if isinstance(said, Refusal):
        return _rsvp_page(token, invitation, event, refusal=said)
    return redirect(f"/r/{token}?done=1", code=303)


@events_public.get("/r/<token>/event.ics")
def rsvp_calendar(token: str) -> ResponseReturnValue:
    found = rsvping.found(screen.session(), token)
    if found is None or found[1].starts_at is None or found[1].ends_at is None:
        return screen.page("public/rsvp_unknown.html", 404)
    invitation, event = found
    # The same UID as in the invitation: a calendar that has it already does not show it twice.
    entry = calendar.FeedEvent(
        uid=invitation.uid or f"{event.id}-{invitation.id}",
        changed_at=event.updated_at,
        starts=found[1].starts_at,
        ends=found[1].ends_at,
        summary=event.title,
        location=saying.where(screen.session(), event),
        description=event.topic,
        sequence=event.sequence,
        cancelled=event.status == "cancelled",
    )
    return calendar_answer(calendar.feed(event.title, entry.uid, [entry]), "event")


def _rsvp_page(
    token: str, invitation: Invitation, event: Event, *, refusal: Refusal | None = None
) -> ResponseReturnValue:
    contact = screen.session().get_one(Contact, invitation.contact_id)
    closed = places.refuse_answering(event, now=screen.now())
    wanted = request.values.get("answer", "")
    where = saying.where(screen.session(), event)
    return screen.page(
        "public/rsvp.html",
        200 if refusal is None else 422,
        token=token,
        event=event,
        first_name=contact.first_name,
        when=saying.when(event, now=screen.now(), reader_zone=contact.time_zone),
        where=where,
        said=invitation.answer,
        guests=_number("guests", invitation.guests) if refusal is not None else invitation.guests,
        diets=_typed_diets(invitation) if refusal is not None else invitation.diets,
        earlier=invitation.earlier_answer,
        wanted=wanted if wanted in rules.ANSWERS else "",
        answers=rules.ANSWERS,
        known_diets=rules.DIETS,
        most_guests=rules.MOST_GUESTS,
        closed=closed,
        refusal=refusal,
        just_done=request.args.get("done") == "1",
    )


def _typed_diets(invitation: Invitation) -> dict[str, int]:
    return {name: _number(f"diet-{name}", invitation.diets.get(name, 0)) for name in rules.DIETS}


def _number(name: str, otherwise: int) -> int:
    """A whole number that was typed; nonsense becomes one that the verb refuses, nothing typed keeps what was there."""
    typed = request.form.get(name)
    if typed is None:
        return otherwise
    typed = typed.strip()
    if not typed:
        return 0
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1
