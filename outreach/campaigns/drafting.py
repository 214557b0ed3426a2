"""Which version is edited, what an edit leaves behind, and the way back: undo in several steps, kept on the server."""

import copy
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign, CampaignVersion, DraftHistory
from outreach.campaigns.steps import Step
from outreach.errors import Refusal

MOST_UNDOS = 100
MEANWHILE = "edited-meanwhile"
ONE_EDIT = timedelta(seconds=20)
"""Saves of the same step that follow so quickly (while somebody types) are undone together."""


def campaign_of(session: Session, campaign_id: int) -> Campaign | None:
    """The campaign, or None when there is none or it was deleted."""
    found = session.get(Campaign, campaign_id)
    return found if found is not None and found.deleted_at is None else None


def version_in(session: Session, campaign_id: int, state: str) -> CampaignVersion | None:
    """The draft or the published version of the campaign, or None."""
    return session.scalar(
        select(CampaignVersion).where(CampaignVersion.campaign_id == campaign_id, CampaignVersion.state == state)
    )


def shown_version(session: Session, campaign_id: int) -> CampaignVersion:
    """What the builder shows: the draft, else the published version, else the last one."""
    version = version_in(session, campaign_id, "draft") or version_in(session, campaign_id, "published")
    if version is not None:
        return version
    last = select(CampaignVersion).where(CampaignVersion.campaign_id == campaign_id)
    return session.scalars(last.order_by(CampaignVersion.number.desc()).limit(1)).one()


def save(
    session: Session,
    *,
    now: datetime,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    what: str,
    steps: list[Step] | None = None,
    settings: dict[str, Any] | None = None,
    name: str | None = None,
) -> CampaignVersion | Refusal:
    """The edit stands in the draft, and can be undone. Editing a published campaign makes the next version's draft;
    what people halfway get is never changed.

    Refusals: edited-meanwhile (somebody else saved after `rev` was shown), ended.
    """
    if campaign.status == "ended":
        return Refusal("ended", "This campaign has ended and cannot be changed. Copy it to start a new one.")
    shown = shown_version(session, campaign.id)
    # Locked, so that of two saves at the same moment the later one sees the earlier one (PostgreSQL).
    kept = session.scalar(select(CampaignVersion.rev).where(CampaignVersion.id == shown.id).with_for_update())
    if kept != shown.rev or _changed_by_others(session, shown, rev, by_id):
        return Refusal(
            MEANWHILE,
            "Somebody else changed this campaign after you opened it. Their change was kept; yours is not saved yet.",
        )
    draft = draft_of(session, now=now, campaign=campaign)
    _remember(session, now=now, campaign=campaign, draft=draft, what=what, by_id=by_id)
    if steps is not None:
        draft.steps = steps
    if settings is not None:
        draft.settings = settings
    if name is not None:
        campaign.name = name
    _touched(draft, now=now, by_id=by_id)
    session.flush()
    return draft


def draft_of(session: Session, *, now: datetime, campaign: Campaign) -> CampaignVersion:
    """The draft of the campaign; made from the shown version when there is none. Idempotent."""
    shown = shown_version(session, campaign.id)
    if shown.state == "draft":
        return shown
    number = session.scalar(select(func.max(CampaignVersion.number)).filter_by(campaign_id=campaign.id)) or 0
    draft = CampaignVersion(
        campaign_id=campaign.id,
        number=number + 1,
        settings=copy.deepcopy(shown.settings),
        steps=copy.deepcopy(shown.steps),
        rev=shown.rev,
        made_at=now,
        edited_at=now,
        counted=shown.counted,
    )
    session.add(draft)
    session.flush()
    return draft


def undo(session: Session, *, now: datetime, campaign: Campaign, by_id: int | None) -> str | Refusal:
    """The last edit of the draft is taken back; answers what it had been.

    Refusals: nothing-to-undo, not-yours (somebody else made the last edit: their work is not taken away unseen).
    """
    draft = version_in(session, campaign.id, "draft")
    last = _last(session, draft)
    if draft is None or last is None:
        return Refusal("nothing-to-undo", "There is nothing to undo.")
    if last.by_id != by_id:
        return Refusal("not-yours", f"The last change here is somebody else’s: {last.what.lower()}. It was kept.")
    draft.steps, draft.settings, campaign.name = last.steps, last.settings, last.name
    _touched(draft, now=now, by_id=by_id)
    what = last.what
    session.delete(last)
    session.flush()
    return what


def undoable(session: Session, version: CampaignVersion) -> str | None:
    """What Undo would take back, in words, or None."""
    last = _last(session, version)
    return last.what if last else None


def _last(session: Session, version: CampaignVersion | None) -> DraftHistory | None:
    if version is None:
        return None
    newest = select(DraftHistory).where(DraftHistory.version_id == version.id)
    return session.scalar(newest.order_by(DraftHistory.rev.desc()).limit(1))


def _changed_by_others(session: Session, shown: CampaignVersion, rev: int, by_id: int | None) -> bool:
    """Whether anybody but this person edited after `rev`: one's own quick saves do not stand in one's way."""
    if rev == shown.rev:
        return False
    if rev > shown.rev or shown.edited_by_id != by_id:
        return True
    others = select(DraftHistory.id).where(
        DraftHistory.version_id == shown.id, DraftHistory.rev >= rev, DraftHistory.by_id.is_distinct_from(by_id)
    )
    return session.scalar(others.limit(1)) is not None


def _remember(
    session: Session, *, now: datetime, campaign: Campaign, draft: CampaignVersion, what: str, by_id: int | None
) -> None:
    last = _last(session, draft)
    if last and (last.what, last.by_id) == (what[:500], by_id) and now - last.at < ONE_EDIT:
        return
    session.add(
        DraftHistory(
            version_id=draft.id,
            rev=draft.rev,
            what=what[:500],
            name=campaign.name,
            settings=copy.deepcopy(draft.settings),
            steps=copy.deepcopy(draft.steps),
            at=now,
            by_id=by_id,
        )
    )
    session.execute(
        delete(DraftHistory).where(DraftHistory.version_id == draft.id, DraftHistory.rev <= draft.rev - MOST_UNDOS)
    )


def _touched(draft: CampaignVersion, *, now: datetime, by_id: int | None) -> None:
    draft.rev += 1
    draft.edited_at, draft.edited_by_id = now, by_id
