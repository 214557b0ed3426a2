"""Entry by event, questions about fields and calls, and the fence around what is of value."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from outreach.campaigns import editing, holding
from outreach.campaigns.entries import Moment, who_enters
from outreach.campaigns.models import Campaign
from outreach.campaigns.setup import ENTRIES
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact, Group, GroupMember
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.runtime import Runtime
from tests.campaigns.drips import (
    asks,
    call,
    drafted,
    email,
    group_of,
    live,
    published,
    stop_on,
    tick,
    wait,
    way_of,
)
from tests.people import Cast

RAMAN = "p.raman@lakeside.example"


def got(runtime: Runtime, address: str = RAMAN) -> list[str]:
    return [message.subject for message in runtime.transports["memory"].to(address)]


def touch(runtime: Runtime, contact_id: int, kind: str, **more: Any) -> None:
    with runtime.turn() as turn:
        turn.session.add(Touch(contact_id=contact_id, kind=kind, at=more.pop("at", turn.now), **more))


def pass_days(runtime: Runtime, clock: FrozenClock, days: int) -> None:
    for _ in range(days):
        clock.advance(timedelta(days=1))
        tick(runtime)


def test_the_first_referral_lets_in_once_and_the_second_does_not(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    touch(runtime, cast.okafor, "referred", at=clock.now() - timedelta(days=200))
    campaign_id = live(runtime, [call("Thank them")], entry="first-referral", again_days=1)
    tick(runtime)
    assert way_of(runtime, campaign_id, cast.raman) is None
    for each in (cast.raman, cast.okafor):
        touch(runtime, each, "referred", at=clock.now() + timedelta(hours=1))
    pass_days(runtime, clock, 5)
    touch(runtime, cast.raman, "referred")
    pass_days(runtime, clock, 3)
    assert way_of(runtime, campaign_id, cast.raman).occurrence == 1
    assert way_of(runtime, campaign_id, cast.okafor) is None
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Campaign, campaign_id).from_yield
        assert turn.session.scalars(select(Task.from_yield)).all() == [True]


def test_who_is_discharged_enters_so_many_days_later(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    today = clock.now().date()
    with runtime.turn() as turn:
        for contact_id, days_ago in ((cast.raman, 28), (cast.okafor, 40)):
            turn.session.get_one(Contact, contact_id).discharged_on = today - timedelta(days=days_ago)
    campaign_id = live(runtime, [email("Hello")], entry="discharged", days_after=30)
    pass_days(runtime, clock, 1)
    assert way_of(runtime, campaign_id, cast.raman) is None
    pass_days(runtime, clock, 4)
    assert got(runtime) == ["Hello"]
    assert way_of(runtime, campaign_id, cast.okafor) is None


def test_a_leap_day_has_its_anniversary_in_every_year(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).discharged_on = date(2024, 2, 29)
    clock.advance(date(2027, 2, 26) - clock.now().date())
    campaign_id = live(runtime, [call("Say hello")], entry="discharge-yearly", again_days=300)
    pass_days(runtime, clock, 1)
    assert way_of(runtime, campaign_id, cast.raman) is None
    pass_days(runtime, clock, 1)
    assert way_of(runtime, campaign_id, cast.raman).entered_at.date() == date(2027, 2, 28)
    pass_days(runtime, clock, 2)
    clock.advance(date(2028, 2, 28) - clock.now().date())
    tick(runtime)
    assert way_of(runtime, campaign_id, cast.raman).occurrence == 1
    pass_days(runtime, clock, 1)
    assert way_of(runtime, campaign_id, cast.raman).occurrence == 2


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ((2025, 1, 1, 1), (2026, 12, 31)),  # the evening of New Year's Eve in New York
        ((2025, 1, 1, 13), (2027, 1, 1)),
        ((2024, 2, 29, 12), (2027, 2, 28)),
        ((2024, 2, 29, 12), (2028, 2, 29)),
        ((2025, 3, 1, 12), (2028, 3, 1)),
    ],
)
def test_the_day_of_the_first_referral_is_the_practices_own(
    runtime: Runtime, cast: Cast, at: tuple[int, ...], day: tuple[int, int, int]
) -> None:
    touch(runtime, cast.raman, "referred", at=datetime(*at, tzinfo=UTC))  # type: ignore[arg-type, misc]
    zone = ZoneInfo("America/New_York")

    def entered(on: date) -> list[int]:
        now = datetime.combine(on, time(12), zone).astimezone(UTC)
        asked = who_enters("referral-yearly", Moment(now, now, zone, 0, runtime))
        assert asked is not None
        with runtime.turn(write=False) as turn:
            return list(turn.session.scalars(select(Contact.id).where(asked)))

    wanted = date(*day)
    around = [wanted + timedelta(days=off) for off in (-1, 0, 1)]
    assert [entered(on) for on in around] == [[], [cast.raman], []]


def test_each_referral_lets_in_where_that_is_asked(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    touch(runtime, cast.raman, "referred", at=clock.now() - timedelta(days=200))
    campaign_id = live(runtime, [call("Thank them")], entry="referral", again_days=1)
    tick(runtime)
    assert way_of(runtime, campaign_id, cast.raman) is None
    clock.advance(timedelta(hours=1))
    touch(runtime, cast.raman, "referred")
    pass_days(runtime, clock, 1)
    assert way_of(runtime, campaign_id, cast.raman).occurrence == 1


def test_new_contacts_and_guests_of_an_event_enter_when_it_happens(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    new = live(runtime, [call("Welcome them")], entry="new-contact")
    came = live(runtime, [call("Ask how it was")], entry="attended", days_after=2)
    clock.advance(timedelta(hours=1))
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).created_at = turn.now
    touch(runtime, cast.okafor, "attended")
    pass_days(runtime, clock, 1)
    assert way_of(runtime, new, cast.raman) is not None
    assert way_of(runtime, new, cast.okafor) is None
    assert way_of(runtime, came, cast.okafor) is None
    pass_days(runtime, clock, 1)
    assert way_of(runtime, came, cast.okafor) is not None
    assert way_of(runtime, came, cast.raman) is None


def test_every_event_can_be_asked_for_and_lapsing_lets_nobody_in_who_is_as_usual(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    made = [live(runtime, [call("Call")], entry=entry) for entry in ENTRIES if entry not in ("group", "hand")]
    pass_days(runtime, clock, 1)
    assert [way_of(runtime, each, cast.raman) for each in made] == [None] * len(made)


def test_a_condition_reads_any_coded_outcome_and_any_field(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    city = {"question": "field", "fact": "city", "op": "contains", "value": "Nowhere"}
    tree = [
        call("Call them"),
        wait(5),
        asks("outcome", [email("You got our message")], [email("We missed you")], outcome="left-message"),
        wait(20),
        {"kind": "condition", "yes": [call("Visit Nowhere")], "no": [], **city},
    ]
    live(runtime, tree)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).city = "Nowhere on Sea"
        for duty in turn.session.scalars(select(Task)):
            duty.closed_at = turn.now
            duty.outcome = "left-message" if duty.contact_id == cast.raman else "no-answer"
    clock.advance(timedelta(days=7))
    tick(runtime)
    assert got(runtime) == ["You got our message"]
    assert got(runtime, "s.okafor@northgate.example") == ["We missed you"]
    clock.advance(timedelta(days=30))
    tick(runtime)
    with runtime.turn(write=False) as turn:
        visits = turn.session.scalars(select(Task.contact_id).where(Task.title == "Visit Nowhere"))
        assert list(visits) == [cast.raman]


LUNCH = call("Offer a lunch", has_value=True)
UNFAIR: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "by the event": ([LUNCH], {"entry": "first-referral"}),
    "whoever refers goes without": ([LUNCH, stop_on("referred")], {}),
    "a way that ends in a lane": ([asks("referred", [stop_on()], []), LUNCH], {}),
    "a question about a field": ([asks("field", [LUNCH], [], fact="tier", op="is", value="A")], {}),
    "an email that offers it": ([asks("referred", [email("Lunch is on us")], [])], {}),
}


@pytest.mark.parametrize("how", UNFAIR)
def test_nothing_of_value_is_offered_by_referrals(runtime: Runtime, cast: Cast, how: str) -> None:
    tree, setup = UNFAIR[how]
    answer = published(runtime, drafted(runtime, tree, **setup))
    assert isinstance(answer, Refusal)
    assert "411.357" in answer.text


def test_a_campaign_of_value_is_not_started_because_of_a_referral(runtime: Runtime, cast: Cast) -> None:
    lunch = live(runtime, [LUNCH], entry="hand")
    answer = published(runtime, drafted(runtime, [email("Hello"), stop_on("referred", then_id=lunch)]))
    assert isinstance(answer, Refusal)
    assert "411.357" in answer.text
    plain = live(runtime, [call("Say hello")], entry="hand")
    live(runtime, [email("Hello"), stop_on("referred", then_id=plain)])
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, plain)
        editing.add_step(turn.session, now=turn.now, campaign=campaign, rev=1, by_id=1, kind="task", after="s1")
        editing.change_step(
            turn.session, now=turn.now, campaign=campaign, rev=2, by_id=1, key="s2", title="Bring a basket"
        )
    answer = published(runtime, plain)
    assert isinstance(answer, Refusal)
    assert "starts this campaign" in answer.text


def test_a_list_that_yield_filled_later_lets_nobody_in_and_holds_what_is_of_value(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    with runtime.turn() as turn:
        group = group_of(turn.session, "physician", now=turn.now)
        group.fixed, group.rules = True, {}
        turn.session.add(GroupMember(group_id=group.id, contact_id=cast.raman, since_at=turn.now))
    campaign_id = live(runtime, [email("Hello"), wait(2), LUNCH, wait(2), call("Ask")])
    tick(runtime)
    with runtime.turn() as turn:
        chosen = turn.session.scalars(select(Group)).one()
        chosen.from_yield = True
        turn.session.add(GroupMember(group_id=chosen.id, contact_id=cast.okafor, since_at=turn.now))
    pass_days(runtime, clock, 12)
    assert way_of(runtime, campaign_id, cast.okafor) is None
    with runtime.turn(write=False) as turn:
        assert set(turn.session.scalars(select(Task.title))) == {"Ask"}


@pytest.mark.parametrize("how", ["a lane", "a start"])
def test_a_list_that_yield_filled_later_offers_nothing_by_a_question_and_starts_nothing_of_value(
    runtime: Runtime, clock: FrozenClock, cast: Cast, how: str
) -> None:
    with runtime.turn() as turn:
        chosen = group_of(turn.session, "physician", now=turn.now, name="Friends")
        chosen_id = chosen.id
    lunch = live(runtime, [LUNCH], entry="hand")
    by = LUNCH if how == "a lane" else {"kind": "start", "campaign_id": lunch}
    live(runtime, [email("Hello"), wait(2), asks("group", [call("Ask"), by], [], group_id=chosen_id)])
    tick(runtime)
    with runtime.turn() as turn:
        turn.session.get_one(Group, chosen_id).from_yield = True
    pass_days(runtime, clock, 8)
    with runtime.turn(write=False) as turn:
        assert set(turn.session.scalars(select(Task.title))) == {"Ask"}


def test_whom_a_campaign_on_hold_could_not_take_in_is_a_task(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    second = live(runtime, [call("Ask")], entry="hand")
    with runtime.turn() as turn:
        held = turn.session.get_one(Campaign, second)
        name = held.name
        assert isinstance(holding.hold(turn.session, now=turn.now, campaign=held, by_id=None), holding.Left)
    live(runtime, [email("Hello"), {"kind": "start", "campaign_id": second}])
    pass_days(runtime, clock, 3)
    asked = select(Task).where(Task.contact_id == cast.raman)
    with runtime.turn() as turn:
        assert way_of(runtime, second, cast.raman) is None
        task = turn.session.scalars(asked).one()
        assert name in task.title
        assert task.closed_at is None
        holding.end(turn.session, now=turn.now, campaign=turn.session.get_one(Campaign, second), by_id=None)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(asked).one().outcome == "dropped", "nothing to be put into any more"
