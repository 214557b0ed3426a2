"""The last look at a list of cards: checks, exact counts, approval, taking it back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.cards import listing
from outreach.cards.editing import occasion_of
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.content import linting, preflight, publishing
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries import pacing
from outreach.deliveries.house import House, house_of
from outreach.errors import Refusal
from outreach.screen import World

SEND_MINUTE = 9 * 60
"""Cards leave at nine in the morning of whoever gets them."""
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
    counts = listing.counts_of(session, run.id)
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    to_fix = len(_fixable(session, run))
    findings = _own(run, counts, to_fix, house, now)
    if counts["email"]:
        checked = preflight.check(
            session,
            now=now,
            world=world,
            draft=Draft.from_json(run.draft),
            kind=listing.KIND,
            first_send_at=first_at(run, house),
            last_send_on=run.last_on,
            audiences=classes_of(session, run),
        )
        edit = f"/cards/{run.id}/edit"
        findings += [Finding(f.level, f.text, edit + f.fix if f.fix.startswith("#") else f.fix) for f in checked]
    findings.sort(key=lambda finding: preflight.ORDER[finding.level])
    return Review(counts, findings, to_fix)


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
            audiences=classes_of(session, run, way),
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


def classes_of(session: Session, run: CardRun, way: str = "email") -> tuple[str, ...]:
    """The audience classes of those who get the email, or the card on paper."""
    found = (
        select(Contact.audience_class)
        .join(CardRecipient, CardRecipient.contact_id == Contact.id)
        .where(CardRecipient.run_id == run.id, CardRecipient.way == way)
        .distinct()
    )
    return tuple(sorted(session.scalars(found)))


def first_at(run: CardRun, house: House) -> datetime:
    """The instant before which no email of the run leaves."""
    return pacing.resolved(run.send_on, SEND_MINUTE, house.zone)


def ends_at(run: CardRun, house: House) -> datetime:
    """The instant after which a card is too late: the midnight after the occasion's last local day."""
    return pacing.resolved(run.last_on + timedelta(days=1), 0, house.zone)


def _own(run: CardRun, counts: dict[str, int], to_fix: int, house: House, now: datetime) -> list[Finding]:
    groups = f"/cards/{run.id}/edit#groups"
    found = []
    if not run.group_ids:
        found.append(Finding("blocker", "No group is chosen yet.", groups))
    elif not counts["email"] + counts["print"]:
        found.append(Finding("blocker", "Nobody on the list gets a card.", groups))
    if run.listed_at is None or run.listed_at < run.edited_at:
        found.append(Finding("blocker", "The run changed after the list was made. Make the list again.", "#again"))
    if counts["print"] and not run.inside:
        found.append(Finding("blocker", "There are no words inside the printed card.", f"/cards/{run.id}/edit#inside"))
    if linting.PLACEHOLDER.search(f"{run.front} {run.inside}"):
        found.append(Finding("blocker", "The printed card still holds a placeholder.", f"/cards/{run.id}/edit#inside"))
    if to_fix:
        text = "1 postal address is not complete." if to_fix == 1 else f"{to_fix} postal addresses are not complete."
        found.append(Finding("warning", text, f"/cards/{run.id}/list?view=fix"))
    if counts["email"] and not occasion_of(run).personal:
        found += _timing(run, house, now)
    return found


def _timing(run: CardRun, house: House, now: datetime) -> list[Finding]:
    edit = f"/cards/{run.id}/edit#send_on"
    nine = first_at(run, house)
    slot = house.slot(max(nine, now), house.zone.key, SEND_MINUTE if now <= nine else None)
    if slot is None or slot.due_at >= ends_at(run, house):
        return [Finding("blocker", "No day is open for sending before the occasion ends. Choose an earlier day.", edit)]
    day = slot.due_at.astimezone(house.zone).date()
    if day != run.send_on:
        words = f"{day:%A, %B} {day.day}"
        return [Finding("warning", f"The chosen day is outside your sending hours: the email leaves {words}.", edit)]
    return []


def _fixable(session: Session, run: CardRun) -> list[int]:
    return list(
        session.scalars(
            select(CardRecipient.contact_id).where(
                CardRecipient.run_id == run.id, CardRecipient.reason == "address-to-fix"
            )
        )
    )
