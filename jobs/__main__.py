"""`python -m jobs list` shows the table; `python -m jobs run NAME` works off one job now."""

import sys

from jobs import runner
from jobs.catalog import CATALOG, job_named
from outreach.config import settings_from
from outreach.runtime import open_runtime


def main(arguments: list[str]) -> int:
    """Exit status 0 when done, 2 when the words are off."""
    match arguments:
        case ["list"]:
            for job in CATALOG:
                print(f"{job.name:30} every {job.every}   {job.batch} at a time")
            return 0
        case ["run", name] if any(job.name == name for job in CATALOG):
            runtime = open_runtime(settings_from())
            print(f"{name}: {runner.work(runtime, job_named(name))} handled")
            runtime.close()
            return 0
    print("Usage: python -m jobs list | run NAME", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
