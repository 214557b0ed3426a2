"""Records that look like one person: side by side, field by field, then merged."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts import merging
from outreach.contacts.forms import ContactForm
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.models import Contact, Organization
from outreach.contacts.profile_views import contact_or_404
from outreach.contacts.queries import cards_for
from outreach.practice.models import Person

duplicates = Blueprint("duplicates", __name__, url_prefix="/contacts/duplicates")


@duplicates.get("/")
def index() -> ResponseReturnValue:
    pairs = merging.look_alikes(screen.session())
    cards = cards_for(screen.session(), {id_ for pair in pairs for id_ in (pair.first_id, pair.second_id)})
    return screen.page("contacts/duplicates.html", pairs=pairs, cards=cards)


@duplicates.route("/<int:kept_id>/<int:gone_id>", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def merge(kept_id: int, gone_id: int) -> ResponseReturnValue:
    kept, gone = contact_or_404(kept_id), contact_or_404(gone_id)
    if request.method == "GET":
        return screen.page("contacts/merge.html", kept=kept, gone=gone, fields=_fields(kept, gone))
    chosen = {name: request.form.get(name) == "gone" for name in merging.CHOSEN}
    refusal = merging.merge(screen.session(), kept, gone, from_gone=chosen, now=screen.now(), by_id=screen.actor_id())
    if refusal is not None:
        return screen.refused(refusal, "/contacts/duplicates/")
    screen.record("merged", "contact", kept_id, gone_id=gone_id)
    return screen.done(f"/contacts/{kept_id}", "Merged. The history of both is in one place now.")


def _fields(kept: Contact, gone: Contact) -> list[dict[str, Any]]:
    found = []
    for name in merging.CHOSEN:
        mine, theirs = _said(name, getattr(kept, name)), _said(name, getattr(gone, name))
        if mine != theirs:
            label = ContactForm.__dict__[name].args[0]
            found.append({"name": name, "label": label, "kept": mine, "gone": theirs, "take": not mine})
    return found


def _said(name: str, value: Any) -> str:
    if value in (None, ""):
        return ""
    if name == "organization_id":
        place = screen.session().get(Organization, value)
        return place.name if place else ""
    if name == "owner_id":
        person = screen.session().get(Person, value)
        return person.name if person else ""
    return KIND_LABELS.get(value, str(value)) if name == "kind" else str(value)
