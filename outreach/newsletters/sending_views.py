"""Review and send; then progress, hold, resume and what came of it."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen, ui
from outreach.deliveries.house import House, house_of
from outreach.errors import Refusal
from outreach.newsletters import again, approving, comparing, following, queries, stopping
from outreach.newsletters.audience import left_out_words
from outreach.newsletters.frame_views import (
    STATUS_WORDS,
    known,
    local_now,
    newsletters,
    number_of_page,
    page_of,
    typed_time,
)
from outreach.newsletters.models import Issue

POLLING_IS_OVER = 286
"""Htmx stops asking when it gets this status."""
VIEW_LABELS = {
    "all": "Everybody",
    "delivered": "Delivered",
    "clicked": "Clicked",
    "replied": "Replied",
    "referred": "Referred since",
    "waiting": "Waiting",
    "problem": "Not delivered",
}


@newsletters.get("/<int:issue_id>/review")
def review(issue_id: int) -> ResponseReturnValue:
    """Checks, the exact number, who is left out, the first people and their times."""
    issue = known(issue_id)
    if issue.status != "draft":
        return screen.done(page_of(issue))
    return _review(issue)


@newsletters.post("/<int:issue_id>/approve")
@screen.needs_right("approve")
def approve(issue_id: int) -> ResponseReturnValue:
    """Send to exactly these people."""
    issue, intention = known(issue_id), typed_time(request.form)
    approved = (
        intention
        if isinstance(intention, Refusal)
        else approving.approve(
            screen.session(),
            issue,
            now=screen.now(),
            world=screen.world(),
            by_id=screen.actor_id(),
            version=request.form.get("version", 0, type=int),
            people=request.form.get("people", -1, type=int),
            intention=intention,
            letters=request.form.get("letters") == "yes",
        )
    )
    if isinstance(approved, Refusal):
        screen.record("approval refused", "newsletter", issue.id, reason=approved.reason)
        return screen.refused(approved, f"/newsletters/{issue.id}/review")
    screen.record("approved", "newsletter", issue.id, people=issue.counts["people"], version=issue.version)
    return screen.done(f"/newsletters/{issue.id}", _approved_words(issue), undo=f"/newsletters/{issue.id}/take-back")


@newsletters.post("/<int:issue_id>/take-back")
@screen.needs(*screen.WRITERS)
def take_back(issue_id: int) -> ResponseReturnValue:
    """Undo of an approval, until the first mail leaves."""
    issue = known(issue_id)
    done = approving.take_back(screen.session(), issue, now=screen.now(), by_id=screen.actor_id())
    screen.record("taken back", "newsletter", issue.id, done=done)
    words = "Nothing was sent. The issue is a draft again." if done else "It is on its way already. You can hold it."
    return screen.done(f"/newsletters/{issue.id}/review" if done else page_of(issue), words)


@newsletters.get("/<int:issue_id>")
def one(issue_id: int) -> ResponseReturnValue:
    """Progress and results of an approved issue."""
    issue = known(issue_id)
    if issue.status == "draft":
        return screen.done(page_of(issue))
    view = request.args.get("view", "all")
    view = view if view in VIEW_LABELS else "all"
    start = (number_of_page() - 1) * queries.PAGE
    referred = following.referred_after(screen.session(), issue)
    only = list(referred) if view == "referred" else None
    lines = queries.lines(screen.session(), issue, view, limit=queries.PAGE + 1, offset=start, only=only)
    return screen.page(
        "newsletters/issue.html",
        **_state(issue),
        lines=lines[: queries.PAGE],
        referred=referred,
        has_more=len(lines) > queries.PAGE,
        number=number_of_page(),
        start=start,
        tabs=[
            {"label": label, "href": f"/newsletters/{issue.id}?view={key}#people", "current": key == view}
            for key, label in VIEW_LABELS.items()
        ],
        view=view,
        left_out_words=left_out_words,
    )


@newsletters.get("/<int:issue_id>/progress")
def progress(issue_id: int) -> ResponseReturnValue:
    """The piece of the page that htmx asks for every two seconds, until there is nothing more to come."""
    issue = known(issue_id)
    body, _ = screen.page("newsletters/_progress.html", **_state(issue))
    moving = issue.status in ("approved", "sending")
    return body, 200 if moving else POLLING_IS_OVER


@newsletters.post("/<int:issue_id>/hold")
@screen.needs(*screen.WRITERS)
def hold(issue_id: int) -> ResponseReturnValue:
    """Nothing more leaves."""
    issue = known(issue_id)
    held = stopping.hold(screen.session(), issue, now=screen.now(), by_id=screen.actor_id())
    screen.record("held", "newsletter", issue.id)
    if isinstance(held, Refusal):
        return screen.refused(held, page_of(issue))
    return screen.done(page_of(issue), f"On hold. {held} are left.", undo=f"/newsletters/{issue.id}/resume")


@newsletters.post("/<int:issue_id>/resume")
@screen.needs_right("send")
def resume(issue_id: int) -> ResponseReturnValue:
    """On with those who are left."""
    issue = known(issue_id)
    resumed = stopping.resume(screen.session(), issue, now=screen.now(), by_id=screen.actor_id())
    screen.record("resumed", "newsletter", issue.id)
    if isinstance(resumed, Refusal):
        return screen.refused(resumed, page_of(issue))
    return screen.done(page_of(issue), f"On its way again, to the {resumed} who are left.")


@newsletters.post("/<int:issue_id>/cancel")
@screen.needs(*screen.WRITERS)
def cancel(issue_id: int) -> ResponseReturnValue:
    """The rest never leaves."""
    issue = known(issue_id)
    stopped = stopping.cancel(screen.session(), issue, now=screen.now(), by_id=screen.actor_id())
    if isinstance(stopped, Refusal):
        screen.record("cancel refused", "newsletter", issue.id)
        return screen.refused(stopped, page_of(issue))
    screen.record("cancelled", "newsletter", issue.id, stopped=stopped)
    return screen.done(page_of(issue), f"Cancelled. {stopped} people will not get it.")


def _state(issue: Issue) -> dict[str, Any]:
    found = queries.results_of(screen.session(), [issue.id])[issue.id]
    seconds = (issue.undo_until_at - screen.now()).total_seconds() if issue.undo_until_at else 0
    return {
        "issue": issue,
        "results": found,
        "left": stopping.left(screen.session(), issue),
        "again": again.can_go_again(screen.session(), issue),
        "counted": comparing.counted_of(screen.session(), issue) if issue.compared_people and not issue.winner else {},
        "seconds": max(int(seconds), 0),
        "status_words": STATUS_WORDS,
        "now": local_now(),
    }


def _house() -> House:
    world = screen.world()
    return house_of(screen.session(), now=screen.now(), transports=world.transports, settings=world.settings)


def _review(issue: Issue) -> ResponseReturnValue:
    asked = request.args if "when" in request.args else _of_series(issue)
    intention = typed_time(asked)
    wrong = intention if isinstance(intention, Refusal) else None
    seen = approving.review(
        screen.session(),
        issue,
        now=screen.now(),
        world=screen.world(),
        intention=None if isinstance(intention, Refusal) else intention,
        letters=request.args.get("letters") == "yes",
    )
    when = seen.when if not isinstance(seen.when, Refusal) else None
    return screen.page(
        "newsletters/review.html",
        issue=issue,
        seen=seen,
        checks=[finding.as_item() for finding in seen.findings],
        when=when,
        wrong=(wrong if wrong is not None else _refusal(seen.when)),
        later=asked.get("when") == "later",
        send_on=asked.get("send_on", ""),
        send_time=asked.get("send_time", "09:00"),
        first=queries.first_people(
            screen.session(),
            seen.reckoning.ids,
            at=when.at if when else screen.now(),
            now=screen.now(),
            house=_house(),
        ),
        actor_email=getattr(screen.actor(), "email", ""),
        left_out_words=left_out_words,
        now=local_now(),
    )


def _of_series(issue: Issue) -> Mapping[str, str]:
    """The day for which a recurring newsletter drafted it, while that lies ahead."""
    if issue.series_on is None or issue.series_on <= screen.today():
        return {}
    return {"when": "later", "send_on": issue.series_on.isoformat()}


def _refusal(when: object) -> Refusal | None:
    return when if isinstance(when, Refusal) else None


def _approved_words(issue: Issue) -> str:
    people = issue.counts["people"]
    to = "1 person" if people == 1 else f"{people} people"
    if issue.send_at == issue.undo_until_at:
        return f"It leaves in 60 seconds, to {to}."
    return f"Scheduled for {ui.at(issue.send_at or screen.now(), local_now())}, to {to}."
