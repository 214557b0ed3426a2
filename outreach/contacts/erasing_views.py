"""Erasing a person on their request: what goes, what stays, and the name typed to confirm."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts import erasing
from outreach.contacts.profile_views import contact_or_404
from outreach.errors import Refusal

erasures = Blueprint("contact_erasures", __name__, url_prefix="/contacts")


@erasures.route("/<int:contact_id>/erase", methods=["GET", "POST"])
@screen.needs(*screen.ADMINISTRATORS)
def erase(contact_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    name, wrong = contact.name, ""
    if request.method == "POST":
        if " ".join(request.form.get("name", "").split()).casefold() == name.casefold():
            done = erasing.erase(screen.session(), contact, now=screen.now(), by_id=screen.actor_id())
            if isinstance(done, Refusal):
                return screen.refused(done, f"/contacts/{contact_id}")
            screen.record("erased", "contact", contact_id)
            return screen.done("/contacts/", "Erased. Nothing here names them any more but what the law requires.")
        wrong = f"This is not the name. To erase, type {name}."
    return screen.page(
        "contacts/erase.html",
        status=422 if wrong else 200,
        contact=contact,
        stays=erasing.what_stays(screen.session(), contact),
        wrong=wrong,
    )
