"""What a campaign brought: tasks that were done, and referrals within 90 days of each step and of entering."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.campaigns import results
from outreach.campaigns.drafting import shown_version
from outreach.campaigns.models import Campaign
from outreach.clock import FrozenClock
from outreach.contacts import tasks, timeline
from outreach.contacts.tasks import Task
from outreach.runtime import Runtime
from tests.campaigns.drips import call, email, live, tick
from tests.people import Cast


def test_a_call_counts_once_it_is_done_and_what_is_referred_within_90_days_of_it(
    runtime: Runtime, clock: FrozenClock, cast: Cast, maya: FlaskClient
) -> None:
    campaign_id = live(runtime, [call("Call them"), email("Hello")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    for days, contact_id in ((85, cast.raman), (10, cast.raman), (20, cast.okafor)):
        clock.advance(timedelta(days=days))
        with runtime.turn() as turn:
            duty = turn.session.scalars(select(Task).where(Task.contact_id == cast.raman, Task.closed_at.is_(None)))
            for each in duty:
                tasks.close(turn.session, each, now=turn.now, by_id=1, outcome="reached")
            timeline.add(turn.session, now=turn.now, contact_id=contact_id, kind="referred", at=turn.now)
    with runtime.turn(write=False) as turn:
        tree = shown_version(turn.session, campaign_id).steps
        found = results.results_of(turn.session, turn.session.get_one(Campaign, campaign_id), tree)
    called, mailed = found.steps
    assert (called.planned, called.sent, called.referred) == (2, 1, 1)
    assert (mailed.sent, mailed.referred) == (2, 1)
    assert (found.entered, found.referred) == (2, 1)
    assert "1 done" in maya.get(f"/campaigns/{campaign_id}").get_data(as_text=True)
