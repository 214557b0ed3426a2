"""What every signed-in screen and public page shares: the turn of this request, who acts, fragments and answers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from zoneinfo import ZoneInfo

from flask import Response, abort, current_app, flash, g, redirect, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from outreach import audit
from outreach.clock import Clock
from outreach.config import Settings
from outreach.errors import Refusal

P = ParamSpec("P")
R = TypeVar("R")

WRITERS = ("administrator", "coordinator")
LOGGERS = ("administrator", "coordinator", "clinician")
"""Who may log a touch, a visit or a referral."""
ADMINISTRATORS = ("administrator",)
LARGEST_NUMBER = 2**31 - 1
"""What an id column holds on every database; a page times its length still fits 63 bits."""


@dataclass(frozen=True)
class Turn:
    """One unit of work: an open session and the one `now` that everything in it sees."""

    session: Session
    now: datetime


class Actor(Protocol):
    """The signed-in person, as far as a screen needs to know."""

    id: int
    name: str
    role: str

    @property
    def rights(self) -> frozenset[str]:
        """The rights that the practice gave to that role (`practice.right_models`)."""


class World(Protocol):
    """What runtime composed for the rooms; the rooms know the precise types of what they take."""

    settings: Settings
    key: bytes
    group_facts: tuple[Any, ...]
    content_blocks: tuple[Any, ...]
    preflight_checks: tuple[Any, ...]
    timeline_kinds: tuple[Any, ...]
    source_names: tuple[Any, ...]
    thanks_sources: tuple[Any, ...]
    planned_value: tuple[Any, ...]
    transports: Any
    clock: Clock

    def turn(self, *, write: bool = True, quick: bool = False) -> AbstractContextManager[Turn]:
        """One unit of work of its own, for the few views that open theirs (`opens_own_turns`)."""


def turn() -> Turn:
    """The turn of this request; `web` opened it and commits it before the answer leaves."""
    return cast(Turn, g.turn)


def session() -> Session:
    """The session of this request's turn."""
    return turn().session


def now() -> datetime:
    """The frozen instant of this request, in UTC."""
    return turn().now


def world() -> World:
    """What runtime composed: settings, keys, transports, contributed facts, blocks, checks, timeline kinds."""
    return cast(World, current_app.extensions["outreach"])


def zone() -> ZoneInfo:
    """The practice's time zone, read once per request."""
    return cast(ZoneInfo, g.zone)


def today() -> date:
    """The practice's local day of this request's instant."""
    return now().astimezone(zone()).date()


def actor() -> Actor:
    """The signed-in person. Errors: RuntimeError on a public page, where there is none."""
    if not current_user.is_authenticated:
        raise RuntimeError("Nobody is signed in here")
    return cast(Actor, current_user)


def actor_id() -> int | None:
    """The id of the signed-in person, or None on a public page."""
    return current_user.id if current_user and current_user.is_authenticated else None


def who_asks() -> str:
    """The address that counts where tries are limited. A proxy on this machine asks for everybody and names them, the
    nearest last (what stands before it, the asker may have written); without that one stranger's guesses would make
    everybody wait."""
    address = request.remote_addr or ""
    if address.startswith("127.") or address == "::1":
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    return address


def needs(*roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only these roles may: others get 403 with a sentence. Signing in itself is asked for by `web` on every route."""

    def wrap(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if actor().role not in roles:
                abort(403)
            return view(*args, **kwargs)

        guarded.needs_roles = roles  # type: ignore[attr-defined]
        return guarded

    return wrap


def may(right: str) -> bool:
    """Whether the signed-in person holds a right that the practice gives out: send, approve, override or ledger."""
    if not current_user or not current_user.is_authenticated:
        return False
    if "rights" not in g:
        g.rights = actor().rights
    return right in g.rights


def needs_right(right: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only who holds this right may, whatever the role: others get 403 with a sentence."""

    def wrap(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not may(right):
                abort(403)
            return view(*args, **kwargs)

        guarded.needs_right = right  # type: ignore[attr-defined]
        return guarded

    return wrap


def writes_on_get(view: Callable[P, R]) -> Callable[P, R]:
    """This view records something on a GET (a view of a client record, a click): its turn may write."""
    view.writes_on_get = True  # type: ignore[attr-defined]
    return view


def opens_own_turns(view: Callable[P, R]) -> Callable[P, R]:
    """This view must answer even when the database is busy: it gets no turn and opens its own."""
    view.opens_own_turns = True  # type: ignore[attr-defined]
    return view


def record(action: str, subject_type: str, subject_id: int | None = None, **facts: Any) -> None:
    """The act of the signed-in person is in the audit log, in this turn."""
    audit.record(
        session(),
        now=now(),
        actor_id=actor_id(),
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        **facts,
    )


def or_404(found: R | None) -> R:
    """The thing, or a 404 that does not tell whether it exists for someone else."""
    if found is None:
        abort(404)
    return found


def whole_number(text: str) -> int:
    """The number that somebody typed or that stands in an address. Errors: ValueError beyond what a row or page has."""
    number = int(text)
    if abs(number) > LARGEST_NUMBER:
        raise ValueError("No row, page or count of ours is that large")
    return number


def row_id(text: str | None) -> int | None:
    """The id that a hidden field or a button carries, or None when it is none."""
    try:
        return whole_number(text or "")
    except ValueError:
        return None


def is_fragment() -> bool:
    """Whether htmx asked for a piece of the page only."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def page(template: str, /, status: int = 200, **context: Any) -> tuple[str, int]:
    """The rendered page. Under htmx the same template is rendered with `fragment=True`: it then extends nothing."""
    return render_template(template, fragment=is_fragment(), **context), status


def invalid(template: str, /, **context: Any) -> tuple[str, int]:
    """The form again, with what was typed and what is wrong: 422, which htmx swaps in."""
    return page(template, status=422, **context)


def done(where: str, message: str | None = None, *, undo: str | None = None) -> Response:
    """After a POST: go there, with a toast that offers Undo (a path that takes a POST) when possible."""
    if message:
        flash({"text": message, "undo": undo} if undo else message, "done")  # type: ignore[arg-type]
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": where})
    return cast(Response, redirect(where, code=303))


def refused(refusal: Refusal, where: str) -> Response:
    """After a POST that met a named "no": go back there and say why."""
    flash(refusal.text, "refused")
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": where})
    return cast(Response, redirect(where, code=303))
