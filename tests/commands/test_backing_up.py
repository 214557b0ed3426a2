"""A backup is whole, or there is none; holding and settling from the terminal."""

import sqlite3
import stat
from dataclasses import replace

import pytest
from sqlalchemy import select

from outreach import cli
from outreach.clock import SystemClock
from outreach.commands import backing_up, holding
from outreach.deliveries import outbox
from outreach.deliveries.guards import high_water
from outreach.deliveries.models import Delivery
from outreach.deliveries.transports.protocol import Unknown
from outreach.errors import OutreachError, SettingsError
from tests.deliveries.posting import memory, put, send, states

NOW = SystemClock().now()


@pytest.fixture(autouse=True)
def _on_sqlite(runtime):
    if "postgresql" in runtime.settings.database_url:
        pytest.skip("the commands copy a file")


def doubtful(runtime, *contacts, kind="drip"):
    memory(runtime).answers.extend([Unknown("cut")] * len(contacts))
    planned = put(runtime, *contacts, kind=kind, step=kind)
    send(runtime)
    return planned.ids


def test_a_backup_has_what_the_write_ahead_log_has_and_its_name_last(settings, runtime, cast):
    with sqlite3.connect(runtime.engine.url.database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM delivery").fetchone()
        put(runtime, cast.raman)
        copy = backing_up.back_up(settings, now=NOW)
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT count(*) FROM delivery").fetchone() == (1,)
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [each.name for each in copy.parent.iterdir() if not each.name.endswith(("-wal", "-shm"))] == [copy.name]


def test_a_copy_that_misses_rows_gets_no_name(settings, runtime, cast, monkeypatch):
    put(runtime, cast.raman)
    marks = backing_up._marks

    def forgets(engine):
        found = marks(engine)
        return replace(found, last_delivery=0) if ".part-" in str(engine.url) else found

    monkeypatch.setattr(backing_up, "_marks", forgets)
    with pytest.raises(SettingsError, match="is not whole"):
        backing_up.back_up(settings, now=NOW)
    assert list((settings.home / "backups").iterdir()) == []


def test_a_backup_that_cannot_be_written_leaves_nothing(settings, runtime, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backing_up, "on_disk", full)
    with pytest.raises(SettingsError, match="No space left"):
        backing_up.back_up(settings, now=NOW)
    assert list((settings.home / "backups").iterdir()) == []


def test_a_disk_without_room_for_the_folder_is_told_in_words(settings, runtime, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backing_up.Path, "mkdir", full)
    with pytest.raises(SettingsError, match="No space left"):
        backing_up.back_up(settings, now=SystemClock().now())


def test_a_damaged_file_is_no_backup(settings, runtime):
    copy = backing_up.back_up(settings, now=NOW)
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    copy.write_bytes(content)
    with pytest.raises(SettingsError, match=r"damaged|not a database"):
        backing_up.verified(copy)


def test_on_postgresql_without_pg_dump_it_says_so(settings, monkeypatch):
    monkeypatch.setattr(backing_up.shutil, "which", lambda name: None)
    server = replace(settings, database_url="postgresql+psycopg://somebody@database.example/outreach")
    with pytest.raises(SettingsError, match="pg_dump is not installed"):
        backing_up.back_up(server, now=NOW)


def test_pg_dump_is_given_no_password_to_show_and_leaves_no_half_file(settings, monkeypatch, tmp_path):
    tool = tmp_path / "pg_dump"
    tool.write_text(
        '#!/bin/sh\necho "$@" > "$(dirname "$0")/said"\necho "$PGPASSWORD" > "$(dirname "$0")/word"\nexit 1\n'
    )
    tool.chmod(0o700)
    monkeypatch.setattr(backing_up.shutil, "which", lambda name: str(tool))
    server = replace(settings, database_url="postgresql+psycopg://somebody:cedar@database.example/outreach")
    with pytest.raises(SettingsError, match="pg_dump failed"):
        backing_up.back_up(server, now=NOW)
    assert "cedar" not in (tmp_path / "said").read_text()
    assert (tmp_path / "word").read_text() == "cedar\n"
    assert list((settings.home / "backups").iterdir()) == []


def test_doubts_are_listed_and_settled_from_the_terminal(settings, runtime, cast, monkeypatch, capsys):
    ids = doubtful(runtime, cast.raman, cast.denise)
    doubtful(runtime, cast.okafor, kind="newsletter")
    monkeypatch.setattr(cli, "_settings", lambda mode=None: settings)
    assert cli.main(["unconfirmed", "list"]) == 0
    assert str(ids[cast.raman]) in capsys.readouterr().out
    assert cli.main(["unconfirmed", "resolve", str(ids[cast.raman]), "sent"]) == 0
    assert cli.main(["unconfirmed", "resolve", "--policy"]) == 0
    assert "1 email settled by the rules; 1 email wait for a person" in capsys.readouterr().out
    assert states(runtime) == {"sent": 2, "unconfirmed": 1}
    for wrong in (["resolve"], ["resolve", "x", "sent"], ["resolve", "1", "maybe"], ["list", "--policy"]):
        assert cli.main(["unconfirmed", *wrong]) == 1


def test_an_old_copy_is_resumed_from_the_terminal_when_it_is_said_twice(settings, runtime, cast):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        high_water.reserve(turn.session, 1)
    high_water.write(settings.home, 900)
    with pytest.raises(OutreachError, match=r"copy from before.*once more: outreach resume"):
        holding.resume(settings, None)
    with runtime.turn(write=False) as turn:
        assert "all" in outbox.held_scopes(turn.session)
        assert turn.session.scalars(select(Delivery.state)).all() == ["unconfirmed"]
    assert "goes on" in holding.resume(settings, None)


def test_a_campaign_that_is_not_there_is_not_held(settings, runtime):
    with pytest.raises(OutreachError, match="no campaign with the number 99"):
        holding.pause(settings, 99)
