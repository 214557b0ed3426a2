"""The doctor names everything that is unsafe, and its exit status says so."""

import os
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, update

from outreach import cli, jobruns
from outreach.clock import SystemClock
from outreach.commands import backing_up, examining
from outreach.db import make_engine
from outreach.deliveries import outbox, spooling, steering
from outreach.deliveries.guards import disk_guard, ground, high_water
from outreach.deliveries.models import LEDGER
from outreach.errors import SettingsError
from outreach.jobruns import JobRun
from outreach.practice.models import Practice
from outreach.runtime import open_runtime
from tests.deliveries.posting import put

NOW = SystemClock().now()


@pytest.fixture
def safe(settings, runtime, monkeypatch):
    """An installation of a practice in which everything is well."""
    monkeypatch.setattr(examining, "is_current", lambda engine: True)
    with runtime.turn() as turn:
        at = SystemClock().now()
        turn.session.add(JobRun(job="send", slot_at=at, started_at=at))
        turn.session.execute(update(Practice).values(inbound_domain=""))
    settings.home.chmod(0o700)
    for name in ("outreach.db", "secret.key"):
        if (settings.home / name).exists():
            (settings.home / name).chmod(0o600)
    return replace(
        settings, mode="run", secret_key=os.urandom(32), second_factor_required=True, sendgrid_webhook_key=None
    )


def said(settings):
    well, lines = examining.examine(settings)
    looks = [line for line in lines.splitlines() if line.startswith("LOOK")]
    assert well == (not looks)
    return "\n".join(looks)


def change(runtime, statement):
    with runtime.turn() as turn:
        turn.session.execute(statement)


def only(runtime, dialect):
    if runtime.engine.dialect.name != dialect:
        pytest.skip(f"only on {dialect}")


def test_what_is_well_is_said_to_be_well(safe, runtime):
    if runtime.engine.dialect.name == "sqlite":
        backing_up.back_up(safe, now=NOW)
        assert said(safe) == ""
    else:
        assert "fsync = off" in said(safe)


def test_too_little_room(safe, monkeypatch):
    monkeypatch.setattr(disk_guard.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1))
    assert "nearly full" in said(safe)


@pytest.mark.parametrize("key", [b"k" * 64, b"change-me-please-change-me-please", b"abababababababababababababababab"])
def test_a_key_that_can_be_guessed(safe, key):
    assert "key can be guessed" in said(replace(safe, secret_key=key))


def test_a_key_file_that_others_may_read(safe):
    (safe.home / "secret.key").write_bytes(b"x" * 64)
    (safe.home / "secret.key").chmod(0o644)
    assert "chmod 600" in said(safe)


def test_a_folder_that_others_may_write_into(safe):
    safe.home.chmod(0o777)
    assert "chmod 700" in said(safe)


def test_no_https(safe):
    assert "no public https address" in said(replace(safe, public_url="http://outreach.cedarlane.example"))


def test_no_second_factor(safe):
    assert "No second factor" in said(replace(safe, second_factor_required=False))


def test_sendgrid_without_a_key_for_its_events(safe):
    assert "SENDGRID_WEBHOOK_KEY" in said(replace(safe, sendgrid_api_key="SG.x"))


def test_a_mailbox_of_replies_without_agreement(safe, runtime):
    change(runtime, update(Practice).values(inbound_domain="in.cedarlane.example"))
    assert "mailbox of replies" in said(safe)
    with runtime.turn() as turn:
        signed = {"today": turn.now.date(), "by_id": None, "host": "imap.cedarlane.example"}
        steering.record_agreement(turn.session, "inbound", date(2026, 1, 2), **signed)
    assert "mailbox of replies" in said(safe), "no mailbox is connected that it could be about"
    box = "imaps://in:word@imap.cedarlane.example/INBOX"
    assert "mailbox of replies" not in said(replace(safe, imap_url=box))


def test_a_worker_that_is_silent(safe, runtime):
    change(runtime, update(JobRun).values(started_at=NOW - timedelta(minutes=4)))
    assert "worker has not been at work since" in said(safe)
    assert "missed three" not in said(safe)
    change(runtime, delete(JobRun))
    assert "worker has never" in said(safe)


def test_jobs_that_fail(safe, runtime):
    change(runtime, update(jobruns.JobRun).values(error="ValueError"))
    assert "The job send failed 1 times" in said(safe)


def test_holds_and_paused_ways(safe, runtime):
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="campaign:3", by_id=None, why="6 of 100 came back.")
        steering.pause(turn.session, "smtp", now=turn.now, by_id=None, why="Wrong password.")
    assert "Mail is on hold (campaign:3): 6 of 100" in said(safe)
    assert "The transport smtp is paused: Wrong password." in said(safe)


def test_doubts(safe, runtime, cast):
    put(runtime, cast.raman)
    change(runtime, update(LEDGER).values(state="unconfirmed", reason="restored"))
    assert "In the outbox: 1 unconfirmed" in said(safe)


def test_an_old_copy(safe, runtime):
    high_water.write(safe.home, 40)
    assert high_water.WHY_BEHIND in said(safe)


