"""The page on which anybody signs up for a talk. Looking changes nothing; nothing is asked about health."""

import secrets

from flask import Response, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.events import saying, signing_up
from outreach.events.models import Event
from outreach.events.public import events_public
from outreach.events.public_models import EventPage
from outreach.events.signing_up import Typed

__all__ = ["events_public"]
HONEYPOT = "homepage"
"""A field that people do not see; programs fill it in."""
THANKS = ("coming", "waiting")


@events_public.get("/come/<code>")
def come(code: str) -> ResponseReturnValue:
    """The form, and what the event is about."""
    known = signing_up.found(screen.session(), code)
    if known is None:
        return screen.page("public/come_unknown.html", 404)
    return _form(*known, Typed(form_key=secrets.token_urlsafe(16)))


@events_public.post("/come/<code>")
def sign_up(code: str) -> ResponseReturnValue:
    """Somebody signs up."""
    known = signing_up.found(screen.session(), code)
    if known is None:
        return screen.page("public/come_unknown.html", 404)
    page, event = known
    form = request.form
    typed = Typed(
        form.get("name", ""), form.get("phone", ""), form.get("email", ""), _party(), form.get("form_key", "")
    )
    if form.get(HONEYPOT):
        # A program learns nothing: it is thanked like everybody.
        return _thanked(code, "coming")
    if signing_up.too_many(screen.session(), screen.who_asks(), now=screen.now()):
        wait = {"": "That was a lot at once. Please wait ten minutes, or call us."}
        return _form(page, event, typed, errors=wait, status=429)
    made = signing_up.sign_up(screen.session(), page, typed, now=screen.now())
    if isinstance(made, Refusal):
        return _form(page, event, typed, status=422)
    if isinstance(made, dict):
        return _form(page, event, typed, errors=made, status=422)
    screen.record("signed-up", "event", event.id, signup_id=made.id, state=made.state)
    return _thanked(code, made.state)


def _thanked(code: str, state: str) -> Response:
    return Response(status=303, headers={"Location": f"/come/{code}?thanks={state}"})


def _form(
    page: EventPage, event: Event, typed: Typed, *, errors: dict[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    thanks = request.args.get("thanks", "")
    return screen.page(
        "public/come.html",
        status,
        here=f"/come/{page.code}",
        event=event,
        words=[line for line in page.words.splitlines() if line.strip()],
        when=saying.when(event, now=screen.now()),
        where=saying.where(screen.session(), event),
        typed=typed,
        errors=errors or {},
        thanks=thanks if thanks in THANKS else "",
        closed=signing_up.refuse_signing_up(page, event, now=screen.now()),
        honeypot=HONEYPOT,
        most=signing_up.MOST_TOGETHER,
    )


def _party() -> int:
    text = request.form.get("party", "1").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
