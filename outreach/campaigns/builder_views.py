"""The builder: three panes, every action a form. What was typed is never lost when somebody else saved first."""

from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.campaigns import drafting, editing, steps
from outreach.campaigns.forms import WHEN_LATE, fields_of, minute_in, number_in
from outreach.campaigns.frame_views import (
    campaigns,
    edit_page,
    known,
    reach_of,
    rev_in,
    turn,
)
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.pane_views import builder_page, filled_step_form, saved_mark, setup_form
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step
from outreach.content import editing as content_editing
from outreach.content import previewing
from outreach.content.drafts import Draft
from outreach.errors import Refusal


@campaigns.get("/<int:campaign_id>/edit")
@campaigns.get("/<int:campaign_id>/edit/<key>")
def edit(campaign_id: int, key: str = "") -> ResponseReturnValue:
    """The builder at one step, at the group ("group") or at a place for a new step ("new")."""
    return builder_page(known(campaign_id), key)


@campaigns.post("/<int:campaign_id>/setup")
@screen.needs(*screen.WRITERS)
def change_setup(campaign_id: int) -> ResponseReturnValue:
    """Name, group and rules of entry."""
    campaign = known(campaign_id)
    form = setup_form(campaign)
    if not form.validate_on_submit():
        if screen.is_fragment():
            return saved_mark(campaign, "group", None, form=form)
        return builder_page(campaign, "group", form=form, status=422)
    setup = Setup.from_json(
        {
            "group_id": number_in(form.group_id.data),
            "topic": form.topic.data,
            "entry": form.entry.data,
            "days_after": form.days_after.data or 0,
            "again_days": form.again_days.data,
            "holdout_pct": form.holdout_pct.data or 0,
            "minute": minute_in(form.at.data),
            "weekdays": [int(day) for day in form.weekdays.data],
            "matters": form.matters.data,
            "own_share": bool(form.own_share.data),
            "on_reply": form.on_reply.data,
            "letters": bool(form.letters.data),
        }
    )
    draft = drafting.shown_version(screen.session(), campaign.id)
    reach = reach_of(campaign, CampaignVersion(settings=setup.to_json(), steps=draft.steps))
    name = (form.name.data or campaign.name).strip()
    saved = editing.change_setup(
        screen.session(), campaign=campaign, rev=rev_in(), setup=setup, name=name, counted=reach.matched, **turn()
    )
    if screen.is_fragment():
        return saved_mark(campaign, "group", saved if isinstance(saved, Refusal) else None)
    if isinstance(saved, Refusal):
        return builder_page(campaign, "group", form=form, refusal=saved, status=422)
    screen.record("changed", "campaign", campaign.id, what="group")
    return screen.done(edit_page(campaign, "group"), "Saved.")


@campaigns.post("/<int:campaign_id>/steps")
@screen.needs(*screen.WRITERS)
def add_step(campaign_id: int) -> ResponseReturnValue:
    """A new step at the chosen place."""
    campaign = known(campaign_id)
    added = editing.add_step(
        screen.session(),
        campaign=campaign,
        rev=rev_in(),
        kind=request.form.get("kind", ""),
        after=request.form.get("after", "")[:20],
        parent=request.form.get("parent", "")[:20],
        lane=request.form.get("lane", "")[:20],
        **turn(),
    )
    if isinstance(added, Refusal):
        return screen.refused(added, edit_page(campaign))
    screen.record("changed", "campaign", campaign.id, what="add step")
    return screen.done(edit_page(campaign, added), "Step added.", undo=f"/campaigns/{campaign.id}/undo")


