"""Organizations: the list, one place with its people and their story, adding and changing."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, or_, select

from outreach import screen
from outreach.contacts import organizing
from outreach.contacts.browsing import rows_for
from outreach.contacts.entry import ORGANIZATION_FIELDS
from outreach.contacts.forms import OrganizationForm, said
from outreach.contacts.groups import live
from outreach.contacts.kinds import ORGANIZATION_TYPES
from outreach.contacts.models import Contact, Organization
from outreach.contacts.profile import STORY_PAGE, history, kinds_known, people_at
from outreach.errors import Refusal

organizations = Blueprint("organizations", __name__, url_prefix="/organizations")
PAGE = 50
FIELD_OF = {"no-name": "name", "bad-npi": "npi", "duplicate-npi": "npi", "bad-website": "website", "bad-type": "type"}


@organizations.get("/")
def index() -> ResponseReturnValue:
    session, text = screen.session(), request.args.get("q", "").strip()[:200]
    kind, after = request.args.get("type", ""), request.args.get("after", "")
    found = select(Organization).where(Organization.deleted_at.is_(None))
    if text:
        low = func.lower(Organization.name).contains(text.lower(), autoescape=True)
        found = found.where(or_(low, func.lower(Organization.city).contains(text.lower(), autoescape=True)))
    if kind:
        found = found.where(Organization.type == kind)
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    last = session.get(Organization, after_id) if (after_id := screen.row_id(after)) else None
    if last is not None:
        same = (Organization.name == last.name) & (Organization.id > last.id)
        found = found.where(or_(Organization.name > last.name, same))
    places = session.scalars(found.order_by(Organization.name, Organization.id).limit(PAGE + 1)).all()
    return screen.page(
        "contacts/organizations.html",
        places=places[:PAGE],
        people=_people_counts([place.id for place in places]),
        total=total,
        text=text,
        kind=kind,
        types=[("", "All kinds of place"), *((name, said(name)) for name in ORGANIZATION_TYPES)],
        next_page=f"/organizations/?q={text}&type={kind}&after={places[PAGE - 1].id}" if len(places) > PAGE else None,
        said=said,
    )


@organizations.get("/<int:organization_id>")
def one(organization_id: int) -> ResponseReturnValue:
    place, session = _place(organization_id), screen.session()
    people = people_at(session, place.id)
    ids = [person.id for person in people]
    return screen.page(
        "contacts/organization.html",
        place=place,
        rows=rows_for(session, ids[:PAGE], now=screen.now(), zone=screen.zone()),
        told=history(session, ids, "everything", kinds_known(screen.world().timeline_kinds), limit=STORY_PAGE),
        names={person.id: person.name for person in people},
        has_desk=any(not person.first_name and person.last_name == place.name for person in people),
        may_write=screen.actor().role in screen.WRITERS,
        now=screen.now().astimezone(screen.zone()),
        said=said,
    )


@organizations.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    form = OrganizationForm()
    if not form.validate_on_submit():
        return _form_page(form, None, status=422 if form.is_submitted() else 200)
    made = organizing.add_organization(
        screen.session(),
        now=screen.now(),
        by_id=screen.actor_id(),
        despite_duplicates=bool(form.anyway.data),
        **_typed(form),
    )
    if isinstance(made, Refusal):
        return _refused_form(form, None, made)
    screen.record("added", "organization", made.id)
    return screen.done(f"/organizations/{made.id}", f"{made.name} is in the book.")


@organizations.route("/<int:organization_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def edit(organization_id: int) -> ResponseReturnValue:
    place = _place(organization_id)
    form = OrganizationForm(obj=place)
    if not form.validate_on_submit():
        return _form_page(form, place, status=422 if form.is_submitted() else 200)
    saved = organizing.edit_organization(
        screen.session(), place, now=screen.now(), by_id=screen.actor_id(), **_typed(form)
    )
    if isinstance(saved, Refusal):
        return _refused_form(form, place, saved)
    screen.record("edited", "organization", place.id)
    return screen.done(f"/organizations/{place.id}", "Saved.")


@organizations.post("/<int:organization_id>/desk")
@screen.needs(*screen.WRITERS)
def desk(organization_id: int) -> ResponseReturnValue:
    place = _place(organization_id)
    made = organizing.desk_of(screen.session(), place, now=screen.now(), today=screen.today())
    screen.record("added", "contact", made.id)
    return screen.done(f"/contacts/{made.id}/edit", f"{place.name} can refer and be written to now.")


def _place(organization_id: int) -> Organization:
    found = screen.session().get(Organization, organization_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def _people_counts(ids: list[int]) -> dict[int, int]:
    rows = screen.session().execute(
        select(Contact.organization_id, func.count())
        .where(Contact.organization_id.in_(ids), live())
        .group_by(Contact.organization_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def _typed(form: OrganizationForm) -> dict[str, Any]:
    return {name: form[name].data for name in ORGANIZATION_FIELDS if name in OrganizationForm.__dict__}


def _form_page(form: OrganizationForm, place: Organization | None, *, status: int) -> ResponseReturnValue:
    return screen.page("contacts/organization_form.html", status=status, form=form, place=place)


def _refused_form(form: OrganizationForm, place: Organization | None, refusal: Refusal) -> ResponseReturnValue:
    if refusal.reason in FIELD_OF:
        field = form[FIELD_OF[refusal.reason]]
        field.errors = [*field.errors, refusal.text]
    else:
        form.form_errors.append(refusal.text)
    if refusal.reason == "maybe-duplicate":
        form.anyway.data = "yes"
    return _form_page(form, place, status=422)
