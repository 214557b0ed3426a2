"""Keeping a view of the list: its name, its columns, and whether everybody sees it."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.lists.addresses import COLUMNS, address, columns_of, fields_of, wanted_of
from outreach.contacts.lists.saved_views import save_view
from outreach.contacts.lists.view_models import SavedView
from outreach.errors import Refusal

saved_views = Blueprint("saved_views", __name__, url_prefix="/contacts/views")


@saved_views.get("/new")
def new() -> ResponseReturnValue:
    return _page(None, fields_of(wanted_of(request.args), columns_of(request.args)))


@saved_views.post("/new")
@screen.needs(*screen.LOGGERS)
def add() -> ResponseReturnValue:
    return _save(None)


@saved_views.get("/<int:view_id>")
def one(view_id: int) -> ResponseReturnValue:
    view = _own(view_id)
    return _page(view, view.asked)


@saved_views.post("/<int:view_id>")
@screen.needs(*screen.LOGGERS)
def change(view_id: int) -> ResponseReturnValue:
    return _save(_own(view_id))


@saved_views.post("/<int:view_id>/gone")
@screen.needs(*screen.LOGGERS)
def gone(view_id: int) -> ResponseReturnValue:
    view = _own(view_id)
    screen.record("removed", "saved-view", view.id)
    screen.session().delete(view)
    return screen.done("/contacts/", f"The view “{view.name}” is gone. The contacts are as they were.")


def _own(view_id: int) -> SavedView:
    found = screen.session().get(SavedView, view_id)
    return screen.or_404(found if found is not None and found.owner_id == screen.actor().id else None)


def _save(view: SavedView | None) -> ResponseReturnValue:
    asked = fields_of(wanted_of(request.form), columns_of(request.form))
    made = save_view(
        screen.session(),
        view,
        now=screen.now(),
        owner_id=screen.actor().id,
        name=request.form.get("name", ""),
        shared=request.form.get("shared") == "yes" and screen.actor().role in screen.WRITERS,
        asked=asked,
    )
    if isinstance(made, Refusal):
        return _page(view, asked, made)
    screen.record("edited" if view else "added", "saved-view", made.id)
    return screen.done(address(made.asked, saved=str(made.id)), "The view is kept.")


def _page(view: SavedView | None, asked: dict[str, str], refusal: Refusal | None = None) -> ResponseReturnValue:
    columns = asked.get("cols", "").split(",")
    return screen.page(
        "contacts/view_form.html",
        status=422 if refusal is not None else 200,
        view=view,
        refusal=refusal,
        name=request.form.get("name", view.name if view else ""),
        shared=request.form.get("shared") == "yes" if request.form else bool(view and view.shared),
        fields={name: value for name, value in asked.items() if name != "cols"},
        columns=[(name, label, name in columns) for name, label in COLUMNS.items()],
        may_share=screen.actor().role in screen.WRITERS,
        may_save=screen.actor().role in screen.LOGGERS,
        back=address(asked),
    )
