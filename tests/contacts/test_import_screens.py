"""The five steps of an import in the browser."""

import io
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from jobs.catalog import job_named
from jobs.runner import work
from outreach.runtime import Runtime
from tests.people import post

FILES = Path(__file__).parent / "files"
CHOICES = {"default_kind": "provider", "duplicates": "fill", "permission": "written", "permission_words": "Paper form"}


def upload(client: FlaskClient, content: bytes, name: str = "list.csv") -> Any:
    data = {"file": (io.BytesIO(content), name)}
    return post(client, "/contacts/import", data, content_type="multipart/form-data")


def test_five_steps_from_the_file_to_the_undo(runtime: Runtime, maya: FlaskClient) -> None:
    name = "subscribed_email_audience_export.csv"
    where = upload(maya, (FILES / name).read_bytes(), name).headers["Location"]
    page = maya.get(where).get_data(as_text=True)
    assert "Recognised: Mailchimp, subscribed" in page
    assert "priya.raman@omahafamily.example" in page
    post(maya, f"{where}/check", {**CHOICES, "keep": "yes"}, form_at=where)
    page = maya.get(where).get_data(as_text=True)
    assert "nothing written yet" in page
    assert "Import 3 rows" in page
    post(maya, f"{where}/run", form_at=where)
    assert maya.get(f"{where}/progress").status_code == 200
    work(runtime, job_named("import-contacts"))
    assert maya.get(f"{where}/progress").status_code == 286
    page = maya.get(where).get_data(as_text=True)
    assert "Undo this import" in page
    assert "Priya Raman" in maya.get("/contacts/?q=omahafamily").get_data(as_text=True)
    post(maya, f"{where}/undo", form_at=where)
    assert "This import was undone" in maya.get(where).get_data(as_text=True)
    assert "Nobody matches" in maya.get("/contacts/?q=omahafamily").get_data(as_text=True)


def test_unknown_columns_are_matched_by_hand_with_samples(maya: FlaskClient) -> None:
    rows = b"Wer;Wo;Post;Patient Name\nAna Li;Haus;ana@x.example;Secret Person\n"
    where = upload(maya, rows).headers["Location"]
    page = maya.get(where).get_data(as_text=True)
    assert "Ana Li" in page
    assert "Secret Person" not in page
    assert "Never imported" in page
    wrong = post(
        maya, f"{where}/check", {**CHOICES, "column-0": "email", "column-1": "name", "column-3": "notes"}, form_at=where
    )
    assert wrong.status_code == 422
    assert "never imported" in wrong.get_data(as_text=True)
    right = {**CHOICES, "column-0": "name", "column-1": "organization", "column-2": "email"}
    assert post(maya, f"{where}/check", right, form_at=where).status_code == 303
    assert "Ana Li" in maya.get(where).get_data(as_text=True)


def test_permission_is_asked_for_and_nothing_chosen_is_lost(maya: FlaskClient) -> None:
    where = upload(maya, b"Name,Email\nAna Li,ana@x.example\n").headers["Location"]
    choices = {"default_kind": "physician", "duplicates": "skip", "permission_words": "Kept", "column-0": "name"}
    answer = post(maya, f"{where}/check", choices, form_at=where)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Say where permission" in page
    assert 'value="Kept"' in page


def test_refused_rows_come_back_as_a_file_with_reasons(maya: FlaskClient) -> None:
    where = upload(maya, b"Name,Email\nAna Li,ana@x.example\n=Ben,no-address\n").headers["Location"]
    post(maya, f"{where}/check", {**CHOICES, "column-0": "name", "column-1": "email"}, form_at=where)
    assert "Rows that cannot be taken" in maya.get(where).get_data(as_text=True)
    rows = maya.get(f"{where}/refused.csv").get_data(as_text=True).splitlines()
    assert rows[0].endswith("Row,Reason,Column,Name,Email")
    assert rows[1].startswith("3,")
    assert "'=Ben" in rows[1]


def test_a_wrong_file_says_so_and_leaves_nothing_behind(runtime: Runtime, maya: FlaskClient) -> None:
    for content, words in (
        (b"", "The file is empty"),
        (b"PK\x03\x04 xl/workbook.xml", "Excel workbook"),
        (b"ana@x.example;Ana\n", "not a row of column names"),
    ):
        answer = upload(maya, content)
        assert answer.status_code == 422
        assert words in answer.get_data(as_text=True)
    assert list((runtime.settings.home / "imports").iterdir()) == []


def test_a_file_that_is_too_large_is_refused_in_one_sentence(maya: FlaskClient) -> None:
    claimed = {"CONTENT_LENGTH": str(65 * 1024 * 1024)}
    answer = maya.post("/contacts/import", data={"file": (io.BytesIO(b"x"), "x.csv")}, environ_overrides=claimed)
    assert answer.status_code == 413
    assert "Nothing was saved" in answer.get_data(as_text=True)


def test_a_file_can_be_forgotten_before_it_runs(runtime: Runtime, maya: FlaskClient) -> None:
    where = upload(maya, b"Name,Email\nAna Li,ana@x.example\n").headers["Location"]
    post(maya, f"{where}/discard", form_at=where)
    assert maya.get(where).status_code == 404
    assert list((runtime.settings.home / "imports").iterdir()) == []


def test_the_template_is_read_as_our_own_format(maya: FlaskClient) -> None:
    header = maya.get("/contacts/import/template.csv").get_data()
    where = upload(maya, header + b"physician,Dr.,Ana,,Li,,,,,ana@x.example,,,,,,,,,,,,,\r\n").headers["Location"]
    assert "Recognised: Outreach template" in maya.get(where).get_data(as_text=True)
