"""Rows that cannot be taken are mended: on the screen before the import, or afterwards with all chosen already."""

import io

from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.runtime import Runtime
from tests.contacts.test_import_screens import CHOICES, upload
from tests.contacts.test_importing import carry_out, contact, run_of
from tests.people import post

MAPPED = {**CHOICES, "column-0": "name", "column-1": "email", "column-2": "zip"}
ROWS = (
    b"Wer,Post,Code,Patient DOB\nAna Li,ana@x.example,12545,\nBen Lo,no-address,12545,1950-01-01\nCy Mo,cy@x.example\n"
)


def checked(maya: FlaskClient, rows: bytes = ROWS) -> str:
    where = str(upload(maya, rows).headers["Location"])
    post(maya, f"{where}/check", MAPPED, form_at=where)
    return where


def test_a_refused_row_is_mended_on_the_screen_and_comes_in(runtime: Runtime, maya: FlaskClient) -> None:
    where = checked(maya, ROWS.replace(b"Patient DOB", b"Note"))
    page = maya.get(where).get_data(as_text=True)
    assert 'name="cell-3-1" value="no-address"' in page
    assert 'name="cell-4-0" value="Cy Mo"' in page
    typed = {"cell-3-1": "ben@x.example", "cell-4-0": "Cy Mo", "cell-4-1": "cy@x.example", "cell-4-2": ""}
    post(maya, f"{where}/mend", {**typed, "cell-2-1": "eve@x.example", "cell-3-3": "x", "cell-9-9": "y"}, form_at=where)
    page = maya.get(where).get_data(as_text=True)
    assert "Import 2 rows" in page
    assert "This row has 2 cells" in page, "nothing was typed into it"
    post(maya, f"{where}/mend", {"cell-4-2": "no ZIP at all, but much too long"}, form_at=where)
    assert "longer than 20 characters" in maya.get(where).get_data(as_text=True)
    post(maya, f"{where}/mend", {"cell-4-2": "12545"}, form_at=where)
    run = carry_out(runtime, int(where.rpartition("/")[2]))
    assert run.counts == {"new": 3}
    assert contact(runtime, email="ben@x.example").zip5 == contact(runtime, email="cy@x.example").zip5 == "12545"
    assert contact(runtime, email="ana@x.example").first_name == "Ana"


def test_what_is_about_a_client_is_not_kept_with_a_refused_row(runtime: Runtime, maya: FlaskClient) -> None:
    where = checked(maya)
    assert "1950" not in maya.get(where).get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        lines = turn.session.scalars(select(ImportLine).order_by(ImportLine.row_number)).all()
        assert [line.cells for line in lines] == [["Ben Lo", "no-address", "12545", ""], []]
        samples = turn.session.get_one(ImportRun, int(where.rpartition("/")[2])).samples
    assert "1950" not in str(samples)


def test_refused_rows_are_taken_up_again_in_one_click(runtime: Runtime, maya: FlaskClient) -> None:
    where = checked(maya, ROWS.replace(b"Patient DOB", b"Note"))
    carry_out(runtime, int(where.rpartition("/")[2]))
    answer = post(maya, f"{where}/again", form_at=where)
    taken = str(answer.headers["Location"])
    page = maya.get(taken).get_data(as_text=True)
    assert 'name="cell-2-1" value="no-address"' in page
    assert run_of(runtime, int(taken.rpartition("/")[2])).permission == "written"
    post(maya, f"{taken}/mend", {"cell-2-1": "ben@x.example", "cell-3-2": "12545"}, form_at=taken)
    post(maya, f"{taken}/run", form_at=taken)
    work(runtime, job_named("import-contacts"))
    assert contact(runtime, email="ben@x.example").zip5 == "12545"
    assert "No row of this import was refused" in post(
        maya, f"{taken}/again", form_at=taken, follow_redirects=True
    ).get_data(as_text=True)


def test_the_mended_file_of_refused_rows_is_read_like_the_file_it_came_from(
    runtime: Runtime, maya: FlaskClient
) -> None:
    where = checked(maya, b"Wer,Post,Code\n=Ben,no-address,12545\nAna Li,ana@x.example,12545\n")
    carry_out(runtime, int(where.rpartition("/")[2]))
    refused = maya.get(f"{where}/refused.csv").get_data()
    mended = refused.replace(b"no-address", b"ben@x.example")
    data = {"file": (io.BytesIO(mended), f"refused-{where.rpartition('/')[2]} (1).csv")}
    again = str(post(maya, "/contacts/import", data, content_type="multipart/form-data").headers["Location"])
    run = run_of(runtime, int(again.rpartition("/")[2]))
    assert (run.permission, run.default_kind, run.permission_words) == ("written", "provider", "Paper form")
    assert {name: run.header[at[0]] for name, at in run.mapping.items()} == {
        "name": "Wer",
        "email": "Post",
        "zip": "Code",
    }
