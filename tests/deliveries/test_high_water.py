"""A database that has forgotten hand-overs, or stands twice in the world, sends nothing by itself."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.deliveries.guards import high_water
from outreach.deliveries.guards.high_water_models import HighWater
from outreach.runtime import Runtime, open_runtime


def reserve(runtime: Runtime, count: int) -> int:
    with runtime.turn() as turn:
        number = high_water.reserve(turn.session, count)
    high_water.write(runtime.settings.home, number)
    return number


def why(runtime: Runtime) -> str | None:
    with runtime.turn(write=False) as turn:
        return high_water.old_copy(turn.session, runtime.settings.home)


def set_row(runtime: Runtime, **values: object) -> None:
    with runtime.turn() as turn:
        turn.session.execute(update(HighWater).values(**values))


def test_a_new_installation_is_no_copy_and_its_number_only_rises(runtime: Runtime) -> None:
    assert why(runtime) is None
    assert (reserve(runtime, 20), reserve(runtime, 5)) == (20, 25)
    assert high_water.read(runtime.settings.home) == 25
    assert why(runtime) is None


def test_a_worker_that_died_between_commit_and_file_is_no_copy(runtime: Runtime) -> None:
    reserve(runtime, 20)
    with runtime.turn() as turn:
        high_water.reserve(turn.session, 5)
    assert why(runtime) is None


def test_of_two_writers_the_larger_number_stays(tmp_path: Path) -> None:
    high_water.write(tmp_path, 12)
    high_water.write(tmp_path, 10)
    assert high_water.read(tmp_path) == 12
    assert (tmp_path / high_water.FILE).stat().st_mode & 0o077 == 0


def test_a_database_behind_its_file_is_noticed(runtime: Runtime) -> None:
    reserve(runtime, 20)
    high_water.write(runtime.settings.home, 21)
    assert why(runtime) == high_water.WHY_BEHIND


def test_an_empty_database_beside_an_old_file_is_noticed(runtime: Runtime) -> None:
    high_water.write(runtime.settings.home, 300)
    assert why(runtime) == high_water.WHY_BEHIND


@pytest.mark.parametrize("damage", [None, b"", b"garbage", b"00000000000000000020 0123456789abcdef\n"])
def test_a_missing_or_damaged_file_is_noticed(runtime: Runtime, damage: bytes | None) -> None:
    reserve(runtime, 20)
    file = runtime.settings.home / high_water.FILE
    file.unlink() if damage is None else file.write_bytes(damage)
    if "postgresql" in runtime.settings.database_url:
        assert why(runtime) is None  # another host's worker has a file of its own
    else:
        assert why(runtime) == high_water.WHY_NO_FILE


def test_another_machine_is_noticed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("1f\n")
    monkeypatch.setattr(high_water, "MACHINE_FILES", (tmp_path / "none", tmp_path / "machine-id"))
    reserve(runtime, 1)
    if "postgresql" in runtime.settings.database_url:
        return
    set_row(runtime, machine="another")
    assert why(runtime) == high_water.WHY_MACHINE


def test_a_whole_folder_copied_elsewhere_is_noticed(settings: Settings, clock: FrozenClock, tmp_path: Path) -> None:
    if "postgresql" in settings.database_url:
        return
    original = open_runtime(settings, clock=clock)
    reserve(original, 1)
    original.close()
    there = tmp_path / "clone"
    there.mkdir()
    for name in ("outreach.db", high_water.FILE):
        shutil.copy(tmp_path / name, there / name)
    clone = open_runtime(replace(settings, home=there, database_url=f"sqlite:///{there / 'outreach.db'}"), clock=clock)
    assert why(clone) == high_water.WHY_PLACE
    clone.close()


def test_after_a_person_accepted_it_the_copy_goes_on_from_the_larger_number(runtime: Runtime) -> None:
    reserve(runtime, 20)
    high_water.write(runtime.settings.home, 500)
    with runtime.turn() as turn:
        high_water.accept(turn.session, runtime.settings.home, now=turn.now)
    assert why(runtime) is None
    assert reserve(runtime, 1) == 501


@pytest.mark.parametrize(("column", "value", "expected"), [
    ("cluster", "7000000000000000001", high_water.WHY_CLUSTER), ("timeline", 99, high_water.WHY_TIMELINE),
])  # fmt: skip
def test_another_server_or_a_promoted_standby_is_noticed(
    runtime: Runtime, column: str, value: object, expected: str
) -> None:
    reserve(runtime, 1)
    if "postgresql" not in runtime.settings.database_url:
        assert why(runtime) is None
        return
    set_row(runtime, **{column: value})
    assert why(runtime) == expected
