"""One contact: the profile, adding and changing, the trash, permission and the recovery hold."""

from typing import Any, TypeVar

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from wtforms.fields.choices import SelectChoice

from outreach import screen
from outreach.contacts import consent, editing, filing, merging, npi, specialties, tagging
from outreach.contacts.entry import CONTACT_FIELDS
from outreach.contacts.forms import LANGUAGES, ContactForm, PermissionForm, TaskForm, WhyForm, options
from outreach.contacts.models import Contact, Organization
from outreach.contacts.profile import STORY_PAGE, TABS, history, kinds_known, profile_of, tab_counts
from outreach.errors import Refusal
from outreach.practice.models import Payer, Person

FormT = TypeVar("FormT", bound=FlaskForm)
profiles = Blueprint("contact_profiles", __name__, url_prefix="/contacts")
CARRIED = [name for name in CONTACT_FIELDS if name in ContactForm.__dict__]
STARK = {"yes": True, "no": False}


@profiles.get("/<int:contact_id>")
@screen.writes_on_get
def profile(contact_id: int) -> ResponseReturnValue:
    session, contact = screen.session(), screen.or_404(screen.session().get(Contact, contact_id))
    now_at = merging.where_now(session, contact)
    if now_at.id != contact.id and now_at.deleted_at is None:
        return redirect(f"/contacts/{now_at.id}", code=302)
    contact = contact_or_404(contact_id)
    if contact.audience_class == "client":
        screen.record("viewed", "contact", contact.id)
    tab = request.args.get("tab", "everything")
    limit = min(max(request.args.get("limit", STORY_PAGE, type=int), 1), 1000)
    about = profile_of(session, contact, now=screen.now(), zone=screen.zone())
    told = history(session, [contact.id], tab, kinds_known(screen.world().timeline_kinds), limit=limit + 1)
    permission = PermissionForm()
    permission.topic.choices = options([("all", "All our mail"), *consent.TOPIC_LABELS.items()])
    return screen.page(
        "contacts/profile.html",
        contact=contact,
        about=about,
        told=told[:limit],
        more=f"/contacts/{contact.id}?tab={tab}&limit={limit + 50}" if len(told) > limit else None,
        tabs=_tabs(contact.id, tab, tab_counts(about.counts)),
        log_action=f"/contacts/{contact.id}/log",
        languages=LANGUAGES,
        task=with_owners(TaskForm(formdata=None, kind="call", owner_id=screen.actor_id())),
        hold=WhyForm(),
        permission=permission,
        is_client=contact.audience_class == "client",
        merges=merging.merges_of(session, "contact", contact.id),
        may_erase=screen.actor().role in screen.ADMINISTRATORS,
        may_write=screen.actor().role in screen.WRITERS,
        may_log=screen.actor().role in screen.LOGGERS,
        today=screen.today(),
        now=screen.now().astimezone(screen.zone()),
    )


@profiles.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    form = _filled_choices(ContactForm())
    if request.method == "GET":
        form.organization_id.data = request.args.get("organization", 0, type=int)
        form.owner_id.data = screen.actor_id() or 0
    if not form.validate_on_submit():
        return _form_page(form, None, status=422 if form.is_submitted() else 200)
    made = editing.add_contact(
        screen.session(),
        now=screen.now(),
        key=screen.world().key,
        by_id=screen.actor_id(),
        today=screen.today(),
        despite_duplicates=bool(form.anyway.data),
        **_typed(form),
    )
    if isinstance(made, Refusal):
        return _refused_form(form, None, made)
    tagging.set_tags(screen.session(), made, form.tags.data or "")
    tagging.set_payers(screen.session(), made, form.payer_ids.data or [])
    screen.record("added", "contact", made.id)
    return screen.done(f"/contacts/{made.id}", f"{made.name} is in the book.", undo=f"/contacts/{made.id}/trash")


