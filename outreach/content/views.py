"""Signed-in screens of this room: the picture library."""

from typing import Any

from flask import Blueprint, g, request, url_for
from werkzeug.wrappers import Response

from outreach import screen
from outreach.content import assets, details
from outreach.content.forms import DescribeForm, UploadForm
from outreach.content.models import Asset
from outreach.content.people_blocks import Quote
from outreach.content.picture_blocks import path_of
from outreach.errors import Refusal
from outreach.practice.queries import practice_of

content = Blueprint("content", __name__, url_prefix="/content")

PAGE = 50


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
    return _library(_upload_form())


@content.post("/assets")
@screen.needs(*screen.WRITERS)
def upload() -> tuple[str, int] | Response:
    """One more picture."""
    form = _upload_form()
    if not form.validate_on_submit():
        return _library(form, status=422)
    added = assets.upload(
        screen.session(),
        now=screen.now(),
        content=form.file.data.read(assets.MAX_FILE_BYTES + 1),
        title=form.title.data or "",
        alt=form.alt.data or "",
        shows_client=form.shows_client.data,
        authorization_id=int(form.authorization_id.data) if form.authorization_id.data else None,
        by_id=screen.actor_id(),
    )
    if isinstance(added, Refusal):
        wrong = form.authorization_id if added.reason == "no-authorization" else form.file
        wrong.errors = [added.text]
        return _library(form, status=422)
    screen.record("picture added", "asset", added.id, shows_client=added.shows_client)
    return screen.done(url_for("content.library"), f"“{added.title}” is in the library.")


@content.get("/assets/<int:asset_id>")
def picture(asset_id: int) -> tuple[str, int]:
    """One picture."""
    return _picture(_known(asset_id))


@content.post("/assets/<int:asset_id>")
@screen.needs(*screen.WRITERS)
def describe(asset_id: int) -> tuple[str, int] | Response:
    """Title and description."""
    known = _known(asset_id)
    form = DescribeForm()
    if not form.validate_on_submit():
        return _picture(known, form, status=422)
    assets.describe(screen.session(), asset_id=known.id, title=form.title.data or "", alt=form.alt.data or "")
    screen.record("picture described", "asset", known.id)
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


def _upload_form() -> UploadForm:
    form = UploadForm()
    stories = Quote().options("authorization_id", screen.session(), now=screen.now())
    form.authorization_id.choices = [("", "No client is shown"), *stories[1:]]
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


def _picture(asset: Asset, form: DescribeForm | None = None, status: int = 200) -> tuple[str, int]:
    form = form or DescribeForm(obj=asset)
    return screen.page("content/asset.html", status=status, asset=asset, path=path_of(asset), form=form)
