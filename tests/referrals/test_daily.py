"""The nightly refresh: once a local day, whatever runs twice."""

from datetime import timedelta

from sqlalchemy import func, select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts.standing import Standing
from outreach.referrals.models import ScoringRun
from outreach.runtime import Runtime


def runs(runtime: Runtime) -> int:
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count(ScoringRun.id))) or 0


def test_everyone_who_can_refer_is_scored_once_a_local_day(runtime: Runtime, clock: FrozenClock) -> None:
    work(runtime, job_named("refresh-yield"))
    work(runtime, job_named("refresh-yield"))
    assert runs(runtime) == 1
    clock.advance(timedelta(hours=14, minutes=1))
    work(runtime, job_named("refresh-yield"))
    assert runs(runtime) == 2, "midnight in New York has passed"
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count(Standing.contact_id))) == 6
