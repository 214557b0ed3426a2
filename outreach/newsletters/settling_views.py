"""What a person decides about an issue that left: the subject for the rest, and once more to those who missed it."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.newsletters import again, comparing
from outreach.newsletters.frame_views import known, newsletters, page_of


@newsletters.post("/<int:issue_id>/subject")
@screen.needs(*screen.WRITERS)
def choose_subject(issue_id: int) -> ResponseReturnValue:
    """The subject for those who wait, before its time."""
    issue = known(issue_id)
    chosen = comparing.choose(screen.session(), issue, request.form.get("which", ""))
    screen.record("subject chosen", "newsletter", issue.id, which=issue.winner)
    if isinstance(chosen, Refusal):
        return screen.refused(chosen, page_of(issue))
    return screen.done(page_of(issue), "Chosen. Everybody else gets it with this subject.")


@newsletters.post("/<int:issue_id>/again")
@screen.needs_right("send")
def send_again(issue_id: int) -> ResponseReturnValue:
    """Once more to those whom it did not reach."""
    issue = known(issue_id)
    people = request.form.get("people", -1, type=int)
    sent = again.send(screen.session(), issue, now=screen.now(), world=screen.world(), people=people)
    if isinstance(sent, Refusal):
        screen.record("again refused", "newsletter", issue.id, reason=sent.reason)
        return screen.refused(sent, page_of(issue))
    screen.record("sent again", "newsletter", issue.id, people=sent)
    words = "1 person" if sent == 1 else f"{sent} people"
    return screen.done(page_of(issue), f"It leaves once more, to {words}.", undo=f"/newsletters/{issue.id}/again/undo")


@newsletters.post("/<int:issue_id>/again/undo")
@screen.needs(*screen.WRITERS)
def undo_again(issue_id: int) -> ResponseReturnValue:
    """Undo, for what has not left."""
    issue = known(issue_id)
    stopped = again.take_back(screen.session(), issue, now=screen.now())
    screen.record("again taken back", "newsletter", issue.id, stopped=stopped)
    return screen.done(page_of(issue), "Stopped." if stopped else "It has left already.")
