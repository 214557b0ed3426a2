"""Signed-in screens of this room: the library of pictures and files."""

from typing import Any, TypeVar

from flask import g, request, url_for
from werkzeug.wrappers import Response
from wtforms import SelectChoice as Choice

from outreach import screen
from outreach.content import assets, details, look_views
from outreach.content.forms import DescribeForm, FileFields, PermissionFields, UploadForm, VersionForm
from outreach.content.frame_views import content
from outreach.content.models import Asset
from outreach.content.people_blocks import Quote
from outreach.content.picture_blocks import path_of
from outreach.errors import Refusal
from outreach.practice.queries import practice_of

PAGE = 50
__all__ = ["content", "look_views"]
F = TypeVar("F", bound=PermissionFields)


@content.app_template_filter("in_words")
def in_words(subject: str) -> str:
    """A subject as a list shows it."""
    if "practice_of_lists" not in g:
        # A session forgets what nobody holds: kept here, a list of fifty subjects asks once.
        g.practice_of_lists = practice_of(screen.session())
    return details.in_words(subject, g.practice_of_lists)


@content.get("/assets")
def library() -> tuple[str, int]:
    """All pictures, newest first."""
    return _library(_asking(UploadForm()))


@content.post("/assets")
@screen.needs(*screen.WRITERS)
def upload() -> tuple[str, int] | Response:
    """One more picture or file."""
    form = _asking(UploadForm())
    if not form.validate_on_submit():
        return _library(form, status=422)
    added = _uploaded(form, title=form.title.data or "", alt=form.alt.data or "")
    if isinstance(added, Refusal):
        return _library(_told(form, added), status=422)
    screen.record("picture added", "asset", added.id, shows_client=added.shows_client)
    return screen.done(url_for("content.library"), f"“{added.title}” is in the library.")


@content.post("/assets/<int:asset_id>/version")
@screen.needs(*screen.WRITERS)
def new_version(asset_id: int) -> tuple[str, int] | Response:
    """The next version; mail that was sent keeps showing this one."""
    known, form = _known(asset_id), _asking(VersionForm())
    if not form.validate_on_submit():
        return _picture(known, newer=form, status=422)
    added = _uploaded(form, title=known.title, alt=known.alt, replaces_id=known.id)
    if isinstance(added, Refusal):
        return _picture(known, newer=_told(form, added), status=422)
    screen.record("picture replaced", "asset", added.id, replaces=known.id, shows_client=added.shows_client)
    return screen.done(url_for("content.picture", asset_id=added.id), f"This is version {added.version} now.")


@content.get("/assets/<int:asset_id>")
def picture(asset_id: int) -> tuple[str, int]:
    """One picture."""
    return _picture(_known(asset_id))


@content.post("/assets/<int:asset_id>")
@screen.needs(*screen.WRITERS)
def describe(asset_id: int) -> tuple[str, int] | Response:
    """Title and description, and whether it shows a client after all."""
    known = _known(asset_id)
    form = _asking(DescribeForm())
    if not form.validate_on_submit():
        return _picture(known, form, status=422)
    if form.shows_client.data == "yes":
        told = assets.tell_client(screen.session(), known, authorization_id=_chosen(form))
        if isinstance(told, Refusal):
            return _picture(known, _told(form, told), status=422)
    elif known.shows_client:
        form.shows_client.errors = ["This one is known to show or quote a client. Remove it if that was a mistake."]
        return _picture(known, form, status=422)
    assets.describe(screen.session(), asset_id=known.id, title=form.title.data or "", alt=form.alt.data or "")
    screen.record("picture described", "asset", known.id, shows_client=known.shows_client)
    return screen.done(url_for("content.library"), "Saved.")


@content.post("/assets/<int:asset_id>/remove")
@screen.needs(*screen.WRITERS)
def remove(asset_id: int) -> Response:
    """Into the trash."""
    known = screen.or_404(assets.put_away(screen.session(), now=screen.now(), asset_id=asset_id))
    screen.record("picture removed", "asset", known.id)
    undo = url_for("content.restore", asset_id=known.id)
    return screen.done(url_for("content.library"), f"“{known.title}” is in the trash.", undo=undo)


@content.post("/assets/<int:asset_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(asset_id: int) -> Response:
    """Out of the trash."""
    known = screen.or_404(assets.bring_back(screen.session(), asset_id=asset_id))
    screen.record("picture restored", "asset", known.id)
    return screen.done(url_for("content.library"), f"“{known.title}” is back.")


def _asking(form: F) -> F:
    stories = Quote().options("authorization_id", screen.session(), now=screen.now())
    form.authorization_id.choices = [Choice("", "No client is shown"), *(Choice(*each) for each in stories[1:])]
    return form


def _chosen(form: PermissionFields) -> int | None:
    return int(form.authorization_id.data) if form.authorization_id.data else None


def _uploaded(form: FileFields, *, title: str, alt: str, replaces_id: int | None = None) -> Asset | Refusal:
    return assets.upload(
        screen.session(),
        now=screen.now(),
        content=form.file.data.read(assets.MAX_FILE_BYTES + 1),
        title=title,
        alt=alt,
        shows_client=form.shows_client.data == "yes",
        authorization_id=_chosen(form),
        by_id=screen.actor_id(),
        replaces_id=replaces_id,
    )


def _told(form: F, refusal: Refusal) -> F:
    wrong = {"no-authorization": "authorization_id", "known-client": "shows_client"}.get(refusal.reason, "file")
    form[wrong].errors = [refusal.text]
    return form


def _known(asset_id: int) -> Asset:
    asset = screen.session().get(Asset, asset_id)
    return screen.or_404(asset if asset and asset.deleted_at is None else None)


def _library(form: Any, status: int = 200) -> tuple[str, int]:
    number = request.args.get("page", 1, type=int)
    start = max(number - 1, 0) * PAGE
    shown, total = assets.library(screen.session(), limit=PAGE, offset=start)
    return screen.page(
        "content/assets.html",
        status=status,
        form=form,
        assets=[(asset, path_of(asset)) for asset in shown],
        total=total,
        start=start,
        page_number=max(number, 1),
        has_more=start + len(shown) < total,
    )


def _picture(
    asset: Asset, form: DescribeForm | None = None, *, newer: VersionForm | None = None, status: int = 200
) -> tuple[str, int]:
    answer = {"title": asset.title, "alt": asset.alt, "shows_client": "yes" if asset.shows_client else "no"}
    answer["authorization_id"] = str(asset.authorization_id or "")
    return screen.page(
        "content/asset.html",
        status=status,
        asset=asset,
        path=path_of(asset),
        form=form or _asking(DescribeForm(formdata=None, data=answer)),
        newer=newer or _asking(VersionForm(formdata=None)),
    )
