"""Setting up the ways out: how each is reached, its limits, how many emails may be under way, and taking one away."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import outbox
from outreach.deliveries.inbox_views import deliveries
from outreach.deliveries.ways import configuring, throttling, ways_shown
from outreach.deliveries.ways.transport_forms import FORMS, LimitForm, WayForm
from outreach.deliveries.ways.transport_models import TransportSetting, TransportThrottle
from outreach.deliveries.ways.way_settings import kept_inside, outside
from outreach.errors import Refusal

PORTS = {"smtp": 587, "inbound": 993}


@deliveries.get("/transports/<name>/set")
@screen.needs(*screen.ADMINISTRATORS)
def transport_set(name: str) -> ResponseReturnValue:
    """The form, without any key in it."""
    made, row = FORMS[screen.or_404(name if name in FORMS else None)], screen.session().get(TransportSetting, name)
    start = row.facts if row else {"port": PORTS.get(name)}
    form = made(data={**start, "revision": row.revision if row else ""}, **_about(name))
    return _form_page(name, form)


@deliveries.post("/transports/<name>/set")
@screen.needs(*screen.ADMINISTRATORS)
def transport_save(name: str) -> ResponseReturnValue:
    """The way is reached like this from its next use on."""
    form = FORMS[screen.or_404(name if name in FORMS else None)](**_about(name))
    if not form.validate_on_submit():
        return _form_page(name, form, 422)
    new = form.secrets()
    done = configuring.configure(
        screen.session(),
        screen.world().settings,
        name,
        facts=form.facts(),
        secret=new,
        revision=form.revision.data or "",
        now=screen.now(),
        by_id=screen.actor_id(),
    )
    if isinstance(done, Refusal):
        return screen.refused(done, _here())
    screen.record("change-transport", "transport", name=name, new_secrets=sorted(new), facts=sorted(form.facts()))
    follows = "It is used from the next minute on." if name == "inbound" else "Send yourself a test now."
    return screen.done(_here(), " ".join(["Saved.", *done, follows]))


@deliveries.get("/transports/<name>/remove")
@screen.needs(*screen.ADMINISTRATORS)
def transport_remove(name: str) -> ResponseReturnValue:
    """How many wait, before anything is taken away."""
    row = screen.or_404(screen.session().get(TransportSetting, name) if name in FORMS else None)
    waiting = outbox.waiting_in(screen.session(), f"transport:{name}")
    return screen.page(
        "deliveries/transport_remove.html",
        name=name,
        label=ways_shown.LABELS[name],
        waiting=waiting,
        revision=row.revision,
    )


@deliveries.post("/transports/<name>/remove")
@screen.needs(*screen.ADMINISTRATORS)
def transport_removed(name: str) -> Response:
    """The way and its key are gone; its mail is kept."""
    screen.or_404(name if name in FORMS else None)
    waiting = outbox.waiting_in(screen.session(), f"transport:{name}")
    revision = request.form.get("revision", "")
    refusal = configuring.remove(screen.session(), screen.world().settings, name, revision=revision)
    if refusal is not None:
        return screen.refused(refusal, _here())
    screen.record("remove-transport", "transport", name=name, waiting=waiting)
    many = "1 email is kept" if waiting == 1 else f"{waiting} emails are kept"
    kept = f" {many}, and may leave by another way." if waiting else ""
    return screen.done(_here(), f"Taken away, with its key.{kept}")


@deliveries.get("/transports/<name>/limits")
@screen.needs(*screen.ADMINISTRATORS)
def transport_limits(name: str) -> ResponseReturnValue:
    """The limits of one way."""
    _known_way(name)
    return _limit_page(name, LimitForm(obj=screen.session().get(TransportThrottle, name)))


@deliveries.post("/transports/<name>/limits")
@screen.needs(*screen.ADMINISTRATORS)
def transport_limit(name: str) -> ResponseReturnValue:
    """No more than that leaves, from now on."""
    _known_way(name)
    form = LimitForm()
    if not form.validate_on_submit():
        return _limit_page(name, form, 422)
    limits = {field: form[field].data for field in ("per_second", "burst", "per_day")}
    refusal = configuring.limit(screen.session(), name, **limits)
    if refusal is not None:
        form.form_errors.append(refusal.text)
        return _limit_page(name, form, 422)
    screen.record("limit-transport", "transport", name=name, **limits)
    return screen.done(_here(), "Saved. The limits hold from now on.")


@deliveries.get("/transports/at-once")
@screen.needs(*screen.ADMINISTRATORS)
def transport_at_once() -> ResponseReturnValue:
    """How many of each kind may be under way."""
    return _at_once_page(throttling.in_flight(screen.session()), "")


@deliveries.post("/transports/at-once")
@screen.needs(*screen.ADMINISTRATORS)
def transport_at_once_save() -> ResponseReturnValue:
    """These numbers hold from the next claim on."""
    typed = {kind: request.form[kind].strip() for kind in MESSAGE_KINDS if kind in request.form}
    try:
        chosen = {kind: screen.whole_number(number) for kind, number in typed.items()}
    except ValueError:
        return _at_once_page(typed, "Each of these is a whole number. Nothing was changed.", 422)
    refusal = configuring.set_in_flight(screen.session(), chosen, now=screen.now(), by_id=screen.actor_id())
    if refusal is not None:
        return _at_once_page(typed, f"{refusal.text} Nothing was changed.", 422)
    screen.record("change-at-once", "transport", **chosen)
    return screen.done(_here(), "Saved.")


def _form_page(name: str, form: WayForm, status: int = 200) -> tuple[str, int]:
    if "dkim_key" in form:
        form["dkim_key"].data = ""
    kept = ways_shown.kept_words(screen.session(), name)
    return screen.page(
        "deliveries/transport_set.html",
        status=status,
        name=name,
        label=ways_shown.LABELS[name],
        form=form,
        kept={
            secret: f"Set {_day(at)}{f' by {by}' if by else ''}. Leave it empty to keep it."
            for secret, (at, by) in kept.items()
        },
        is_set=screen.session().get(TransportSetting, name) is not None,
        outside=outside(screen.world().settings, name),
        inside=kept_inside(screen.world().settings, name),
        demo=screen.world().settings.mode == "demo",
    )


def _limit_page(name: str, form: LimitForm, status: int = 200) -> tuple[str, int]:
    return screen.page(
        "deliveries/transport_limits.html", status=status, name=name, label=ways_shown.LABELS[name], form=form
    )


def _at_once_page(numbers: Any, error: str, status: int = 200) -> tuple[str, int]:
    kinds = [
        (kind, numbers.get(kind.name, ""), throttling.most_in_flight(kind.name)) for kind in MESSAGE_KINDS.values()
    ]
    return screen.page("deliveries/transport_at_once.html", status=status, kinds=kinds, error=error)


def _about(name: str) -> dict[str, Any]:
    demo = screen.world().settings.mode == "demo"
    row = screen.session().get(TransportSetting, name)
    kept = set(ways_shown.kept_words(screen.session(), name))
    return {"only_here": demo, "kept": kept, "kept_for": row.facts.get("host", "") if row else ""}


def _known_way(name: str) -> None:
    world = screen.world()
    world.transports.follow(screen.session())
    screen.or_404(world.transports.get(name))


def _day(at: Any) -> str:
    local = at.astimezone(screen.zone())
    return f"on {local:%B} {local.day}, {local.year}"


def _here() -> str:
    return url_for("deliveries.transports")
