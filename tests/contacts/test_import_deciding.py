"""What a person decides on the way: row by row, which part of the national file, what happens when something breaks."""

import csv
import fcntl
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts import import_checking, import_files, import_running, import_undoing, importing
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_narrowing import narrow
from outreach.contacts.import_undoing import undo
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.models import Contact, Organization
from outreach.errors import Refusal
from outreach.practice.area_models import ZipPlace
from outreach.runtime import Runtime
from tests.conftest import KEY
from tests.contacts.test_import_screens import CHOICES, upload
from tests.contacts.test_importing import JOB, bring, carry_out, contact, run_of, table
from tests.people import Cast, post

FILES = Path(__file__).parent / "files"
NAMESAKES = b"First name,Last name,Email,City\nPriya,Raman,other@x.example,Salem\nHana,Castillo,hana@x.example,Salem\n"


def decide(runtime: Runtime, run_id: int, row: int, what: str) -> Refusal | None:
    with runtime.turn() as turn:
        return import_checking.choose_row(turn.session, turn.session.get_one(ImportRun, run_id), row, what)


def count_of(runtime: Runtime, **where: Any) -> int:
    with runtime.turn(write=False) as turn:
        return len(turn.session.scalars(select(Contact.id).filter_by(**where, deleted_at=None)).all())


@pytest.mark.parametrize(
    ("what", "counts", "namesakes"),
    [("", {"new": 2}, 2), ("same", {"new": 1, "updated": 1}, 1), ("leave", {"new": 1, "skipped": 1}, 1)],
)
def test_a_namesake_is_new_the_same_or_left_out_as_a_person_says(
    runtime: Runtime, cast: Cast, what: str, counts: dict[str, int], namesakes: int
) -> None:
    run_id = bring(runtime, NAMESAKES)
    assert run_of(runtime, run_id).counts == {"possible": 1, "new": 1}
    assert decide(runtime, run_id, 2, f"same:{cast.raman}" if what == "same" else what) is None
    assert carry_out(runtime, run_id).counts == counts
    assert count_of(runtime, last_name="Raman") == namesakes
    assert contact(runtime, id=cast.raman).city == ("Salem" if what == "same" else "")


@pytest.mark.parametrize("what", ["same:²", f"same:{'9' * 30}", "same:", "same:-1"])
def test_a_hostile_choice_is_refused_with_words(runtime: Runtime, cast: Cast, what: str) -> None:
    refused = decide(runtime, bring(runtime, NAMESAKES), 2, what)
    assert isinstance(refused, Refusal)
    assert refused.reason == "bad-choice"


