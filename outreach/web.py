"""The web application: blueprints, one turn per request, the sign-in gate, headers and error pages."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Request, Response, abort, g, render_template, request
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from outreach import screen, ui
from outreach.bodies import whole_bodies
from outreach.campaigns.views import campaigns
from outreach.cards.views import cards
from outreach.contacts.views import blueprints as contacts_blueprints
from outreach.content.public import content_public
from outreach.content.views import content
from outreach.deliveries import noticing
from outreach.deliveries.coming_views import coming
from outreach.deliveries.public import deliveries_public
from outreach.deliveries.views import deliveries
from outreach.enquiries.public import enquiries_public
from outreach.enquiries.views import enquiries
from outreach.events.public_signup import events_public
from outreach.events.views import events
from outreach.gifts.views import gifts
from outreach.newsletters.public import newsletters_public
from outreach.newsletters.views import newsletters
from outreach.practice import limiting, signing_in
from outreach.practice.models import Practice
from outreach.practice.public import practice_public
from outreach.practice.views import practice
from outreach.referrals.judging.views import sources
from outreach.referrals.views import referrals
from outreach.reports.views import reports
from outreach.runtime import Runtime
from outreach.stories.public import stories_public
from outreach.stories.views import stories
from outreach.today import queries as today_queries
from outreach.today.public import today_public
from outreach.today.views import today

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "web"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MAX_UPLOAD_BYTES = 64 * 1024 * 1024
APP_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PUBLIC_POLICY = APP_POLICY.replace("script-src 'self'", "script-src 'none'")
PRACTICE_FACTS = (
    Practice.name,
    Practice.phone,
    Practice.street,
    Practice.city,
    Practice.state,
    Practice.zip5,
    Practice.time_zone,
)
PUBLIC_BLUEPRINTS = (
    content_public,
    deliveries_public,
    enquiries_public,
    events_public,
    newsletters_public,
    practice_public,
    stories_public,
    today_public,
)
ROOM_BLUEPRINTS = (
    today,
    *contacts_blueprints,
    referrals,
    sources,
    campaigns,
    newsletters,
    cards,
    events,
    enquiries,
    gifts,
    stories,
    reports,
    content,
    coming,
    deliveries,
    practice,
)


UNCOUNTED = ("content_public.picture",)
"""Pictures in mails: asked for by machines, many at once, and the same for everybody."""


class RowNumber(IntegerConverter):
    """A number in an address that a database can hold; anything larger is no page of ours."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        """Refuses what does not fit 63 bits."""
        super().__init__(map, *args, **{"max": 2**63 - 1, **kwargs})


class Typed(ImmutableMultiDict[str, str]):
    """What stands in an address or a form; a number that is no row, page or count of ours is as good as none."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]
        """The first value of that name, converted."""
        return super().get(key, default, screen.whole_number if type is int else type)

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        """All values of that name that can be converted."""
        return super().getlist(key, screen.whole_number if type is int else type)


class Asked(Request):
    """A request whose numbers are checked where they come in."""

    parameter_storage_class = Typed


def create_app(runtime: Runtime) -> Flask:
    """The application over one open installation."""
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=str(Path(__file__).parent / "static"))
    app.config.update(
        SECRET_KEY=runtime.key,
        MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES,
        TEMPLATES_AUTO_RELOAD=False,
        TESTING=runtime.settings.mode == "test",
        # An error while committing must become an answer (500 or 503), also in tests.
        PROPAGATE_EXCEPTIONS=False,
    )
    app.extensions["outreach"] = runtime
    app.url_map.converters["int"] = RowNumber
    app.request_class = Asked
    ui.install(app.jinja_env)
    app.jinja_env.globals["may"] = screen.may
    _count_public_use(app, runtime)
    _one_turn_per_request(app, runtime)
    signing_in.install(app, runtime, send=_send_notice)
    for blueprint in (*ROOM_BLUEPRINTS, *PUBLIC_BLUEPRINTS):
        app.register_blueprint(blueprint)
    _answer_errors(app)
    app.context_processor(_frame_of_the_page)
    app.after_request(_harden)
    app.wsgi_app = whole_bodies(app.wsgi_app, largest=MAX_UPLOAD_BYTES)  # type: ignore[method-assign]
    return app


def _send_notice(email: str, subject: str, text: str) -> None:
    """A sign-in notice goes into the outbox in this request's turn; a way out that is missing stops no sign-in."""
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    noticing.notify(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        email=email,
        name="",
        subject=subject,
        paragraphs=paragraphs,
    )