def test_wishes_that_wait_and_what_could_not_be_read(safe):
    spooling.spool(safe.home, now=NOW, token="t", number="1")
    assert "1 unsubscribes wait on disk" in said(safe)
    (safe.home / spooling.SPOOL / spooling.ASIDE).mkdir()
    (safe.home / spooling.SPOOL / spooling.ASIDE / "x").write_bytes(b"?")
    assert "could not be read as unsubscribes" in said(safe)


def test_backups_that_are_missing_old_or_damaged(safe, runtime):
    only(runtime, "sqlite")
    assert "No backup was made in the last 7 days" in said(safe)
    copy = backing_up.back_up(safe, now=NOW)
    assert "backup" not in said(safe)
    old = (NOW - timedelta(days=7, minutes=1)).timestamp()
    os.utime(copy, (old, old))
    assert "No backup was made in the last 7 days" in said(safe)
    copy.write_bytes(b"noise" * 1000)
    assert "The last backup cannot be used" in said(safe)


def test_a_log_of_changes_that_was_altered(safe, monkeypatch):
    monkeypatch.setattr(examining.audit, "first_broken", lambda session: 7)
    assert "Entry 7 of the record of changes was altered" in said(safe)


def test_tables_of_another_program(safe, monkeypatch):
    monkeypatch.setattr(examining, "is_current", lambda engine: False)
    assert "outreach migrate" in said(safe)


@pytest.mark.sqlite  # over PostgreSQL the doctor asks Procrastinate: tests/jobs/test_many_workers.py
def test_work_that_is_not_spread(safe, monkeypatch):
    from outreach.dispatch import EmbeddedDispatcher

    monkeypatch.setattr(EmbeddedDispatcher, "health", lambda self: "No worker answers.")
    assert "No worker answers." in said(safe)


def test_nobody_who_could_sign_in(safe, monkeypatch):
    monkeypatch.setattr(examining, "has_administrator", lambda session: False)
    assert "Nobody can sign in yet" in said(safe)


@pytest.mark.parametrize(("pragma", "name"), [
    ("PRAGMA synchronous=NORMAL", "synchronous"), ("PRAGMA synchronous=OFF", "synchronous"),
    ("PRAGMA foreign_keys=OFF", "foreign_keys"), ("PRAGMA journal_mode=DELETE", "journal_mode"),
])  # fmt: skip
def test_an_sqlite_that_forgets_is_named_and_nothing_starts_on_it(settings, runtime, monkeypatch, pragma, name):
    only(runtime, "sqlite")
    assert list(ground.pragma_troubles(runtime.engine)) == []
    with runtime.engine.connect() as connection:
        connection.rollback()
        if "journal" in pragma:
            monkeypatch.setitem(ground.SQLITE, "journal_mode", ("delete",))
        else:
            connection.connection.driver_connection.execute(pragma)
    [trouble] = ground.pragma_troubles(runtime.engine)
    assert f"its {name} as it must be" in trouble
    with pytest.raises(SettingsError, match=name):
        ground.refuse_what_forgets(runtime.engine)


def test_a_server_that_forgets_is_named(runtime):
    only(runtime, "postgresql")
    # The tests' own server runs without fsync, because its power is never cut.
    troubles = " ".join(ground.server_troubles(runtime.engine))
    assert "fsync = off" in troubles
    assert "synchronous_commit" not in troubles
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("SET synchronous_commit = off")
    assert "synchronous_commit = off" in " ".join(ground.server_troubles(runtime.engine))


def test_a_server_whose_clock_differs(safe, runtime, monkeypatch):
    only(runtime, "postgresql")
    late = SimpleNamespace(now=lambda: SystemClock().now() + timedelta(seconds=7))
    monkeypatch.setattr(examining, "SystemClock", lambda: late)
    assert "differ by" in said(safe)


@pytest.mark.parametrize(("kind", "refused"), [
    ("nfs4", True), ("nfs", True), ("cifs", True), ("smb3", True), ("9p", True), ("fuse.sshfs", True), ("ext4", False),
    ("xfs", False), ("overlay", False), ("tmpfs", False), ("btrfs", False), ("fuseblk", False),
])  # fmt: skip
def test_nothing_starts_on_a_network_file_system(settings, runtime, monkeypatch, tmp_path, kind, refused):
    only(runtime, "sqlite")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nshare:/x {settings.home} {kind} rw 0 0\nbroken\n")
    monkeypatch.setattr(ground, "MOUNTS", mounts)
    if refused:
        with pytest.raises(SettingsError, match="network file system"):
            open_runtime(settings)
    else:
        open_runtime(settings).close()


def test_the_exit_status_is_1_when_something_is_unsafe(safe, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_settings", lambda mode=None: replace(safe, second_factor_required=False))
    assert cli.main(["doctor"]) == 1
    assert "Some things need a look" in capsys.readouterr().err


def test_a_new_database_is_for_nobody_else_to_read_in_a_folder_that_others_see(tmp_path):
    tmp_path.chmod(0o755)
    engine = make_engine(f"sqlite:///{tmp_path / 'outreach.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
        rights = {each.name: each.stat().st_mode & 0o077 for each in tmp_path.glob("outreach.db*")}
    engine.dispose()
    assert len(rights) == 3, rights
    assert not any(rights.values()), rights
