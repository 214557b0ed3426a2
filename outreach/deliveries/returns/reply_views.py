"""Signed-in screens: what people wrote back, to be read and marked as dealt with."""

from flask import Response, request, url_for
from sqlalchemy import select

from outreach import screen
from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.deliveries.inbox_views import deliveries
from outreach.deliveries.models import InboundMail
from outreach.deliveries.returns import reply_reading
from outreach.deliveries.returns.answering import REPLY
from outreach.errors import Refusal

SAFE_DOWNLOAD = {"Content-Security-Policy": "sandbox; default-src 'none'; base-uri 'none'"}


@deliveries.get("/replies")
@screen.needs(*screen.WRITERS)
def replies() -> tuple[str, int]:
    """All replies, the youngest first."""
    before = request.args.get("before", 0, int)
    found, further = reply_reading.listed(screen.session(), before=max(before, 0))
    return screen.page(
        "deliveries/replies.html",
        replies=found,
        further=further,
        before=before,
        now=screen.now().astimezone(screen.zone()),
    )


@deliveries.get("/replies/<int:mail_id>")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def reply(mail_id: int) -> tuple[str, int]:
    """One reply: who, about what, and the words."""
    found = screen.or_404(reply_reading.reply_of(screen.session(), mail_id))
    if found.contact is not None:
        screen.record("view-reply", "contact", found.contact.id)
    return screen.page("deliveries/reply.html", reply=found, now=screen.now().astimezone(screen.zone()))


@deliveries.get("/replies/<int:mail_id>/file")
@screen.needs(*screen.WRITERS)
def reply_file(mail_id: int) -> Response:
    """The very bytes, as a download."""
    mail = screen.or_404(screen.session().get(InboundMail, mail_id))
    if mail.kind not in reply_reading.KINDS:
        return screen.refused(Refusal("no-reply", "This is no reply."), url_for("deliveries.replies"))
    response = Response(mail.raw, content_type="message/rfc822", headers=SAFE_DOWNLOAD)
    response.headers.set("Content-Disposition", "attachment", filename=f"reply-{mail.id}.eml")
    return response


@deliveries.post("/replies/<int:mail_id>/answered")
@screen.needs(*screen.WRITERS)
def answered(mail_id: int) -> Response:
    """Somebody dealt with it: it is off Today, and campaigns may go on. Idempotent."""
    session, now = screen.session(), screen.now()
    task = session.scalar(select(Task).where(Task.origin == f"{REPLY}{mail_id}"))
    if task is None:
        refused = Refusal("nothing-to-do", "There is nothing left to do about this mail.")
        return screen.refused(refused, url_for("deliveries.replies"))
    tasks.close(session, task, now=now, by_id=screen.actor_id(), note="Answered what they wrote")
    screen.record("answer-reply", "contact", task.contact_id)
    return screen.done(url_for("deliveries.reply", mail_id=mail_id), "Marked as answered.")
