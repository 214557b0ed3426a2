"""The watchdog over the ticks."""

from datetime import timedelta

from jobs import runner, watching
from jobs.catalog import job_named


def silent(runtime):
    with runtime.turn(write=False) as turn:
        return watching.silent_jobs(turn.session, now=turn.now)


def test_a_job_that_missed_three_ticks_is_named_alone(runtime, clock):
    assert silent(runtime) == [], "what never ran is not silent but new"
    for name in ("send", "purge-cards", "advance"):
        runner.tick(runtime, job_named(name))
    clock.advance(timedelta(minutes=2))
    assert silent(runtime) == []
    clock.advance(timedelta(minutes=3))
    runner.tick(runtime, job_named("advance"))
    assert silent(runtime) == ["send"]
    runner.tick(runtime, job_named("send"))
    assert silent(runtime) == []
