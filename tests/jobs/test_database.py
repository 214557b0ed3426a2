"""What must hold on both databases, and what PostgreSQL alone could get wrong."""

import threading

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from jobs import runner
from jobs.catalog import Job, minutes
from outreach.contacts.models import Contact
from outreach.practice.models import Practice

PRIVATE = "somebody@private.example"


def cut(runtime):
    """Every connection of the installation is cut, as when a server is restarted."""
    with runtime.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid != pg_backend_pid() AND backend_type = 'client backend'"
            )
        )


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "broken",
    [{"email": "maya@cedarlane.example"}, {"name": None}, {"created_at": PRIVATE}],
    ids=["unique", "not-null", "no-instant"],
)
def test_what_a_database_refuses_is_told_without_what_stood_in_the_row(runtime, turn, broken):
    row = {"name": PRIVATE, "email": PRIVATE, "fs_uniquifier": PRIVATE, "created_at": str(turn.now), **broken}
    add = text(
        "INSERT INTO person (name, email, fs_uniquifier, created_at, title, phone, active, single_key_shortcuts) "
        "VALUES (:name, :email, :fs_uniquifier, :created_at, '', '', true, true)"
    )
    with pytest.raises(DBAPIError) as refused:
        turn.session.execute(add, row)
    told = f"{refused.value} {refused.value.orig}"
    assert PRIVATE not in told
    assert "cedarlane" not in told
    turn.session.rollback()


def test_the_reading_engine_cannot_write(runtime):
    with pytest.raises(DBAPIError), runtime.turn(write=False) as turn:
        turn.session.execute(update(Practice).values(name="Mine"))


@pytest.mark.postgresql
def test_sessions_speak_utc_whatever_the_server_is_set_to(runtime):
    with runtime.turn() as turn:
        asked = [turn.session.scalar(text(f"SHOW {name}")) for name in ("timezone", "datestyle", "synchronous_commit")]
    assert asked[0] == "UTC"
    assert asked[1].startswith("ISO")
    assert asked[2] == "on"


@pytest.mark.postgresql
def test_a_connection_that_is_cut_between_two_turns_is_not_noticed(runtime):
    with runtime.turn() as turn:
        turn.session.scalar(select(Practice.name))
    cut(runtime)
    with runtime.turn() as turn:
        assert turn.session.scalar(select(Practice.name)) == "Cedar Lane Therapy"


@pytest.mark.postgresql
def test_a_connection_that_is_cut_within_a_turn_leaves_nothing(runtime):
    def half():
        with runtime.turn() as turn:
            turn.session.execute(update(Practice).values(name="Half"))
            cut(runtime)
            turn.session.execute(update(Practice).values(city="Done"))

    with pytest.raises(OperationalError):
        half()
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(Practice.name)) == "Cedar Lane Therapy"


@pytest.mark.postgresql
@pytest.mark.parametrize("after", ["the view", "the last word"])
def test_a_request_whose_connection_is_cut_is_answered_with_503_and_leaves_nothing(app, runtime, maya, after):
    def half() -> str:
        from outreach import screen

        screen.session().execute(update(Practice).values(name="Half"))
        cut(runtime)
        if after == "the view":
            screen.session().execute(update(Practice).values(city="Done"))
        return "never seen"

    app.view_functions["today.help_"] = half
    half.writes_on_get = True
    page = maya.get("/help")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(Practice.name)) == "Cedar Lane Therapy"
    assert maya.get("/contacts/").status_code == 200


@pytest.mark.postgresql
def test_a_batch_that_loses_a_deadlock_is_begun_again(runtime, cast):
    met = threading.Barrier(2, timeout=60)
    tried = {"forwards": 0, "backwards": 0}

    def job(name, ids):
        def call(turn, _runtime, _limit):
            tried[name] += 1
            turn.session.execute(update(Contact).where(Contact.id == ids[0]).values(prefix=name))
            if tried[name] == 1:
                met.wait()
            turn.session.execute(update(Contact).where(Contact.id == ids[1]).values(prefix=name))
            return 0

        return Job(name, call, minutes(1))

    pairs = {"forwards": (cast.raman, cast.okafor), "backwards": (cast.okafor, cast.raman)}
    threads = [threading.Thread(target=runner.work, args=(runtime, job(*pair))) for pair in pairs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(tried.values()) > len(pairs), "nobody lost, so nothing was begun again"
    with runtime.turn(write=False) as turn:
        left = set(turn.session.scalars(select(Contact.prefix).where(Contact.id.in_(pairs["forwards"]))))
    assert len(left) == 1
    assert left <= set(pairs)
