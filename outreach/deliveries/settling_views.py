"""Signed-in screens about unconfirmed mail: settle many at once, and choose what is done by itself."""

from flask import Response, request, url_for

from outreach import screen
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import settling, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.inbox_views import deliveries
from outreach.deliveries.policy_models import MOST_HOURS
from outreach.errors import Refusal

HOW_LABELS = (("sent", "Count as sent"), ("again", "Send again, once"), ("wait", "Wait for a person"))


@deliveries.post("/settle-all")
@screen.needs_right("send")
def settle_all() -> Response:
    """All doubts of a kind and a reason are settled by a person."""
    session, how = screen.session(), request.form.get("how", "")
    kind, reason = request.form.get("kind", ""), request.form.get("reason", "")
    world = screen.world()
    house = house_of(session, now=screen.now(), transports=world.transports, settings=world.settings)
    many = settling.settle_all(session, how, kind=kind, reason=reason, now=screen.now(), house=house)
    there = url_for("deliveries.index", tab="unconfirmed")
    if isinstance(many, Refusal):
        return screen.refused(many, there)
    screen.record("settle-unconfirmed", "outbox", many=many, how=how, kind=kind, reason=reason)
    return screen.done(there, f"Settled {many:,}: {steering.SETTLED[how]}.")


@deliveries.get("/unconfirmed-rules")
@screen.needs(*screen.ADMINISTRATORS)
def rules() -> tuple[str, int]:
    """What is done by itself, per kind of mail, and how long receipts are waited for."""
    session = screen.session()
    return screen.page(
        "deliveries/outbox_rules.html",
        chosen=settling.policy(session),
        kinds=[(kind.name, kind.label) for kind in MESSAGE_KINDS.values() if kind.name != "test"],
        hows=HOW_LABELS,
        hours=settling.hours(session, screen.world().transports.names),
        most_hours=MOST_HOURS,
    )


@deliveries.post("/unconfirmed-rules")
@screen.needs(*screen.ADMINISTRATORS)
def save_rules() -> Response:
    """The rules are as chosen."""
    session, now, by_id = screen.session(), screen.now(), screen.actor_id()
    here = url_for("deliveries.rules")
    names = screen.world().transports.names
    hows = {kind: request.form[f"how-{kind}"] for kind in MESSAGE_KINDS if f"how-{kind}" in request.form}
    waits = {name: request.form.get(f"hours-{name}", 0, int) for name in names if f"hours-{name}" in request.form}
    refusal = settling.choose(session, hows, waits, now=now, by_id=by_id)
    if refusal is not None:
        return screen.refused(refusal, here)
    screen.record("change-unconfirmed-rules", "outbox", chosen=hows, hours=waits)
    return screen.done(url_for("deliveries.index", tab="unconfirmed"), "Saved.")
