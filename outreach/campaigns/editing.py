"""Building a campaign: start from a recipe, then add, change, move, duplicate, remove. Every edit is undoable."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from outreach.campaigns import drafting, steps, windows
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.saying import title_of
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step
from outreach.errors import Refusal

NEW_STEPS: dict[str, dict[str, Any]] = {
    "email": {
        "title": "",
        "draft": {
            "subject": "",
            "preview_line": "",
            "layout": "designed",
            "blocks": [
                {"type": "greeting", "word": "Dear", "fallback": "colleague"},
                {"type": "text", "html": ""},
                {"type": "signature", "person_id": ""},
            ],
        },
    },
    "wait": {"days": 14, "weekdays": [], "minute": 540},
    "condition": {"question": "clicked-or-replied", "yes": [], "no": []},
    "task": {"task": "call", "title": "Call", "script": "", "owner_id": None, "has_value": False},
    "group": {"change": "add", "group_id": None},
    "stop": {"on": ["referred"], "then_id": None, "tell": False},
    "start": {"campaign_id": None},
}


def create(
    session: Session,
    *,
    now: datetime,
    by_id: int | None,
    name: str,
    recipe: str = "",
    setup: Setup | None = None,
    content: list[Step] | None = None,
    discipline: str | None = None,
) -> Campaign:
    """A campaign is there as a draft, with the steps of a recipe (keys are given here)."""
    campaign = Campaign(
        name=name[:200],
        recipe=recipe,
        discipline=discipline,
        owner_id=by_id,
        seed=secrets.randbelow(2**31),
        next_step=1,
        created_at=now,
    )
    session.add(campaign)
    session.flush()
    keys = new_keys(campaign)
    tree = [steps.copied({**step, "key": ""}, keys) for step in content or ()]
    session.add(
        CampaignVersion(
            campaign_id=campaign.id,
            number=1,
            settings=(setup or Setup()).to_json(),
            steps=tree,
            made_at=now,
            edited_at=now,
            edited_by_id=by_id,
        )
    )
    session.flush()
    return campaign


def copy_of(session: Session, *, now: datetime, by_id: int | None, campaign: Campaign) -> Campaign:
    """A new draft with the steps and settings of this campaign; nobody is in it."""
    shown = drafting.shown_version(session, campaign.id)
    return create(
        session,
        now=now,
        by_id=by_id,
        name=f"{campaign.name} (copy)",
        recipe=campaign.recipe,
        setup=Setup.from_json(shown.settings),
        content=list(shown.steps),
        discipline=campaign.discipline,
    )


def add_step(
    session: Session,
    *,
    now: datetime,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    kind: str,
    after: str = "",
    parent: str = "",
    lane: str = "",
) -> str | Refusal:
    """A fresh step of that kind stands behind `after`, at the head of a lane, or on top; answers its key.

    Refusals: not-possible (fork inside a fork, too many, the place is gone), and those of drafting.save.
    """
    if kind not in NEW_STEPS:
        return Refusal("not-possible", "There is no such step.")
    key = f"s{campaign.next_step}"
    shown = drafting.shown_version(session, campaign.id)
    try:
        tree = steps.insert(
            shown.steps, {"key": key, "kind": kind, **NEW_STEPS[kind]}, after=after, parent=parent, lane=lane
        )
    except ValueError as reason:
        return Refusal("not-possible", str(reason))
    words = f"Add {steps.KIND_LABELS[kind].lower()}"
    saved = drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)
    if isinstance(saved, Refusal):
        return saved
    campaign.next_step += 1
    return key


def change_step(
    session: Session,
    *,
    now: datetime,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    key: str,
    mark: str = "",
    **fields: Any,
) -> CampaignVersion | Refusal:
    """These fields of the step are set. `mark` is that of the page which shows it (`windows.mark_of`).

    Refusals: step-gone, edited-elsewhere, and those of drafting.save.
    """
    shown = drafting.shown_version(session, campaign.id)
    step = steps.step_of(shown.steps, key)
    if step is None:
        return Refusal("step-gone", "This step was removed meanwhile. Nothing was changed.")
    if all(step.get(name) == value for name, value in fields.items()):
        return shown
    if shown.edited_by_id == by_id and windows.saved_elsewhere(step, mark):
        return windows.ELSEWHERE
    if page := windows.page_of(mark):
        fields[windows.PAGE] = page
    tree = steps.change(shown.steps, key, **fields)
    words = f"Change {title_of(step, shown.steps)}"
    return drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)


def move_step(
    session: Session, *, now: datetime, campaign: Campaign, rev: int, by_id: int | None, key: str, by: int
) -> CampaignVersion | Refusal:
    """The step stands one place higher (-1) or lower (1). Refusals: those of drafting.save."""
    shown = drafting.shown_version(session, campaign.id)
    tree = steps.move(shown.steps, key, by)
    words = f"Move {title_of(steps.step_of(shown.steps, key), shown.steps)}"
    return drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)


def relocate_step(
    session: Session,
    *,
    now: datetime,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    key: str,
    after: str = "",
    parent: str = "",
    lane: str = "",
) -> CampaignVersion | Refusal:
    """The step stands behind `after`, at the head of a lane, or on top. Refusals: not-possible, those of save."""
    shown = drafting.shown_version(session, campaign.id)
    words = f"Move {title_of(steps.step_of(shown.steps, key), shown.steps)}"
    try:
        tree = steps.relocate(shown.steps, key, after=after, parent=parent, lane=lane)
    except ValueError as reason:
        return Refusal("not-possible", str(reason))
    return drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)


def duplicate_step(
    session: Session, *, now: datetime, campaign: Campaign, rev: int, by_id: int | None, key: str
) -> str | Refusal:
    """A copy stands right behind the step; answers its key. Refusals: step-gone, not-possible, those of save."""
    shown = drafting.shown_version(session, campaign.id)
    step = steps.step_of(shown.steps, key)
    if step is None:
        return Refusal("step-gone", "This step was removed meanwhile. Nothing was changed.")
    fresh = steps.copied(step, new_keys(campaign))
    try:
        tree = steps.insert(shown.steps, fresh, after=key)
    except ValueError as reason:
        return Refusal("not-possible", str(reason))
    words = f"Duplicate {title_of(step, shown.steps)}"
    saved = drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)
    return saved if isinstance(saved, Refusal) else str(fresh["key"])


def remove_step(
    session: Session, *, now: datetime, campaign: Campaign, rev: int, by_id: int | None, key: str
) -> CampaignVersion | Refusal:
    """The step (and the lanes of a condition) is gone from the draft. Refusals: those of drafting.save."""
    shown = drafting.shown_version(session, campaign.id)
    words = f"Remove {title_of(steps.step_of(shown.steps, key), shown.steps)}"
    tree = steps.remove(shown.steps, key)
    return drafting.save(session, now=now, campaign=campaign, rev=rev, by_id=by_id, what=words, steps=tree)


def change_setup(
    session: Session,
    *,
    now: datetime,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    setup: Setup,
    name: str,
    counted: int | None = None,
) -> CampaignVersion | Refusal:
    """Name and settings stand in the draft; `counted` is how many match the group now. Refusals: those of save."""
    shown = drafting.shown_version(session, campaign.id)
    if (shown.settings, campaign.name) == (setup.to_json(), name):
        return shown
    saved = drafting.save(
        session,
        now=now,
        campaign=campaign,
        rev=rev,
        by_id=by_id,
        what="Change who it is for",
        settings=setup.to_json(),
        name=name,
    )
    if isinstance(saved, CampaignVersion):
        saved.counted = counted
    return saved


def delete(session: Session, *, now: datetime, campaign: Campaign) -> bool | Refusal:
    """The draft campaign is in the trash. Refusals: not-a-draft (end a live one instead)."""
    if campaign.status != "draft":
        return Refusal("not-a-draft", "People have been in this campaign. End it instead; its results are kept.")
    campaign.deleted_at = now
    return True


def restore(session: Session, *, campaign: Campaign) -> None:
    """The campaign is out of the trash. Idempotent."""
    campaign.deleted_at = None


def new_keys(campaign: Campaign) -> Iterator[str]:
    """Keys that were never used in this campaign."""
    while True:
        campaign.next_step += 1
        yield f"s{campaign.next_step - 1}"
