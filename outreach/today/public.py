"""The private calendar feeds: reachable with their unguessable address alone, as calendar programs need it."""

import hashlib
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from outreach import screen, tokens
from outreach.practice.models import Person
from outreach.today import feeding

today_public = Blueprint("today_public", __name__)


@today_public.get("/cal/<token>.ics")
def feed(token: str) -> Response:
    known = tokens.look_up(screen.session(), feeding.PURPOSE, token)
    if known is None:
        abort(404)
    if known.topic == feeding.CLOSED:
        abort(410)
    person = screen.session().get(Person, known.subject_id)
    if known.subject_id != feeding.OF_PRACTICE and (person is None or not person.active):
        abort(404)
    body, changed_at = feeding.feed_of(screen.session(), known.subject_id, today=screen.today(), zone=screen.zone())
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    answer.last_modified = changed_at
    # The ETag alone decides: what was finished or has passed leaves the file without any newer date in it.
    if request.if_none_match.contains_weak(answer.get_etag()[0] or ""):
        answer.status_code = HTTPStatus.NOT_MODIFIED
        answer.data = b""
        answer.headers.pop("Content-Type", None)
        answer.headers.pop("Content-Length", None)
    return answer
