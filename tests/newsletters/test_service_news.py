"""A change in the service catalogue drafts what is new."""

from datetime import timedelta

from sqlalchemy import select

from outreach.contacts.tasks import Task
from outreach.content.drafts import Draft
from outreach.content.preflight import blocked
from outreach.newsletters import editing
from outreach.newsletters.models import Issue
from outreach.newsletters.service_news import draft_news
from outreach.practice import cataloguing
from outreach.practice.models import Service
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import message
from tests.content.test_preflight import findings


def test_what_changed_stands_in_one_draft_once_it_is_quiet(runtime: Runtime, turn: Turn) -> None:
    known = turn.session.scalars(select(Service).order_by(Service.id).limit(1)).one()
    said = {"now": turn.now, "today": turn.now.date(), "by_id": None}
    cataloguing.save(turn.session, None, name="Balance {{ x }}", discipline="PT", ages="65 & up", **said)
    cataloguing.save(
        turn.session, known, name=known.name, discipline=known.discipline, ages="all", telehealth=True, **said
    )
    assert draft_news(turn.session, now=turn.now + timedelta(minutes=5)) == 0
    later = turn.now + timedelta(minutes=11)
    assert draft_news(turn.session, now=later) == 1
    assert draft_news(turn.session, now=later) == 0
    issue = turn.session.scalars(select(Issue)).one()
    assert (issue.status, issue.group_ids, issue.title) == ("draft", [], "What’s new in our services")
    task = turn.session.scalars(select(Task)).one()
    assert (task.title, task.closed_at) == ("Tell people: “What’s new in our services” is drafted", None)
    assert editing.put_away(turn.session, issue, now=later)
    assert not turn.session.scalars(select(Task).where(Task.closed_at.is_(None))).all()
    draft = Draft.from_json(issue.draft)
    assert "Balance (( x )) is new." in draft.blocks[1]["html"]
    assert f"{known.name}: there is news about ages and video visits." in draft.blocks[1]["html"]
    assert [block["type"] for block in draft.blocks].count("service") == 2
    assert not blocked(findings(runtime, turn, draft))
    assert message(runtime, turn, draft, "newsletter")
