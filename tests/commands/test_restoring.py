"""Whatever a backup is, and wherever a restore breaks off, there is a database that it is safe to go on with."""

import sqlite3
from pathlib import Path

import pytest

from outreach.clock import SystemClock
from outreach.commands import backing_up, restoring
from outreach.errors import SettingsError
from tests.commands.test_keeping import fresh

__all__ = ["fresh"]
NOW = SystemClock().now()


def read(file, question):
    with sqlite3.connect(file) as opened:
        return opened.execute(question).fetchall()


@pytest.fixture
def database(fresh):
    """The file, with a mark by which it is known again."""
    file = fresh.home / "outreach.db"
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE TABLE mine (id INTEGER)")
    return file


def is_mine(database):
    return bool(read(database, "SELECT name FROM sqlite_master WHERE name = 'mine'"))


def left_over(fresh):
    return [each.name for each in fresh.home.iterdir() if "restored" in each.name]


def changed(fresh, tmp_path, statement):
    copy = backing_up.back_up(fresh, now=NOW, to=tmp_path / "changed.db")
    with sqlite3.connect(copy) as opened:
        opened.execute(statement)
    return copy


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE alembic_version", "none of Outreach"),
        ("DELETE FROM alembic_version", "none of Outreach"),
        ("UPDATE alembic_version SET version_num = 'fffffffffffe'", "newer Outreach"),
    ],
)
def test_what_is_not_ours_never_takes_the_databases_place(fresh, database, tmp_path, statement, words):
    with pytest.raises(SettingsError, match=words):
        restoring.restore(fresh, changed(fresh, tmp_path, statement), now=NOW)
    assert is_mine(database)
    assert left_over(fresh) == []


def test_another_programs_database_never_takes_the_databases_place(fresh, database, tmp_path):
    other = tmp_path / "places.db"
    with sqlite3.connect(other) as opened:
        opened.execute("CREATE TABLE places (id INTEGER)")
    with pytest.raises(SettingsError, match="none of Outreach"):
        restoring.restore(fresh, other, now=NOW)
    assert is_mine(database)


@pytest.mark.parametrize("at", ["migrate", "_hold", "_kept_beside"])
def test_a_restore_that_breaks_off_leaves_the_database_as_it_was(fresh, database, tmp_path, monkeypatch, at):
    copy = changed(fresh, tmp_path, "DROP TABLE mine")

    def breaks(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, at, breaks)
    with pytest.raises(KeyboardInterrupt):
        restoring.restore(fresh, copy, now=NOW)
    assert is_mine(database)
    assert left_over(fresh) == []


def test_when_it_stands_in_its_place_it_is_on_hold_already(fresh, database, tmp_path, monkeypatch):
    copy = changed(fresh, tmp_path, "DROP TABLE mine")
    place, seen = Path.replace, []

    def cut_off_right_after(self, target):
        done = place(self, target)
        if Path(target) == database:
            seen.extend(read(database, "SELECT scope FROM delivery_hold WHERE lifted_at IS NULL"))
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "replace", cut_off_right_after)
    with pytest.raises(KeyboardInterrupt):
        restoring.restore(fresh, copy, now=NOW)
    assert seen == [("all",)]
    assert not is_mine(database)
    assert [is_mine(each) for each in (fresh.home / "backups").glob("replaced-*.db")] == [True]
