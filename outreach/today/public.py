"""The private calendar feed: reachable with its unguessable address alone, as calendar programs need it."""

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
    person = screen.session().get(Person, known.subject_id) if known else None
    if person is None or not person.active:
        abort(404)
    body, changed_at = feeding.feed_of(screen.session(), person.id, today=screen.today(), zone=screen.zone())
    answer = Response(body, mimetype="text/calendar")
    answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    answer.last_modified = changed_at
    answer.make_conditional(request)
    if answer.status_code == HTTPStatus.NOT_MODIFIED:
        answer.headers.pop("Content-Type", None)
    return answer
