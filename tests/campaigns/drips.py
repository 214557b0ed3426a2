"""Campaigns as the tests of this room write them down."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import runner
from jobs.catalog import CATALOG
from outreach.campaigns import drafting, editing, publishing
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.campaigns.setup import Setup
from outreach.contacts.models import Group
from outreach.errors import Refusal
from outreach.runtime import Runtime

JOBS = ("enroll", "advance", "apply-receipts", "read-inbound-mail", "release-held", "send")
LINK = "https://cedarlane-therapy.health/refer"


def email(title: str, subject: str = "") -> dict[str, Any]:
    """An email step that passes its checks."""
    draft = {
        "subject": subject or title,
        "preview_line": "A line under the subject",
        "layout": "designed",
        "sponsored": "no",
        "blocks": [
            {"type": "greeting", "word": "Dear", "fallback": "colleague"},
            {"type": "text", "html": f"<p>{title}: we work nearby.</p>"},
            {"type": "button", "label": "How to refer", "url": LINK},
        ],
    }
    return {"kind": "email", "title": title, "draft": draft}


def wait(days: int, weekdays: list[int] | None = None) -> dict[str, Any]:
    return {"kind": "wait", "days": days, "weekdays": weekdays or [], "minute": 540}


def asks(question: str, yes: list[Any] | None = None, no: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"kind": "condition", "question": question, "yes": yes or [], "no": no or [], **more}


def call(title: str = "Call them", **more: Any) -> dict[str, Any]:
    return {"kind": "task", "task": "call", "title": title, "script": "", "owner_id": None, "has_value": False, **more}


def stop_on(*reasons: str, **more: Any) -> dict[str, Any]:
    return {"kind": "stop", "on": list(reasons), "then_id": None, "tell": False, **more}


def group_of(session: Session, kind: str, *, now: datetime, name: str = "", from_yield: bool = False) -> Group:
    """Everybody of that kind."""
    rules = {"all": [{"fact": "kind", "op": "is", "value": [kind]}]}
    group = Group(
        name=name or f"All of kind {kind}", rules=rules, from_yield=from_yield, created_at=now, updated_at=now
    )
    session.add(group)
    session.flush()
    return group


def drafted(runtime: Runtime, tree: list[dict[str, Any]], *, kind: str = "physician", **setup: Any) -> int:
    """A draft for everybody of a kind; answers its id."""
    with runtime.turn() as turn:
        group = turn.session.scalar(select(Group).where(Group.name == f"All of kind {kind}"))
        group = group or group_of(turn.session, kind, now=turn.now)
        made = editing.create(
            turn.session,
            now=turn.now,
            by_id=1,
            name="New physician welcome",
            setup=Setup.from_json({"group_id": group.id, **setup}),
            content=tree,
        )
        return made.id


def published(runtime: Runtime, campaign_id: int, **more: Any) -> CampaignVersion | Refusal:
    """The answer of publishing what stands in the draft now."""
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        draft = drafting.shown_version(turn.session, campaign_id)
        return publishing.publish(
            turn.session, now=turn.now, world=runtime, campaign=campaign, rev=draft.rev, by_id=1, **more
        )


def live(runtime: Runtime, tree: list[dict[str, Any]], **more: Any) -> int:
    """A live campaign; answers its id."""
    campaign_id = drafted(runtime, tree, **more)
    answer = published(runtime, campaign_id)
    assert not isinstance(answer, Refusal), answer
    return campaign_id


def tick(runtime: Runtime, *, rounds: int = 2, jobs: tuple[str, ...] = JOBS) -> None:
    """Whatever campaigns and the outbox have to do is done, twice, as an eager scheduler would."""
    for _ in range(rounds):
        for job in CATALOG:
            if job.name in jobs:
                runner.work(runtime, job)


def way_of(runtime: Runtime, campaign_id: int, contact_id: int) -> Enrollment:
    """The contact's last way through the campaign."""
    with runtime.turn(write=False) as turn:
        ways = select(Enrollment).filter_by(campaign_id=campaign_id, contact_id=contact_id)
        return turn.session.scalars(ways.order_by(Enrollment.occurrence.desc())).first()  # type: ignore[return-value]


def keys(runtime: Runtime, campaign_id: int) -> list[str]:
    """The keys of the main list."""
    with runtime.turn(write=False) as turn:
        return [step["key"] for step in drafting.shown_version(turn.session, campaign_id).steps]
