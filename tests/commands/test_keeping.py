"""Commands that keep, hold and examine: called as `cli` calls them, on a database of their own."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from outreach import cli
from outreach.clock import SystemClock
from outreach.commands import backing_up, bringing, demonstrating, examining, holding, restoring
from outreach.commands.migrating import migrate
from outreach.config import Settings
from outreach.contacts.models import Contact
from outreach.deliveries import outbox
from outreach.deliveries.models import LEDGER, Delivery
from outreach.errors import OutreachError, SettingsError
from outreach.practice.models import Practice
from outreach.runtime import Runtime, open_runtime

NOW = SystemClock().now()
NPPES_HEADER = Path(__file__).parents[1] / "contacts" / "files" / "npidata_pfile_fileheader.csv"
PEOPLE = "First Name,Last Name,Email Address\nIda,Frost,ida@frost.example\nJo,Hill,jo@hill.example\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    """A migrated database without anything in it."""
    home = tmp_path / "fresh"
    home.mkdir()
    settings = Settings(
        mode="test", home=home, database_url=f"sqlite:///{home / 'outreach.db'}", secret_key=b"f" * 64
    )  # fmt: skip
    migrate(settings)
    return settings


def add_practice(settings: Settings, **more: object) -> None:
    runtime = open_runtime(settings)
    with runtime.turn() as turn:
        turn.session.add(Practice(id=1, name="Cedar Lane", time_zone="America/New_York", created_at=turn.now, **more))
    runtime.close()


@pytest.mark.sqlite
def test_a_backup_holds_everything_and_is_for_its_owner_only(settings: Settings, runtime: Runtime) -> None:
    copy = backing_up.back_up(settings, now=NOW)
    assert copy.stat().st_mode & 0o077 == 0
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT name FROM practice").fetchone() == ("Cedar Lane Therapy",)
    opened.close()


@pytest.mark.sqlite
def test_a_backup_never_writes_over_a_file(settings: Settings, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(SettingsError, match="exists already"):
        backing_up.back_up(settings, now=NOW, to=there)
    assert there.read_text() == "mine"


def test_migrating_twice_changes_nothing(fresh: Settings) -> None:
    assert migrate(fresh) == "The database is up to date."


def delivery(number: int, state: str, due_at: datetime) -> Delivery:
    return Delivery(
        source="campaign", source_id=1, step=str(number), message_id=1, kind="drip", mail_class="commercial",
        topic="updates", audience_class="provider", email=f"{number}@x.example", state=state, zone="UTC",
        not_before_at=due_at, due_at=due_at, created_at=NOW, updated_at=NOW,
        token="t" if state == "sending" else None, lease_until_at=due_at if state == "sending" else None,
        sent_at=due_at if state == "sent" else None, transport="smtp",
    )  # fmt: skip


def test_a_restored_database_starts_on_hold_and_knows_what_is_doubtful(fresh: Settings) -> None:
    add_practice(fresh)
    # A plain engine does not ask for the message behind the rows.
    engine = create_engine(fresh.database_url)
    with Session(engine) as session:
        for number, (state, due) in enumerate([("scheduled", -1), ("sending", -1), ("scheduled", 1), ("sent", -1)]):
            session.add(delivery(number, state, NOW + timedelta(hours=due)))
        session.commit()
    engine.dispose()
    copy = backing_up.back_up(fresh, now=NOW)
    said = restoring.restore(fresh, copy, now=NOW)
    assert "2 emails may have left" in said
    runtime = open_runtime(fresh)
    with runtime.turn(write=False) as turn:
        assert set(outbox.held_scopes(turn.session)) == {"all"}
        counted = dict(turn.session.execute(select(LEDGER.c.state, func.count()).group_by(LEDGER.c.state)).all())
    runtime.close()
    assert counted == {"unconfirmed": 2, "scheduled": 1, "sent": 1}
    assert list((fresh.home / "backups").glob("replaced-*.db"))


def test_nothing_is_restored_while_outreach_runs(fresh: Settings) -> None:
    copy = backing_up.back_up(fresh, now=NOW)
    runtime = open_runtime(fresh)
    with runtime.turn(write=False) as turn:
        turn.session.scalar(select(Practice.id))
        with pytest.raises(SettingsError, match="is running"):
            restoring.restore(fresh, copy, now=NOW)
    runtime.close()
    assert (fresh.home / "outreach.db").exists()


def test_what_is_no_backup_is_refused(fresh: Settings, tmp_path: Path) -> None:
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"noise" * 1000)
    with pytest.raises(SettingsError, match="is not a database"):
        restoring.restore(fresh, noise, now=NOW)


def test_mail_is_held_and_goes_on_from_the_terminal(settings: Settings, runtime: Runtime) -> None:
    assert "All mail is on hold" in holding.pause(settings, None)
    with runtime.turn(write=False) as turn:
        assert set(outbox.held_scopes(turn.session)) == {"all"}
    assert "goes on" in holding.resume(settings, None)
    assert holding.unconfirmed(settings) == "Nothing is unconfirmed."
    with pytest.raises(OutreachError, match="no email with the number 7"):
        holding.settle(settings, 7, "sent")


def test_a_file_is_brought_in_or_only_looked_at(settings: Settings, runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    chosen = {"kind": "physician", "permission": "none", "duplicates": "fill"}
    before = contacts(runtime)
    assert "2 new" in bringing.bring(settings, file, only_check=True, **chosen)
    assert contacts(runtime) == before
    assert "2 new" in bringing.bring(settings, file, only_check=False, **chosen)
    assert contacts(runtime) == before + 2


def test_of_the_national_file_only_a_part_is_brought_in(settings: Settings, runtime: Runtime, tmp_path: Path) -> None:
    header = (NPPES_HEADER).read_text("utf-8").strip()
    names = [name.strip('"') for name in header.split('","')]
    blank = dict.fromkeys(names, "") | {"Entity Type Code": "1", "Provider First Name": "ANNE"}
    blank |= {"Provider Last Name (Legal Name)": "LI", "Healthcare Provider Taxonomy Code_1": "207X00000X"}
    where = "Provider Business Practice Location Address Postal Code"
    rows = [blank | {"NPI": npi, where: zip5} for npi, zip5 in (("1000000004", "12545"), ("1000000012", "99999"))]
    lines = (",".join(f'"{value}"' for value in row.values()) for row in rows)
    file = tmp_path / "npidata_pfile_20260301.csv"
    file.write_text("\n".join((header, *lines, "")))
    chosen = {"kind": "", "permission": "none", "duplicates": "fill"}
    bone = bringing.Narrowing(specialties=("bone, joint, spine",), zips="125")
    assert "1 new, 1 left-out" in bringing.bring(settings, file, only_check=True, only=bone, **chosen)
    with pytest.raises(OutreachError, match="one of: Therapy"):
        bringing.bring(settings, file, only_check=True, only=bringing.Narrowing(("Bones",)), **chosen)
    other = tmp_path / "people.csv"
    other.write_text(PEOPLE)
    with pytest.raises(OutreachError, match="national provider file only"):
        bringing.bring(settings, other, only_check=True, only=bone, **chosen)


def contacts(runtime: Runtime) -> int:
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count()).select_from(Contact)) or 0


def test_a_file_that_is_no_table_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    chosen = {"kind": "physician", "permission": "none", "duplicates": "fill"}
    with pytest.raises(OutreachError, match="cannot be read"):
        bringing.bring(settings, tmp_path / "nowhere.csv", only_check=False, **chosen)
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(OutreachError):
        bringing.bring(settings, empty, only_check=False, **chosen)


def test_the_doctor_says_that_nobody_works_yet(fresh: Settings) -> None:
    well, said = examining.examine(fresh)
    assert not well
    assert "LOOK  Nobody can sign in yet" in said


def test_the_clock_of_a_real_practice_is_not_pushed(fresh: Settings) -> None:
    add_practice(fresh)
    with pytest.raises(OutreachError, match="holds no demo"):
        demonstrating.advance(fresh, "3d")


@pytest.mark.parametrize("words", ["soon", "3", "-3d", "0h", "9999d", "3w"])
def test_a_time_that_is_none_is_refused(fresh: Settings, words: str) -> None:
    with pytest.raises(SettingsError, match="takes a time such as 3d"):
        demonstrating.advance(fresh, words)


def test_a_demo_never_moves_into_a_real_practice(fresh: Settings) -> None:
    add_practice(fresh)
    with pytest.raises(OutreachError, match="holds a real practice"):
        demonstrating.prepare(fresh)


def test_a_database_without_tables_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTREACH_HOME", str(tmp_path / "new"))
    assert cli.main(["pause"]) == 1
    assert "outreach migrate" in capsys.readouterr().err
