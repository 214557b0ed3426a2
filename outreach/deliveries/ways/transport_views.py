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
from outreach.deliveries.ways import configuring, transport_setting_views, ways_shown
from outreach.deliveries.ways.transport_models import TransportSetting
from outreach.deliveries.ways.way_settings import SECRETS, inbound_agreed_on, outside
from outreach.deliveries.ways.ways_shown import LABELS
from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.practice.queries import practice_of

__all__ = ["transport_setting_views"]


@deliveries.get("/transports")
@screen.needs(*screen.WRITERS)
def transports() -> tuple[str, int]:
    """All ways out of this installation, and the mailbox where answers arrive."""
    session, world = screen.session(), screen.world()
    world.transports.follow(session)
    ways = ways_shown.ways_shown(
        session, transports=world.transports, settings=world.settings, today=screen.today(), now=screen.now()
    )
    administrator = screen.actor().role in screen.ADMINISTRATORS
    public = (world.settings.public_url or practice_of(session).public_url).rstrip("/")
    return screen.page(
        "deliveries/transports.html",
        ways=ways,
        new=[(name, LABELS[name]) for name in ("sendgrid", "smtp") if name not in {way.name for way in ways}],
        inbound=session.get(TransportSetting, "inbound"),
        inbound_state=session.get(TransportState, "inbound"),
        inbound_agreed_on=inbound_agreed_on(session, world.settings),
        inbound_outside=outside(world.settings, "inbound"),
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
    if name != "inbound":
        _known(name)
    typed = request.form.get("signed_on", "").strip()
    try:
        signed_on = date.fromisoformat(typed) if typed else None
    except ValueError:
        return screen.refused(Refusal("no-date", "That is no date. Nothing was changed."), _here())
    refusal = configuring.record_agreement(
        screen.session(), screen.world().settings, name, signed_on, today=screen.today(), by_id=screen.actor_id()
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
    words = f"<p>This test left by: {LABELS.get(name, name)}.</p>"
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
        step=name,
        # A double click is one test; who changes something and tries again at once gets another.
        occurrence=f"{screen.actor_id()} {now:%Y-%m-%d %H:%M}:{now.second // 10}",
        transport=name,
    )
    screen.record("send-test", "transport", name=name)
    state = session.get(TransportState, name)
    if state is not None and state.paused_at is not None:
        return screen.done(_here(), f"A test for {email} is ready. It leaves once this way is resumed.")
    return screen.done(_here(), f"A test is on its way to {email}.")


def _hooks(public: str) -> list[tuple[str, str]]:
    return [
        ("Event webhook (signed)", f"{public}/hooks/sendgrid"),
        ("Inbound Parse (send raw)", f"{public}/hooks/inbound/{inbound_token(screen.world().key)}"),
    ]


def _known(name: str) -> None:
    """Ways that carry mail, and those that administrators set whether or not they work."""
    world = screen.world()
    world.transports.follow(screen.session())
    if world.transports.get(name) is None:
        screen.or_404(screen.session().get(TransportSetting, name) if name in SECRETS and name != "inbound" else None)


def _here() -> str:
    return url_for("deliveries.transports")
