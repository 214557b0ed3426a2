"""From nothing and from the first release to the tables of the program, on both databases, with what stood in them."""

import threading
from dataclasses import replace
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select, text

from outreach.commands import migrating
from outreach.db import make_engine
from outreach.deliveries.models import Delivery, Hold
from outreach.schema import load_all
from tests.deliveries.posting import crowd, put


@pytest.fixture
def empty(request, settings, tmp_path):
    """Settings of an installation whose database has nothing in it."""
    if settings.database_url.startswith("sqlite"):
        yield replace(settings, database_url=f"sqlite:///{tmp_path / 'empty.db'}")
        return
    server, name = request.getfixturevalue("postgres_server"), f"outreach_empty_{uuid4().hex[:8]}"
    yield replace(settings, database_url=server.create(name))
    server.drop(name)


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_from_nothing_to_the_tables_of_the_program(empty):
    migrating.migrate(empty)
    engine = make_engine(empty.database_url)
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, _parents: kind != "table" or not name.startswith("procrastinate_"),
    }
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), load_all().metadata)
    assert found == []
    assert migrating.is_current(engine)
    assert migrating.migrate(empty) == "The database is up to date."
    engine.dispose()


def test_what_stood_in_the_first_release_is_kept(empty):
    first = ScriptDirectory(str(migrating.FOLDER)).get_bases()[0]
    engine = create_engine(empty.database_url)
    with engine.connect() as connection:
        command.upgrade(migrating._config(connection), first)
        connection.execute(text("INSERT INTO role (id, name, description) VALUES (1, 'administrator', '')"))
        connection.commit()
    migrating.migrate(empty)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM role")) == "administrator"
        holds = connection.execute(text("SELECT why, lifted_at FROM delivery_hold")).all()
    if ScriptDirectory(str(migrating.FOLDER)).get_current_head() != first:
        assert [(why, lifted is not None) for why, lifted in holds] == [(migrating.WHY, True)]
    engine.dispose()


@pytest.mark.postgresql
def test_two_hosts_that_migrate_at_once_do_no_harm(empty):
    words = []
    threads = [threading.Thread(target=lambda: words.append(migrating.migrate(empty))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(words) == 2


def test_nothing_leaves_while_tables_change_and_what_is_under_way_is_waited_for(runtime, clock, monkeypatch):
    put(runtime, *crowd(runtime, 1))
    monkeypatch.setattr(migrating, "LONGEST_CALL_SECONDS", 0.0)
    with migrating._sending_paused(runtime.engine), runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(Hold.why).where(Hold.lifted_at.is_(None))) == migrating.WHY
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Hold).where(Hold.lifted_at.is_(None))).all() == []
        assert turn.session.scalar(select(Delivery.state)) == "scheduled"


def test_a_hold_of_a_person_stays_after_a_migration(runtime, turn):
    turn.session.add(Hold(scope="all", since_at=turn.now, why="We moved house"))
    turn.session.commit()
    with migrating._sending_paused(runtime.engine):
        pass
    assert turn.session.scalar(select(Hold.why).where(Hold.lifted_at.is_(None))) == "We moved house"
