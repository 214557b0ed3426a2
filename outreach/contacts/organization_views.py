"""Organizations: the list, one place with its people and their story, adding and changing."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, or_, select, union

from outreach import screen
from outreach.contacts import belonging, merging, organizing, place_filing
from outreach.contacts.browsing import rows_for
from outreach.contacts.download_views import as_file
from outreach.contacts.entry import ORGANIZATION_FIELDS
from outreach.contacts.exporting import AT_A_TIME, PLACE_HEADER, place_lines
from outreach.contacts.forms import OrganizationForm, said
from outreach.contacts.groups import live
from outreach.contacts.kinds import ORGANIZATION_TYPES
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.profile import STORY_PAGE, kinds_known, place_history
from outreach.contacts.profile_views import with_owners
from outreach.contacts.touch_views import log_line
from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.practice.service_area import reaches

organizations = Blueprint("organizations", __name__, url_prefix="/organizations")
PAGE = 50
FIELD_OF = {"no-name": "name", "bad-npi": "npi", "duplicate-npi": "npi", "bad-website": "website", "bad-type": "type"}


@organizations.get("/")
def index() -> ResponseReturnValue:
    session = screen.session()
    text, kind, closed, found = _asked()
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    # As it was shown: a place that is renamed in between moves no other off the pages.
    after_id, _, after_name = request.args.get("after", "")[:450].replace("\0", "").partition(":")
    if after_name and (last_id := screen.row_id(after_id)):
        same = (Organization.name == after_name) & (Organization.id > last_id)
        found = found.where(or_(Organization.name > after_name, same))
    places = session.scalars(found.order_by(Organization.name, Organization.id).limit(PAGE + 1)).all()
    last = places[PAGE - 1] if len(places) > PAGE else None
    return screen.page(
        "contacts/organizations.html",
        places=places[:PAGE],
        people=_people_counts([place.id for place in places]),
        total=total,
        text=text,
        kind=kind,
        types=[("", "All kinds of place"), *((name, said(name)) for name in ORGANIZATION_TYPES)],
        closed=closed,
        next_page=_address(text, kind, closed, after=f"{last.id}:{last.name}") if last else None,
        export=_address(text, kind, closed, path="/organizations/export.csv"),
        said=said,
    )


@organizations.get("/export.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export() -> ResponseReturnValue:
    found, session = _asked()[3], screen.session()
    ordered = found.with_only_columns(Organization.id).order_by(Organization.name, Organization.id)
    ids = list(session.scalars(ordered))
    screen.record("exported", "organizations", None, count=len(ids))
    people: dict[int, int] = {}
    for start in range(0, len(ids), AT_A_TIME):
        people |= _people_counts(ids[start : start + AT_A_TIME])
    return as_file(place_lines(session, ids, people), "organizations.csv", PLACE_HEADER)


@organizations.get("/<int:organization_id>")
def one(organization_id: int) -> ResponseReturnValue:
    place, session = _place(organization_id), screen.session()
    people = belonging.people_of(session, place.id)
    limit = min(max(request.args.get("limit", STORY_PAGE, type=int), 1), 1000)
    told = place_history(session, place.id, kinds_known(screen.world().timeline_kinds), limit=limit + 1)
    return screen.page(
        "contacts/organization.html",
        place=place,
        rows=rows_for(session, [person.id for person, _ in people[:PAGE]], now=screen.now(), zone=screen.zone()),
        roles={person.id: stay.role for person, stay in people if stay is not None and stay.role},
        former=belonging.former_people_of(session, place.id),
        told=told[:limit],
        more=f"/organizations/{place.id}?limit={limit + 50}" if len(told) > limit else None,
        names=_names({entry.touch.contact_id for entry in told}),
        owner=session.scalar(select(Person.name).where(Person.id == place.owner_id)) if place.owner_id else "",
        reach=reaches(session, [place.zip5]).get(place.zip5[:5]) if place.zip5 else None,
        merges=merging.merges_of(session, "organization", place.id),
        has_desk=any(not person.first_name and person.last_name == place.name for person, _ in people),
        log_action=f"/organizations/{place.id}/log",
        log_people=[("0", "The office itself"), *((str(person.id), person.name) for person, _ in people[:200])],
        may_write=screen.actor().role in screen.WRITERS,
        may_log=screen.actor().role in screen.LOGGERS,
        now=screen.now().astimezone(screen.zone()),
        said=said,
    )


@organizations.post("/<int:organization_id>/log")
@screen.needs(*screen.LOGGERS)
def log(organization_id: int) -> ResponseReturnValue:
    """A line about somebody here, or about the office itself, which then has its desk."""
    place, session = _place(organization_id), screen.session()
    chosen = screen.row_id(request.form.get("contact_id")) or 0
    here = {person.id: person for person, _ in belonging.people_of(session, place.id)}
    contact = here.get(chosen) or organizing.desk_of(session, place, now=screen.now(), today=screen.today())
    screen.record("logged-at", "organization", place.id, contact_id=contact.id)
    return log_line(contact, f"/organizations/{place.id}")


@organizations.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    form = with_owners(OrganizationForm())
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
    form = with_owners(OrganizationForm(obj=place))
    if not form.is_submitted():
        form.owner_id.data, form.version.data = place.owner_id or 0, str(place.version)
    if not form.validate_on_submit():
        return _form_page(form, place, status=422 if form.is_submitted() else 200)
    saved = organizing.edit_organization(
        screen.session(),
        place,
        now=screen.now(),
        by_id=screen.actor_id(),
        version=screen.row_id(form.version.data) or 0,
        **_typed(form),
    )
    if isinstance(saved, Refusal):
        return _refused_form(form, place, saved)
    screen.record("edited", "organization", place.id)
    return screen.done(f"/organizations/{place.id}", "Saved.")


@organizations.post("/<int:organization_id>/close")
@screen.needs(*screen.WRITERS)
def close(organization_id: int) -> ResponseReturnValue:
    place = _place(organization_id)
    place_filing.close_place(place, on=screen.today())
    screen.record("closed", "organization", place.id)
    where = f"/organizations/{place.id}"
    return screen.done(where, f"{place.name} is closed. Its people and story stay.", undo=f"{where}/reopen")


@organizations.post("/<int:organization_id>/reopen")
@screen.needs(*screen.WRITERS)
def reopen(organization_id: int) -> ResponseReturnValue:
    place = _place(organization_id)
    place_filing.reopen_place(place)
    screen.record("reopened", "organization", place.id)
    return screen.done(f"/organizations/{place.id}", f"{place.name} is in use again.")


@organizations.get("/<int:organization_id>/trash")
@screen.needs(*screen.WRITERS)
def before_trash(organization_id: int) -> ResponseReturnValue:
    """What deleting it does, before it is done."""
    place = _place(organization_id)
    return screen.page(
        "contacts/place_trash.html",
        place=place,
        here=place_filing.here_now(screen.session(), place),
        effects=place_filing.effects_of_trash(screen.session(), place),
    )


@organizations.post("/<int:organization_id>/trash")
@screen.needs(*screen.WRITERS)
def trash(organization_id: int) -> ResponseReturnValue:
    place = _place(organization_id)
    refusal = place_filing.trash_place(screen.session(), place, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/organizations/{place.id}")
    screen.record("trashed", "organization", place.id)
    return screen.done("/organizations/", f"{place.name} is deleted.", undo=f"/organizations/{place.id}/restore")


@organizations.post("/<int:organization_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(organization_id: int) -> ResponseReturnValue:
    place = screen.or_404(screen.session().get(Organization, organization_id))
    refusal = place_filing.restore_place(screen.session(), place)
    if refusal is not None:
        return screen.refused(refusal, "/organizations/")
    screen.record("restored", "organization", place.id)
    return screen.done(f"/organizations/{place.id}", f"{place.name} is back.")


@organizations.get("/<int:organization_id>/merge")
@screen.needs(*screen.WRITERS)
def choose_twin(organization_id: int) -> ResponseReturnValue:
    """The other record of this place, by its name: then the two stand side by side."""
    place, typed = _place(organization_id), request.args.get("other", "").strip()
    same = func.lower(Organization.name) == typed.lower()
    others = (Organization.deleted_at.is_(None), Organization.id != place.id)
    found = screen.session().scalars(select(Organization).where(same, *others).limit(2)).all()
    if not found and typed:
        near = func.lower(Organization.name).contains(typed.lower(), autoescape=True)
        found = screen.session().scalars(select(Organization).where(near, *others).limit(2)).all()
    if len(found) != 1:
        said = "Several places are called that. Type more of the name." if found else "No other place is called that."
        return screen.refused(Refusal("not-one", said), f"/organizations/{place.id}")
    return screen.done(f"/contacts/duplicates/places/{place.id}/{found[0].id}")


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


def _asked() -> tuple[str, str, bool, Select[Organization]]:
    """What the list is narrowed to, and the places that are in it."""
    text, kind = request.args.get("q", "").strip()[:200], request.args.get("type", "")
    closed = request.args.get("closed") == "yes"
    found = select(Organization).where(Organization.deleted_at.is_(None))
    found = found.where(Organization.closed_on.is_not(None) if closed else Organization.closed_on.is_(None))
    if text:
        low = func.lower(Organization.name).contains(text.lower(), autoescape=True)
        found = found.where(or_(low, func.lower(Organization.city).contains(text.lower(), autoescape=True)))
    if kind:
        found = found.where(Organization.type == kind)
    return text, kind, closed, found


def _address(text: str, kind: str, closed: bool, *, path: str = "/organizations/", after: str = "") -> str:
    asked = {"q": text, "type": kind, "closed": "yes" if closed else "", "after": after}
    return f"{path}?{urlencode({name: value for name, value in asked.items() if value})}"


def _people_counts(ids: list[int]) -> dict[int, int]:
    mainly = select(Contact.organization_id.label("place"), Contact.id.label("person")).where(
        Contact.organization_id.in_(ids), live()
    )
    also = (
        select(Membership.organization_id, Membership.contact_id)
        .join(Contact, Contact.id == Membership.contact_id)
        .where(Membership.organization_id.in_(ids), Membership.until_on.is_(None), live())
    )
    both = union(mainly, also).subquery()
    rows = screen.session().execute(select(both.c.place, func.count()).group_by(both.c.place))
    return {row[0]: row[1] for row in rows}


def _typed(form: OrganizationForm) -> dict[str, Any]:
    typed = {name: form[name].data for name in ORGANIZATION_FIELDS if name in OrganizationForm.__dict__}
    known = {choice.value for choice in form.owner_id.choices or ()}
    typed["owner_id"] = (typed["owner_id"] or None) if typed["owner_id"] in known else None
    return typed


def _names(ids: set[int]) -> dict[int, str]:
    people = screen.session().scalars(select(Contact).where(Contact.id.in_(ids)))
    return {person.id: person.name for person in people}


def _form_page(form: OrganizationForm, place: Organization | None, *, status: int) -> ResponseReturnValue:
    return screen.page("contacts/organization_form.html", status=status, form=form, place=place)


def _refused_form(form: OrganizationForm, place: Organization | None, refusal: Refusal) -> ResponseReturnValue:
    if refusal.reason in FIELD_OF:
        field = form[FIELD_OF[refusal.reason]]
        field.errors = [*field.errors, refusal.text]
    elif refusal.reason == "changed-meanwhile" and place is not None:
        shown = [name for name in ORGANIZATION_FIELDS if name in OrganizationForm.__dict__]
        differs = [form[n].label.text for n in shown if (form[n].data or "") != (getattr(place, n) or "")]
        form.version.data = str(place.version)
        told = f" Different now: {', '.join(differs)}." if differs else ""
        form.form_errors.append(f"{refusal.text} What you typed is still here.{told} Save again to keep yours.")
    else:
        form.form_errors.append(refusal.text)
    if refusal.reason == "maybe-duplicate":
        form.anyway.data = "yes"
    return _form_page(form, place, status=422)
