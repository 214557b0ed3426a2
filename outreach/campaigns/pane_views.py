"""What the builder's page is made of: the drawn flow, the edit pane of what is chosen, the preview, the checks."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.campaigns import builder, checking, drafting, saying, steps, windows
from outreach.campaigns.forms import WHEN_LATE, EditForm, SetupForm, offered, step_form, time_of
from outreach.campaigns.frame_views import STATUS_WORDS, calendars, local_now, may_write, reach_of
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step
from outreach.contacts.group_rules import in_words, leaves
from outreach.content import editing as content_editing
from outreach.content import previewing
from outreach.content.drafts import Draft
from outreach.errors import Refusal

PANES = {"steps": "Steps", "edit": "Edit", "preview": "Preview", "checks": "Checks"}


def builder_page(
    campaign: Campaign,
    key: str = "",
    *,
    form: EditForm | None = None,
    draft: Draft | None = None,
    title: str | None = None,
    action: content_editing.Action | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The builder; `form`, `draft` and `title` are what was typed when it could not be saved."""
    session = screen.session()
    version = drafting.shown_version(session, campaign.id)
    reach = reach_of(campaign, version)
    key = key or _first_choice(version, reach.group is not None)
    step = steps.step_of(version.steps, key)
    email = step if step and step["kind"] == "email" else next(iter(steps.emails(version.steps)), None)
    pane = request.args.get("pane", "") or ("preview" if "as" in request.args else "")
    context = {
        **_around(campaign, version, reach, key),
        "step": step,
        "mark": windows.mark_of(step) if step else "",
        "title": saying.short_title(step, version.steps) if step else "",
        "add_words": saying.ADD_WORDS,
        "kind_labels": steps.KIND_LABELS,
        "icons": saying.ICONS,
        "when_late": list(WHEN_LATE.items()),
        "undoable": drafting.undoable(session, version) if version.state == "draft" else None,
        "pane": pane if pane in PANES else "steps",
        "panes": PANES,
        "preview": _preview(campaign, email, reach, draft if step is email else None),
        "email": email,
        "status_words": STATUS_WORDS,
        "may_write": may_write() and campaign.status != "ended",
        "refusal": refusal,
        "now": local_now(),
        **_edit_pane(campaign, step, key, form, draft, title, action),
    }
    return screen.page("campaigns/builder.html", status=status, **context)


def saved_mark(
    campaign: Campaign, key: str, refusal: Refusal | None, *, form: EditForm | None = None
) -> ResponseReturnValue:
    """What is answered to a save while somebody types: the mark in the bar, and all that stands around the form.

    `form` is what was typed when it has a mistake: the mark says which, and nothing is saved.
    """
    wrong = " ".join(str(text) for texts in form.errors.values() for text in texts) if form else ""
    if refusal is not None or wrong:
        return screen.page("campaigns/_saved.html", status=422, campaign=campaign, refusal=refusal, wrong=wrong)
    version = drafting.shown_version(screen.session(), campaign.id)
    reach, step = reach_of(campaign, version), steps.step_of(version.steps, key)
    screen.record("changed", "campaign", campaign.id, what=f"step {key}")
    return screen.page(
        "campaigns/_saved.html",
        refusal=None,
        preview=_preview(campaign, step, reach, None) if step and step["kind"] == "email" else None,
        **_around(campaign, version, reach, key),
    )


def _around(campaign: Campaign, version: CampaignVersion, reach: Any, key: str) -> dict[str, Any]:
    """What stands beside the form that is filled in: the flow with its numbers, and the checks."""
    session = screen.session()
    checked = checking.check(
        session,
        now=screen.now(),
        world=screen.world(),
        campaign=campaign,
        version=version,
        reach=reach,
        calendars=calendars(),
    )
    return {
        "campaign": campaign,
        "version": version,
        "reach": reach,
        "group_said": _group_said(reach),
        "shown": builder.shown(session, campaign, version, reach),
        "key": key,
        "checked": checked,
        "lines": checked.by_step.get(key) or checked.findings,
    }


def _edit_pane(
    campaign: Campaign,
    step: Step | None,
    key: str,
    form: EditForm | None,
    draft: Draft | None,
    title: str | None,
    action: content_editing.Action | None,
) -> Mapping[str, Any]:
    if step is None:
        return {"form": form or (setup_form(campaign) if key == "group" else None), "editor_view": None}
    if step["kind"] != "email":
        return {"form": form or filled_step_form(campaign, step, submitted=False), "editor_view": None}
    version = drafting.shown_version(screen.session(), campaign.id)
    view = content_editing.editor_for(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=draft or Draft.from_json(step.get("draft")),
        kind="drip",
        audiences=reach_of(campaign, version).audiences,
        action=action,
        focus=request.args.get("at", type=int),
    )
    return {"form": None, "editor_view": view, "email_title": title if title is not None else step.get("title", "")}


def setup_form(campaign: Campaign) -> SetupForm:
    version = drafting.shown_version(screen.session(), campaign.id)
    setup = Setup.from_json(version.settings)
    form = (
        SetupForm()
        if request.method == "POST"
        else SetupForm(
            data={
                **setup.to_json(),
                "name": campaign.name,
                "group_id": str(setup.group_id or ""),
                "weekdays": [str(day) for day in setup.weekdays],
                "at": time_of(setup.minute),
            }
        )
    )
    groups = builder.names_for(screen.session())["groups"]
    form.group_id.choices = offered("Choose a group", groups, setup.group_id)
    return form


def filled_step_form(campaign: Campaign, step: Step, *, submitted: bool) -> EditForm:
    names = builder.names_for(screen.session())
    return step_form(step, names, campaign_id=campaign.id, submitted=submitted)


def _first_choice(version: CampaignVersion, has_group: bool) -> str:
    first = next(iter(steps.emails(version.steps)), None)
    return first["key"] if first and has_group else "group"


def _group_said(reach: Any) -> str:
    if reach.trouble:
        return str(reach.trouble)
    facts = screen.world().group_facts
    asked = {str(leaf.get("fact")) for leaf in leaves(reach.group.rules)}
    words = {fact.name: dict(fact.choices(screen.session())) for fact in facts if fact.name in asked}
    said = "A fixed list" if reach.group.fixed else in_words(reach.group.rules, facts, words)
    return f"{said}. {reach.left_out_said}." if reach.left_out else f"{said}."


def _preview(campaign: Campaign, email: Step | None, reach: Any, typed: Draft | None) -> Any:
    if email is None:
        return None
    return previewing.preview_of(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=typed or Draft.from_json(email.get("draft")),
        kind="drip",
        asked=request.args,
        preview_url=f"/campaigns/{campaign.id}/preview/{email['key']}",
        page_url=f"/campaigns/{campaign.id}/edit/{email['key']}",
        audiences=reach.audiences,
        contact_ids=reach.ids[: previewing.OFFERED_PEOPLE],
    )
