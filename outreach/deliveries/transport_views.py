"""The ways out: how each is, its agreement, pause and resume, and a test mail."""

from datetime import date

from flask import Response, request, url_for
from sqlalchemy import select

from outreach import screen
from outreach.content import publishing
from outreach.content.drafts import Draft
from outreach.deliveries import outbox, steering
from outreach.deliveries.inbox_views import deliveries
from outreach.deliveries.models import TransportState
from outreach.deliveries.public_hooks import inbound_token
from outreach.deliveries.rules import may_carry
from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.practice.queries import practice_of

TRANSPORT_LABELS = {
    "sendgrid": "SendGrid",
    "smtp": "Mail server (SMTP)",
    "folder": "Folder (nothing leaves this machine)",
    "memory": "Memory (nothing leaves this machine)",
}
AUDIENCE_LABELS = {
    "provider": "Referring providers",
    "organization": "Community organizations",
    "peer": "Peer therapists",
    "client": "Clients and families",
}


@deliveries.get("/transports")
@screen.needs(*screen.WRITERS)
def transports() -> tuple[str, int]:
    """All ways out of this installation."""
    session, world = screen.session(), screen.world()
    states = {state.name: state for state in session.scalars(select(TransportState))}
    ways = world.transports.ways({name: state.baa_signed_on for name, state in states.items()})
    administrator = screen.actor().role in screen.ADMINISTRATORS
    public = (world.settings.public_url or practice_of(session).public_url).rstrip("/")
    return screen.page(
        "deliveries/transports.html",
        ways=[
            {
                "name": way.name,
                "label": TRANSPORT_LABELS.get(way.name, way.name),
                "state": states.get(way.name),
                "waiting": outbox.waiting_in(session, f"transport:{way.name}"),
                "carries": [
                    label for name, label in AUDIENCE_LABELS.items() if may_carry(way, name, on=screen.today())
                ],
                "may_have_agreement": way.name != "sendgrid" and not way.leaves_nothing,
            }
            for way in ways
        ],
        sender=practice_of(session).sender_email,
        administrator=administrator,
        hooks=_hooks(public) if administrator else [],
        today=screen.today(),
        now=screen.now().astimezone(screen.zone()),
    )


@deliveries.post("/transports/<name>/pause")
@screen.needs(*screen.ADMINISTRATORS)
def transport_pause(name: str) -> Response:
    """Nothing leaves by it until somebody resumes."""
    _known(name)
    steering.pause(
        screen.session(), name, now=screen.now(), by_id=screen.actor_id(), why=f"Paused by {screen.actor().name}."
    )
    screen.record("pause-transport", "transport", name=name)
    return screen.done(
        _here(), "Paused. What is planned waits.", undo=url_for("deliveries.transport_resume", name=name)
    )


@deliveries.post("/transports/<name>/resume")
@screen.needs(*screen.ADMINISTRATORS)
def transport_resume(name: str) -> Response:
    """What waits leaves again, in its sending hours."""
    _known(name)
    steering.resume(screen.session(), name)
    screen.record("resume-transport", "transport", name=name)
    return screen.done(_here(), "Resumed.")


@deliveries.post("/transports/<name>/agreement")
@screen.needs(*screen.ADMINISTRATORS)
def transport_agreement(name: str) -> Response:
    """The signed agreement is on record, or taken back with an empty day."""
    _known(name)
    typed = request.form.get("signed_on", "").strip()
    try:
        signed_on = date.fromisoformat(typed) if typed else None
    except ValueError:
        return screen.refused(Refusal("no-date", "That is no date. Nothing was changed."), _here())
    refusal = steering.record_agreement(
        screen.session(), name, signed_on, today=screen.today(), by_id=screen.actor_id()
    )
    if refusal is not None:
        return screen.refused(refusal, _here())
    screen.record("record-agreement", "transport", name=name, signed_on=typed)
    return screen.done(
        _here(), "Saved. Mail to clients that waits is looked at within a minute." if typed else "Saved."
    )


@deliveries.post("/transports/<name>/test")
@screen.needs(*screen.WRITERS)
def transport_test(name: str) -> Response:
    """A test mail to the one who asks."""
    _known(name)
    session, now, world = screen.session(), screen.now(), screen.world()
    words = f"<p>This test left by: {TRANSPORT_LABELS.get(name, name)}.</p>"
    draft = Draft("Your mail works", "A test from Outreach", [{"type": "text", "html": words}], "plain")
    kept = publishing.keep(session, now=now, world=world, draft=draft, kind="test", by_id=screen.actor_id())
    if isinstance(kept, Refusal):
        return screen.refused(kept, _here())
    email = session.scalars(select(Person.email).where(Person.id == screen.actor_id())).one()
    outbox.put_to_address(
        session,
        now=now,
        world=world,
        message_id=kept.id,
        email=email,
        name=screen.actor().name,
        kind="test",
        source="transport",
        transport=name,
    )
    screen.record("send-test", "transport", name=name)
    return screen.done(_here(), f"A test is on its way to {email}.")


def _hooks(public: str) -> list[tuple[str, str]]:
    return [
        ("Event webhook (signed)", f"{public}/hooks/sendgrid"),
        ("Inbound Parse (send raw)", f"{public}/hooks/inbound/{inbound_token(screen.world().key)}"),
    ]


def _known(name: str) -> None:
    screen.or_404(screen.world().transports.get(name))


def _here() -> str:
    return url_for("deliveries.transports")
