"""The words of a run, by email and on paper, its groups and its day; a preview and a test."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.cards import checking, editing, listing, trying, undoing
from outreach.cards.editing import MAX_FRONT_CHARS, MAX_INSIDE_CHARS, Typed, occasion_of
from outreach.cards.frame_views import cards, known, local_now, page_of, typed_day
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Group
from outreach.content.drafts import Draft
from outreach.content.editing import Action, FormData, editor_for, read_form
from outreach.content.kinds import PROVIDERS
from outreach.content.previewing import document, preview_of
from outreach.errors import Refusal


@cards.get("/<int:run_id>/edit")
def composer(run_id: int) -> ResponseReturnValue:
    """The composer."""
    run = known(run_id)
    if run.status != "draft":
        return screen.done(page_of(run))
    place = request.args.get("at", type=int)
    return _composer(run, _as_kept(run), Action("", place) if place is not None else None)


@cards.post("/<int:run_id>/edit")
@screen.needs(*screen.WRITERS)
def save(run_id: int) -> ResponseReturnValue:
    """What was typed is kept; then the pressed button acts."""
    run = known(run_id)
    typed, action = _typed(run)
    by_itself = screen.is_fragment()
    saved = editing.save(
        screen.session(),
        run,
        typed,
        now=screen.now(),
        version=request.form.get("version", -1, type=int),
        by_id=screen.actor_id(),
        by_itself=by_itself,
    )
    if isinstance(saved, Refusal):
        if saved.reason == "not-a-draft":
            return screen.refused(saved, page_of(run))
        if by_itself:
            return screen.page("cards/_not_saved.html", refusal=saved)
        return _composer(run, typed, None, refusal=saved, status=409 if saved.reason == "changed-meanwhile" else 422)
    screen.record("edited", "card-run", run.id, version=run.version)
    if by_itself:
        return _composer(run, typed, None, template="cards/_saved.html")
    if action is not None:
        return screen.done(f"/cards/{run.id}/edit?at={action.place}#block-{action.place}")
    if request.form.get("act") != "list":
        return screen.done(f"/cards/{run.id}/edit", "Saved.")
    made = listing.prepare(screen.session(), run, now=screen.now(), world=screen.world())
    if isinstance(made, Refusal):
        return screen.refused(made, f"/cards/{run.id}/edit")
    return screen.done(f"/cards/{run.id}/list")


@cards.post("/<int:run_id>/undo-edit")
@screen.needs(*screen.WRITERS)
def undo_edit(run_id: int) -> ResponseReturnValue:
    """One step back."""
    run = known(run_id)
    undone = undoing.undo(screen.session(), run, now=screen.now(), by_id=screen.actor_id())
    if isinstance(undone, Refusal):
        screen.record("undo refused", "card-run", run.id, reason=undone.reason)
        return screen.refused(undone, page_of(run))
    screen.record("edit undone", "card-run", run.id, undone=undone)
    return screen.done(page_of(run), "The last change is taken back." if undone else "There is nothing to undo.")


@cards.get("/<int:run_id>/preview")
def preview(run_id: int) -> ResponseReturnValue:
    """The document in the preview frame."""
    run = known(run_id)
    return document(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=Draft.from_json(run.draft),
        kind=listing.KIND,
        asked=request.args,
        audiences=_classes(run),
    )


@cards.post("/<int:run_id>/test")
@screen.needs(*screen.WRITERS)
def test(run_id: int) -> ResponseReturnValue:
    """A test to a typed address, or to the person who is signed in."""
    run = known(run_id)
    email = request.form.get("email", "").strip() or getattr(screen.actor(), "email", "")
    sent = trying.send_test(
        screen.session(),
        run,
        now=screen.now(),
        world=screen.world(),
        by_id=screen.actor_id(),
        email=email,
        who=request.form.get("as", "nobody"),
        audiences=_classes(run),
    )
    if isinstance(sent, Refusal):
        screen.record("test refused", "card-run", run.id, reason=sent.reason)
        return screen.refused(sent, page_of(run))
    screen.record("test sent", "card-run", run.id, delivery=sent)
    return screen.done(page_of(run), f"A test is on its way to {email}.")


def _typed(run: CardRun) -> tuple[Typed, Action | None]:
    form = request.form
    draft, action = read_form(cast(FormData, form), screen.world().content_blocks)
    typed = Typed(
        title=form.get("title", ""),
        draft=draft,
        front=form.get("front", ""),
        inside=form.get("inside", ""),
        group_ids=form.getlist("groups", type=int),
        by_email="by_email" in form,
        on_paper="on_paper" in form,
        one_per="household" if "household" in form else "person",
        leap_day_after="leap_day_after" in form,
        send_on=typed_day(form.get("send_on", "")) or run.send_on,
    )
    return typed, action


def _as_kept(run: CardRun) -> Typed:
    return Typed(
        title=run.title,
        draft=Draft.from_json(run.draft),
        front=run.front,
        inside=run.inside,
        group_ids=run.group_ids,
        by_email=run.by_email,
        on_paper=run.on_paper,
        one_per=run.one_per,
        leap_day_after=run.leap_day_after,
        send_on=run.send_on,
    )


def _composer(
    run: CardRun,
    typed: Typed,
    action: Action | None,
    *,
    template: str = "cards/composer.html",
    refusal: Refusal | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    classes = _classes(run)
    both: dict[str, Any] = {
        "now": screen.now(),
        "world": screen.world(),
        "draft": typed.draft,
        "kind": listing.KIND,
        "audiences": classes,
    }
    offered = select(Group).where(Group.deleted_at.is_(None)).order_by(Group.name)
    first = select(CardRecipient.contact_id).where(CardRecipient.run_id == run.id, CardRecipient.way == "email")
    return screen.page(
        template,
        status=status,
        run=run,
        typed=typed,
        refusal=refusal,
        occasion=occasion_of(run),
        editor_view=replace(
            editor_for(screen.session(), action=action, **both),
            asks_sponsor="client" in {*classes, *checking.classes_of(screen.session(), run, "print")},
        ),
        shown=preview_of(
            screen.session(),
            contact_ids=list(screen.session().scalars(first.limit(10))),
            asked=request.args,
            preview_url=f"/cards/{run.id}/preview",
            page_url=f"/cards/{run.id}/edit",
            **both,
        ),
        groups=list(screen.session().scalars(offered)),
        most_front=MAX_FRONT_CHARS,
        most_inside=MAX_INSIDE_CHARS,
        now=local_now(),
        back="/cards/",
    )


def _classes(run: CardRun) -> Collection[str]:
    return checking.classes_of(screen.session(), run) or PROVIDERS
