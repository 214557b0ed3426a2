"""Issues and groups for the tests of this room: short ways to make them."""

from typing import Any

from outreach.contacts.models import Group, GroupMember
from outreach.content.drafts import Draft
from outreach.newsletters import approving, editing
from outreach.newsletters.models import Issue
from outreach.runtime import Runtime
from outreach.screen import Turn

SPRING = Draft(
    sponsored="no",
    subject="Spring news",
    preview_line="Openings and a tip",
    blocks=[
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {"type": "text", "html": "<p>Two openings at our hand clinic.</p>"},
        {"type": "button", "label": "See the openings", "url": "https://cedarlane.example/openings"},
    ],
)


def group(turn: Turn, name: str, *contact_ids: int, **columns: Any) -> Group:
    """A fixed list, or a group by rules when `rules` are given."""
    made = Group(name=name, fixed="rules" not in columns, created_at=turn.now, updated_at=turn.now, **columns)
    turn.session.add(made)
    turn.session.flush()
    for each in contact_ids:
        turn.session.add(GroupMember(group_id=made.id, contact_id=each, since_at=turn.now))
    turn.session.flush()
    return made


def issue(turn: Turn, runtime: Runtime, *groups: Group, draft: Draft = SPRING, title: str = "Spring") -> Issue:
    """A draft to these groups."""
    made = editing.start(turn.session, now=turn.now, by_id=None, title=title)
    saved = editing.save(
        turn.session,
        made,
        now=turn.now,
        world=runtime,
        by_id=None,
        version=made.version,
        title=title,
        draft=draft,
        group_ids=[one.id for one in groups],
    )
    assert saved is made
    return made


def approve(turn: Turn, runtime: Runtime, made: Issue, people: int, **more: Any) -> Any:
    """Approved as a person does who saw `people` on the page."""
    more = {"version": made.version, **more}
    return approving.approve(turn.session, made, now=turn.now, world=runtime, by_id=None, people=people, **more)


def an_issue(runtime: Runtime, *contact_ids: int, approved: bool = True) -> int:
    """The id of an issue to a fixed list of these people."""
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "These people", *contact_ids))
        if approved:
            assert approve(turn, runtime, made, len(contact_ids)) is made
        return made.id


def dispatch(runtime: Runtime, limit: int = 500) -> int:
    """The tick, once."""
    from outreach.newsletters import dispatching

    with runtime.turn() as turn:
        return dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=limit)
