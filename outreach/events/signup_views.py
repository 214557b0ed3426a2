"""The public page of a talk as the staff sees it: opening and closing it, who signed up, who came."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.events import saying, signing_up
from outreach.events.event_views import event_or_404, events
from outreach.events.models import Event
from outreach.events.public_models import EventPage, EventSignup
from outreach.practice.queries import practice_of


@events.get("/<int:event_id>/sign-ups")
@screen.needs(*screen.LOGGERS)
def sign_ups(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    rows = signing_up.signups(screen.session(), event)
    page = screen.session().get(EventPage, event.id)
    return screen.page(
        "events/sign_ups.html",
        event=event,
        page=page,
        address=f"{_public_url()}/come/{page.code}" if page else "",
        rows=rows,
        coming=sum(row.party for row in rows if row.state == "coming"),
        when=saying.when(event, now=screen.now()),
    )


@events.post("/<int:event_id>/sign-ups/page")
@screen.needs(*screen.WRITERS)
def sign_up_page(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    here = f"/events/{event.id}/sign-ups"
    if request.form.get("do") == "close":
        signing_up.close_page(screen.session(), event, now=screen.now())
        screen.record("closed-page", "event", event.id)
        return screen.done(here, "Sign-up is closed.")
    made = signing_up.open_page(
        screen.session(), event, now=screen.now(), by_id=screen.actor_id(), words=request.form.get("words", "")
    )
    if isinstance(made, Refusal):
        return screen.refused(made, here)
    screen.record("opened-page", "event", event.id)
    return screen.done(here, "The page is open.")


@events.post("/<int:event_id>/sign-ups/<int:signup_id>")
@screen.needs(*screen.LOGGERS)
def sign_up_row(event_id: int, signup_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    signup = _signup_or_404(event, signup_id)
    here = f"/events/{event.id}/sign-ups"
    if request.form.get("do") == "withdraw":
        moved = signing_up.withdraw(screen.session(), signup, now=screen.now())
        screen.record("withdrew", "event", event.id, signup_id=signup.id)
        more = " Whoever waited has the place now and is told." if moved else ""
        return screen.done(here, f"Taken off the list.{more}")
    signup.came = request.form.get("do") == "came"
    screen.record("came" if signup.came else "came-not", "event", event.id, signup_id=signup.id)
    return screen.done(here, "Noted.")


def _public_url() -> str:
    return (screen.world().settings.public_url or practice_of(screen.session()).public_url).rstrip("/")


def _signup_or_404(event: Event, signup_id: int) -> EventSignup:
    signup = screen.or_404(screen.session().get(EventSignup, signup_id))
    return screen.or_404(signup if signup.event_id == event.id else None)
