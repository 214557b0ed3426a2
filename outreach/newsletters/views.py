"""Signed-in screens of this room: the list of issues, a new one, the trash."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.newsletters import composer_views, editing, queries, sending_views, settling_views
from outreach.newsletters.frame_views import STATUS_WORDS, known, local_now, newsletters, number_of_page, page_of
from outreach.newsletters.layouts import LAYOUTS
from outreach.newsletters.models import Issue
from outreach.newsletters.recurring import series_views

__all__ = ["composer_views", "newsletters", "sending_views", "series_views", "settling_views"]


@newsletters.get("/")
def issues() -> ResponseReturnValue:
    """All issues by status."""
    tab = request.args.get("view", "all")
    tab = tab if tab in queries.TABS else "all"
    number = number_of_page()
    found = queries.issues(screen.session(), tab, limit=queries.PAGE + 1, offset=(number - 1) * queries.PAGE)
    counts = queries.tab_counts(screen.session())
    return screen.page(
        "newsletters/issues.html",
        tabs=[
            {"label": label, "href": f"/newsletters/?view={key}", "current": key == tab, "count": counts[key]}
            for key, (label, _) in queries.TABS.items()
        ],
        tab=tab,
        issues=found[: queries.PAGE],
        results=queries.results_of(screen.session(), [issue.id for issue in found if issue.status != "draft"]),
        page_of=page_of,
        status_words=STATUS_WORDS,
        now=local_now(),
        number=number,
        has_more=len(found) > queries.PAGE,
        total=counts[tab],
    )


@newsletters.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    """Start from the last issue or from a layout."""
    if request.method == "GET":
        return screen.page(
            "newsletters/new.html", layouts=LAYOUTS.values(), latest=queries.latest(screen.session()), now=local_now()
        )
    like_id = request.form.get("like", type=int)
    issue = editing.start(
        screen.session(),
        now=screen.now(),
        by_id=screen.actor_id(),
        layout=request.form.get("layout", ""),
        like=known(like_id) if like_id else None,
    )
    screen.record("started", "newsletter", issue.id)
    return screen.done(f"/newsletters/{issue.id}/edit")


@newsletters.post("/<int:issue_id>/trash")
@screen.needs(*screen.WRITERS)
def trash(issue_id: int) -> ResponseReturnValue:
    """A draft goes into the trash."""
    issue = known(issue_id)
    put = editing.put_away(screen.session(), issue, now=screen.now())
    screen.record("trashed", "newsletter", issue.id, put=put)
    if not put:
        return screen.done(page_of(issue), "This issue went out or will go out, so it stays in the list.")
    return screen.done("/newsletters/", f"“{issue.title}” is in the trash.", undo=f"/newsletters/{issue.id}/restore")


@newsletters.post("/<int:issue_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(issue_id: int) -> ResponseReturnValue:
    """Out of the trash again."""
    issue = screen.or_404(screen.session().get(Issue, issue_id))
    editing.bring_back(issue)
    screen.record("restored", "newsletter", issue.id)
    return screen.done("/newsletters/", f"“{issue.title}” is back.")
