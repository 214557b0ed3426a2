"""The last look before an issue goes: checks, the exact number, approval, and taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.content import preflight, publishing
from outreach.content.drafts import Draft
from outreach.content.kinds import PROVIDERS
from outreach.content.preflight import Finding
from outreach.deliveries import outbox
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import WEIGHTS
from outreach.deliveries.contributes import on_paper
from outreach.deliveries.house import House, house_of
from outreach.deliveries.paper import paper
from outreach.errors import Refusal
from outreach.newsletters import audience, comparing, timing
from outreach.newsletters.audience import Reckoning
from outreach.newsletters.models import Issue, IssueRecipient
from outreach.newsletters.timing import Intention, When
from outreach.screen import World

BIG_CHANGE = 0.2
"""Ui-guide 5.4: a count that changed by more than a fifth since the last edit deserves a look."""
_BATCH = 1000


@dataclass(frozen=True)
class Review:
    """What the page before sending shows, and what approval checks again."""

    reckoning: Reckoning
    findings: list[Finding]
    when: When | Refusal
    over_cap: int

    @property
    def blocked(self) -> bool:
        """Whether it must wait."""
        return isinstance(self.when, Refusal) or preflight.blocked(self.findings)


def review(
    session: Session,
    issue: Issue,
    *,
    now: datetime,
    world: World,
    intention: Intention | None = None,
    letters: bool = False,
) -> Review:
    """Every check of the issue as it stands, for sending at that time. Nothing is written.

    With `letters`, clients whom no email may reach get a letter to print.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    reckoning = audience.reckon(session, issue.group_ids, now=now, world=world, letters=letters)
    when = timing.resolve(intention, now=now, house=house)
    first_at = now if isinstance(when, Refusal) else when.at
    over_cap = lately_written(session, reckoning.ids, at=first_at, now=now)
    findings: list[Finding] = []
    for draft in _drafts(issue):
        found = preflight.check(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=audience.KIND,
            first_send_at=first_at,
            last_send_on=first_at.astimezone(house.zone).date(),
            audiences=reckoning.classes or PROVIDERS,
        )
        findings += [finding for finding in found if finding not in findings]
    if letters:
        findings = on_paper(session, findings, reckoning.ids)
    edit = f"/newsletters/{issue.id}/edit"
    findings = [_with_page(finding, edit) for finding in findings] + _own(issue, reckoning, over_cap, house)
    findings.sort(key=lambda finding: preflight.ORDER[finding.level])
    return Review(reckoning, findings, when, over_cap)


def approve(
    session: Session,
    issue: Issue,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
    version: int,
    people: int,
    intention: Intention | None = None,
    letters: bool = False,
) -> Issue | Refusal:
    """The issue leaves at its time to exactly these people, as it stands now. It can be taken back until it starts.

    `version` and `people` are what the person saw on the page. Refusals: not-a-draft, changed-meanwhile,
    count-changed, blocked, in-the-past, too-far, never-open, and those of `publishing.keep`.
    """
    # Locked: two presses at once must not freeze two lists.
    session.flush()
    session.refresh(issue, with_for_update=True)
    if issue.status != "draft":
        return Refusal("not-a-draft", "This issue is approved already.")
    if version != issue.version:
        return Refusal("changed-meanwhile", "Someone changed this issue meanwhile. Look it over once more.")
    seen = review(session, issue, now=now, world=world, intention=intention, letters=letters)
    if isinstance(seen.when, Refusal):
        return seen.when
    if preflight.blocked(seen.findings):
        wrong = next(finding.text for finding in seen.findings if finding.level == "blocker")
        return Refusal("blocked", f"Not sent yet. {wrong}")
    if people != seen.reckoning.people:
        return Refusal(
            "count-changed", f"It would go to {seen.reckoning.people} people now, not {people}. Look once more."
        )
    kept: list[int] = []
    for draft in _drafts(issue):
        message = publishing.keep(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=audience.KIND,
            by_id=by_id,
            audiences=seen.reckoning.classes,
        )
        if isinstance(message, Refusal):
            return message
        kept.append(message.id)
    _freeze(session, issue, seen.reckoning, seen.when, kept, now=now, by_id=by_id)
    paper.switch(session, "newsletter", issue.id, on=letters, now=now)
    tasks.drop(session, f"newsletter:{issue.id}:", now=now)
    return issue


def take_back(session: Session, issue: Issue, *, now: datetime, by_id: int | None) -> bool:
    """An approved issue that has not started is a draft again; answers whether that was still possible. Idempotent."""
    # Locked: a worker may begin at this very moment, and an issue that began must not become a draft.
    session.flush()
    session.refresh(issue, with_for_update=True)
    if issue.status == "draft":
        return True
    if issue.started_at is not None or issue.status not in ("approved", "held"):
        return False
    session.execute(delete(IssueRecipient).where(IssueRecipient.issue_id == issue.id))
    outbox.resume(session, now=now, scope=scope(issue), by_id=by_id)
    issue.status, issue.message_id, issue.counts = "draft", None, {}
    issue.other_message_id, issue.compared_people = None, 0
    issue.send_on = issue.send_minute = issue.send_zone = None
    issue.send_at = issue.undo_until_at = issue.approved_at = issue.approved_by_id = issue.held_at = None
    session.flush()
    return True


