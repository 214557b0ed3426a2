"""Signed-in screens of recurring newsletters: which there are, a new one, pausing and putting away."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts.models import Group
from outreach.errors import Refusal
from outreach.newsletters.frame_views import local_now, newsletters
from outreach.newsletters.layouts import LAYOUTS
from outreach.newsletters.models import Issue
from outreach.newsletters.recurring import drafting
from outreach.newsletters.recurring.rhythm_rules import RHYTHM_WORDS
from outreach.newsletters.recurring.series_models import Series

HERE = "/newsletters/recurring"


@newsletters.get("/recurring")
def recurring() -> ResponseReturnValue:
    """The recurring newsletters."""
    return _page()


@newsletters.post("/recurring")
@screen.needs(*screen.WRITERS)
def start_series() -> ResponseReturnValue:
    """A new one."""
    form = request.form
    made = drafting.start(
        screen.session(),
        now=screen.now(),
        name=form.get("name", ""),
        rhythm=form.get("rhythm", ""),
        day=form.get("day", 0, type=int),
        lead_days=form.get("lead_days", 0, type=int),
        layout=form.get("layout", ""),
        begins_with=form.get("begins_with", ""),
        group_ids=form.getlist("groups", type=int),
        in_archive="in_archive" in form,
        owner_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        screen.record("series refused", "newsletter-series", reason=made.reason)
        return _page(refusal=made, status=422)
    screen.record("series started", "newsletter-series", made.id)
    return screen.done(HERE, f"It drafts itself {made.lead_days} days before, and waits for you.")


@newsletters.post("/recurring/<int:series_id>/<any(pause, resume, trash, restore):what>")
@screen.needs(*screen.WRITERS)
def change_series(series_id: int, what: str) -> ResponseReturnValue:
    """Paused, going on, put away, brought back."""
    series, now = screen.or_404(screen.session().get(Series, series_id)), screen.now()
    if what == "pause":
        drafting.pause(series, now=now)
    elif what == "trash":
        drafting.put_away(series, now=now)
    elif what == "resume":
        drafting.go_on(screen.session(), series, now=now)
    else:
        drafting.bring_back(screen.session(), series, now=now)
    screen.record(f"series {what}", "newsletter-series", series.id)
    back = {"pause": "resume", "trash": "restore"}.get(what)
    words = {"pause": "Paused.", "resume": "It goes on.", "trash": "Put away. Its issues stay.", "restore": "Back."}
    return screen.done(HERE, words[what], undo=f"{HERE}/{series.id}/{back}" if back else None)


def _page(*, refusal: Refusal | None = None, status: int = 200) -> ResponseReturnValue:
    session = screen.session()
    found = session.scalars(select(Series).where(Series.deleted_at.is_(None)).order_by(Series.next_on, Series.id)).all()
    waiting = session.scalars(
        select(Issue)
        .where(Issue.series_id.is_not(None), Issue.status == "draft", Issue.deleted_at.is_(None))
        .order_by(Issue.series_on)
    ).all()
    return screen.page(
        "newsletters/recurring.html",
        status,
        series=found,
        waiting=waiting,
        refusal=refusal,
        typed=request.form,
        groups=session.scalars(select(Group).where(Group.deleted_at.is_(None)).order_by(Group.name)).all(),
        layouts=[(layout.key, layout.name) for layout in LAYOUTS.values()],
        rhythms=list(RHYTHM_WORDS.items()),
        rhythm_words=RHYTHM_WORDS,
        now=local_now(),
    )
