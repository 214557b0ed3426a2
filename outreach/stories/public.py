"""The consent page: exact words, places to tick, and the way back. Looking changes nothing."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.consent import Authorization
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.stories import rules, signing, withdrawing

stories_public = Blueprint("stories_public", __name__)


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
    )
    if refusal is not None:
        return _page(token, permission, refusal=refusal)
    screen.record("signed", "authorization", permission.id)
    copied = signing.mail_copy(screen.session(), permission, now=screen.now(), world=screen.world())
    return redirect(f"/a/{token}?signed={'mailed' if isinstance(copied, int) else 'print'}", code=303)


@stories_public.post("/a/<token>/withdraw")
def withdraw(token: str) -> ResponseReturnValue:
    permission = signing.found(screen.session(), token)
    if permission is None:
        return screen.page("public/authorization_unknown.html", 404)
    gone = withdrawing.withdraw(screen.session(), permission, now=screen.now(), world=screen.world(), channel="page")
    screen.record("withdrawn", "authorization", permission.id, messages=gone.messages, held=gone.held)
    return redirect(f"/a/{token}", code=303)


def _page(token: str, permission: Authorization, *, refusal: Refusal | None = None) -> ResponseReturnValue:
    practice = practice_of(screen.session())
    return screen.page(
        "public/authorization.html",
        200 if refusal is None else 422,
        token=token,
        permission=permission,
        closed=signing.refuse_signing(screen.session(), permission, today=screen.today()),
        refusal=refusal,
        statements=rules.statements(practice.name, practice.phone),
        scope_labels=rules.SCOPE_LABELS,
        identities=rules.IDENTITIES,
        authorities=list(rules.AUTHORITIES.items()),
        ticked=request.form.getlist("scopes"),
        typed=request.form,
        today=screen.today(),
        just_signed=request.args.get("signed", ""),
    )
