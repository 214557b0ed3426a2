"""The last look at a list of cards: checks, exact counts, approval, taking it back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from sqlalchemy.orm import Session

from outreach.cards import checking, listing
from outreach.cards.models import CardRun
from outreach.contacts import tasks
from outreach.content import preflight, publishing
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.errors import Refusal
from outreach.screen import World

UNDO_FOR = timedelta(seconds=60)
"""An approval on the very day waits so long, time for Undo."""


@dataclass(frozen=True)
class Review:
    """What the page of the list shows, and what approval checks again."""

    counts: dict[str, int]
    findings: list[Finding]
    to_fix: int

    @property
    def blocked(self) -> bool:
        """Whether it must wait."""
        return preflight.blocked(self.findings)


def review(session: Session, run: CardRun, *, now: datetime, world: World) -> Review:
    """Every check of the run as it stands. Nothing is written."""
    asked = checking.asked_of(session, run, now=now, world=world)
    findings = checking.own(asked)
    if asked.counts["email"]:
        checked = preflight.check(
            session,
            now=now,
            world=world,
            draft=Draft.from_json(run.draft),
            kind=listing.KIND,
            first_send_at=checking.first_at(run, asked.house),
            last_send_on=checking.last_on(asked),
            audiences=asked.by_email,
        )
        findings += [finding.at(f"/cards/{run.id}/edit") for finding in checked]
    # What is asked of both ways is said once.
    findings = sorted(dict.fromkeys(findings), key=lambda finding: preflight.ORDER[finding.level])
    return Review(asked.counts, findings, asked.to_fix)


def approve(
    session: Session,
    run: CardRun,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
    version: int,
    by_email: int,
    on_paper: int,
) -> CardRun | Refusal:
    """The list and the words are fixed; emails leave on their day, paper can be printed.

    `version` and both counts are what the person saw. Refusals: not-a-draft, changed-meanwhile, count-changed,
    blocked, and those of `publishing.keep`.
    """
    # Locked: two presses at once, or a worker at the same moment, see one after the other what was done.
    session.flush()
    session.refresh(run, with_for_update=True)
    if run.status != "draft":
        return Refusal("not-a-draft", "This list is approved already.")
    if version != run.version:
        return Refusal("changed-meanwhile", "Someone changed this run meanwhile. Look it over once more.")
    seen = review(session, run, now=now, world=world)
    if seen.blocked:
        wrong = next(finding.text for finding in seen.findings if finding.level == "blocker")
        return Refusal("blocked", f"Not approved yet. {wrong}")
    if (seen.counts["email"], seen.counts["print"]) != (by_email, on_paper):
        return Refusal("count-changed", "The list changed since you looked at it. Look once more.")
    drafts = {"email": Draft.from_json(run.draft), "print": paper_draft(run)}
    kept: dict[str, int] = {}
    for way, draft in drafts.items():
        if not seen.counts[way]:
            continue
        message = publishing.keep(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=listing.KIND,
            by_id=by_id,
            audiences=checking.classes_of(session, run, way),
        )
        if isinstance(message, Refusal):
            return message
        kept[way] = message.id
    run.message_id, run.paper_message_id = kept.get("email"), kept.get("print")
    run.status, run.approved_at, run.approved_by_id = "approved", now, by_id
    tasks.drop(session, f"card-run:{run.id}:", now=now)
    session.flush()
    return run


def take_back(session: Session, run: CardRun) -> bool:
    """An approved run of which nothing left yet is a draft again; answers whether that was possible. Idempotent."""
    session.flush()
    session.refresh(run, with_for_update=True)
    if run.status == "draft":
        return True
    if run.status != "approved":
        return False
    run.status, run.approved_at, run.approved_by_id, run.message_id = "draft", None, None, None
    run.paper_message_id = None
    session.flush()
    return True


def paper_draft(run: CardRun) -> Draft:
    """The words on paper as a message: what somebody got can be shown later like any email."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in run.inside.split("\n\n") if part.strip())
    blocks: list[dict[str, Any]] = [{"type": "heading", "text": run.front}] if run.front else []
    blocks.append({"type": "text", "html": paragraphs})
    sponsored = Draft.from_json(run.draft).sponsored
    return Draft(subject=run.front or run.title, blocks=blocks, layout="plain", sponsored=sponsored)