def _count_public_use(app: Flask, runtime: Runtime) -> None:
    """Who asks too much of the public pages waits; a database that is busy makes nobody wait for that."""
    limiter = limiting.Limiter()

    def spent_so_far(key: str) -> int:
        with suppress(SQLAlchemyError), runtime.turn(write=False) as turn:
            return limiting.spent(turn.session, key, now=runtime.clock.now())
        return 0

    @app.before_request
    def refuse_who_asks_too_much() -> tuple[str, int, dict[str, str]] | None:
        if not _is_public():
            return None
        wait = limiter.must_wait(screen.who_asks(), now=runtime.clock.now(), look_up=spent_so_far)
        if wait is None:
            return None
        if request.endpoint == "deliveries_public.one_click":
            g.asked_too_often = True
            return None
        _fail()
        return render_template("error.html", code=429, reason=None), 429, {"Retry-After": str(wait)}

    @app.after_request
    def count(response: Response) -> Response:
        wrong = response.status_code in (403, 404)
        # Hooks come from few addresses, as often as there is mail: only a wrong key counts there.
        if not _is_public() or response.status_code == 429 or (request.path.startswith("/hooks/") and not wrong):
            return response
        if limiter.count(screen.who_asks(), limiting.WRONG_LINK if wrong else 1):
            with suppress(SQLAlchemyError), runtime.turn(quick=True) as turn:
                limiter.write(turn.session, now=runtime.clock.now())
        return response


def _is_public() -> bool:
    return (request.blueprint or "").endswith("_public") and request.endpoint not in UNCOUNTED


def _one_turn_per_request(app: Flask, runtime: Runtime) -> None:
    @app.before_request
    def open_turn() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if request.endpoint == "static" or getattr(view, "opens_own_turns", False):
            # Without a turn nobody can be looked up: a signed-in browser asks as nobody.
            g._login_user = AnonymousUserMixin()
            return
        write = request.method not in SAFE_METHODS or getattr(view, "writes_on_get", False)
        # Wishes of recipients and hooks of providers are asked again or kept: they must not make threads wait.
        g.turn_context = runtime.turn(write=write, quick=request.blueprint == "deliveries_public")
        g.turn = g.turn_context.__enter__()
        g.practice = g.turn.session.execute(select(*PRACTICE_FACTS)).first()
        g.zone = ZoneInfo(g.practice.time_zone if g.practice else "UTC")
        if request.endpoint not in signing_in.WITHOUT_TOKEN and _holds_nul():
            # No page of ours sends one, and PostgreSQL keeps none: better a clear no than an error half-way.
            abort(400)

    @app.after_request
    def commit_turn(response: Response) -> Response:
        # Registered first, so it runs last: the answer leaves only when its turn is committed.
        context = g.pop("turn_context", None)
        if context is not None:
            if getattr(g, "failed", False):
                _leave(context, HTTPException())
            else:
                try:
                    context.__exit__(None, None, None)
                except OperationalError as busy:
                    return app.make_response(app.handle_user_exception(busy))
        return response

    @app.teardown_request
    def abandon_turn(_error: BaseException | None) -> None:
        context = g.pop("turn_context", None)
        if context is not None:
            _leave(context, HTTPException())


def _holds_nul() -> bool:
    typed = (value for values in (request.args, request.form) for value in values.to_dict(flat=False).values())
    return "\0" in request.path or any("\0" in one for several in typed for one in several)


def _leave(context: Any, error: Exception) -> None:
    with suppress(HTTPException):
        context.__exit__(type(error), error, None)


def _frame_of_the_page() -> dict[str, Any]:
    """What _base.html and _public.html show around every page; nothing of it when the database is away."""
    facts = g.get("practice")
    if facts is None:
        return {"nav": {}}
    town = ", ".join(filter(None, (facts.street, facts.city, f"{facts.state} {facts.zip5}".strip())))
    nav = {"current": _place(request.path), "practice_name": facts.name}
    if not g.get("failed") and current_user and current_user.is_authenticated:
        nav |= {
            "user_name": current_user.name,
            "user_role": current_user.role.capitalize(),
            "shortcuts": current_user.single_key_shortcuts,
        }
        nav |= _waiting_numbers()
    return {"nav": nav, "practice_name": facts.name, "practice_phone": facts.phone, "practice_address": town}


def _waiting_numbers() -> dict[str, int]:
    if screen.is_fragment() or g.get("failed"):
        return {}
    if "waiting_numbers" not in g:
        g.waiting_numbers = today_queries.nav_counts(screen.session(), screen.today(), screen.actor_id())
    return dict(g.waiting_numbers)


def _place(path: str) -> str:
    if path.startswith("/contacts/import"):
        return "import"
    return path.split("/")[1] or "today"


def _fail() -> None:
    """The turn will leave no trace. The page that says so asks the session, which may be broken, for nobody."""
    g.failed = True
    g._login_user = AnonymousUserMixin()


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def known(error: HTTPException) -> tuple[str, int] | HTTPException:
        code = error.code or 500
        if code < 400:
            return error
        _fail()
        reason = "csrf" if isinstance(error, CSRFError) else None
        return render_template("error.html", code=code, reason=reason), code

    @app.errorhandler(OperationalError)
    def database_busy(_error: OperationalError) -> tuple[str, int, dict[str, str]]:
        _fail()
        log.exception("The database did not answer")
        return render_template("error.html", code=503, reason="busy"), 503, {"Retry-After": "15"}

    @app.errorhandler(Exception)
    def bug(_error: Exception) -> tuple[str, int]:
        _fail()
        log.exception("A request failed")
        return render_template("error.html", code=500, reason=None), 500


def _harden(response: Response) -> Response:
    public = (request.blueprint or "").endswith("_public")
    headers = response.headers
    headers.setdefault("Content-Security-Policy", PUBLIC_POLICY if public else APP_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer" if public else "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if public:
        headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response
