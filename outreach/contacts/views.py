"""The list of contacts: by yield, searched, exported; the trash; and the screens of this room put together."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import browsing, filing, place_filing
from outreach.contacts.belonging_views import belongings
from outreach.contacts.download_views import as_file, as_vcards, downloads
from outreach.contacts.duplicate_views import duplicates
from outreach.contacts.erasing_views import erasures
from outreach.contacts.exporting import lines_of
from outreach.contacts.group_views import groups
from outreach.contacts.import_views import imports
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.lists import showing
from outreach.contacts.lists.addresses import COLUMNS, address, columns_of, fields_of, wanted_of
from outreach.contacts.lists.bulk_views import bulks
from outreach.contacts.lists.saved_view_views import saved_views
from outreach.contacts.lists.saved_views import views_for
from outreach.contacts.lists.view_models import SavedView
from outreach.contacts.models import Contact, Group
from outreach.contacts.organization_views import organizations
from outreach.contacts.profile_views import profiles
from outreach.contacts.touch_views import touches

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")

blueprints = (
    contacts,
    bulks,
    saved_views,
    profiles,
    belongings,
    downloads,
    erasures,
    touches,
    organizations,
    groups,
    imports,
    duplicates,
)


@contacts.get("/")
def index() -> ResponseReturnValue:
    wanted, columns = wanted_of(request.args), columns_of(request.args)
    asking, fields = _asking(), fields_of(wanted, columns)
    found, saved = browsing.listing(asking, wanted), _saved()
    return screen.page(
        "contacts/index.html",
        found=found,
        wanted=wanted,
        fields=fields,
        columns=[(name, COLUMNS[name]) for name in columns],
        more=showing.more_about(asking.session, found.ids, columns),
        tabs=_tabs(fields, saved),
        saved=next((view for view in saved if view.id == _saved_id() and view.owner_id == screen.actor().id), None),
        kinds=[("", "All kinds"), *KIND_LABELS.items()],
        sorts=list(browsing.SORTS.items()),
        owners=showing.owners(asking.session),
        statuses=[("", "Any status"), *browsing.statuses(asking)],
        group=asking.session.get(Group, int(wanted.group)) if wanted.group else None,
        next_page=address(fields, after=found.after, saved=request.args.get("saved", "")) if found.after else None,
        export=address(fields, path="/contacts/export.csv"),
        export_cards=address(fields, path="/contacts/export.vcf"),
        total_at=address(fields, path="/contacts/total"),
        view_at=address(fields, path="/contacts/views/new"),
        may_write=screen.actor().role in screen.WRITERS,
        now=screen.now().astimezone(screen.zone()),
    )


@contacts.get("/total")
def total() -> ResponseReturnValue:
    """How many there are on the list: for a large book, whose page does not wait for it."""
    wanted = wanted_of(request.args)
    return screen.page("contacts/total.html", number=browsing.total(_asking(), wanted))


@contacts.get("/export.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export() -> ResponseReturnValue:
    wanted, session = wanted_of(request.args), screen.session()
    ids = browsing.all_ids(_asking(), wanted)
    screen.record("exported", "contacts", None, view=wanted.view, count=len(ids))
    return as_file(lines_of(session, ids), "contacts.csv")


@contacts.get("/export.vcf")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export_cards() -> ResponseReturnValue:
    wanted = wanted_of(request.args)
    ids = browsing.all_ids(_asking(), wanted)
    screen.record("exported", "contacts", None, view=wanted.view, count=len(ids))
    return as_vcards(ids, "contacts.vcf")


@contacts.get("/trash")
def trash() -> ResponseReturnValue:
    found = screen.session().scalars(
        select(Contact)
        .where(Contact.deleted_at.is_not(None), Contact.merged_into_id.is_(None), Contact.sort_name != "")
        .order_by(Contact.deleted_at.desc())
        .limit(200)
    )
    return screen.page(
        "contacts/trash.html",
        people=found.all(),
        places=place_filing.trashed(screen.session()),
        kept_days=filing.KEPT_FOR.days,
        now=screen.now().astimezone(screen.zone()),
    )


def _asking() -> browsing.Asking:
    return browsing.Asking(screen.session(), screen.now(), screen.zone(), screen.world().group_facts)


def _saved() -> Sequence[SavedView]:
    return views_for(screen.session(), screen.actor().id)


def _saved_id() -> int | None:
    return screen.row_id(request.args.get("saved"))


def _tabs(fields: dict[str, str], saved: Sequence[SavedView]) -> list[dict[str, Any]]:
    kept = {name: value for name, value in fields.items() if name in ("q", "kind", "cols")}
    chosen = _saved_id()
    tabs = [
        {
            "label": label,
            "href": address({"view": name, **kept}),
            "current": chosen is None and name == fields.get("view", "all"),
        }
        for name, label in browsing.VIEWS.items()
    ]
    for view in saved:
        href = address(view.asked, saved=str(view.id))
        tabs.append({"label": view.name, "href": href, "current": view.id == chosen})
    return tabs
