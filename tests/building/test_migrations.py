"""The revisions lead from nothing to the tables that the program expects, and a failed one leaves nothing behind."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from outreach.commands import migrating, revisions
from outreach.config import Settings
from outreach.contacts.search_models import is_ours
from outreach.db import make_engine
from outreach.schema import load_all


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    return Settings(mode="test", home=tmp_path, database_url=f"sqlite:///{tmp_path / 'm.db'}", secret_key=b"m" * 64)


@pytest.fixture
def migrated(place: Settings) -> Iterator[Engine]:
    migrating.migrate(place)
    engine = make_engine(place.database_url)
    yield engine
    engine.dispose()


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_from_nothing_to_the_tables_of_the_program(migrated: Engine) -> None:
    with migrated.connect() as connection:
        compared = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
        differences = compare_metadata(compared, load_all().metadata)
    assert differences == []
    assert revisions.is_current(migrated)


def test_the_revisions_are_one_line() -> None:
    script = ScriptDirectory(str(revisions.FOLDER))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert revisions.newest() == script.get_current_head()


def test_foreign_keys_hold_again_after_a_migration(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


def test_an_older_database_is_copied_before_it_is_changed(place: Settings, migrated: Engine) -> None:
    with sqlite3.connect(place.home / "m.db") as older:
        older.execute("UPDATE alembic_version SET version_num = 'long-ago'")
    older.close()
    with pytest.raises(Exception, match="long-ago"):
        migrating.migrate(place)
    assert list((place.home / "backups").glob("before-*.db"))
