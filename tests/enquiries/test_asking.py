"""Asking for a favor: at most once in 180 days over all campaigns, with a page of one's own to pass on."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from outreach.campaigns import audience, drafting, enrolling, spacing
from outreach.campaigns.models import Campaign
from outreach.campaigns.setup import Setup
from outreach.deliveries import links
from outreach.errors import Refusal
from tests.campaigns.drips import drafted, email, published, tick
from tests.people import to_others


def passing(title):
    """An email with the reader's own page behind its button."""
    step = email(title)
    for block in step["draft"]["blocks"]:
        if block["type"] == "button":
            block["url"] = "{{ friend_url }}"
    step["draft"]["sponsored"] = "no"
    return step


@pytest.fixture
def two(runtime, clock):
    """Two live campaigns that ask former clients, and nothing else."""
    ids = []
    for title in ("Do you know somebody?", "A few words?"):
        made = drafted(runtime, [passing(title)], kind="former-client", topic="asks", entry="hand")
        answer = published(runtime, made)
        assert not isinstance(answer, Refusal), answer
        ids.append(made)
    clock.advance(timedelta(minutes=2))
    return ids


def put_in(runtime, cast, campaign_id):
    with runtime.turn() as turn:
        campaign = turn.session.get(Campaign, campaign_id)
        return enrolling.enroll_contact(
            turn.session, now=turn.now, world=runtime, campaign=campaign, contact_id=cast.marisol, by_id=None
        )


def reached(runtime, campaign_id):
    """(whom publishing would reach, who is left out and why)."""
    with runtime.turn(write=False) as turn:
        campaign = turn.session.get(Campaign, campaign_id)
        setup = Setup.from_json(drafting.shown_version(turn.session, campaign_id).settings)
        asked = {"now": turn.now, "world": runtime, "zone": ZoneInfo("America/New_York")}
        found = audience.reach_of(turn.session, campaign=campaign, setup=setup, **asked)
    return found.fresh, found.left_out


def test_nobody_is_asked_twice_in_180_days_and_the_page_is_their_own(runtime, cast, clock, visitor, two):
    first, second = two
    assert put_in(runtime, cast, first) is True
    answer = put_in(runtime, cast, second)
    assert answer.reason == "asked-lately", "she is being asked at the moment"
    assert reached(runtime, second) == ([], {"asked-lately": 1}), "the number that publishing names leaves her out too"
    tick(runtime)
    (mail,) = to_others(runtime)
    page = links.friend_page("https://outreach.cedarlane.example", runtime.key, cast.marisol)
    assert page in mail.html
    assert page in mail.text
    assert visitor.get(page.partition(".example")[2]).status_code == 200
    clock.advance(spacing.SPACING - timedelta(days=1))
    assert put_in(runtime, cast, second).reason == "asked-lately"
    clock.advance(timedelta(days=2))
    assert put_in(runtime, cast, second) is True