@profiles.route("/<int:contact_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def edit(contact_id: int) -> ResponseReturnValue:
    contact = present_or_404(contact_id)
    form = _filled_choices(ContactForm(obj=contact), contact.organization_id)
    if contact.id != contact_id:
        return _merged_form(form, contact)
    if not form.is_submitted():
        if contact.audience_class == "client":
            screen.record("viewed", "contact", contact.id)
        form.tags.data = ", ".join(tagging.tags_of(screen.session(), contact))
        form.payer_ids.data = tagging.payers_of(screen.session(), contact)
        form.organization_id.data, form.owner_id.data = contact.organization_id or 0, contact.owner_id or 0
        form.version.data = str(contact.version)
        own = npi.is_physician(contact.taxonomy or "", contact.credentials)
        form.stark_physician.data = "" if own == contact.stark_physician else "yes" if contact.stark_physician else "no"
    if not form.validate_on_submit():
        return _form_page(form, contact, status=422 if form.is_submitted() else 200)
    saved = editing.edit_contact(
        screen.session(),
        contact,
        now=screen.now(),
        key=screen.world().key,
        by_id=screen.actor_id(),
        today=screen.today(),
        version=screen.row_id(form.version.data) or 0,
        **_typed(form),
    )
    if isinstance(saved, Refusal):
        return _refused_form(form, contact, saved)
    tagging.set_tags(screen.session(), contact, form.tags.data or "")
    tagging.set_payers(screen.session(), contact, form.payer_ids.data or [])
    screen.record("edited", "contact", contact.id)
    return screen.done(f"/contacts/{contact.id}", "Saved.")


@profiles.post("/<int:contact_id>/trash")
@screen.needs(*screen.WRITERS)
def trash(contact_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    filing.trash(contact, now=screen.now())
    screen.record("trashed", "contact", contact.id)
    return screen.done(
        "/contacts/", f"{contact.name} is in the trash for 30 days.", undo=f"/contacts/{contact.id}/restore"
    )


@profiles.post("/<int:contact_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(contact_id: int) -> ResponseReturnValue:
    contact = screen.or_404(screen.session().get(Contact, contact_id))
    refusal = filing.restore(screen.session(), contact)
    if refusal is not None:
        return screen.refused(refusal, "/contacts/trash")
    screen.record("restored", "contact", contact.id)
    return screen.done(f"/contacts/{contact.id}", f"{contact.name} is back.")


@profiles.post("/<int:contact_id>/hold")
@screen.needs(*screen.WRITERS)
def hold(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), WhyForm()
    held = request.form.get("held") == "yes"
    refusal = editing.set_recovery_hold(
        screen.session(), contact, now=screen.now(), by_id=screen.actor_id(), why=form.why.data or "", held=held
    )
    where = f"/contacts/{contact.id}"
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("held" if held else "resumed", "contact", contact.id)
    said = "On hold: no asks, newsletters or cards until you lift it." if held else "Off hold. Mail goes on."
    return screen.done(where, said)


@profiles.post("/<int:contact_id>/do-not-contact")
@screen.needs(*screen.WRITERS)
def do_not_contact(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), WhyForm()
    stopped = request.form.get("stopped") == "yes"
    refusal = editing.set_do_not_contact(
        screen.session(), contact, now=screen.now(), by_id=screen.actor_id(), why=form.why.data or "", stopped=stopped
    )
    where = f"/contacts/{contact.id}"
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("stopped-contact" if stopped else "resumed-contact", "contact", contact.id)
    said = "Nothing goes to them any more, letters and calls included." if stopped else "They may be contacted again."
    return screen.done(where, said)


@profiles.post("/<int:contact_id>/stop")
@screen.needs(*screen.WRITERS)
def stop(contact_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    where = f"/contacts/{contact.id}"
    refusal = editing.stop_all_mail(screen.session(), contact, now=screen.now(), by_id=screen.actor_id())
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("stopped-mail", "contact", contact.id)
    return screen.done(where, "No more mail to this address. Only they can change that.")


@profiles.post("/<int:contact_id>/permission")
@screen.needs(*screen.WRITERS)
def permission(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), PermissionForm()
    form.topic.choices = options([("all", "All our mail"), *consent.TOPIC_LABELS.items()])
    where = f"/contacts/{contact.id}"
    if not form.validate_on_submit():
        return screen.refused(Refusal("bad-form", "Choose what they agreed to and how they said it."), where)
    consent.grant(
        screen.session(),
        now=screen.now(),
        contact_id=contact.id,
        topic=form.topic.data,
        source=f"{form.how.data}",
        words=form.words.data or "",
        by_id=screen.actor_id(),
    )
    screen.record("recorded-permission", "contact", contact.id, topic=form.topic.data)
    return screen.done(where, "Permission recorded. A stop that they asked for stays in force.")


def contact_or_404(contact_id: int) -> Contact:
    """A contact that is neither in the trash nor merged away."""
    found = screen.session().get(Contact, contact_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def present_or_404(contact_id: int) -> Contact:
    """The contact, or the one it lives on in when somebody merged it meanwhile: what was typed is not lost."""
    found = screen.or_404(screen.session().get(Contact, contact_id))
    return contact_or_404(merging.where_now(screen.session(), found).id)


def _merged_form(form: ContactForm, contact: Contact) -> ResponseReturnValue:
    if not form.is_submitted():
        return redirect(f"/contacts/{contact.id}/edit", code=302)
    form.version.data = str(contact.version)
    said = f"Somebody merged this record into {contact.name} in the meantime. What you typed is still here."
    form.form_errors.append(f"{said} Save again to put it there.")
    return _form_page(form, contact, status=422)


def _tabs(contact_id: int, current: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "href": f"/contacts/{contact_id}?tab={name}",
            "current": name == current,
            "count": counts[name] if name != "everything" and counts[name] else None,
            "attrs": {"hx_get": f"/contacts/{contact_id}?tab={name}", "hx_target": "#history", "hx_swap": "outerHTML"},
        }
        for name, (label, _) in TABS.items()
    ]


def place_choices(now_at: int | None = None) -> list[SelectChoice]:
    """Every place in use, and the one that is set already, for a select."""
    found = select(Organization.id, Organization.name).where(
        Organization.deleted_at.is_(None), or_(Organization.closed_on.is_(None), Organization.id == (now_at or 0))
    )
    places = screen.session().execute(found.order_by(Organization.name).limit(5000))
    return options([(0, "None"), *((row[0], row[1]) for row in places)])


def with_owners(form: FormT) -> FormT:
    """The form with our people to choose from in its owner_id."""
    people = screen.session().execute(select(Person.id, Person.name).order_by(Person.name))
    form["owner_id"].choices = options([(0, "Nobody"), *((row[0], row[1]) for row in people)])
    return form


def _filled_choices(form: ContactForm, now_at: int | None = None) -> ContactForm:
    session = screen.session()
    payers = session.execute(select(Payer.id, Payer.name).order_by(Payer.name))
    form.payer_ids.choices = options((row[0], row[1]) for row in payers)
    form.organization_id.choices = place_choices(now_at)
    return with_owners(form)


def _typed(form: ContactForm) -> dict[str, Any]:
    typed = {name: form[name].data for name in CARRIED}
    for name in ("organization_id", "owner_id"):
        typed[name] = typed[name] or None
    typed["stark_physician"] = STARK.get(form.stark_physician.data or "")
    if typed["language"] not in LANGUAGES:
        typed.pop("language")
    return typed


def _form_page(
    form: ContactForm, contact: Contact | None, *, status: int, alike: tuple[str, ...] = ()
) -> ResponseReturnValue:
    people = [screen.session().get(Contact, int(one)) for one in alike]
    return screen.page(
        "contacts/form.html",
        status=status,
        form=form,
        contact=contact,
        alike=[one for one in people if one is not None],
        specialties=specialties.SPECIALTIES.values(),
    )


FIELD_OF = {
    "no-name": "last_name",
    "bad-kind": "kind",
    "bad-npi": "npi",
    "duplicate-npi": "npi",
    "bad-taxonomy": "taxonomy",
    "bad-time-zone": "time_zone",
    "unknown-organization": "organization_id",
    "unknown-owner": "owner_id",
    "bad-discipline": "discipline",
    **dict.fromkeys(("bad-address", "comma-in-address", "formula", "empty-address"), "email"),
}


def _refused_form(form: ContactForm, contact: Contact | None, refusal: Refusal) -> ResponseReturnValue:
    if refusal.reason in FIELD_OF:
        field = form[FIELD_OF[refusal.reason]]
        field.errors = [*field.errors, refusal.text]
        return _form_page(form, contact, status=422, alike=refusal.details)
    text = refusal.text
    if refusal.reason == "changed-meanwhile" and contact is not None:
        form.version.data = str(contact.version)
        differs = [
            form[name].label.text for name in CARRIED if _shown(form[name].data) != _shown(getattr(contact, name))
        ]
        text += " What you typed is still here. " + (
            f"Different now: {', '.join(differs)}. Save again to keep yours." if differs else "Save again to go on."
        )
    if refusal.reason == "maybe-duplicate":
        form.anyway.data = "yes"
    form.form_errors.append(text)
    return _form_page(form, contact, status=422, alike=refusal.details)


def _shown(value: object) -> str:
    return "" if value in (None, 0) else str(value)
