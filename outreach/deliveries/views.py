"""Signed-in screens of this room: what waits, what is on hold, what failed, and one delivery's story."""

import re

from flask import Response, abort, request, url_for
from sqlalchemy import select

from outreach import screen
from outreach.contacts.models import Contact
from outreach.content import previewing
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import composing, mime, outbox, queries, steering, transport_views
from outreach.deliveries.house import House, house_of
from outreach.deliveries.inbox_views import deliveries, inbox_url
from outreach.deliveries.message import OutgoingMessage
from outreach.deliveries.models import Delivery
from outreach.deliveries.words import reason_words, state_words
from outreach.errors import Refusal

__all__ = ["deliveries", "transport_views"]

SCOPE = re.compile(r"[a-z-]{1,40}:[0-9]{1,9}")


@deliveries.get("/", strict_slashes=False)
def index() -> tuple[str, int]:
    """The lists."""
    session = screen.session()
    tab = request.args.get("tab", "scheduled")
    tab = tab if tab in queries.TABS else "scheduled"
    page = max(request.args.get("page", 1, int), 1)
    kind, source = request.args.get("kind", ""), request.args.get("source", "")
    sort, _, which = source.partition(":")
    rows, more = queries.lines(
        session,
        tab,
        page=page,
        kind=kind,
        source=sort,
        source_id=int(which) if which.isascii() and which.isdigit() else None,
    )
    return screen.page(
        "deliveries/outbox.html",
        tab=tab,
        tabs=queries.TABS,
        counts=queries.tab_counts(session),
        rows=rows,
        has_more=more,
        page_number=page,
        kind=kind,
        source=source,
        kinds=[("", "All kinds"), *((each.name, each.label) for each in MESSAGE_KINDS.values())],
        holds=outbox.held_scopes(session),
        may_act=screen.actor().role in screen.WRITERS,
        has_transport=bool(screen.world().transports.names),
        inbox=inbox_url(),
        state_words=state_words,
        now=screen.now().astimezone(screen.zone()),
    )


@deliveries.post("/hold")
@screen.needs(*screen.WRITERS)
def hold() -> Response:
    """Nothing leaves any more, at once."""
    scope = _scope()
    waiting = outbox.hold(
        screen.session(), now=screen.now(), scope=scope, by_id=screen.actor_id(), why=f"Held by {screen.actor().name}."
    )
    screen.record("hold-mail", "outbox", scope=scope, waiting=waiting)
    return screen.done(_back(), f"On hold. {_emails(waiting)} wait.")


@deliveries.post("/resume")
@screen.needs(*screen.WRITERS)
def resume() -> Response:
    """What is left leaves in its sending hours."""
    scope = _scope()
    left = outbox.resume(screen.session(), now=screen.now(), scope=scope, by_id=screen.actor_id())
    screen.record("resume-mail", "outbox", scope=scope, left=left)
    return screen.done(_back(), f"Resumed with the {_emails(left)} that are left.")


@deliveries.post("/retry-failed")
@screen.needs(*screen.WRITERS)
def retry_failed() -> Response:
    """All that failed are tried again."""
    session = screen.session()
    many = steering.retry(session, steering.failed_ids(session), now=screen.now(), house=_house())
    screen.record("retry-failed", "outbox", many=many)
    return screen.done(url_for("deliveries.index", tab="failed"), f"{_emails(many)} are tried again.")


@deliveries.get("/<int:delivery_id>")
@screen.writes_on_get
def delivery(delivery_id: int) -> tuple[str, int]:
    """One delivery's story, and the exact message."""
    session = screen.session()
    row = _delivery(delivery_id)
    if row.audience_class == "client":
        screen.record("view-delivery", "contact", row.contact_id)
    part = request.args.get("part", "html")
    may_act = screen.actor().role in screen.WRITERS
    return screen.page(
        "deliveries/delivery.html",
        delivery=row,
        contact=session.get(Contact, row.contact_id) if row.contact_id else None,
        kind=MESSAGE_KINDS[row.kind].label,
        state=state_words(row.state),
        why=reason_words(row.reason) if row.reason else "",
        story=queries.story(session, row),
        part=part if part in ("html", "text", "headers") else "html",
        headers=_head(row) if may_act and part == "headers" else "",
        subject=composed(row).subject if may_act else "",
        may_act=may_act,
        now=screen.now().astimezone(screen.zone()),
    )


