"""The inbox of referrals without a source."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.organizing import desk_of
from outreach.contacts.queries import find
from outreach.errors import Refusal
from outreach.referrals import matching, sourcing

inbox = Blueprint("inbox", __name__, url_prefix="/inbox")


@inbox.get("")
def waiting() -> ResponseReturnValue:
    return screen.page(
        "referrals/inbox.html",
        groups=matching.inbox(screen.session()),
        may_log=screen.actor().role in screen.LOGGERS,
        today=screen.today(),
    )


@inbox.post("")
@screen.needs(*screen.LOGGERS)
def match() -> ResponseReturnValue:
    words, typed = request.form.get("words", ""), request.form.get("source", "").strip()
    chosen = screen.row_id(request.form.get("contact_id"))
    if chosen is None:
        place = sourcing.place_named(screen.session(), typed)
        desk = desk_of(screen.session(), place, now=screen.now(), today=screen.today()) if place is not None else None
        chosen = desk.id if desk is not None else None
    if chosen is None:
        found = find(screen.session(), typed) if typed else []
        exact = [card for card in found if card.name.lower() == typed.lower()]
        certain = exact if len(exact) == 1 else found
        if len(certain) != 1:
            text = "More than one contact fits: type the full name." if found else "Nobody found by that name."
            return screen.refused(Refusal("not-certain", text), "/referrals/inbox")
        chosen = certain[0].id
    done = matching.match_all(
        screen.session(), words, chosen, now=screen.now(), today=screen.today(), by_id=screen.actor_id()
    )
    if isinstance(done, Refusal):
        return screen.refused(done, "/referrals/inbox")
    screen.record("matched", "contact", chosen, referrals=done)
    return screen.done(
        "/referrals/inbox", f"{done:,} matched. These words are known from now on, in the next report too."
    )
