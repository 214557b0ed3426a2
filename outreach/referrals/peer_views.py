"""Peers: both directions, how we work together, and who treats what near where."""

from datetime import date, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.practice.service_area import zips_near
from outreach.referrals import peers
from outreach.referrals.payers.office import known_payers
from outreach.referrals.source_models import PEER_WORDS, PeerRelation

peer_pages = Blueprint("peers", __name__, url_prefix="/peers")
SPAN_DAYS = 365
MILES = (5, 10, 15, 25, 50)


@peer_pages.get("")
def both_ways() -> ResponseReturnValue:
    since = screen.today() - timedelta(days=SPAN_DAYS)
    return screen.page(
        "referrals/peers.html",
        found=peers.reciprocity(screen.session(), since=since),
        words=PEER_WORDS,
        since=since,
        until=screen.today(),
    )


@peer_pages.get("/who-treats")
def who_treats() -> ResponseReturnValue:
    what, zip5 = request.args.get("what", "").strip()[:100], request.args.get("near", "").strip()[:5]
    miles, payer_id = request.args.get("miles", 15, type=int), screen.row_id(request.args.get("payer"))
    asked = bool(what or zip5 or payer_id)
    near = zips_near(screen.session(), zip5, miles) if zip5 else None
    by_prefix = bool(zip5) and not near
    found = (
        peers.who_treats(
            screen.session(),
            what=what,
            near=None if by_prefix else near,
            prefix=zip5[:3] if by_prefix else "",
            payer_id=payer_id or None,
        )
        if asked
        else []
    )
    return screen.page(
        "referrals/who_treats.html",
        found=found,
        asked=asked,
        what=what,
        near=zip5,
        miles=miles if miles in MILES else 15,
        choices=[(number, f"within {number} miles") for number in MILES],
        payer_id=payer_id or 0,
        payers=[(0, "Any payer"), *known_payers(screen.session())],
        by_prefix=by_prefix,
        words=PEER_WORDS,
    )


@peer_pages.get("/<int:contact_id>")
def one(contact_id: int) -> ResponseReturnValue:
    """How we and one contact work together."""
    contact = _contact(contact_id)
    if contact.audience_class == "client":
        return screen.refused(Refusal("client", "A client is no peer."), f"/contacts/{contact.id}")
    return screen.page(
        "referrals/peer.html",
        contact=contact,
        relations=peers.relations_of(screen.session(), contact.id),
        words=PEER_WORDS,
        may_write=screen.actor().role in screen.WRITERS,
        today=screen.today(),
    )


@peer_pages.post("/relations/<int:relation_id>/end")
@screen.needs(*screen.WRITERS)
def end(relation_id: int) -> ResponseReturnValue:
    relation = screen.or_404(screen.session().get(PeerRelation, relation_id))
    peers.part(relation, today=screen.today())
    screen.record("ended-relation", "contact", relation.contact_id, relation=relation.relation)
    return screen.done(f"/referrals/peers/{relation.contact_id}", "Ended; it stays on record.")


@peer_pages.post("/<int:contact_id>")
@screen.needs(*screen.WRITERS)
def begin(contact_id: int) -> ResponseReturnValue:
    contact = _contact(contact_id)
    where = f"/referrals/peers/{contact.id}"
    try:
        since_on = date.fromisoformat(request.form.get("since_on", ""))
    except ValueError:
        since_on = screen.today()
    made = peers.relate(
        screen.session(),
        contact.id,
        request.form.get("relation", ""),
        since_on=since_on,
        today=screen.today(),
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        return screen.refused(made, where)
    screen.record("began-relation", "contact", contact.id, relation=made.relation)
    return screen.done(where, f"Saved: {PEER_WORDS[made.relation].lower()}.")


def _contact(contact_id: int) -> Contact:
    found = screen.session().get(Contact, contact_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)
