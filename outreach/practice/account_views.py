"""Settings: what is one's own. Password and second factor are Flask-Security's pages, linked from here."""

from flask import Blueprint, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.practice import sessions
from outreach.practice.models import Person, WebSession

account = Blueprint("account", __name__, url_prefix="/account")


@account.get("")
def mine() -> ResponseReturnValue:
    person = screen.session().get_one(Person, screen.actor().id)
    rows = screen.session().scalars(
        select(WebSession).where(WebSession.person_id == person.id).order_by(WebSession.seen_at.desc())
    )
    return screen.page(
        "practice/account.html",
        person=person,
        sessions=rows.all(),
        here=_here(),
        browser=_browser,
        now_here=screen.now().astimezone(screen.zone()),
    )


@account.post("/shortcuts")
def shortcuts() -> ResponseReturnValue:
    person = screen.session().get_one(Person, screen.actor().id)
    person.single_key_shortcuts = request.form.get("on") == "yes"
    screen.record("switch-shortcuts", "person", person.id)
    return screen.done("/settings/account", f"Shortcuts are {'on' if person.single_key_shortcuts else 'off'}.")


@account.post("/sign-out-others")
def sign_out_others() -> ResponseReturnValue:
    ended = sessions.revoke(screen.session(), screen.actor().id, keep=_here())
    screen.record("sign-out-others", "person", screen.actor().id, sessions=ended)
    return screen.done("/settings/account", "You are signed out everywhere but here.")


def _here() -> str | None:
    kept: WebSession | None = getattr(session, "kept", None)
    return kept.digest if kept else None


def _browser(agent: str) -> str:
    """What a person calls the browser behind a user-agent text."""
    names = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac", "Mac"), ("Windows", "Windows"))
    name = next((said for sign, said in names if sign in agent), "A browser")
    system = next((said for sign, said in systems if sign in agent), "")
    return f"{name} on {system}" if system else name