def test_a_hostile_row_number_changes_nothing(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    run_id = bring(runtime, NAMESAKES)
    where = f"/contacts/import/{run_id}"
    assert post(maya, f"{where}/choices", {"row-²": "leave"}, form_at=where).status_code < 400
    assert run_of(runtime, run_id).options.get("choices", {}) == {}


def test_one_row_is_decided_otherwise_than_all_the_others(runtime: Runtime, cast: Cast) -> None:
    rows = b"First name,Email,City\nPrya,p.raman@lakeside.example,Salem\nTo,tom@handworks.example,X\n"
    run_id = bring(runtime, rows, duplicates="skip")
    assert decide(runtime, run_id, 2, "update") is None
    assert carry_out(runtime, run_id).counts == {"updated": 1, "skipped": 1}
    assert contact(runtime, id=cast.raman).first_name == "Prya"
    assert contact(runtime, id=cast.tom).first_name == "Tom"


def test_somebody_who_shares_an_address_can_be_added_as_new(runtime: Runtime, cast: Cast) -> None:
    run_id = bring(
        runtime, b"First name,Last name,Email\nNew,Colleague,p.raman@lakeside.example\n", duplicates="update"
    )
    assert decide(runtime, run_id, 2, "new") is None
    assert carry_out(runtime, run_id).counts == {"new": 1}
    assert contact(runtime, id=cast.raman).first_name == "Priya"


def test_nonsense_and_late_decisions_are_refused(runtime: Runtime) -> None:
    run_id = bring(runtime, NAMESAKES)
    for what in ("same:999999", "same:x", "delete"):
        refused = decide(runtime, run_id, 2, what)
        assert isinstance(refused, Refusal)
        assert refused.reason == "bad-choice"
    carry_out(runtime, run_id)
    late = decide(runtime, run_id, 2, "leave")
    assert isinstance(late, Refusal)
    assert late.reason == "too-late"


def test_the_check_asks_about_namesakes_and_keeps_the_answer(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    where = upload(maya, NAMESAKES).headers["Location"]
    columns = {"column-0": "first_name", "column-1": "last_name", "column-2": "email", "column-3": "city"}
    post(maya, f"{where}/check", {**CHOICES, **columns}, form_at=where)
    page = maya.get(where).get_data(as_text=True)
    assert "Perhaps in the book already" in page
    assert "p.raman@lakeside.example" in page
    post(maya, f"{where}/choices", {"row-2": f"same:{cast.raman}"}, form_at=where)
    assert f'value="same:{cast.raman}" selected' in maya.get(where).get_data(as_text=True)
    post(maya, f"{where}/run", form_at=where)
    work(runtime, job_named("import-contacts"))
    assert contact(runtime, id=cast.raman).city == "Salem"


def nppes(*rows: tuple[str, str, str, str]) -> bytes:
    """NPI, entity type, ZIP and taxonomy, in the real header of 330 columns."""
    with (FILES / "npidata_pfile_fileheader.csv").open() as file:
        header = next(csv.reader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    for npi, entity, code, taxonomy in rows:
        writer.writerow(
            {
                "NPI": npi,
                "Entity Type Code": entity,
                "Provider Last Name (Legal Name)": f"SMITH{npi[-2:]}",
                "Provider Organization Name (Legal Business Name)": f"PLACE {npi}" if entity == "2" else "",
                "Provider Business Practice Location Address Postal Code": code,
                "Healthcare Provider Taxonomy Code_1": taxonomy,
            }
        )
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({}, 4),
        ({"groups": ["Primary care"]}, 2),
        ({"zips": "12545 98101"}, 3),
        ({"zips": "125", "groups": ["Primary care"]}, 1),
        ({"miles": "10"}, 2),
        ({"people_only": True}, 3),
    ],
)
def test_of_the_national_file_only_what_is_asked_for_comes_in(
    runtime: Runtime, cast: Cast, asked: dict[str, Any], taken: int
) -> None:
    content = nppes(
        ("1234567893", "1", "125451234", "207Q00000X"),
        ("1000000004", "1", "12545", "207X00000X"),
        ("2000000002", "2", "98101", "207X00000X"),
        ("1045678905", "1", "60601", "208000000X"),
    )
    home = runtime.settings.home
    with runtime.turn() as turn:
        turn.session.add_all([ZipPlace(zip5="12545", latitude=41.8, longitude=-73.6)])
        run = importing.upload(turn.session, io.BytesIO(content), "npi.csv", now=turn.now, home=home, by_id=None)
        assert isinstance(run, ImportRun)
        said = {"groups": [], "zips": "", "miles": "", "people_only": False, **asked}
        assert narrow(turn.session, run, **said) is None
        settings = {"default_kind": "", "duplicates": "fill", "permission": "none", "permission_words": ""}
        assert importing.choose(turn.session, run, mapping=None, now=turn.now, **settings) is None
        import_checking.check_at_once(turn.session, run, key=b"k" * 64, home=home, now=turn.now)
        counts = dict(run.counts)
    assert counts.pop("left-out", 0) == 4 - taken
    assert sum(counts.values()) == taken


def test_a_place_that_cannot_be_meant_is_said_at_once(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        run = ImportRun(file_name="x", digest="", size_bytes=0, header=[], samples=[], created_at=turn.now, options={})
        for asked, reason in (
            ({"zips": "Boston"}, "bad-zip"),
            ({"miles": "far"}, "bad-distance"),
            ({"miles": "10"}, "no-centroids"),
        ):
            said = {"groups": [], "zips": "", "miles": "", "people_only": False, **asked}
            refused = narrow(turn.session, run, **said)  # type: ignore[arg-type]
            assert isinstance(refused, Refusal)
            assert refused.reason == reason


def breaking(monkeypatch: pytest.MonkeyPatch, which: Callable[[int], bool]) -> None:
    """From now on a batch with such rows (by number) is written and then breaks."""
    written = import_running.write

    def breaks(session: Any, run: Any, items: Any, **more: Any) -> Any:
        counted = written(session, run, items, **more)
        if any(which(item.row_number) and not isinstance(item, RefusedRow) for item, _ in items):
            raise RuntimeError("bug")
        return counted

    monkeypatch.setattr(import_running, "write", breaks)
    monkeypatch.setattr(import_running, "ROWS_AT_A_TIME", 5)


def test_a_row_that_breaks_costs_itself_only_and_comes_back_with_its_cells(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = bring(runtime, table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(30))))
    breaking(monkeypatch, lambda row: row == 13)
    run = carry_out(runtime, run_id)
    assert (run.status, run.counts) == ("done", {"new": 29, "problem": 1})
    assert count_of(runtime, zip5="12545") == 29
    with runtime.turn(write=False) as turn:
        line = turn.session.scalars(select(ImportLine).where(ImportLine.result == "problem")).one()
        assert (line.row_number, line.cells[2]) == (13, "ana11@x.example")


def test_an_import_that_fails_half_way_can_go_on_or_be_taken_back_whole(
    runtime: Runtime, maya: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, rows = (
        "First name,Last name,Email,ZIP,Organization",
        (f"Ana,Li{n},ana{n}@x.example,12545," for n in range(90)),
    )
    run_id = bring(runtime, "\n".join([head, *(f"{row}Half Clinic" for row in rows)]).encode())
    with monkeypatch.context() as broken:
        breaking(broken, lambda row: row > 21)
        broken.setattr(import_running, "MOST_BROKEN", 3)
        carry_out(runtime, run_id)
    run = run_of(runtime, run_id)
    assert (run.status, run.handled, run.counts) == ("failed", 0, {})
    with monkeypatch.context() as slow, runtime.turn() as turn:
        assert importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now) is None
        slow.setattr(import_running, "ROWS_AT_A_TIME", 5)
        importing.work(turn.session, now=turn.now, key=KEY, home=runtime.settings.home, limit=40)
    where = f"/contacts/import/{run_id}"
    assert "Stop here" in maya.get(where).get_data(as_text=True)
    post(maya, f"{where}/stop", form_at=where)
    page = maya.get(where).get_data(as_text=True)
    assert "Stopped by you after 40 rows" in page
    assert "Go on" in page
    clock.advance(timedelta(days=6))
    post(maya, f"{where}/undo", form_at=where)
    assert "40 taken out" in maya.get(where).get_data(as_text=True)
    assert count_of(runtime, zip5="12545") == 0
    with runtime.turn(write=False) as turn:
        place = turn.session.scalars(select(Organization).where(Organization.name == "Half Clinic")).one()
        assert place.deleted_at is not None
    with runtime.turn() as turn:
        again = importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
        assert isinstance(again, Refusal)


def test_a_file_that_another_process_reads_is_left_to_it(runtime: Runtime) -> None:
    run_id = bring(runtime, table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(30))))
    small = bring(runtime, table("Ben,Lo,ben@x.example,12545,,"))
    with runtime.turn() as turn:
        for one in (run_id, small):
            importing.start(turn.session, turn.session.get_one(ImportRun, one), now=turn.now)
    with import_files.path_of(runtime.settings.home, small).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        work(runtime, JOB)
        assert (run_of(runtime, run_id).status, run_of(runtime, small).status) == ("done", "running")
    work(runtime, JOB)
    assert run_of(runtime, small).counts == {"new": 1}


