"""The form for what one contact wishes about cards."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.cards.calendar_of_occasions import ALL
from outreach.cards.frame_views import cards
from outreach.cards.rules import WISH_WORDS
from outreach.cards.wishing import wishing
from outreach.cards.wishing.wish_models import CardWish
from outreach.contacts.models import Contact
from outreach.errors import Refusal


@cards.get("/wishes/<int:contact_id>")
@screen.writes_on_get
def wishes(contact_id: int) -> ResponseReturnValue:
    """What is known."""
    contact = _contact(contact_id)
    if contact.audience_class == "client":
        screen.record("viewed", "contact", contact.id)
    return screen.page(
        "cards/wishes.html",
        contact=contact,
        wish=screen.session().get(CardWish, contact.id),
        ways=list(WISH_WORDS.items()),
        occasions=ALL,
    )


@cards.post("/wishes/<int:contact_id>")
@screen.needs(*screen.WRITERS)
def keep_wishes(contact_id: int) -> ResponseReturnValue:
    """It is kept for every list from now on."""
    contact = _contact(contact_id)
    kept = wishing.keep(
        screen.session(),
        contact.id,
        way=request.form.get("way", ""),
        not_on=request.form.getlist("not_on"),
        now=screen.now(),
        by_id=screen.actor_id(),
    )
    here = f"/cards/wishes/{contact.id}"
    if isinstance(kept, Refusal):
        screen.record("wish refused", "contact", contact.id, reason=kept.reason)
        return screen.refused(kept, here)
    screen.record("card wish kept", "contact", contact.id, way=kept.way)
    return screen.done(here, "Kept. Cards that wait go by it at once; make an open list again to see it there.")


def _contact(contact_id: int) -> Contact:
    found = screen.session().get(Contact, contact_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)
