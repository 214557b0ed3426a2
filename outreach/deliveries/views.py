"""Signed-in screens of this room: what waits, what is on hold, what failed, and one delivery's story."""

import re

from flask import Response, abort, request, url_for
from sqlalchemy import select

from outreach import screen, ui
from outreach.contacts.models import Contact
from outreach.content import previewing
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import merging, outbox, queries, settling_views, steering, words
from outreach.deliveries.caps import cap_views, capping
from outreach.deliveries.guards import copy_guard, disk_guard
from outreach.deliveries.house import House, house_of
from outreach.deliveries.inbox_views import deliveries, inbox_url
from outreach.deliveries.mail import composing, mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.models import Delivery, Hold
from outreach.deliveries.naming import names_of
from outreach.deliveries.paper import paper_queries, paper_views
from outreach.deliveries.returns import reply_views
from outreach.deliveries.ways import transport_views, trouble
from outreach.deliveries.words import reason_words, state_words
from outreach.errors import Refusal

__all__ = ["cap_views", "deliveries", "paper_views", "reply_views", "settling_views", "transport_views"]

SCOPE = re.compile(r"[a-z-]{1,40}:[0-9]{1,9}")


@deliveries.get("/", strict_slashes=False)
def index() -> tuple[str, int]:
    """The lists."""
    session = screen.session()
    tab = request.args.get("tab", "scheduled")
    tab = tab if tab in queries.TABS else "scheduled"
    asked = {name: request.args.get(name, "") for name in ("kind", "source", "reason", "person")}
    sort, _, which = asked["source"].partition(":")
    after = request.args.get("after", "")
    rows, further = queries.lines(
        session,
        tab,
        after=after,
        kind=asked["kind"],
        source=sort,
        source_id=int(which) if which.isascii() and which.isdigit() and len(which) < 10 else None,
        reason=asked["reason"],
        person=asked["person"],
        key=screen.world().key,
    )
    reasons, holds = queries.reasons(session, tab), _holds()
    names = names_of(session, [scope for scope, _ in holds], known=screen.world().source_names)
    return screen.page(
        "deliveries/outbox.html",
        tab=tab,
        tabs=queries.TABS,
        counts=queries.tab_counts(session),
        rows=rows,
        further=further,
        after=after,
        asked=asked,
        reason_choices=[("", "All reasons"), *((key, f"{words} ({many:,})") for key, words, many in reasons if key)],
        kinds=[("", "All kinds"), *((each.name, each.label) for each in MESSAGE_KINDS.values())],
        holds=[(scope, hold, names[scope], words.place_of(scope)) for scope, hold in holds],
        held_all="all" in outbox.held_scopes(session),
        troubles=trouble.in_trouble(session, now=screen.now()),
        low_disk=disk_guard.WHY if disk_guard.is_low(screen.world().settings) else "",
        may_act=screen.actor().role in screen.WRITERS,
        may_rule=screen.actor().role in screen.ADMINISTRATORS,
        limits=capping.limits_of(session),
        has_transport=bool(screen.world().transports.names),
        inbox=inbox_url(),
        letters=paper_queries.many_waiting(session, now=screen.now()),
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
    return screen.done(_back(), f"On hold. {_emails(waiting)} {'waits' if waiting == 1 else 'wait'}.")


@deliveries.post("/resume")
@screen.needs_right("send")
def resume() -> Response:
    """What is left leaves in its sending hours."""
    scope, session, by_id = _scope(), screen.session(), screen.actor_id()
    if scope == "all":
        left = copy_guard.resume(session, screen.world().settings.home, now=screen.now(), by_id=by_id)
    else:
        left = outbox.resume(session, now=screen.now(), scope=scope, by_id=by_id)
    if isinstance(left, Refusal):
        return screen.refused(left, _back())
    screen.record("resume-mail", "outbox", scope=scope, left=left)
    return screen.done(_back(), f"Resumed with the {_emails(left)} that {_are(left)} left.")


@deliveries.post("/retry-failed")
@screen.needs_right("send")
def retry_failed() -> Response:
    """All that failed, or those of one reason and kind, are tried again."""
    session, reason, kind = screen.session(), request.form.get("reason", ""), request.form.get("kind", "")
    many = steering.retry(
        session, steering.failed_ids(session, reason=reason, kind=kind), now=screen.now(), house=_house()
    )
    screen.record("retry-failed", "outbox", many=many, reason=reason, kind=kind)
    return screen.done(url_for("deliveries.index", tab="failed"), f"{_emails(many)} {_are(many)} tried again.")


@deliveries.get("/<int:delivery_id>")
@screen.writes_on_get
def delivery(delivery_id: int) -> tuple[str, int]:
    """One delivery's story, and the exact message."""
    session = screen.session()
    row = _delivery(delivery_id)
    if row.audience_class == "client":
        screen.record("view-delivery", "contact", row.contact_id)
    part = request.args.get("part", "html")
    may_act, scope = screen.actor().role in screen.WRITERS, f"{row.source}:{row.source_id}"
    return screen.page(
        "deliveries/delivery.html",
        delivery=row,
        contact=session.get(Contact, row.contact_id) if row.contact_id else None,
        kind=MESSAGE_KINDS[row.kind].label,
        state=state_words(row.state),
        way=words.way_words(row.transport or ""),
        why=reason_words(row.reason) if row.reason else "",
        story=queries.story(session, row, zone=screen.zone()),
        exact=_is_exact(row) if may_act else None,
        part_of=names_of(session, [scope], known=screen.world().source_names)[scope],
        part_of_href=words.place_of(scope),
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
@screen.needs_right("send")
def retry(delivery_id: int) -> Response:
    """One that failed is tried again."""
    row = _delivery(delivery_id)
    many = steering.retry(screen.session(), [row.id], now=screen.now(), house=_house())
    screen.record("retry", "delivery", row.id)
    if not many:
        return screen.refused(Refusal("not-failed", "This email cannot be tried again."), _story(row.id))
    return screen.done(_story(row.id), "It is tried again in the next sending hours.")


@deliveries.post("/<int:delivery_id>/settle")
@screen.needs_right("send")
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
    at, house, world = row.fenced_at or row.due_at, _house(), screen.world()
    revisions = {row.message_id: revision}
    details = merging.details_of(session, [row], revisions, now=screen.now(), world=world, house=house)[row.id]
    return composing.compose(row, revision, calendar, now=at, house=house, key=world.key, details=details)


def _is_exact(row: Delivery) -> bool | None:
    """Whether what is shown has the hash of what was handed over; None when nothing was yet."""
    return composing.digest(composed(row)) == row.rendered_hash if row.rendered_hash else None


def _holds() -> list[tuple[str, Hold]]:
    held = outbox.held_scopes(screen.session())
    return sorted(held.items(), key=lambda each: (each[0] != "all", each[1].since_at))


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
    """A letter among them is no email."""
    word = "message" if paper_queries.many_waiting(screen.session(), now=screen.now()) else "email"
    return ui.count(many, word)


def _are(many: int) -> str:
    return "is" if many == 1 else "are"