def test_many_broken_lines_cost_themselves_only_and_come_back_with_reasons(runtime: Runtime) -> None:
    broken = ('Ana,"Li,x@x.example,12545,,', "too,short", "Ana,Li,no-address,12545,,", "Ana,Li,a@x.example,12545,123,")
    rows = [broken[n % 4] if n % 20 == 0 else f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(2_000)]
    run = carry_out(runtime, bring(runtime, table(*rows)))
    assert run.counts == {"new": 1_900, "problem": 100}
    with runtime.turn(write=False) as turn:
        lines = turn.session.scalars(select(ImportLine).where(ImportLine.result == "problem")).all()
        assert all(line.reason for line in lines)


def test_names_in_every_script_come_in_as_written(runtime: Runtime) -> None:
    said = ("Zoë", "محمد", "Ольга", "太郎", "שרה", "Ὀδυσσεύς", "ณัฐ", "O’Neil", "İpek")
    rows = "First name,Last name,Email\n" + "".join(f"{name},Last{n},p{n}@x.example\n" for n, name in enumerate(said))
    carry_out(runtime, bring(runtime, rows.encode()))
    assert [contact(runtime, email=f"p{n}@x.example").first_name for n in range(len(said))] == list(said)


def test_the_small_import_does_not_wait_for_the_large_one(runtime: Runtime) -> None:
    large = bring(runtime, table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(400))))
    small = bring(runtime, table("Ben,Lo,ben@x.example,12545,,"))
    with runtime.turn() as turn:
        for run_id in (large, small):
            importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    for _ in range(2):
        with runtime.turn() as turn:
            importing.work(turn.session, now=turn.now, key=b"k" * 64, home=runtime.settings.home, limit=100)
    assert run_of(runtime, small).status == "done"
    assert run_of(runtime, large).handled == 100
    import_files.close_all()
    work(runtime, JOB)
    assert run_of(runtime, large).counts == {"new": 400}


