"""What goes to one contact next: a piece of their page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.content.models import Message
from outreach.deliveries.models import Delivery

coming = Blueprint("coming", __name__, url_prefix="/outbox")
SHOWN = 5


@coming.get("/coming/<int:contact_id>")
def of_contact(contact_id: int) -> ResponseReturnValue:
    """The next few messages that are planned or held for this person, the soonest first."""
    rows = screen.session().execute(
        select(Delivery.id, Delivery.due_at, Delivery.state, Message.subject)
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
        "deliveries/coming.html", contact_id=contact_id, rows=rows.all(), now=screen.now().astimezone(screen.zone())
    )