@campaigns.post("/<int:campaign_id>/steps/<key>")
@screen.needs(*screen.WRITERS)
def change_step(campaign_id: int, key: str) -> ResponseReturnValue:
    """The step as the form has it."""
    campaign = known(campaign_id)
    step = steps.step_of(drafting.shown_version(screen.session(), campaign.id).steps, key)
    if step is None:
        return screen.refused(Refusal("step-gone", "This step was removed meanwhile."), edit_page(campaign))
    if step["kind"] == "email":
        return _change_email(campaign, step)
    form = filled_step_form(campaign, step, submitted=True)
    if not form.validate_on_submit():
        if screen.is_fragment():
            return saved_mark(campaign, key, None, form=form)
        return builder_page(campaign, key, form=form, status=422)
    saved = editing.change_step(
        screen.session(),
        campaign=campaign,
        rev=rev_in(),
        key=key,
        mark=request.form.get("page", ""),
        **fields_of(form, step["kind"]),
        **turn(),
    )
    if screen.is_fragment():
        return saved_mark(campaign, key, saved if isinstance(saved, Refusal) else None)
    if isinstance(saved, Refusal):
        return builder_page(campaign, key, form=form, refusal=saved, status=422)
    screen.record("changed", "campaign", campaign.id, what=f"step {key}")
    return screen.done(edit_page(campaign, key), "Saved.")


@campaigns.post("/<int:campaign_id>/steps/<key>/<any(up, down, copy, remove):verb>")
@screen.needs(*screen.WRITERS)
def rearrange(campaign_id: int, key: str, verb: str) -> ResponseReturnValue:
    """The step moved, duplicated or removed."""
    campaign = known(campaign_id)
    given: dict[str, Any] = {"campaign": campaign, "rev": rev_in(), "key": key, **turn()}
    answer: object
    if verb == "copy":
        answer = editing.duplicate_step(screen.session(), **given)
    elif verb == "remove":
        answer = editing.remove_step(screen.session(), **given)
    else:
        answer = editing.move_step(screen.session(), by=-1 if verb == "up" else 1, **given)
    if isinstance(answer, Refusal):
        return screen.refused(answer, edit_page(campaign, key))
    screen.record("changed", "campaign", campaign.id, what=f"{verb} {key}")
    if verb == "remove":
        return screen.done(edit_page(campaign), "Step removed.", undo=f"/campaigns/{campaign.id}/undo")
    return screen.done(edit_page(campaign, answer if isinstance(answer, str) else key))


@campaigns.post("/<int:campaign_id>/undo")
@screen.needs(*screen.WRITERS)
def undo(campaign_id: int) -> ResponseReturnValue:
    """The last edit is taken back; as often as there are edits."""
    campaign = known(campaign_id)
    what = drafting.undo(screen.session(), campaign=campaign, **turn())
    if isinstance(what, Refusal):
        return screen.refused(what, edit_page(campaign))
    screen.record("undid", "campaign", campaign.id, what=what)
    return screen.done(edit_page(campaign), f"Undone: {what.lower()}.")


@campaigns.get("/<int:campaign_id>/preview/<key>")
def preview(campaign_id: int, key: str) -> ResponseReturnValue:
    """The frame of the preview."""
    campaign = known(campaign_id)
    version = drafting.shown_version(screen.session(), campaign.id)
    step = screen.or_404(steps.step_of(version.steps, key))
    return previewing.document(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=Draft.from_json(step.get("draft")),
        kind="drip",
        asked=request.args,
        audiences=reach_of(campaign, version).audiences,
    )


def _change_email(campaign: Campaign, step: Step) -> ResponseReturnValue:
    typed = cast(content_editing.FormData, request.form)
    draft, action = content_editing.read_form(typed, screen.world().content_blocks)
    title = request.form.get("title", "").strip()[:120]
    saved = editing.change_step(
        screen.session(),
        campaign=campaign,
        rev=rev_in(),
        key=step["key"],
        mark=request.form.get("page", ""),
        title=title,
        latest_days=_latest_days(step),
        draft=draft.to_json(),
        **turn(),
    )
    if screen.is_fragment():
        return saved_mark(campaign, step["key"], saved if isinstance(saved, Refusal) else None)
    if isinstance(saved, Refusal):
        return builder_page(campaign, step["key"], draft=draft, title=title, refusal=saved, status=422)
    screen.record("changed", "campaign", campaign.id, what=f"step {step['key']}")
    if action:
        return screen.done(edit_page(campaign, step["key"], f"#block-{action.place}"))
    return screen.done(edit_page(campaign, step["key"]), "Saved.")


def _latest_days(step: Step) -> int | None:
    """As chosen; a form without the question, or with an answer that was not offered, changes nothing."""
    chosen = request.form.get("latest_days")
    kept: int | None = step.get("latest_days")
    return number_in(chosen) if chosen in WHEN_LATE else kept