@deliveries.get("/<int:delivery_id>/frame")
@screen.needs(*screen.WRITERS)
def delivery_frame(delivery_id: int) -> Response:
    """The message as this person gets it, as a document of its own."""
    message = composed(_delivery(delivery_id))
    if request.args.get("part") == "text":
        return Response(previewing.text_page(message.text), headers=previewing.HEADERS)
    public = _house().public_url
    html = message.html.replace(f'src="{public}/', 'src="/') if public else message.html
    return Response(html, headers=previewing.HEADERS)


@deliveries.post("/<int:delivery_id>/retry")
@screen.needs(*screen.WRITERS)
def retry(delivery_id: int) -> Response:
    """One that failed is tried again."""
    row = _delivery(delivery_id)
    many = steering.retry(screen.session(), [row.id], now=screen.now(), house=_house())
    screen.record("retry", "delivery", row.id)
    if not many:
        return screen.refused(Refusal("not-failed", "This email cannot be tried again."), _story(row.id))
    return screen.done(_story(row.id), "It is tried again in the next sending hours.")


@deliveries.post("/<int:delivery_id>/settle")
@screen.needs(*screen.WRITERS)
def settle(delivery_id: int) -> Response:
    """A doubt is settled by a person."""
    row = _delivery(delivery_id)
    how = request.form.get("how", "")
    refusal = steering.settle(screen.session(), row.id, how, now=screen.now(), house=_house())
    if refusal is not None:
        return screen.refused(refusal, _story(row.id))
    screen.record("settle-unconfirmed", "delivery", row.id, how=how)
    return screen.done(url_for("deliveries.index", tab="unconfirmed"), f"Settled: {steering.SETTLED[how]}.")


@deliveries.post("/<int:delivery_id>/stop")
@screen.needs(*screen.WRITERS)
def stop(delivery_id: int) -> Response:
    """One that has not left is cancelled."""
    row = _delivery(delivery_id)
    refusal = steering.stop(screen.session(), row.id, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, _story(row.id))
    screen.record("stop-delivery", "delivery", row.id)
    return screen.done(_story(row.id), "Cancelled. It will not be sent.")


def composed(row: Delivery) -> OutgoingMessage:
    """The message of a row, built exactly as it was, or will be, for sending."""
    session = screen.session()
    revision = composing.revisions_of(session, [row.message_id])[row.message_id]
    calendar = composing.calendars_of(session, [row.id]).get(row.id)
    at = row.fenced_at or row.due_at
    return composing.compose(row, revision, calendar, now=at, house=_house(), key=screen.world().key)


def _head(row: Delivery) -> str:
    try:
        return mime.build(composed(row)).partition(b"\r\n\r\n")[0].decode("ascii")
    except ValueError as broken:
        return str(broken)


def _delivery(delivery_id: int) -> Delivery:
    return screen.or_404(screen.session().scalar(select(Delivery).where(Delivery.id == delivery_id)))


def _house() -> House:
    world = screen.world()
    return house_of(screen.session(), now=screen.now(), transports=world.transports, settings=world.settings)


def _scope() -> str:
    """What is meant. A garbled scope is refused: "everything" must be said."""
    scope = request.form.get("scope", "all")
    if scope != "all" and not SCOPE.fullmatch(scope):
        abort(400)
    return scope


def _back() -> str:
    scope = _scope()
    return url_for("deliveries.index") if scope == "all" else url_for("deliveries.index", source=scope)


def _story(delivery_id: int) -> str:
    return url_for("deliveries.delivery", delivery_id=delivery_id)


def _emails(many: int) -> str:
    return "1 email" if many == 1 else f"{many:,} emails"
