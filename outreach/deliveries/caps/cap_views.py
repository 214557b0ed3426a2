"""A signed-in screen: how much mail one person gets at most."""

from flask import Response, request, url_for

from outreach import screen
from outreach.deliveries.caps import capping, limiting
from outreach.deliveries.caps.cap_models import MOST_GAP_DAYS, MOST_PER_QUARTER
from outreach.deliveries.inbox_views import deliveries
from outreach.errors import Refusal


@deliveries.get("/limits")
@screen.needs(*screen.ADMINISTRATORS)
def limits() -> tuple[str, int]:
    """The limits as they are."""
    return screen.page(
        "deliveries/limits.html",
        limits=capping.limits_of(screen.session()),
        most_days=MOST_GAP_DAYS,
        most_messages=MOST_PER_QUARTER,
    )


@deliveries.post("/limits")
@screen.needs(*screen.ADMINISTRATORS)
def save_limits() -> Response:
    """The limits are as chosen."""
    here, form = url_for("deliveries.limits"), request.form
    chosen = limiting.choose(
        screen.session(),
        now=screen.now(),
        gap_days=form.get("gap_days", None, int),
        per_quarter=form.get("per_quarter", None, int),
        with_touches="with_touches" in form,
        by_id=screen.actor_id(),
    )
    if isinstance(chosen, Refusal):
        return screen.refused(chosen, here)
    screen.record("change-mail-limits", "outbox", said=chosen.said(), with_touches=chosen.with_touches)
    return screen.done(here, f"Saved: {chosen.said()}.")
