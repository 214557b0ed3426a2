"""Who may import whom: the contracts of import-linter, and the outside packages that have one place each."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.building.source import ROOT, imported, name_of, product

SCREENS = {"views", "public", "forms", "fields"}
FLASK = {"outreach/web.py", "outreach/cli.py", "outreach/screen.py", "outreach/ui.py"}
FLASK |= {"outreach/practice/signing_in.py", "outreach/practice/sessions.py"}
ONE_PLACE = {
    "sendgrid": "outreach/deliveries/transports/",
    "apscheduler": "jobs/on_apscheduler.py",
    "procrastinate": "jobs/on_procrastinate.py",
    "gunicorn": "outreach/commands/serving.py",
    "alembic": ("outreach/commands/migrating.py", "outreach/migrations/"),
}
NOT_A_ROOM = {"__init__"}


def test_the_contracts_of_architecture_are_kept() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_every_part_of_the_package_stands_in_a_layer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(next(c for c in settings["contracts"] if c["id"] == "downhill")["layers"])
    placed = {word.strip("()") for word in layers.replace("|", " ").replace(":", " ").split()}
    parts = {
        f"outreach.{path.stem}"
        for path in (ROOT / "outreach").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem not in NOT_A_ROOM
    }
    assert parts - placed == set()


@pytest.mark.parametrize("package", ONE_PLACE)
def test_an_outside_package_is_known_in_one_place(package: str) -> None:
    strangers = [
        name_of(path)
        for path in product()
        if any(module.split(".")[0] == package for module in imported(path))
        and not name_of(path).startswith(ONE_PLACE[package])
    ]
    # The worker names the type of what the scheduler tells it; nothing else.
    assert strangers in ([], ["outreach/commands/working.py"])


def test_only_screens_know_flask() -> None:
    strangers = [
        name_of(path)
        for path in product()
        if any(module.split(".")[0] == "flask" for module in imported(path))
        and name_of(path) not in FLASK
        and not SCREENS & set(path.stem.split("_"))
    ]
    assert strangers == []


def test_only_doors_and_tests_compose_a_runtime() -> None:
    composers = {name_of(path) for path in product() if "open_runtime" in path.read_text()}
    allowed = {"outreach/runtime.py", "wsgi.py", "jobs/__main__.py"}
    assert {name for name in composers - allowed if not name.startswith("outreach/commands/")} == set()
