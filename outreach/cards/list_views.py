"""The list of a run: who gets a card which way, what to fix, and the approval."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen, ui
from outreach.cards import approving, listing, queries, rules
from outreach.cards.editing import occasion_of
from outreach.cards.frame_views import cards, known, local_now, page_of
from outreach.cards.models import CardRun
from outreach.cards.queries import PAGE, VIEWS
from outreach.errors import Refusal


@cards.get("/<int:run_id>/list")
def review(run_id: int) -> ResponseReturnValue:
    """The list before approval."""
    run = known(run_id)
    if run.status != "draft":
        return screen.done(page_of(run))
    view = request.args.get("view", "all")
    view = view if view in VIEWS else "all"
    number = max(request.args.get("page", 1, type=int), 1)
    found = queries.lines(screen.session(), run, view, limit=PAGE + 1, offset=(number - 1) * PAGE)
    seen = approving.review(screen.session(), run, now=screen.now(), world=screen.world())
    everybody = {"all": sum(seen.counts.values()), "fix": seen.to_fix, **seen.counts}
    return screen.page(
        "cards/list.html",
        run=run,
        occasion=occasion_of(run),
        seen=seen,
        checks=[finding.as_item() for finding in seen.findings],
        tabs=[
            {
                "label": label,
                "href": f"/cards/{run.id}/list?view={key}#people",
                "current": key == view,
                "count": everybody[key],
            }
            for key, label in VIEWS.items()
        ],
        view=view,
        lines=found[:PAGE],
        has_more=len(found) > PAGE,
        number=number,
        left_out=queries.left_out(screen.session(), run.id),
        reason_words=rules.reason_words,
        ways=rules.WAY_WORDS,
        now=local_now(),
    )


@cards.post("/<int:run_id>/list")
@screen.needs(*screen.WRITERS)
def make_again(run_id: int) -> ResponseReturnValue:
    """The list anew from the groups; what a person chose stays."""
    run = known(run_id)
    made = listing.prepare(screen.session(), run, now=screen.now(), world=screen.world())
    if isinstance(made, Refusal):
        screen.record("list refused", "card-run", run.id, reason=made.reason)
        return screen.refused(made, page_of(run))
    screen.record("listed", "card-run", run.id, cards=made)
    return screen.done(f"/cards/{run.id}/list", "The list is up to date. What you chose by hand is kept.")


@cards.post("/<int:run_id>/list/<int:contact_id>")
@screen.needs(*screen.WRITERS)
def choose(run_id: int, contact_id: int) -> ResponseReturnValue:
    """Another way for one person."""
    run = known(run_id)
    way = request.form.get("way", "")
    chosen = listing.choose(screen.session(), run, contact_id, way, now=screen.now(), world=screen.world())
    view = request.form.get("view", "all")
    back = f"/cards/{run.id}/list?view={view if view in VIEWS else 'all'}#person-{contact_id}"
    screen.record("way chosen", "card-run", run.id, contact=contact_id, way=way, done=not isinstance(chosen, Refusal))
    return screen.refused(chosen, back) if isinstance(chosen, Refusal) else screen.done(back, "Changed.")


@cards.post("/<int:run_id>/approve")
@screen.needs_right("approve")
def approve(run_id: int) -> ResponseReturnValue:
    """The list is fixed: emails leave on their day, paper can be printed."""
    run = known(run_id)
    approved = approving.approve(
        screen.session(),
        run,
        now=screen.now(),
        world=screen.world(),
        by_id=screen.actor_id(),
        version=request.form.get("version", -1, type=int),
        by_email=request.form.get("by_email", -1, type=int),
        on_paper=request.form.get("on_paper", -1, type=int),
    )
    if isinstance(approved, Refusal):
        screen.record("approval refused", "card-run", run.id, reason=approved.reason)
        return screen.refused(approved, f"/cards/{run.id}/list")
    screen.record("approved", "card-run", run.id, version=run.version)
    return screen.done(f"/cards/{run.id}", _approved_words(run), undo=f"/cards/{run.id}/take-back")


@cards.post("/<int:run_id>/take-back")
@screen.needs(*screen.WRITERS)
def take_back(run_id: int) -> ResponseReturnValue:
    """Undo of the approval, until the first card leaves."""
    run = known(run_id)
    done = approving.take_back(screen.session(), run)
    screen.record("taken back", "card-run", run.id, done=done)
    words = (
        "The list is open again. Nothing was sent." if done else "Cards are on their way already. You can hold them."
    )
    return screen.done(f"/cards/{run.id}/list" if done else page_of(run), words)


def _approved_words(run: CardRun) -> str:
    """What happens next, and when: the first email may leave in a minute."""
    emails = listing.counts_of(screen.session(), run.id)["email"]
    if not emails:
        return "The list is approved. Now the cards can be printed."
    if run.send_on <= screen.today():
        return "The list is approved. The first emails leave in 60 seconds."
    return f"The list is approved. The first emails leave {ui.long_day(run.send_on, local_now())}."
