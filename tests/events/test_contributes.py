"""What events and stories lend to the rooms below: a card in mail, group facts without yield, a warning in time."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from outreach.contacts import groups
from outreach.contacts.models import Group
from outreach.content.drafts import Draft
from outreach.content.models import Message
from outreach.content.preflight import check
from outreach.content.publishing import keep
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.events import rescheduling
from outreach.events.contributes import GROUP_FACTS, TIMELINE_KINDS
from outreach.events.models import Event
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import lunch_with, plan
from tests.people import Cast
from tests.stories_room.permissions import signed


def with_card(turn: Turn, runtime: Runtime, event: Event) -> Message | Refusal:
    draft = Draft(subject="News", blocks=[{"type": "event", "event_id": str(event.id)}])
    return keep(turn.session, now=turn.now, world=runtime, draft=draft, kind="newsletter", by_id=None)


def test_a_newsletter_shows_the_day_and_place_of_an_event(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    kept = with_card(turn, runtime, plan(turn, cast, title="Falls & balance {{ first_name }}"))
    assert isinstance(kept, Message)
    shown = render(kept, {})
    assert "Thursday, March 26, 12:15 to 1:15 pm (EDT)" in shown.html
    assert "Falls &amp; balance { first_name }" in shown.html
    assert "Conference room" in shown.text


def test_a_cancelled_event_is_not_advertised(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
    refused = with_card(turn, runtime, event)
    assert isinstance(refused, Refusal)
    assert refused.reason == "event-cancelled"


def test_nothing_that_events_lend_rests_on_yield() -> None:
    assert not any(fact.from_yield for fact in GROUP_FACTS)
    assert not any(kind.from_yield for kind in TIMELINE_KINDS)


def test_a_group_can_ask_who_was_invited(runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    with runtime.turn() as turn:
        rules = {"all": [{"fact": "invited-event", "op": "within-days", "value": 30}]}
        group = Group(name="Invited lately", rules=rules, created_at=turn.now, updated_at=turn.now)
        turn.session.add(group)
        turn.session.flush()
        zone = ZoneInfo("America/New_York")
        found = groups.members(group, now=turn.now, zone=zone, facts=runtime.group_facts)
        assert turn.session.scalars(select(found.subquery())).all() == [cast.raman]


def test_a_quote_whose_permission_ends_soon_is_warned_about(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = signed(turn, cast, runtime, expires_on=date(2026, 4, 20))
    draft = Draft(subject="News", blocks=[{"type": "quote", "authorization_id": str(permission.id)}])
    found = check(
        turn.session,
        now=turn.now,
        world=runtime,
        draft=draft,
        kind="newsletter",
        first_send_at=turn.now,
        last_send_on=turn.now.date() + timedelta(days=1),
    )
    assert [one.level for one in found if "ends on Apr 20" in one.text] == ["warning"]
