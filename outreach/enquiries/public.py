"""The page that a friend opens: nobody is named on it, nothing is asked about health, looking changes nothing."""

import secrets

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.enquiries import counting, enquiring, passing_on, rules
from outreach.enquiries.enquiring import Asked
from outreach.enquiries.models import FriendCard
from outreach.practice.models import Practice
from outreach.practice.queries import practice_of

enquiries_public = Blueprint("enquiries_public", __name__)
HONEYPOT = "homepage"
"""A field that people do not see; programs fill it in."""


@enquiries_public.get("/friend")
def code_page() -> ResponseReturnValue:
    """Where the code from a card is typed."""
    typed = request.args.get("code", "")
    if not typed:
        return screen.page("public/friend_code.html", typed="", wrong=False)
    card = passing_on.by_code(screen.session(), typed)
    if card is None:
        return screen.page("public/friend_code.html", 404, typed=typed[:20], wrong=True)
    return Response(status=303, headers={"Location": f"/friend/{card.code}"})


@enquiries_public.get("/friend/<code>")
@screen.writes_on_get
def by_code(code: str) -> ResponseReturnValue:
    """The form, by the code on paper."""
    return _looked_at(passing_on.by_code(screen.session(), code), f"/friend/{code}", "paper")


@enquiries_public.post("/friend/<code>")
def ask_by_code(code: str) -> ResponseReturnValue:
    """Somebody asks to be called."""
    return _asked(passing_on.by_code(screen.session(), code), f"/friend/{code}", "paper")


@enquiries_public.get("/f/<token>")
@screen.writes_on_get
def by_link(token: str) -> ResponseReturnValue:
    """The form, by the link that somebody passed on."""
    return _looked_at(_of_link(token), f"/f/{token}", "link")


@enquiries_public.post("/f/<token>")
def ask_by_link(token: str) -> ResponseReturnValue:
    """Somebody asks to be called."""
    return _asked(_of_link(token), f"/f/{token}", "link")


@enquiries_public.get("/friend/contact.vcf")
def contact_file() -> ResponseReturnValue:
    """The practice's number for the address book: instead of a mail, which may not go to them."""
    practice = practice_of(screen.session())
    name = "practice.vcf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_vcard(practice), mimetype="text/vcard", headers=headers)


def _of_link(token: str) -> FriendCard | None:
    return passing_on.by_link(screen.session(), screen.world().key, token, now=screen.now())


def _looked_at(card: FriendCard | None, here: str, way: str) -> ResponseReturnValue:
    if card is None:
        return screen.page("public/friend_unknown.html", 404)
    if request.method == "GET" and "thanks" not in request.args:
        machine = rules.is_machine(request.headers.get("User-Agent", ""))
        counting.count(screen.session(), card, way, on=screen.today(), machine=machine)
    return _form(here, Asked(form_key=secrets.token_urlsafe(16)), thanks="thanks" in request.args)


def _asked(card: FriendCard | None, here: str, way: str) -> ResponseReturnValue:
    if card is None:
        return screen.page("public/friend_unknown.html", 404)
    form = request.form
    typed = Asked(
        name=form.get("name", ""),
        phone=form.get("phone", ""),
        email=form.get("email", ""),
        best_time=form.get("best_time", "any"),
        service_id=form.get("service", type=int),
        form_key=form.get("form_key", ""),
    )
    if form.get(HONEYPOT):
        # A program learns nothing: it is thanked like everybody.
        return Response(status=303, headers={"Location": f"{here}?thanks=1"})
    if enquiring.too_many(screen.session(), screen.who_asks(), now=screen.now()):
        return _form(
            here, typed, errors={"": "That was a lot at once. Please wait ten minutes, or call us."}, status=429
        )
    kept = enquiring.ask(
        screen.session(), card, typed, way=way, now=screen.now(), today=screen.today(), world=screen.world()
    )
    if isinstance(kept, dict):
        return _form(here, typed, errors=kept, status=422)
    screen.record("asked", "enquiry", kept.id)
    return Response(status=303, headers={"Location": f"{here}?thanks=1"})


def _form(
    here: str, typed: Asked, *, errors: dict[str, str] | None = None, status: int = 200, thanks: bool = False
) -> ResponseReturnValue:
    return screen.page(
        "public/friend.html",
        status,
        here=here,
        typed=typed,
        errors=errors or {},
        thanks=thanks,
        honeypot=HONEYPOT,
        best_times=list(rules.BEST_TIME_WORDS.items()),
        services=[("", "I am not sure"), *((str(one.id), one.name) for one in enquiring.services(screen.session()))],
    )


def _vcard(practice: Practice) -> str:
    def said(text: str) -> str:
        plain = " ".join(text.split())
        return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")

    town = ";".join(said(part) for part in (practice.street, practice.city, practice.state, practice.zip5))
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"FN:{said(practice.name)}",
        f"N:{said(practice.name)};;;;",
        f"ORG:{said(practice.name)}",
    ]
    if practice.phone:
        lines.append(f"TEL;TYPE=WORK:{said(practice.phone)}")
    lines += [f"ADR;TYPE=WORK:;;{town};", "END:VCARD"]
    return "\r\n".join(lines) + "\r\n"
