"""The composer: words and blocks, groups, a live preview, and a test to anybody."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Group
from outreach.content.drafts import Draft
from outreach.content.editing import Action, FormData, editor_for, read_form
from outreach.content.kinds import PROVIDERS
from outreach.content.previewing import document, preview_of
from outreach.errors import Refusal
from outreach.newsletters import audience, editing, trying
from outreach.newsletters.audience import Reckoning, left_out_words
from outreach.newsletters.frame_views import known, local_now, newsletters, page_of
from outreach.newsletters.models import Issue


@newsletters.get("/<int:issue_id>/edit")
def composer(issue_id: int) -> ResponseReturnValue:
    """The composer."""
    issue = known(issue_id)
    if issue.status != "draft":
        return screen.done(page_of(issue))
    place = request.args.get("at", type=int)
    return _composer(issue, Draft.from_json(issue.draft), Action("", place) if place is not None else None)


@newsletters.post("/<int:issue_id>/edit")
@screen.needs(*screen.WRITERS)
def save(issue_id: int) -> ResponseReturnValue:
    """What was typed is kept; then the pressed button acts."""
    issue = known(issue_id)
    draft, action = read_form(cast(FormData, request.form), screen.world().content_blocks)
    by_itself = screen.is_fragment()
    saved = editing.save(
        screen.session(),
        issue,
        now=screen.now(),
        world=screen.world(),
        by_id=screen.actor_id(),
        version=request.form.get("version", -1, type=int),
        title=request.form.get("title", ""),
        draft=draft,
        group_ids=request.form.getlist("groups", type=int),
        in_archive="in_archive" in request.form,
        by_itself=by_itself,
        other_subject=request.form.get("other_subject"),
        compare=(
            request.form.get("compare_percent", issue.compare_percent, type=int),
            request.form.get("compare_hours", issue.compare_hours, type=int),
        ),
    )
    if isinstance(saved, Refusal):
        return _not_saved(issue, draft, saved, by_itself)
    screen.record("edited", "newsletter", issue.id, version=issue.version)
    if by_itself:
        return _composer(issue, Draft.from_json(issue.draft), None, "newsletters/_saved.html")
    if action is not None:
        return screen.done(f"/newsletters/{issue.id}/edit?at={action.place}#block-{action.place}")
    if request.form.get("act") == "review":
        return screen.done(f"/newsletters/{issue.id}/review")
    return screen.done(f"/newsletters/{issue.id}/edit", "Saved.")


@newsletters.post("/<int:issue_id>/undo-edit")
@screen.needs(*screen.WRITERS)
def undo_edit(issue_id: int) -> ResponseReturnValue:
    """One step back."""
    issue = known(issue_id)
    undone = editing.undo(screen.session(), issue, now=screen.now(), by_id=screen.actor_id())
    if isinstance(undone, Refusal):
        screen.record("undo refused", "newsletter", issue.id, reason=undone.reason)
        return screen.refused(undone, page_of(issue))
    screen.record("edit undone", "newsletter", issue.id, undone=undone)
    return screen.done(page_of(issue), "The last change is taken back." if undone else "There is nothing to undo.")


@newsletters.get("/<int:issue_id>/preview")
def preview(issue_id: int) -> ResponseReturnValue:
    """The document in the preview frame."""
    issue = known(issue_id)
    return document(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=Draft.from_json(issue.draft),
        kind=audience.KIND,
        asked=request.args,
        audiences=_classes(_reckoned(issue)),
    )


@newsletters.post("/<int:issue_id>/test")
@screen.needs(*screen.WRITERS)
def test(issue_id: int) -> ResponseReturnValue:
    """A test to a typed address, or to the person who is signed in."""
    issue = known(issue_id)
    email = request.form.get("email", "").strip() or getattr(screen.actor(), "email", "")
    sent = trying.send_test(
        screen.session(),
        issue,
        now=screen.now(),
        world=screen.world(),
        by_id=screen.actor_id(),
        email=email,
        who=request.form.get("as", "nobody"),
        audiences=_classes(_reckoned(issue)),
    )
    back = f"/newsletters/{issue.id}/review" if request.form.get("from") == "review" else page_of(issue)
    if isinstance(sent, Refusal):
        screen.record("test refused", "newsletter", issue.id, reason=sent.reason)
        return screen.refused(sent, back)
    screen.record("test sent", "newsletter", issue.id, delivery=sent)
    return screen.done(back, f"A test is on its way to {email}.")


def _not_saved(issue: Issue, draft: Draft, refusal: Refusal, by_itself: bool) -> ResponseReturnValue:
    if refusal.reason != "changed-meanwhile":
        return screen.refused(refusal, page_of(issue))
    if by_itself:
        return screen.page("newsletters/_not_saved.html", refusal=refusal)
    return _composer(issue, draft, None, refusal=refusal, status=409, typed=_beside(issue))


@dataclass(frozen=True)
class Beside:
    """What was typed beside the words, when it could not be saved."""

    title: str
    group_ids: list[int]
    in_archive: bool
    other_subject: str
    compare_percent: int
    compare_hours: int


def _beside(issue: Issue) -> Beside:
    form = request.form
    return Beside(
        title=form.get("title", issue.title),
        group_ids=form.getlist("groups", type=int),
        in_archive="in_archive" in form,
        other_subject=form.get("other_subject", issue.other_subject),
        compare_percent=form.get("compare_percent", issue.compare_percent, type=int),
        compare_hours=form.get("compare_hours", issue.compare_hours, type=int),
    )


def _composer(
    issue: Issue,
    draft: Draft,
    action: Action | None,
    template: str = "newsletters/composer.html",
    *,
    refusal: Refusal | None = None,
    status: int = 200,
    typed: Beside | None = None,
) -> ResponseReturnValue:
    reckoning = _reckoned(issue)
    classes = _classes(reckoning)
    everything: dict[str, Any] = {"now": screen.now(), "world": screen.world(), "draft": draft, "kind": audience.KIND}
    return screen.page(
        template,
        status=status,
        issue=issue,
        typed=typed or issue,
        refusal=refusal,
        version=issue.version,
        editor_view=editor_for(screen.session(), audiences=classes, action=action, **everything),
        shown=preview_of(
            screen.session(),
            audiences=classes,
            contact_ids=reckoning.ids[:10],
            asked=request.args,
            preview_url=f"/newsletters/{issue.id}/preview",
            page_url=f"/newsletters/{issue.id}/edit",
            **everything,
        ),
        groups=_offered_groups(),
        reckoning=reckoning,
        left_out_words=left_out_words,
        now=local_now(),
        back="/newsletters/",
    )


def _reckoned(issue: Issue) -> Reckoning:
    return audience.reckon(screen.session(), issue.group_ids, now=screen.now(), world=screen.world())


def _classes(reckoning: Reckoning) -> Collection[str]:
    return reckoning.classes or PROVIDERS


def _offered_groups() -> list[Group]:
    return list(screen.session().query(Group).filter(Group.deleted_at.is_(None)).order_by(Group.name))
