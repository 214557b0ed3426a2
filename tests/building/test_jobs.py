"""The table of jobs can be run as it stands."""

from datetime import timedelta

import pytest

from jobs import runner
from jobs.catalog import CATALOG, Job, job_named
from outreach.runtime import Runtime


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
