"""What goes to one contact next: a piece of their page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.content.details import with_fallbacks
from outreach.content.models import Message
from outreach.deliveries.caps import capping
from outreach.deliveries.models import Delivery
from outreach.deliveries.words import reason_words

coming = Blueprint("coming", __name__, url_prefix="/outbox")
SHOWN = 5


@coming.get("/coming/<int:contact_id>")
def of_contact(contact_id: int) -> ResponseReturnValue:
    """The next few messages that are planned or held for this person, the soonest first."""
    rows = screen.session().execute(
        select(Delivery.id, Delivery.due_at, Delivery.state, Delivery.reason, Message.subject)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.contact_id == contact_id,
            Delivery.sent_at.is_(None),
            Delivery.state.in_(("scheduled", "held", "claimed")),
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(SHOWN)
    )
    return screen.page(
        "deliveries/coming.html",
        contact_id=contact_id,
        rows=rows.all(),
        said=with_fallbacks,
        reason_words=reason_words,
        now=screen.now().astimezone(screen.zone()),
    )


@coming.get("/limit/<int:contact_id>")
def limit_of_contact(contact_id: int) -> ResponseReturnValue:
    """How much of the limit of mail this person has had in the last three months."""
    session, now = screen.session(), screen.now()
    limits = capping.limits_of(session)
    load = capping.loads_of(session, [contact_id], now=now, limits=limits)[contact_id].left_only()
    mails = sum(mail.at <= now for mail in load.mails)
    return screen.page(
        "deliveries/limit.html", contact_id=contact_id, limits=limits, mails=mails, touches=len(load.touched_at)
    )
