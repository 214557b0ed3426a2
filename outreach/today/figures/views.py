"""The lists behind the figures of Today."""

import re
from datetime import date

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.today.figures import figures

today_figures = Blueprint("figures", __name__)
SAID = {
    "referrals": "received this month",
    "clients": "started care this month",
    "new-sources": "sent their first client ever this month",
    "lapsing": "unusually quiet by their own rhythm",
    "out-of-network": "received this month with a payer we do not take",
}
DAY_WORDS = {"new-sources": "First referral", "lapsing": "Noticed on", "clients": "Care started"}


@today_figures.get("/today/figures/<name>")
def listed(name: str) -> ResponseReturnValue:
    if name not in figures.KINDS:
        abort(404)
    session, span = screen.session(), figures.month_so_far(screen.today())
    earlier = bool(request.args.get("before"))
    chosen = span.before if earlier else span
    after = _key(request.args.get("after", ""))
    rows = figures.lines(session, name, chosen, after=after)
    return screen.page(
        "today/figure.html",
        name=name,
        label=figures.KINDS[name].label,
        said=SAID[name],
        day_word=DAY_WORDS.get(name, "Received"),
        rows=rows[: figures.PAGE],
        next=_said(rows[figures.PAGE - 1].key) if len(rows) > figures.PAGE else "",
        first=after is None,
        total=figures.count(session, name, chosen),
        span=chosen,
        earlier=earlier,
        today=screen.today(),
    )


def _said(key: figures.Key) -> str:
    return f"{key[0].isoformat()}.{key[1]}"


def _key(text: str) -> figures.Key | None:
    day, _, number = text.partition(".")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or (row := screen.row_id(number)) is None:
        return None
    try:
        return date.fromisoformat(day), row
    except ValueError:
        return None
