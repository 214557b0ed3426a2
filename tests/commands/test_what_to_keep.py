"""A backup goes where one wants it, is nobody else's to read, and its words name everything that must be kept."""

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from outreach import cli
from outreach.clock import SystemClock
from outreach.commands import backing_up
from outreach.deliveries.ways import kept_secrets
from outreach.errors import SettingsError
from tests.commands.test_keeping import fresh

__all__ = ["fresh"]
NOW = SystemClock().now()


def test_the_words_name_the_keys_that_a_backup_is_worth_nothing_without(fresh, monkeypatch, capsys):
    (fresh.home / "secret.key").write_bytes(fresh.secret_key)
    monkeypatch.setattr(cli, "_settings", lambda mode=None: fresh)
    assert cli.main(["backup"]) == 0
    said = capsys.readouterr().out
    assert str(fresh.home / "secret.key") in said
    assert "secrets.keys" not in said
    kept_secrets.new_data_key(fresh.home)
    said = backing_up.told(fresh, Path("x.db"))
    assert str(fresh.home / "secrets.keys") in said


def test_keys_from_outside_are_named_by_their_variables_and_never_shown(fresh):
    (fresh.home / "secret.key").write_bytes(b"an older one that is not used any more")
    said = backing_up.told(replace(fresh, secrets_keys=(b"s" * 40,)), Path("x.db"))
    assert "the value of OUTREACH_SECRET_KEY" in said
    assert "the value of OUTREACH_SECRETS_KEY" in said
    assert "ffff" not in said
    assert "ssss" not in said


def test_a_copy_that_is_being_made_can_be_read_by_nobody_else(fresh, tmp_path, monkeypatch):
    seen = []
    verified = backing_up.verified
    monkeypatch.setattr(backing_up, "verified", lambda part: seen.append(part.stat().st_mode) or verified(part))
    monkeypatch.setattr(Path, "chmod", lambda self, mode: None)
    before = os.umask(0o022)
    try:
        backing_up.back_up(fresh, now=NOW, to=tmp_path / "open" / "copy.db")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(mode) for mode in seen] == [0o600]


def test_a_disk_without_second_names_takes_a_backup_too(fresh, tmp_path, monkeypatch):
    def refuses(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(backing_up.os, "link", refuses)
    copy = backing_up.back_up(fresh, now=NOW, to=tmp_path / "stick.db")
    assert backing_up.verified(copy)
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []
    with pytest.raises(SettingsError, match="exists already"):
        backing_up.back_up(fresh, now=NOW, to=copy)


def test_a_link_to_nowhere_or_to_a_file_of_mine_is_not_written_through(fresh, tmp_path):
    mine = tmp_path / "mine"
    for target in ("nowhere", "mine"):
        mine.write_text("mine")
        there = tmp_path / f"to-{target}.db"
        there.symlink_to(tmp_path / target)
        with pytest.raises(SettingsError, match="exists already"):
            backing_up.back_up(fresh, now=NOW, to=there)
    assert mine.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
