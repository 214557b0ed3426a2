"""An issue goes on paper to clients whom no email may reach, when a person says so before approving it."""

import pytest
from sqlalchemy import select, update

from jobs import runner
from jobs.catalog import job_named
from outreach.contacts.models import Contact
from outreach.deliveries.models import Delivery
from outreach.deliveries.paper import paper
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from outreach.errors import Refusal
from outreach.newsletters.models import Issue
from tests.newsletters.issues import approve, group, issue
from tests.people import post


class Outside(MemoryTransport):
    """A way out of the house under no agreement."""

    name = kind = "smtp"
    leaves_nothing = False


@pytest.fixture
def draft(runtime, cast):
    runtime.transports = Transports([Outside()])
    with runtime.turn() as turn:
        home = {"street": "44 Elm Street", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(home))
        return issue(turn, runtime, group(turn, "Friends", cast.raman, cast.marisol)).id


def ways(runtime):
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(select(Delivery.transport, Delivery.state).order_by(Delivery.transport))
        return [tuple(row) for row in rows]


def work(runtime, clock):
    with runtime.turn(write=False) as turn:
        due = turn.session.scalars(select(Issue.undo_until_at)).one()
    clock.set(due)
    for name in ("dispatch-newsletters", "send", "dispatch-newsletters"):
        runner.work(runtime, job_named(name))


def test_letters_are_counted_approved_and_keep_no_issue_open(runtime, cast, clock, maya, draft):
    page = maya.get(f"/newsletters/{draft}/review").get_data(as_text=True)
    assert "no way to send mail to clients" in page
    page = maya.get(f"/newsletters/{draft}/review?letters=yes").get_data(as_text=True)
    assert "1 person gets a letter to print" in page
    with runtime.turn(write=False) as turn:
        version = turn.session.get_one(Issue, draft).version
    form = {"version": version, "people": 2, "when": "now", "letters": "yes"}
    post(maya, f"/newsletters/{draft}/approve", form, form_at=f"/newsletters/{draft}/review?letters=yes")
    work(runtime, clock)
    assert ways(runtime) == [("print", "scheduled"), ("smtp", "sent")]
    with runtime.turn() as turn:
        assert turn.session.get_one(Issue, draft).status == "sent"
        sheet = paper.make_sheet(turn.session, now=turn.now, world=runtime, after=0, by_id=None)
        assert not isinstance(sheet, Refusal)
        today = turn.now.date()
        assert paper.mark_mailed(turn.session, sheet.id, now=turn.now, world=runtime, mailed_on=today, by_id=None) == 1


def test_without_the_option_clients_are_left_out(runtime, cast, clock, draft):
    with runtime.turn() as turn:
        approved = approve(turn, runtime, turn.session.get_one(Issue, draft), 1)
        assert not isinstance(approved, Refusal)
    work(runtime, clock)
    assert ways(runtime) == [("smtp", "sent")]
