"""The last five weeks of the demo practice, lived through in virtual time with the practice's own verbs and jobs.

Nothing here is painted on: the campaign was published, the newsletter approved, the lunch invited to and answered, and
the worker's jobs carried it all out, hour by hour, into the preview inbox. Everything belongs to one frozen clock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from jobs import runner
from jobs.catalog import job_named
from outreach.clock import FrozenClock
from outreach.demo import doings, telling_stories
from outreach.demo.doings import Scene
from outreach.runtime import Runtime

FIRST_DAY = 36
HOURS = (9, 11, 14, 16)
JOBS = (
    "enroll",
    "advance",
    "dispatch-newsletters",
    "remind-events",
    "follow-up-events",
    "dispatch-cards",
    "apply-receipts",
    "send",
)


@dataclass(frozen=True)
class Moment:
    """Something that people did `ago` days before today at that hour; on a weekend it waits for the Monday."""

    ago: int
    do: Callable[[Scene], None]
    hour: int = 11


MOMENTS = (
    Moment(36, doings.plan_the_past_lunch),
    Moment(34, doings.publish_the_welcome),
    Moment(30, telling_stories.record_the_stories),
    Moment(24, doings.answer_the_past_lunch),
    Moment(20, doings.send_the_newsletter),
    Moment(19, doings.welcome_some_more),
    Moment(16, doings.plan_the_coming_lunch),
    Moment(12, doings.hold_the_past_lunch, hour=14),
    Moment(9, doings.welcome_some_more),
    Moment(8, doings.answer_the_coming_lunch),
    Moment(5, doings.make_the_card_list),
    Moment(3, doings.welcome_some_more),
    Moment(2, doings.promise_something),
    Moment(1, doings.draft_the_next_newsletter),
    Moment(1, doings.welcome_some_more),
)


def live(runtime: Runtime, *, now: datetime, zone: ZoneInfo, chance: Random) -> None:
    """The weeks up to `now` happened. The turns of this run see the day they play on."""
    clock = FrozenClock(now - timedelta(days=FIRST_DAY + 1))
    past = replace(runtime, clock=clock)
    today = now.astimezone(zone).date()
    waiting = list(MOMENTS)
    for ago in range(FIRST_DAY, -1, -1):
        day = today - timedelta(days=ago)
        for hour in HOURS:
            at = datetime.combine(day, time(hour, 5), zone)
            if at >= now:
                return
            clock.advance(at - clock.now())
            if day.weekday() < 5:
                for moment in _due(waiting, ago, hour):
                    _act(past, moment.do, chance, today)
            if day.weekday() < 5:
                _work(past)
                _act(past, doings.read_the_mail, chance, today)


def _due(waiting: list[Moment], ago: int, hour: int) -> Iterator[Moment]:
    while waiting and waiting[0].ago >= ago and hour >= waiting[0].hour:
        yield waiting.pop(0)


def _act(past: Runtime, do: Callable[[Scene], None], chance: Random, ends_on: date) -> None:
    with past.turn() as turn:
        do(Scene(turn.session, turn.now, past, chance, ends_on))


def _work(past: Runtime) -> None:
    for name in JOBS:
        runner.work(past, job_named(name))
