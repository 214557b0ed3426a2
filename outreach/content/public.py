"""Everything of this room that is reachable without signing in: the pictures and files that mail shows."""

from flask import Blueprint, Response, abort, request

from outreach import screen
from outreach.content import assets
from outreach.content.picture_blocks import path_of

content_public = Blueprint("content_public", __name__)

ONE_YEAR = "public, max-age=31536000, immutable"
ONE_HOUR = "private, max-age=3600"
"""A permission can be withdrawn; copies elsewhere must not outlive that for long."""
PICTURE_POLICY = "default-src 'none'; base-uri 'none'; sandbox"


@content_public.get("/assets/<name>")
def picture(name: str) -> Response:
    """A picture of the library under its random name; it never changes, so it may be kept, but for a client's."""
    asset = assets.served(screen.session(), name.rpartition(".")[0], on=screen.today())
    if asset is None or path_of(asset) != f"/assets/{name}":
        abort(404)
    if request.if_none_match.contains(asset.digest):
        response = Response(status=304)
    else:
        response = Response(asset.data, mimetype=asset.media_type)
    response.set_etag(asset.digest)
    response.headers["Cache-Control"] = ONE_YEAR if asset.authorization_id is None else ONE_HOUR
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # A file is saved or shown by the reader's own program; it never opens as a page under our address.
    response.headers["Content-Disposition"] = "inline" if asset.width else "attachment"
    return response
