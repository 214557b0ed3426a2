"""Two subjects compared: some people get one or the other first; the one that more people follow goes to the rest.

Clicks of people decide, never opens: what scanners clicked is marked by `deliveries.clicks` and not counted.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import Session

from outreach.deliveries.models import Delivery, LinkClick
from outreach.errors import Refusal
from outreach.newsletters.models import Issue, IssueRecipient

SOURCE = "newsletter"
FEWEST = 20
"""Ten for each subject; with fewer, one click decides."""
REACHED = ("sent", "delivered", "complained")
EVERYBODY = 2**31 - 1


def taking_part(people: int, percent: int) -> int:
    """How many of so many people take part: an even number."""
    return people * percent // 100 // 2 * 2


def arranged(ids: Sequence[int], part: int, *, seed: int, among: Sequence[int]) -> list[tuple[int, str]]:
    """(contact, subject) in the order of their places: first those who take part, drawn by lot `among` these, half with
    each subject.

    Within each half, and among the rest, the given order is kept. The same seed draws the same people.
    """
    drawn = sorted(among, key=lambda each: hashlib.sha256(f"{seed}:{each}".encode()).digest())[:part]
    subject = {each: "ab"[place % 2] for place, each in enumerate(drawn)}
    first = [(each, subject[each]) for each in ids if each in subject]
    return first + [(each, "") for each in ids if each not in subject]


def may_go_now() -> ColumnElement[bool]:
    """The condition on a recipient whose issue is at hand: until the better subject is known, only who takes part."""
    undecided = and_(Issue.compared_people > 0, Issue.winner == "")
    return IssueRecipient.place < case((undecided, Issue.compared_people), else_=EVERYBODY)


def messages(issue: Issue) -> list[tuple[str | None, int]]:
    """(subject of the recipient, message) of everybody who may go now; None stands for all of them."""
    assert issue.message_id is not None  # held by the constraint "approved"
    if not issue.compared_people:
        return [(None, issue.message_id)]
    assert issue.other_message_id is not None
    if not issue.winner:
        return [("a", issue.message_id), ("b", issue.other_message_id)]
    # Whoever takes part and could not be planned before gets the subject that was drawn for them.
    return [("a", issue.message_id), ("b", issue.other_message_id), ("", message_of_winner(issue))]


def message_of_winner(issue: Issue) -> int:
    """The message that stands for the issue: with the better subject once that is known."""
    assert issue.message_id is not None
    return issue.other_message_id if issue.winner == "b" and issue.other_message_id else issue.message_id


def decide(session: Session, on_its_way: ColumnElement[bool], *, now: datetime) -> int:
    """Issues whose first mails left have their hour of decision; those whose hour came have a winner. Idempotent.

    `on_its_way` is the condition on Issue that mail of it may still leave. Answers how many were decided.
    """
    waits = and_(Issue.status == "sending", Issue.compared_people > 0, Issue.winner == "")
    unplanned = exists().where(
        IssueRecipient.issue_id == Issue.id,
        IssueRecipient.planned_at.is_(None),
        IssueRecipient.place < Issue.compared_people,
    )
    for issue in session.scalars(select(Issue).where(waits, Issue.decide_at.is_(None), ~unplanned, ~on_its_way)):
        issue.decide_at = now + timedelta(hours=issue.compare_hours)
    session.flush()
    # Locked: a person may choose at the same moment, and the rest of a crowd must not change subjects half-way.
    due = session.scalars(
        select(Issue).where(waits, Issue.decide_at <= now).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    for issue in due:
        counted = counted_of(session, issue)
        issue.winner, why = _better(counted)
        issue.compared = {**counted, "why": why}
    session.flush()
    return len(due)


def choose(session: Session, issue: Issue, which: str) -> str | Refusal:
    """A person chose the subject for the rest before its time. Refusals: nothing-to-choose."""
    session.refresh(issue, with_for_update=True)
    if which not in ("a", "b") or not issue.compared_people or issue.winner or issue.status not in ("sending", "held"):
        return Refusal("nothing-to-choose", "There is nothing to choose any more.")
    issue.winner, issue.compared = which, {**counted_of(session, issue), "why": "person"}
    session.flush()
    return which


def counted_of(session: Session, issue: Issue) -> dict[str, dict[str, int]]:
    """{"a": {"sent": 50, "clicked": 7}, "b": …}: people each, of those who take part."""
    followed = exists().where(LinkClick.delivery_id == Delivery.id, LinkClick.machine.is_(False)).correlate(Delivery)
    rows = session.execute(
        select(IssueRecipient.subject, func.count(), func.count().filter(followed))
        .join(
            Delivery,
            and_(
                Delivery.source == SOURCE,
                Delivery.source_id == IssueRecipient.issue_id,
                Delivery.contact_id == IssueRecipient.contact_id,
                Delivery.step == "",
            ),
        )
        .where(
            IssueRecipient.issue_id == issue.id,
            IssueRecipient.place < issue.compared_people,
            Delivery.state.in_(REACHED),
        )
        .group_by(IssueRecipient.subject)
    )
    found = {row[0]: {"sent": row[1], "clicked": row[2]} for row in rows}
    return {which: found.get(which, {"sent": 0, "clicked": 0}) for which in ("a", "b")}


def _better(counted: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """(winner, why): the larger share of people who clicked; the first subject when both are alike."""
    one, other = counted["a"], counted["b"]
    ahead = one["clicked"] * max(other["sent"], 1) - other["clicked"] * max(one["sent"], 1)
    if ahead == 0:
        return "a", "tie"
    return ("a" if ahead > 0 else "b"), "clicks"
