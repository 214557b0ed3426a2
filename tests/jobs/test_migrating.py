"""From nothing and from the first release to the tables of the program, on both databases, with what stood in them."""

import threading
from dataclasses import replace
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Date, DateTime, Engine, inspect, select, text

from outreach.commands import migrating, revisions
from outreach.contacts.search_models import is_ours
from outreach.db import make_engine
from outreach.deliveries.models import Delivery, Hold
from outreach.schema import load_all
from tests.deliveries.posting import crowd, put

AT = "2026-03-02 15:00:00"


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
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_from_nothing_to_the_tables_of_the_program(empty):
    migrating.migrate(empty)
    engine = make_engine(empty.database_url)
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, parents: (
            is_ours(name, kind, parents) and (kind != "table" or not name.startswith("procrastinate_"))
        ),
    }
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), load_all().metadata)
    assert found == []
    assert revisions.is_current(engine)
    assert migrating.migrate(empty) == "The database is up to date."
    engine.dispose()


def promises(engine: Engine) -> dict[str, object]:
    """What a comparison of tables does not see: checks, conditions of indexes, triggers."""
    seen, found = inspect(engine), {}
    for table in seen.get_table_names():
        if table.startswith(("procrastinate_", "alembic_")):
            continue
        found.update({f"{table}.{one['name']}": one["sqltext"] for one in seen.get_check_constraints(table)})
        for index in seen.get_indexes(table):
            options = {name: str(words) for name, words in index.get("dialect_options", {}).items()}
            columns = tuple(index.get("expressions") or index["column_names"])
            found[f"{table}.{index['name']}"] = (columns, bool(index["unique"]), options)
    listed = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    }
    with engine.connect() as connection:
        rows = connection.execute(text(listed[engine.dialect.name]))
        found.update({row[0]: row[1] for row in rows if not row[0].startswith("procrastinate_")})
    return found


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_checks_indexes_and_triggers_are_those_of_the_program(empty, runtime):
    migrating.migrate(empty)
    engine = make_engine(empty.database_url)
    assert promises(engine) == promises(runtime.engine)
    engine.dispose()


def test_who_had_an_address_already_keeps_their_row_without_its_hash(empty):
    first = ScriptDirectory(str(revisions.FOLDER)).get_bases()[0]
    engine = migrating._engine_without_cascades(empty.database_url)
    at = AT
    row = {"source": "newsletter", "source_id": 1, "step": "", "occurrence": "", "message_id": 1, "kind": "newsletter"}
    row |= {"mail_class": "commercial", "topic": "newsletter", "audience_class": "provider", "email": "a@b.example"}
    row |= {"to_name": "", "address_hash": "h" * 64, "details": "{}", "reason": "", "priority": 0, "zone": "UTC"}
    row |= {"not_before_at": at, "due_at": at, "attempts": 0, "fact_rank": 0, "last_error": "", "created_at": at}
    row |= {"updated_at": at}
    message = {"id": 1, "digest": "d", "kind": "newsletter", "mail_class": "commercial", "topic": "", "subject": ""}
    message |= dict.fromkeys(("audiences", "links", "details", "groups"), "[]")
    message |= {"segments": "{}", "draft": "{}", "made_at": at}
    with engine.connect() as connection:
        command.upgrade(migrating._config(connection), first)
        for table, values in (
            ("message", message),
            ("delivery", row | {"state": "sent", "sent_at": at}),
            ("delivery", row | {"state": "duplicate-address"}),
        ):
            names = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608
        connection.commit()
    migrating.migrate(empty)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT state, address_hash FROM delivery ORDER BY id")).all()
    assert [tuple(one) for one in kept] == [("sent", "h" * 64), ("duplicate-address", None)]
    engine.dispose()


def test_what_stood_in_the_first_release_is_kept(empty):
    first = ScriptDirectory(str(revisions.FOLDER)).get_bases()[0]
    engine = migrating._engine_without_cascades(empty.database_url)
    with engine.connect() as connection:
        command.upgrade(migrating._config(connection), first)
        connection.execute(text("INSERT INTO role (id, name, description) VALUES (1, 'administrator', '')"))
        needed = [one for one in inspect(connection).get_columns("contact") if not one["nullable"]]
        person = {one["name"]: AT if isinstance(one["type"], Date | DateTime) else "" for one in needed}
        person |= dict.fromkeys(("stark_physician", "advocate"), False)
        person |= {"id": 1, "version": 1, "kind": "provider", "added_on": AT[:10], "birthday_on": "1984-02-29"}
        person.pop("audience_class", None)
        places = ", ".join(f":{name}" for name in person)
        connection.execute(text(f"INSERT INTO contact ({', '.join(person)}) VALUES ({places})"), person)  # noqa: S608
        connection.commit()
    migrating.migrate(empty)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM role")) == "administrator"
        assert str(connection.scalar(text("SELECT birthday_on FROM contact"))) == "2000-02-29", "nobody's year is kept"
        holds = connection.execute(text("SELECT why, lifted_at FROM delivery_hold")).all()
    if ScriptDirectory(str(revisions.FOLDER)).get_current_head() != first:
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
