"""Records that look like one: side by side, field by field, merged, taken apart again, or called two for good."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import merging, place_filing
from outreach.contacts.forms import LANGUAGES, ContactForm, OrganizationForm, said
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.models import Contact, Organization
from outreach.contacts.profile_views import contact_or_404
from outreach.contacts.queries import cards_for, find
from outreach.contacts.record_models import MergeRecord
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.practice.models import Person

duplicates = Blueprint("duplicates", __name__, url_prefix="/contacts/duplicates")
HERE = "/contacts/duplicates/"


@duplicates.get("/")
def index() -> ResponseReturnValue:
    session = screen.session()
    pairs, places = merging.look_alikes(session), place_filing.look_alike_places(session)
    cards = cards_for(session, {id_ for pair in pairs for id_ in (pair.first_id, pair.second_id)})
    ids = {id_ for pair in places for id_ in (pair.first_id, pair.second_id)}
    named = {place.id: place for place in session.scalars(select(Organization).where(Organization.id.in_(ids)))}
    return screen.page(
        "contacts/duplicates.html",
        pairs=pairs,
        cards=cards,
        places=places,
        named=named,
        may_write=screen.actor().role in screen.WRITERS,
    )


@duplicates.route("/<int:kept_id>/<int:gone_id>", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def merge(kept_id: int, gone_id: int) -> ResponseReturnValue:
    kept, gone = contact_or_404(kept_id), contact_or_404(gone_id)
    if request.method == "GET":
        for one in (kept, gone):
            if one.audience_class == "client":
                screen.record("viewed", "contact", one.id)
        return screen.page(
            "contacts/merge.html",
            kind="contact",
            where=f"{HERE}{kept.id}/{gone.id}",
            swapped=f"{HERE}{gone.id}/{kept.id}",
            apart=f"{HERE}{kept.id}/{gone.id}/apart",
            kept=kept,
            gone=gone,
            sides=[_side(one) for one in (kept, gone)],
            fields=_fields(kept, gone, merging.CHOSEN, ContactForm),
        )
    chosen = {name: request.form.get(name) == "gone" for name in merging.CHOSEN}
    made = merging.merge(screen.session(), kept, gone, from_gone=chosen, now=screen.now(), by_id=screen.actor_id())
    if isinstance(made, Refusal):
        return screen.refused(made, HERE)
    screen.record("merged", "contact", kept_id, gone_id=gone_id)
    return screen.done(
        f"/contacts/{kept_id}", "Merged. The history of both is in one place now.", undo=f"{HERE}undo/{made.id}"
    )


@duplicates.route("/places/<int:kept_id>/<int:gone_id>", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def merge_places(kept_id: int, gone_id: int) -> ResponseReturnValue:
    kept, gone = place_or_404(kept_id), place_or_404(gone_id)
    if request.method == "GET":
        return screen.page(
            "contacts/merge.html",
            kind="organization",
            where=f"{HERE}places/{kept.id}/{gone.id}",
            swapped=f"{HERE}places/{gone.id}/{kept.id}",
            apart=f"{HERE}places/{kept.id}/{gone.id}/apart",
            kept=kept,
            gone=gone,
            sides=[],
            fields=_fields(kept, gone, place_filing.PLACE_CHOSEN, OrganizationForm),
        )
    chosen = {name: request.form.get(name) == "gone" for name in place_filing.PLACE_CHOSEN}
    made = place_filing.merge_places(
        screen.session(), kept, gone, from_gone=chosen, now=screen.now(), by_id=screen.actor_id()
    )
    if isinstance(made, Refusal):
        return screen.refused(made, HERE)
    screen.record("merged", "organization", kept_id, gone_id=gone_id)
    return screen.done(
        f"/organizations/{kept_id}", "Merged. The people of both are in one place now.", undo=f"{HERE}undo/{made.id}"
    )


@duplicates.post("/undo/<int:record_id>")
@screen.needs(*screen.WRITERS)
def undo(record_id: int) -> ResponseReturnValue:
    record = screen.or_404(screen.session().get(MergeRecord, record_id))
    kind, kept_id, gone_id = record.kind, record.kept_id, record.gone_id
    if kind == "contact":
        back: Contact | Organization | Refusal = merging.unmerge(
            screen.session(), record, now=screen.now(), by_id=screen.actor_id()
        )
        where = "/contacts/"
    else:
        back = place_filing.unmerge_places(screen.session(), record, now=screen.now())
        where = "/organizations/"
    if isinstance(back, Refusal):
        return screen.refused(back, f"{where}{kept_id}")
    screen.record("unmerged", kind, kept_id, gone_id=gone_id)
    return screen.done(f"{where}{gone_id}", f"{back.name} is a record of its own again. Opt-outs stay in force.")


@duplicates.post("/<int:one_id>/<int:other_id>/apart")
@screen.needs(*screen.WRITERS)
def apart(one_id: int, other_id: int) -> ResponseReturnValue:
    return _apart("contact", contact_or_404(one_id).id, contact_or_404(other_id).id)


@duplicates.post("/places/<int:one_id>/<int:other_id>/apart")
@screen.needs(*screen.WRITERS)
def places_apart(one_id: int, other_id: int) -> ResponseReturnValue:
    return _apart("organization", place_or_404(one_id).id, place_or_404(other_id).id)


@duplicates.post("/<kind>/<int:one_id>/<int:other_id>/again")
@screen.needs(*screen.WRITERS)
def again(kind: str, one_id: int, other_id: int) -> ResponseReturnValue:
    merging.offer_again(screen.session(), kind, one_id, other_id)
    screen.record("offered-again", "duplicates", one_id, other_id=other_id)
    return screen.done(HERE, "They are offered again.")


@duplicates.get("/of/<int:contact_id>")
@screen.needs(*screen.WRITERS)
def choose_twin(contact_id: int) -> ResponseReturnValue:
    """The other record of this person, by any part of it: then the two stand side by side."""
    contact, typed = contact_or_404(contact_id), request.args.get("other", "").strip()
    found = [one for one in find(screen.session(), typed) if one.id != contact.id] if typed else []
    exact = [one for one in found if one.name.casefold() == typed.casefold()] or found
    if len(exact) == 1:
        return screen.done(f"{HERE}{contact.id}/{exact[0].id}")
    names = ", ".join(one.name for one in exact)
    said = f"Several are found: {names}. Type more." if exact else "No other record is called that."
    return screen.refused(Refusal("not-one", said), f"/contacts/{contact.id}")


def place_or_404(organization_id: int) -> Organization:
    """An organization that is neither deleted nor merged away."""
    found = screen.session().get(Organization, organization_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def _apart(kind: str, one_id: int, other_id: int) -> ResponseReturnValue:
    merging.keep_apart(screen.session(), kind, one_id, other_id, now=screen.now(), by_id=screen.actor_id())
    screen.record("kept-apart", kind, one_id, other_id=other_id)
    undo_at = f"{HERE}{kind}/{one_id}/{other_id}/again"
    return screen.done(HERE, "They are two. Nobody will be asked about them again.", undo=undo_at)


def _side(contact: Contact) -> str:
    """What hangs on a record beside its fields, in words."""
    session = screen.session()
    last = session.scalar(select(Touch.at).where(Touch.contact_id == contact.id).order_by(Touch.at.desc()).limit(1))
    told = f"last entry {last.astimezone(screen.zone()):%b %-d, %Y}" if last else "no history"
    return f"Number {contact.id}, added {contact.added_on:%b %-d, %Y}, {told}"


def _fields(kept: Any, gone: Any, names: Sequence[str], form: type[Any]) -> list[dict[str, Any]]:
    found = []
    for name in names:
        mine, theirs = _said(name, getattr(kept, name)), _said(name, getattr(gone, name))
        label = form.__dict__[name].args[0]
        same = mine == theirs
        if mine or theirs:
            found.append({"name": name, "label": label, "kept": mine, "gone": theirs, "take": not mine, "same": same})
    return found


def _said(name: str, value: Any) -> str:
    if value in (None, "", False):
        return ""
    if name == "organization_id":
        place = screen.session().get(Organization, value)
        return place.name if place else ""
    if name == "owner_id":
        person = screen.session().get(Person, value)
        return person.name if person else ""
    if isinstance(value, date):
        return f"{value:%B %-d}" if name == "birthday_on" else f"{value:%b %-d, %Y}"
    if name in ("type", "preferred_channel"):
        return said(value)
    if name == "advocate":
        return "Yes"
    words = {"kind": KIND_LABELS, "language": LANGUAGES}.get(name, {})
    return words.get(value, str(value))
