"""Starting, changing and putting away issues. Every edit can be undone, and none overwrites another person's unseen."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.content.drafts import Draft
from outreach.errors import Refusal
from outreach.newsletters import audience
from outreach.newsletters.layouts import LAYOUTS, PHYSICIANS
from outreach.newsletters.models import Issue, IssueHistory
from outreach.screen import World

KEPT_STEPS = 50
ONE_GO = timedelta(minutes=2)
"""Saving by itself while somebody types makes one step of undo, not a hundred."""
MAX_TITLE_CHARS = 200
MAX_GROUPS = 40
MAX_SUBJECT_CHARS = 200
CHANGED_MEANWHILE = Refusal(
    "changed-meanwhile",
    "Someone else saved this issue while you were writing. What you typed is still here: saving again keeps yours, and"
    " theirs stays one Undo away.",
)
NOT_YOURS = Refusal("not-yours", "The last change here is somebody else’s. It was kept.")
NOT_A_DRAFT = Refusal("not-a-draft", "This issue is approved and cannot be edited any more. Take it back first.")


def start(
    session: Session, *, now: datetime, by_id: int | None, layout: str = "", like: Issue | None = None, title: str = ""
) -> Issue:
    """A new draft, from a layout or with the words and groups of an earlier issue."""
    made_from = LAYOUTS.get(layout, PHYSICIANS)
    issue = Issue(
        title=(title.strip() or (f"{like.title} (next)" if like else made_from.name))[:MAX_TITLE_CHARS],
        draft=dict(like.draft) if like else made_from.to_json(),
        group_ids=list(like.group_ids) if like else [],
        in_archive=like.in_archive if like else False,
        created_at=now,
        created_by_id=by_id,
        edited_at=now,
        edited_by_id=by_id,
    )
    session.add(issue)
    session.flush()
    return issue


def save(
    session: Session,
    issue: Issue,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
    version: int,
    title: str,
    draft: Draft,
    group_ids: Collection[int],
    in_archive: bool = False,
    by_itself: bool = False,
    other_subject: str | None = None,
    compare: tuple[int, int] | None = None,
) -> Issue | Refusal:
    """The issue is as typed; how it was can be brought back. Saving what is there already changes nothing.

    `compare` is (percent of the people, hours) for two subjects; None of either leaves what was there.
    Refusals: not-a-draft, changed-meanwhile (`version` is not the present one).
    """
    if issue.status != "draft":
        return NOT_A_DRAFT
    if version != issue.version:
        return CHANGED_MEANWHILE
    known = sorted(one.id for one in audience.groups_of(session, list(group_ids)[:MAX_GROUPS]))
    title = " ".join(title.split())[:MAX_TITLE_CHARS] or issue.title
    typed = draft.to_json()
    issue.in_archive = in_archive
    compared = _compared(issue, other_subject, compare)
    if (title, typed, known, compared) == (issue.title, issue.draft, issue.group_ids, _compared(issue, None, None)):
        return issue
    _remember(session, issue, now=now, by_id=by_id, by_itself=by_itself)
    if known != issue.group_ids:
        issue.counted = audience.reckon(session, known, now=now, world=world).people
    issue.title, issue.draft, issue.group_ids = title, typed, known
    issue.other_subject, issue.compare_percent, issue.compare_hours = compared
    _touched(issue, now=now, by_id=by_id)
    session.flush()
    return issue


def undo(session: Session, issue: Issue, *, now: datetime, by_id: int | None) -> bool | Refusal:
    """The last edit is taken back; answers whether there was one. Works through several steps.

    Refusals: not-yours (somebody else made the last edit: their work is not taken away unseen).
    """
    last = session.scalar(
        select(IssueHistory).where(IssueHistory.issue_id == issue.id).order_by(IssueHistory.version.desc()).limit(1)
    )
    if last is None or issue.status != "draft":
        return False
    if last.by_id != by_id:
        return NOT_YOURS
    issue.title, issue.draft, issue.group_ids = last.title, last.draft, list(last.group_ids)
    issue.other_subject, issue.compare_percent = last.other_subject, last.compare_percent
    issue.compare_hours = last.compare_hours
    _touched(issue, now=now, by_id=by_id)
    session.delete(last)
    session.flush()
    return True


def put_away(session: Session, issue: Issue, *, now: datetime) -> bool:
    """A draft or cancelled issue is in the trash for 30 days; anything that went or will go stays where it is."""
    if issue.status not in ("draft", "cancelled"):
        return False
    issue.deleted_at = now
    tasks.drop(session, f"newsletter:{issue.id}:", now=now)
    return True


def bring_back(issue: Issue) -> None:
    """Out of the trash. Idempotent."""
    issue.deleted_at = None


def purge(session: Session, *, now: datetime, kept_for: timedelta = timedelta(days=30)) -> int:
    """What lay in the trash for 30 days is gone, unless it ever reached somebody. Answers how many."""
    gone = delete(Issue).where(Issue.deleted_at < now - kept_for, Issue.started_at.is_(None)).returning(Issue.id)
    return len(session.scalars(gone).all())


def _compared(issue: Issue, other_subject: str | None, compare: tuple[int, int] | None) -> tuple[str, int, int]:
    """(second subject, percent, hours) as they would be: None leaves what is there."""
    other = issue.other_subject if other_subject is None else " ".join(other_subject.split())[:MAX_SUBJECT_CHARS]
    percent, hours = compare or (issue.compare_percent, issue.compare_hours)
    return other, min(max(percent, 2), 50), min(max(hours, 1), 72)


def _touched(issue: Issue, *, now: datetime, by_id: int | None) -> None:
    issue.version += 1
    issue.edited_at, issue.edited_by_id = now, by_id


def _remember(session: Session, issue: Issue, *, now: datetime, by_id: int | None, by_itself: bool) -> None:
    last = session.execute(
        select(IssueHistory.at, IssueHistory.by_id)
        .where(IssueHistory.issue_id == issue.id)
        .order_by(IssueHistory.version.desc())
        .limit(1)
    ).first()
    if by_itself and last is not None and last.by_id == by_id and now - last.at < ONE_GO:
        return
    session.add(
        IssueHistory(
            issue_id=issue.id,
            version=issue.version,
            title=issue.title,
            draft=issue.draft,
            group_ids=issue.group_ids,
            other_subject=issue.other_subject,
            compare_percent=issue.compare_percent,
            compare_hours=issue.compare_hours,
            at=now,
            by_id=by_id,
        )
    )
    session.execute(
        delete(IssueHistory).where(
            IssueHistory.issue_id == issue.id, IssueHistory.version <= issue.version - 2 * KEPT_STEPS
        )
    )
