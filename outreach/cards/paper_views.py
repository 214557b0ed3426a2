"""A run on its way: results, hold and cancel, the sheets to print, and cards taken to the post."""

import re
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.cards import mailing, printing, queries, rules, sheets, stopping
from outreach.cards.editing import occasion_of
from outreach.cards.frame_views import STATUS_WORDS, cards, known, local_now, page_of, typed_day
from outreach.cards.models import CardRun
from outreach.cards.printing import Batch
from outreach.cards.queries import PAGE, VIEWS
from outreach.deliveries.paper import paper_pages
from outreach.errors import Refusal
from outreach.practice.queries import practice_of

PDF = "application/pdf"
PINE = (10, 92, 84)


@cards.get("/<int:run_id>")
def one(run_id: int) -> ResponseReturnValue:
    """Progress, paper and results of an approved run."""
    run = known(run_id)
    if run.status == "draft":
        return screen.done(page_of(run))
    view = request.args.get("view", "all")
    view = view if view in VIEWS else "all"
    number = max(request.args.get("page", 1, type=int), 1)
    found = queries.lines(screen.session(), run, view, limit=PAGE + 1, offset=(number - 1) * PAGE)
    return screen.page(
        "cards/run.html",
        run=run,
        occasion=occasion_of(run),
        results=queries.results(screen.session(), run),
        left_out=queries.left_out(screen.session(), run.id),
        held=stopping.is_held(screen.session(), run),
        lines=found[:PAGE],
        has_more=len(found) > PAGE,
        number=number,
        view=view,
        tabs=[
            {"label": label, "href": f"/cards/{run.id}?view={key}#people", "current": key == view}
            for key, label in VIEWS.items()
        ],
        reason_words=rules.reason_words,
        status_words=STATUS_WORDS,
        now=local_now(),
        today=screen.today(),
    )


@cards.post("/<int:run_id>/print/<any(cards, letters, labels, table):what>")
@screen.needs(*screen.WRITERS)
def print_out(run_id: int, what: str) -> ResponseReturnValue:
    """Cards, labels or the table for a mail merge; whoever may get none any more is not on it."""
    run = known(run_id)
    batch = printing.draw(screen.session(), run, now=screen.now(), world=screen.world())
    if isinstance(batch, Refusal):
        screen.record("print refused", "card-run", run.id, reason=batch.reason)
        return screen.refused(batch, page_of(run))
    screen.record("exported", "card-run", run.id, what=what, cards=len(batch.cards))
    body, mimetype, ending = _made(run, batch, what)
    name = f"{run.occasion}-{run.year}-{what}.{ending}"
    return Response(body, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@cards.post("/<int:run_id>/mailed")
@screen.needs(*screen.WRITERS)
def mailed(run_id: int) -> ResponseReturnValue:
    """The printed cards went to the post."""
    run = known(run_id)
    day = typed_day(request.form.get("mailed_on", "")) or screen.today()
    marked = mailing.mark_mailed(
        screen.session(), run, now=screen.now(), world=screen.world(), mailed_on=day, by_id=screen.actor_id()
    )
    if isinstance(marked, Refusal):
        screen.record("mailing refused", "card-run", run.id, reason=marked.reason)
        return screen.refused(marked, page_of(run))
    screen.record("mailed", "card-run", run.id, cards=marked, on=day.isoformat())
    words = "1 card is" if marked == 1 else f"{marked} cards are"
    return screen.done(page_of(run), f"{words} mailed and on the timelines.", undo=f"/cards/{run.id}/not-mailed")


@cards.post("/<int:run_id>/not-mailed")
@screen.needs(*screen.WRITERS)
def not_mailed(run_id: int) -> ResponseReturnValue:
    """Undo: they did not."""
    run = known(run_id)
    back = mailing.take_back(screen.session(), run, now=screen.now())
    screen.record("mailing taken back", "card-run", run.id, cards=back)
    words = "Taken back: they are printed, not mailed." if back else "That was ten minutes ago: it stays as it is."
    return screen.done(page_of(run), words)


@cards.post("/<int:run_id>/hold")
@screen.needs(*screen.WRITERS)
def hold(run_id: int) -> ResponseReturnValue:
    """No email of the run leaves."""
    run = known(run_id)
    stopping.hold(screen.session(), run, now=screen.now(), by_id=screen.actor_id())
    screen.record("held", "card-run", run.id)
    return screen.done(page_of(run), "On hold. No email of these cards leaves.", undo=f"/cards/{run.id}/resume")


@cards.post("/<int:run_id>/resume")
@screen.needs_right("send")
def resume(run_id: int) -> ResponseReturnValue:
    """The emails may leave again."""
    run = known(run_id)
    left = stopping.resume(screen.session(), run, now=screen.now(), by_id=screen.actor_id())
    screen.record("resumed", "card-run", run.id, left=left)
    return screen.done(page_of(run), "On their way again.")


@cards.post("/<int:run_id>/cancel")
@screen.needs(*screen.WRITERS)
def cancel(run_id: int) -> ResponseReturnValue:
    """The rest never leaves."""
    run = known(run_id)
    stopped = stopping.cancel(screen.session(), run, now=screen.now(), by_id=screen.actor_id())
    if isinstance(stopped, Refusal):
        screen.record("cancel refused", "card-run", run.id)
        return screen.refused(stopped, page_of(run))
    screen.record("cancelled", "card-run", run.id, stopped=stopped)
    return screen.done(page_of(run), "Cancelled. Whoever has no card yet gets none from this run.")


def _made(run: CardRun, batch: Batch, what: str) -> tuple[Any, str, str]:
    if what == "table":
        return "".join(printing.merge_file(batch)).encode("utf-8"), "text/csv; charset=utf-8", "csv"
    if what == "labels":
        size = request.form.get("size", "5160")
        sheet = sheets.LABEL_SHEETS.get(size, sheets.AVERY_5160)
        return sheets.labels_pdf([card.lines for card in batch.cards], sheet), PDF, "pdf"
    practice = practice_of(screen.session())
    if what == "letters":
        letters = printing.letters(batch, run, practice, printing.signed_by(practice), day=screen.today())
        return paper_pages.letters_pdf(letters, colour=_colour(practice.brand_colour)), PDF, "pdf"
    paper = printing.paper_cards(batch, run, practice, printing.signed_by(practice))
    return sheets.cards_pdf(paper, colour=_colour(practice.brand_colour)), PDF, "pdf"


def _colour(text: str) -> tuple[int, int, int]:
    """A colour such as "#0a5c54" as its three parts; our own pine for anything else."""
    parts = re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", text.lower())
    return (int(parts[1], 16), int(parts[2], 16), int(parts[3], 16)) if parts else PINE
