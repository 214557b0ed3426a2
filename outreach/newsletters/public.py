"""Everything of this room that is reachable without signing in: past issues, where nothing in them is anyone's own."""

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.content.details import URL_DETAILS
from outreach.content.rendering import render
from outreach.newsletters import archive

newsletters_public = Blueprint("newsletters_public", __name__)
ISSUE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' https:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@newsletters_public.get("/news")
def past_issues() -> ResponseReturnValue:
    """The issues that the practice shows to everybody, newest first."""
    found = archive.shown(screen.session(), on=screen.today())
    return screen.page("newsletters/archive.html", issues=found)


@newsletters_public.get("/news/<int:issue_id>")
def past_issue(issue_id: int) -> ResponseReturnValue:
    """One of them, as somebody without a name would get it: a document of its own."""
    found = archive.message_of_issue(screen.session(), issue_id, on=screen.today())
    if found is None:
        abort(404)
    values = {**dict.fromkeys(URL_DETAILS, ""), "unsubscribe_url": "/news", "preferences_url": "/news"}
    return Response(render(found, values).html, headers={"Content-Security-Policy": ISSUE_POLICY})
