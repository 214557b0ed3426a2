"""What a worker holds in memory before it sends anything: libraries come with the work that needs them."""

import subprocess
import sys

import pytest

from tests.building.source import ROOT

pytestmark = pytest.mark.sqlite
HEAVY = ("numpy", "scipy", "fpdf", "reportlab", "gunicorn", "alembic")
"""Only reckoning the yield, printing and serving need these."""
ASKED = "import sys, outreach.commands.working; print([name for name in sys.argv[1:] if name in sys.modules])"


def test_a_worker_starts_without_the_libraries_that_only_some_jobs_need():
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *HEAVY], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]", "Import it in the function that uses it, as referrals.refreshing does."
