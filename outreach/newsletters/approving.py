"""The last look before an issue goes: checks, the exact number, approval, and taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.content import preflight, publishing
from outreach.content.kinds import PROVIDERS
from outreach.content.preflight import Finding
from outreach.deliveries import outbox
from outreach.deliveries.contributes import on_paper
from outreach.deliveries.house import house_of
from outreach.deliveries.paper import paper
from outreach.errors import Refusal
from outreach.newsletters import audience, checking, comparing, timing
from outreach.newsletters.audience import Reckoning
from outreach.newsletters.models import Issue, IssueRecipient
from outreach.newsletters.timing import Intention, When
from outreach.screen import World


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
    over_cap = checking.lately_written(session, reckoning.ids, at=first_at, now=now)
    findings: list[Finding] = []
    for place, draft in enumerate(checking.drafts_of(issue)):
        found = preflight.check(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=audience.KIND,
            first_send_at=first_at,
            last_send_on=checking.last_at(issue, first_at, over_cap).astimezone(house.zone).date(),
            audiences=reckoning.classes or PROVIDERS,
        )
        found = checking.of_second_subject(found) if place else found
        findings += [finding for finding in found if finding not in findings]
    if letters:
        findings = on_paper(session, findings, reckoning.ids)
    edit = f"/newsletters/{issue.id}/edit"
    asked = checking.Asked(session, issue, reckoning, house, over_cap, when)
    findings = [finding.at(edit) for finding in findings] + checking.own(asked)
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
    for draft in checking.drafts_of(issue):
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
    deciding = checking.who_decides(session, issue, reckoning.ids) if len(message_ids) > 1 else []
    part = comparing.taking_part(len(deciding), issue.compare_percent)
    session.execute(
        insert(cast(Table, IssueRecipient.__table__)),
        [
            {"issue_id": issue.id, "contact_id": each, "place": place, "subject": subject}
            for place, (each, subject) in enumerate(
                comparing.arranged(reckoning.ids, part, seed=issue.id, among=deciding)
            )
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
