"""Everything of this room that is reachable without signing in: unsubscribe, preferences, view in browser, links."""

import logging

from flask import Response, abort, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from outreach import screen
from outreach.contacts.consent import TOPIC_LABELS, TOPICS
from outreach.contacts.record_models import MergeRecord
from outreach.deliveries import clicks, gates, links, optouts
from outreach.deliveries.house import house_of
from outreach.deliveries.links import OPTING_OUT
from outreach.deliveries.machine_signs import Asker
from outreach.deliveries.mail import composing
from outreach.deliveries.models import Delivery
from outreach.deliveries.optouts import Recipient
from outreach.deliveries.public_hooks import deliveries_public

__all__ = ["deliveries_public"]

log = logging.getLogger(__name__)

VIEW_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; default-src 'none'; "
    "img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
FOR_SCANNERS = "This link is in our mail for programs that check it. There is nothing to read here.\n"
DONE = "Done. You will get no more email from us.\n"


@deliveries_public.get("/u/example")
def unsubscribe_example() -> tuple[str, int]:
    """Where the links of a test lead."""
    return screen.page("public/test-link.html")


@deliveries_public.get("/u/<number>/<token>")
def unsubscribe_page(number: str, token: str) -> tuple[str, int]:
    """A page with a button; looking at it changes nothing."""
    who = screen.or_404(optouts.recipient(screen.session(), OPTING_OUT, token, number))
    return screen.page(
        "public/unsubscribe.html",
        number=number,
        token=token,
        stopped=optouts.is_stopped(screen.session(), who),
        preferences=token,
    )


@deliveries_public.post("/u/<number>/<token>")
@screen.opens_own_turns
def one_click(number: str, token: str) -> AnyResponse:
    """Stops all mail at once: the button of the page, and the mail program's own button (RFC 8058).

    Never refused for being asked too often, nor because the database is busy: it is kept on disk then.
    """
    by_program = request.form.get("List-Unsubscribe") == "One-Click"
    source = "one-click" if by_program else "page"
    try:
        known = optouts.stop_soon(
            screen.world(), token=token, number=number, source=source, at_once=not g.get("asked_too_often")
        )
    except OSError:
        log.exception("An unsubscribe could be stored neither in the database nor on disk")
        return Response("Not stored yet. Please try again in a minute.\n", 503, {**PLAIN, "Retry-After": "60"})
    if not known:
        return Response("This link is not known.\n", 404, PLAIN)
    if by_program:
        return Response(DONE, 200, PLAIN)
    return redirect(url_for("deliveries_public.unsubscribe_page", number=number, token=token), 303)


@deliveries_public.post("/u/<number>/<token>/undo")
def unsubscribe_undo(number: str, token: str) -> AnyResponse:
    """The person starts mail again: nobody else can."""
    who = screen.or_404(optouts.recipient(screen.session(), OPTING_OUT, token, number))
    optouts.start_again(screen.session(), who, now=screen.now())
    return redirect(url_for("deliveries_public.unsubscribe_page", number=number, token=token), 303)


@deliveries_public.get("/p/<token>")
def preferences_page(token: str) -> tuple[str, int]:
    """What this person gets, topic by topic."""
    who = _opted(token)
    wanted = optouts.wanted_topics(screen.session(), who)
    return screen.page(
        "public/preferences.html",
        token=token,
        topics=[(topic, TOPIC_LABELS[topic], topic in wanted) for topic in TOPICS],
        stopped=not wanted,
        saved=request.args.get("saved") == "1",
    )


@deliveries_public.post("/p/<token>")
def preferences_save(token: str) -> AnyResponse:
    """Exactly the ticked topics are sent from now on; none at all is "stop everything"."""
    who = _opted(token)
    wanted = [] if "stop" in request.form else request.form.getlist("topic")
    optouts.choose(screen.session(), who, wanted, now=screen.now())
    return redirect(url_for("deliveries_public.preferences_page", token=token, saved=1), 303)


@deliveries_public.get("/v/<number>/<token>")
def view_in_browser(number: str, token: str) -> Response:
    """The message as it was sent, as a document of its own; not what waits, nor a story that was withdrawn since."""
    session, world = screen.session(), screen.world()
    theirs = (Delivery.id == links.delivery_id(number), Delivery.contact_id.is_not(None))
    left = (Delivery.fenced_at.is_not(None), ~gates.story_not_live(screen.today()))
    sent = screen.or_404(session.scalar(select(Delivery).where(*theirs, *left)))
    if not any(links.opens_view(world.key, token, each) for each in _recipients(session, sent)):
        abort(404)
    house = house_of(session, now=screen.now(), transports=world.transports, settings=world.settings)
    revision = composing.revisions_of(session, [sent.message_id])[sent.message_id]
    html = composing.rendered(sent, revision, house=house, key=world.key).html
    return Response(html, headers={"Content-Security-Policy": VIEW_POLICY})


@deliveries_public.get("/l/<token>")
@screen.opens_own_turns
def tracked_link(token: str) -> AnyResponse:
    """On to the stored address; the click is one more row, and a busy database stops nobody."""
    world = screen.world()
    with world.turn(write=False) as turn:
        target = clicks.target_of(turn.session, world.key, token)
    if target is None:
        abort(404)
    address = screen.who_asks()
    asker = Asker(request.method, request.user_agent.string, address, clicks.mark_of(world.key, address))
    try:
        with world.turn(quick=True) as turn:
            clicks.record(turn.session, target, asker, now=turn.now)
    except OperationalError:
        log.exception("A click could not be recorded")
    return redirect(target.url, 302) if target.url else Response(FOR_SCANNERS, 200, PLAIN)


def _recipients(session: Session, sent: Delivery) -> list[int]:
    """Whose record it is, and those that it was with before they were merged: its link was made for one of them."""
    known = [sent.contact_id] if sent.contact_id is not None else []
    for each in known:
        merged = select(MergeRecord).where(
            MergeRecord.kind == "contact", MergeRecord.kept_id == each, MergeRecord.undone_at.is_(None)
        )
        moved = [Delivery.__tablename__, "contact_id", [sent.id]]
        known += [row.gone_id for row in session.scalars(merged) if moved in row.moved and row.gone_id not in known]
    return known


def _opted(token: str) -> Recipient:
    """Mail that was sent before has a token of its own for this page."""
    session = screen.session()
    known = optouts.recipient(session, OPTING_OUT, token) or optouts.recipient(session, "preferences", token)
    return screen.or_404(known)
