"""The list of contacts: by yield, searched, exported; the trash; and the screens of this room put together."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import browsing, filing
from outreach.contacts.belonging_views import belongings
from outreach.contacts.download_views import as_file, as_vcards, downloads
from outreach.contacts.duplicate_views import duplicates
from outreach.contacts.erasing_views import erasures
from outreach.contacts.exporting import lines_of
from outreach.contacts.group_views import groups
from outreach.contacts.import_views import imports
from outreach.contacts.kinds import KIND_LABELS
from outreach.contacts.models import Contact
from outreach.contacts.organization_views import organizations
from outreach.contacts.profile_views import profiles
from outreach.contacts.touch_views import touches

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")

blueprints = (contacts, profiles, belongings, downloads, erasures, touches, organizations, groups, imports, duplicates)


@contacts.get("/")
def index() -> ResponseReturnValue:
    wanted = _wanted()
    found = browsing.listing(_asking(), wanted)
    return screen.page(
        "contacts/index.html",
        found=found,
        wanted=wanted,
        tabs=_tabs(wanted),
        kinds=[("", "All kinds"), *KIND_LABELS.items()],
        next_page=_address(wanted, after=found.after) if found.after else None,
        export=_address(wanted, path="/contacts/export.csv"),
        export_cards=_address(wanted, path="/contacts/export.vcf"),
        now=screen.now().astimezone(screen.zone()),
    )


@contacts.get("/export.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export() -> ResponseReturnValue:
    wanted, session = _wanted(), screen.session()
    ids = browsing.all_ids(_asking(), wanted)
    screen.record("exported", "contacts", None, view=wanted.view, count=len(ids))
    return as_file(lines_of(session, ids), "contacts.csv")


@contacts.get("/export.vcf")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export_cards() -> ResponseReturnValue:
    wanted = _wanted()
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
        kept_days=filing.KEPT_FOR.days,
        now=screen.now().astimezone(screen.zone()),
    )


def _asking() -> browsing.Asking:
    return browsing.Asking(screen.session(), screen.now(), screen.zone(), screen.world().group_facts)


def _wanted() -> browsing.Wanted:
    args = request.args
    view = args.get("view", "all")
    return browsing.Wanted(
        view=view if view in browsing.VIEWS else "all",
        text=args.get("q", "")[:200],
        kind=args.get("kind", "") if args.get("kind", "") in KIND_LABELS else "",
        after=args.get("after", "")[:80],
    )


def _address(wanted: browsing.Wanted, *, path: str = "/contacts/", **more: str) -> str:
    said = {"view": wanted.view, "q": wanted.text, "kind": wanted.kind, **more}
    return f"{path}?{urlencode({name: value for name, value in said.items() if value})}"


def _tabs(wanted: browsing.Wanted) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "href": _address(browsing.Wanted(view=name, text=wanted.text, kind=wanted.kind)),
            "current": name == wanted.view,
        }
        for name, label in browsing.VIEWS.items()
    ]