def scope(issue: Issue) -> str:
    """The name of the issue's hold in the outbox."""
    return f"newsletter:{issue.id}"


def lately_written(session: Session, contact_ids: Sequence[int], *, at: datetime, now: datetime) -> int:
    """How many of these had, or will have, so much mail that this one would wait or not come at all."""
    found = 0
    for start in range(0, len(contact_ids), _BATCH):
        batch = contact_ids[start : start + _BATCH]
        found += capping.too_soon(session, batch, at=at, now=now, weight=WEIGHTS[audience.KIND])
    return found


def _with_page(finding: Finding, edit: str) -> Finding:
    return Finding(finding.level, finding.text, edit + finding.fix) if finding.fix.startswith("#") else finding


def _drafts(issue: Issue) -> list[Draft]:
    """The message, and the same with the second subject when two are compared."""
    draft = Draft.from_json(issue.draft)
    return [draft, replace(draft, subject=issue.other_subject)] if issue.other_subject else [draft]


def _comparison(issue: Issue, reckoning: Reckoning) -> list[Finding]:
    edit = f"/newsletters/{issue.id}/edit#f-other_subject"
    if not issue.other_subject:
        return []
    if issue.other_subject == Draft.from_json(issue.draft).subject:
        return [Finding("blocker", "Both subjects are the same. Change one, or leave the second empty.", edit)]
    part = comparing.taking_part(reckoning.people, issue.compare_percent)
    if part < comparing.FEWEST:
        text = f"Too few people to compare two subjects: {part} would take part, {comparing.FEWEST} are needed."
        return [Finding("blocker", text, edit)]
    if "client" in reckoning.classes:
        text = "Links in mail to clients are not tracked: only clicks of the other readers decide between the subjects."
        return [Finding("blocker" if reckoning.classes == ("client",) else "warning", text, edit)]
    return [Finding("pass", f"Two subjects are compared on {part} people first")]


def _own(issue: Issue, reckoning: Reckoning, over_cap: int, house: House) -> list[Finding]:
    groups = f"/newsletters/{issue.id}/edit#groups"
    found = []
    if not issue.group_ids:
        found.append(Finding("blocker", "No group is chosen yet.", groups))
    elif not reckoning.people:
        found.append(Finding("blocker", "Nobody in the chosen groups can get it.", groups))
    if not house.transports.names:
        found.append(Finding("blocker", "No way to send mail is set up.", "/settings/"))
    found += _comparison(issue, reckoning)
    if issue.counted and reckoning.people and abs(reckoning.people - issue.counted) > BIG_CHANGE * issue.counted:
        text = f"The groups were {issue.counted} people when they were chosen and are {reckoning.people} now."
        found.append(Finding("warning", text, groups))
    if over_cap:
        people = "1 person" if over_cap == 1 else f"{over_cap} people"
        text = f"{people} had as much mail as one person gets: theirs waits for its turn, a month at most."
        found.append(Finding("warning", text, groups))
    if issue.tested_at is None or issue.tested_at < issue.edited_at:
        test = f"/newsletters/{issue.id}/review#test"
        found.append(Finding("warning", "No test was sent since the last edit.", test))
    return found


def _freeze(
    session: Session,
    issue: Issue,
    reckoning: Reckoning,
    when: When,
    message_ids: Sequence[int],
    *,
    now: datetime,
    by_id: int | None,
) -> None:
    part = comparing.taking_part(reckoning.people, issue.compare_percent) if len(message_ids) > 1 else 0
    session.execute(
        insert(cast(Table, IssueRecipient.__table__)),
        [
            {"issue_id": issue.id, "contact_id": each, "place": place, "subject": subject}
            for place, (each, subject) in enumerate(comparing.arranged(reckoning.ids, part, seed=issue.id))
        ],
    )
    issue.status, issue.message_id, issue.counts = "approved", message_ids[0], reckoning.to_json()
    issue.compared_people, issue.other_message_id = part, message_ids[1] if part else None
    issue.winner, issue.compared, issue.decide_at = "", None, None
    if when.intention is not None:
        issue.send_on, issue.send_minute, issue.send_zone = (
            when.intention.on,
            when.intention.minute,
            when.intention.zone,
        )
    issue.send_at = when.at
    issue.undo_until_at = now + timing.UNDO_FOR
    issue.approved_at, issue.approved_by_id = now, by_id
    session.flush()


def recipients_left(session: Session, issue_id: int) -> int:
    """How many people of an approved issue are not planned yet."""
    left = select(func.count()).where(IssueRecipient.issue_id == issue_id, IssueRecipient.planned_at.is_(None))
    return session.scalar(left) or 0
