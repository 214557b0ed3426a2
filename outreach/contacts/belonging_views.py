"""Where a person belongs: the places with role and dates, and the family by relation."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import belonging
from outreach.contacts.forms import FamilyForm, StayForm
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.profile_views import contact_or_404, place_choices
from outreach.contacts.queries import find
from outreach.errors import Refusal

belongings = Blueprint("contact_belongings", __name__, url_prefix="/contacts")


@belongings.get("/<int:contact_id>/places")
@screen.needs(*screen.WRITERS)
def places(contact_id: int) -> ResponseReturnValue:
    return _page(contact_or_404(contact_id))


@belongings.post("/<int:contact_id>/places")
@screen.needs(*screen.WRITERS)
def join(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), StayForm()
    form.organization_id.choices = place_choices()
    place = screen.session().get(Organization, form.organization_id.data or 0)
    if not form.validate_on_submit() or place is None:
        if place is None:
            form.organization_id.errors = ["Choose the organization. Not in the list? Add it first."]
        return _page(contact, stay=form)
    made = belonging.join(
        screen.session(),
        contact,
        place,
        now=screen.now(),
        today=screen.today(),
        by_id=screen.actor_id(),
        role=form.role.data or "",
        since_on=form.since_on.data,
        until_on=form.until_on.data,
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return _page(contact, stay=form)
    screen.record("joined", "contact", contact.id, organization_id=place.id)
    return screen.done(f"/contacts/{contact.id}/places", f"{contact.name} belongs to {place.name}.")


@belongings.post("/places/<int:stay_id>/end")
@screen.needs(*screen.WRITERS)
def end(stay_id: int) -> ResponseReturnValue:
    stay = _stay(stay_id)
    where = f"/contacts/{stay.contact_id}/places"
    refusal = belonging.leave(screen.session(), stay, now=screen.now(), today=screen.today(), by_id=screen.actor_id())
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("left", "contact", stay.contact_id, organization_id=stay.organization_id)
    return screen.done(where, "Ended today. It stays in the history.")


@belongings.post("/places/<int:stay_id>/main")
@screen.needs(*screen.WRITERS)
def main(stay_id: int) -> ResponseReturnValue:
    stay = _stay(stay_id)
    where = f"/contacts/{stay.contact_id}/places"
    refusal = belonging.make_main(screen.session(), stay, now=screen.now(), by_id=screen.actor_id())
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("moved-main-place", "contact", stay.contact_id, organization_id=stay.organization_id)
    return screen.done(where, "This is their main place now.")


@belongings.post("/<int:contact_id>/family")
@screen.needs(*screen.WRITERS)
def relate(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), FamilyForm()
    typed = (form.who.data or "").strip()
    if not form.validate_on_submit():
        return _page(contact, family=form)
    found = [one for one in find(screen.session(), typed) if one.id != contact.id] if typed else []
    exact = [one for one in found if one.name.lower() == typed.lower()] or found
    relative = screen.session().get(Contact, exact[0].id) if len(exact) == 1 else None
    if relative is None:
        several = ", ".join(f"{one.name}{f' in {one.city}' if one.city else ''}" for one in exact)
        said = f"There are several: {several}. Type more of the name, phone or email."
        said = said if exact else "Nobody is called that. Add them as a contact first."
        form.who.errors = [said]
        return _page(contact, family=form)
    refusal = belonging.relate(
        screen.session(), contact, relative, relation=form.relation.data, now=screen.now(), by_id=screen.actor_id()
    )
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _page(contact, family=form)
    screen.record("related", "contact", contact.id, relative_id=relative.id)
    return screen.done(
        f"/contacts/{contact.id}/places",
        f"{relative.name} is family of {contact.name}.",
        undo=f"/contacts/{contact.id}/family/{relative.id}/remove",
    )


@belongings.post("/<int:contact_id>/family/<int:relative_id>/remove")
@screen.needs(*screen.WRITERS)
def unrelate(contact_id: int, relative_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    belonging.unrelate(screen.session(), contact, relative_id)
    screen.record("unrelated", "contact", contact.id, relative_id=relative_id)
    return screen.done(f"/contacts/{contact.id}/places", "They are not linked any more.")


def _stay(stay_id: int) -> Membership:
    stay = screen.or_404(screen.session().get(Membership, stay_id))
    contact_or_404(stay.contact_id)
    return stay


def _page(contact: Contact, *, stay: StayForm | None = None, family: FamilyForm | None = None) -> ResponseReturnValue:
    form = stay or StayForm(formdata=None)
    form.organization_id.choices = place_choices()
    rows = screen.session().execute(
        select(Membership, Organization)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.contact_id == contact.id)
        .order_by(Membership.until_on.is_not(None), Membership.id.desc())
    )
    return screen.page(
        "contacts/places.html",
        status=422 if request.method == "POST" else 200,
        contact=contact,
        stays=rows.all(),
        stay=form,
        relatives=belonging.family_of(screen.session(), contact.id),
        family=family or FamilyForm(formdata=None),
        now=screen.now().astimezone(screen.zone()),
    )
