"""Signed-in screens of this room: the occasions of the year, the runs, a new run, the trash."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.cards import composer_views, editing, list_views, occasions, paper_views, queries
from outreach.cards.calendar_of_occasions import ALL, OCCASIONS
from outreach.cards.frame_views import STATUS_WORDS, cards, known, local_now, page_of, span_words
from outreach.cards.models import CardRun
from outreach.cards.wishing import wish_views

__all__ = ["cards", "composer_views", "list_views", "paper_views", "wish_views"]


@cards.get("/")
def overview() -> ResponseReturnValue:
    """What comes next, and the runs."""
    found = queries.runs(screen.session())
    running = {(run.occasion, run.year): run for run in found if run.status != "cancelled"}
    coming = occasions.coming(screen.today(), ALL)
    return screen.page(
        "cards/overview.html",
        coming=[(occasion, span, running.get((occasion.key, span.first_on.year))) for occasion, span in coming],
        personal=[occasion for occasion in ALL if occasion.personal],
        running=running,
        runs=found,
        counts=queries.counts_of(screen.session(), [run.id for run in found]),
        occasions=OCCASIONS,
        status_words=STATUS_WORDS,
        span_words=span_words,
        page_of=page_of,
        now=local_now(),
        today=screen.today(),
    )


@cards.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    """A run for one occasion, with its words ready or those of last year."""
    occasion = screen.or_404(OCCASIONS.get(request.values.get("occasion", "")))
    if request.method == "GET":
        return screen.page(
            "cards/new.html",
            occasion=occasion,
            span=occasions.next_span(occasion, screen.today()),
            before=editing.latest(screen.session(), occasion.key),
            span_words=span_words,
            now=local_now(),
        )
    run = editing.start(screen.session(), occasion, now=screen.now(), world=screen.world(), by_id=screen.actor_id())
    screen.record("started", "card-run", run.id, occasion=run.occasion, year=run.year)
    return screen.done(f"/cards/{run.id}/edit")


@cards.post("/<int:run_id>/trash")
@screen.needs(*screen.WRITERS)
def trash(run_id: int) -> ResponseReturnValue:
    """A draft goes into the trash."""
    run = known(run_id)
    put = editing.put_away(screen.session(), run, now=screen.now())
    screen.record("trashed", "card-run", run.id, put=put)
    if not put:
        return screen.done(page_of(run), "These cards are on their way, so the run stays in the list.")
    return screen.done("/cards/", f"“{run.title}” is in the trash.", undo=f"/cards/{run.id}/restore")


@cards.post("/<int:run_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(run_id: int) -> ResponseReturnValue:
    """Out of the trash again."""
    run = screen.or_404(screen.session().get(CardRun, run_id))
    editing.bring_back(run)
    screen.record("restored", "card-run", run.id)
    return screen.done("/cards/", f"“{run.title}” is back. Make its list again before approving it.")
