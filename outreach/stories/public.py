"""The consent page: exact words, places to tick, and the way back. And the stories that may stand on the website."""

import hashlib
from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.consent import Authorization
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.stories import pictures, rules, signing, website, withdrawing
from outreach.stories.serving_views import served

stories_public = Blueprint("stories_public", __name__)
FRAME_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors *"
)
"""No script, and only pictures of ours; the website of the practice may show the page in a frame."""


@stories_public.get("/a/<token>")
def consent(token: str) -> ResponseReturnValue:
    permission = signing.found(screen.session(), token)
    if permission is None:
        return screen.page("public/authorization_unknown.html", 404)
    return _page(token, permission)


@stories_public.post("/a/<token>")
def sign(token: str) -> ResponseReturnValue:
    permission = signing.found(screen.session(), token)
    if permission is None:
        return screen.page("public/authorization_unknown.html", 404)
    refusal = signing.sign(
        screen.session(),
        permission,
        now=screen.now(),
        signer=request.form.get("signer", ""),
        authority=request.form.get("authority", ""),
        scopes=request.form.getlist("scopes"),
        picture=request.form.get("picture") == "1",
    )
    if refusal is not None:
        return _page(token, permission, refusal=refusal)
    screen.record("signed", "authorization", permission.id)
    copied = signing.mail_copy(screen.session(), permission, now=screen.now(), world=screen.world())
    return redirect(f"/a/{token}?signed={'mailed' if isinstance(copied, int) else 'print'}", code=303)


@stories_public.get("/a/<token>/picture")
def picture(token: str) -> Response:
    """The picture that the page asks about, for whoever has the link; gone once the permission was withdrawn."""
    permission = signing.found(screen.session(), token)
    file = pictures.shown_on_page(screen.session(), permission) if permission is not None else None
    return served(screen.or_404(file))


@stories_public.post("/a/<token>/withdraw")
def withdraw(token: str) -> ResponseReturnValue:
    permission = signing.found(screen.session(), token)
    if permission is None:
        return screen.page("public/authorization_unknown.html", 404)
    gone = withdrawing.withdraw(screen.session(), permission, now=screen.now(), world=screen.world(), channel="page")
    screen.record("withdrawn", "authorization", permission.id, messages=gone.messages, held=gone.held)
    return redirect(f"/a/{token}", code=303)


@stories_public.get("/testimonials.json")
def feed() -> Response:
    """The stories that may stand on the website today, for any website to fetch."""
    practice = practice_of(screen.session())
    body = website.as_json(
        practice.name, _on_website(), address=screen.world().settings.public_url or practice.public_url
    )
    answer = Response(body, mimetype="application/json")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return _fresh(answer)


@stories_public.get("/testimonials")
def embedded() -> Response:
    """The same as a page to be shown in a frame."""
    page = render_template("public/testimonials.html", stories=_on_website())
    return _fresh(Response(page, headers={"Content-Security-Policy": FRAME_POLICY}))


def _on_website() -> list[website.Told]:
    return website.shown(screen.session(), on=screen.today())


def _fresh(answer: Response) -> Response:
    """May be kept, but is asked for each time: what was withdrawn is gone with the next look."""
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
    answer.make_conditional(request)
    if answer.status_code == HTTPStatus.NOT_MODIFIED:
        answer.headers.pop("Content-Type", None)
    return answer


def _page(token: str, permission: Authorization, *, refusal: Refusal | None = None) -> ResponseReturnValue:
    practice = practice_of(screen.session())
    shown = pictures.shown_on_page(screen.session(), permission)
    what = rules.PICTURE_IF_TICKED if shown is not None else rules.WORDS_ALONE
    return screen.page(
        "public/authorization.html",
        200 if refusal is None else 422,
        token=token,
        permission=permission,
        picture=shown,
        closed=signing.refuse_signing(screen.session(), permission, today=screen.today()),
        refusal=refusal,
        statements=rules.statements(practice.name, practice.phone, what=what),
        scope_labels=rules.SCOPE_LABELS,
        identities=rules.IDENTITIES,
        authorities=list(rules.AUTHORITIES.items()),
        ticked=request.form.getlist("scopes"),
        typed=request.form,
        today=screen.today(),
        just_signed=request.args.get("signed", ""),
    )
