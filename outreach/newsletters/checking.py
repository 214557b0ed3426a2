"""What is checked of an issue besides its words: its groups, its time, its second subject, its test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.drafts import Draft
from outreach.content.languages import LANGUAGES
from outreach.content.preflight import Finding
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import WEIGHTS
from outreach.deliveries.house import House
from outreach.deliveries.moved_words import moved_to, why_not_then
from outreach.deliveries.sets import is_one_of
from outreach.errors import Refusal
from outreach.newsletters import audience, comparing
from outreach.newsletters.audience import Reckoning
from outreach.newsletters.models import Issue
from outreach.newsletters.timing import When

BIG_CHANGE = 0.2
"""Ui-guide 5.4: a count that changed by more than a fifth since the last edit deserves a look."""
MOST_PERCENT = 50
_BATCH = 1000


@dataclass(frozen=True)
class Asked:
    """What the checks of one issue look at."""

    session: Session
    issue: Issue
    reckoning: Reckoning
    house: House
    over_cap: int
    when: When | Refusal


def own(asked: Asked) -> list[Finding]:
    """The findings of this room; each that does not pass links to its fix."""
    return [*_people(asked), *_comparison(asked), *_time(asked), *_test(asked)]


def drafts_of(issue: Issue) -> list[Draft]:
    """The message, and the same with the second subject when two are compared."""
    draft = Draft.from_json(issue.draft)
    return [draft, replace(draft, subject=issue.other_subject)] if issue.other_subject else [draft]


def of_second_subject(findings: Iterable[Finding]) -> list[Finding]:
    """What was found of the message with the second subject, said and linked as that."""
    return [
        Finding(finding.level, f"Second subject: {finding.text}", "#f-other_subject")
        if finding.fix == "#subject" and finding.level != "pass"
        else finding
        for finding in findings
    ]


def lately_written(session: Session, contact_ids: Sequence[int], *, at: datetime, now: datetime) -> int:
    """How many of these had, or will have, so much mail that this one would wait or not come at all."""
    found = 0
    for start in range(0, len(contact_ids), _BATCH):
        batch = contact_ids[start : start + _BATCH]
        found += capping.too_soon(session, batch, at=at, now=now, weight=WEIGHTS[audience.KIND])
    return found


def last_at(issue: Issue, first_at: datetime, over_cap: int) -> datetime:
    """The latest instant at which mail of the issue may leave: who had much mail waits, and so does the better of two
    subjects. What the issue quotes must be permitted until then."""
    waits = capping.LONGEST_WAIT[audience.KIND] if over_cap else timedelta(0)
    return first_at + max(waits, timedelta(hours=issue.compare_hours if issue.other_subject else 0))


def who_decides(session: Session, issue: Issue, ids: Sequence[int]) -> list[int]:
    """Those of the people who see one of two subjects: whoever reads the issue in another language sees its own."""
    languages = Draft.from_json(issue.draft).variants
    if not languages:
        return list(ids)
    others = select(Contact.id).where(is_one_of(session, Contact.id.expression, ids), Contact.language.in_(languages))
    reads_other = set(session.scalars(others))
    return [each for each in ids if each not in reads_other]


def _people(asked: Asked) -> list[Finding]:
    issue, people, found = asked.issue, asked.reckoning.people, []
    groups = f"/newsletters/{issue.id}/edit#groups"
    if not issue.group_ids:
        found.append(Finding("blocker", "No group is chosen yet.", groups))
    elif not people:
        found.append(Finding("blocker", "Nobody in the chosen groups can get it.", groups))
    if not asked.house.transports.names:
        found.append(Finding("blocker", "No way to send mail is set up.", "/outbox/transports"))
    if issue.counted and people and abs(people - issue.counted) > BIG_CHANGE * issue.counted:
        text = f"The groups were {issue.counted} people when they were chosen and are {people} now."
        found.append(Finding("warning", text, groups))
    if asked.over_cap:
        many = "1 person" if asked.over_cap == 1 else f"{asked.over_cap} people"
        text = f"{many} had as much mail as one person gets: theirs waits for its turn, a month at most."
        found.append(Finding("warning", text, groups))
    return found


def _comparison(asked: Asked) -> list[Finding]:
    issue, classes = asked.issue, asked.reckoning.classes
    edit = f"/newsletters/{issue.id}/edit#f-other_subject"
    if not issue.other_subject:
        return []
    draft = Draft.from_json(issue.draft)
    if issue.other_subject == draft.subject:
        return [Finding("blocker", "Both subjects are the same. Change one, or leave the second empty.", edit)]
    deciding = len(who_decides(asked.session, issue, asked.reckoning.ids))
    part = comparing.taking_part(deciding, issue.compare_percent)
    if part < comparing.FEWEST:
        text = f"Too few people to compare two subjects: {part} would take part, {comparing.FEWEST} are needed."
        enough = comparing.taking_part(deciding, MOST_PERCENT) >= comparing.FEWEST
        text += " Let more of them take part." if enough else " Leave the second subject empty."
        return [Finding("blocker", text, edit)]
    found = []
    if "client" in classes:
        text = "Links in mail to clients are not tracked: only clicks of the other readers decide between the subjects."
        found.append(Finding("blocker" if classes == ("client",) else "warning", text, edit))
    if others := asked.reckoning.people - deciding:
        names = " or ".join(LANGUAGES[code].label for code in draft.variants)
        who = f"1 person who reads it in {names} gets" if others == 1 else f"{others} people who read it in {names} get"
        text = f"The second subject stands in the main language only: {who} the subject of that language and"
        found.append(Finding("warning", f"{text} {'does' if others == 1 else 'do'} not decide.", edit))
    return found or [Finding("pass", f"Two subjects are compared on {part} people first")]


def _time(asked: Asked) -> list[Finding]:
    if isinstance(asked.when, Refusal):
        return []
    why = why_not_then(asked.session, asked.house, asked.when.wanted_at)
    if not why:
        return [Finding("pass", "It leaves inside your sending hours")]
    return [Finding("warning", f"{why}: the first mail leaves {moved_to(asked.house, asked.when.at)}.", "#when")]


def _test(asked: Asked) -> list[Finding]:
    if asked.issue.tested_at is None or asked.issue.tested_at < asked.issue.edited_at:
        return [Finding("warning", "No test was sent since the last edit.", "#test")]
    return [Finding("pass", "A test was sent since the last edit")]