def test_undo_takes_out_whom_two_imports_in_turn_made(runtime: Runtime) -> None:
    first = bring(runtime, table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(4))))
    second = bring(runtime, table(*(f"Ben,Lo{n},ben{n}@x.example,12545,," for n in range(3))))
    carry_out(runtime, first)
    carry_out(runtime, second)
    with runtime.turn() as turn:
        taken = undo(turn.session, turn.session.get_one(ImportRun, first), now=turn.now)
    assert taken == {"removed": 4, "restored": 0, "kept": 0}
    assert count_of(runtime, first_name="Ben") == 3


def test_a_large_import_is_taken_back_by_the_worker_part_by_part(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    rows = table(
        *(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(25)), "Tom,Brandt,tom@handworks.example,12545,,a"
    )
    run_id = carry_out(runtime, bring(runtime, rows)).id
    monkeypatch.setattr(import_undoing, "AT_ONCE", 10)
    with runtime.turn() as turn:
        import_undoing.undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    assert (run_of(runtime, run_id).status, run_of(runtime, run_id).undone_at) == ("undone", None)
    for left in (15, 5, 0, 0, 0):
        with runtime.turn() as turn:
            importing.work(turn.session, now=turn.now, key=b"k" * 64, home=runtime.settings.home, limit=10)
        assert count_of(runtime, first_name="Ana") == left
    assert run_of(runtime, run_id).undone_at is not None
    assert contact(runtime, id=cast.tom).zip5 == ""


def test_an_upload_that_nobody_carried_on_with_is_forgotten(runtime: Runtime, clock: FrozenClock) -> None:
    run_id = bring(runtime, table("Ana,Li,ana@x.example,12545,,"))
    clock.advance(timedelta(days=31))
    work(runtime, JOB)
    with runtime.turn(write=False) as turn:
        assert turn.session.get(ImportRun, run_id) is None
    assert not list((runtime.settings.home / "imports").glob("*.csv"))
