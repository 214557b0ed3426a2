"""The table of jobs can be run as it stands."""

from datetime import timedelta

import pytest

from jobs import runner
from jobs.catalog import CATALOG, Job, job_named
from jobs.runner import work
from outreach.deliveries.guards import disk_guard
from outreach.runtime import Runtime
from outreach.screen import Turn


def test_every_job_has_a_name_of_its_own() -> None:
    names = [job.name for job in CATALOG]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and " " not in name and len(name) <= 60 for name in names)


@pytest.mark.parametrize("job", CATALOG, ids=lambda job: job.name)
def test_a_job_can_be_called_and_has_a_rhythm(job: Job) -> None:
    assert callable(job.call or job.own_turns)
    assert timedelta(seconds=1) <= job.every <= timedelta(days=1)
    assert job.batch > 0
    assert job_named(job.name) is job


@pytest.mark.parametrize("job", CATALOG, ids=lambda job: job.name)
def test_a_job_counts_what_it_handled_and_comes_to_rest(job: Job, runtime: Runtime) -> None:
    runner.work(runtime, job)
    assert runner.work(runtime, job) < job.batch, "the second run finds no full batch"


def test_a_slot_is_won_once(runtime: Runtime) -> None:
    job = CATALOG[0]
    assert runner.tick(runtime, job) is not None
    assert runner.tick(runtime, job) is None


def test_planning_waits_for_room_on_the_disk_and_everything_else_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_guard, "free_bytes", lambda settings: disk_guard.FLOOR_BYTES - 1)
    done: list[str] = []

    def call(_turn: Turn, _runtime: Runtime, _limit: int) -> int:
        done.append("x")
        return 0

    work(runtime, Job("planner", call, timedelta(minutes=1), plans=True))
    assert done == []
    work(runtime, Job("receipts", call, timedelta(minutes=1)))
    assert done == ["x"]
    monkeypatch.setattr(disk_guard, "free_bytes", lambda settings: disk_guard.FLOOR_BYTES)
    work(runtime, Job("planner", call, timedelta(minutes=1), plans=True))
    assert done == ["x", "x"]


def test_what_plans_mail_is_marked_so() -> None:
    assert {job.name for job in CATALOG if job.plans} == {
        "enroll", "advance", "import-contacts", "dispatch-newsletters", "remind-events", "tell-events",
        "follow-up-events", "dispatch-cards", "monday-digest", "morning-plan", "hand-over",
    }  # fmt: skip
