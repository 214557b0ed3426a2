"""The EMR's report becomes referrals, and nothing of a client stays: not in the database, not in the data folder."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from outreach.contacts import tasks
from outreach.contacts.models import ContactPayer
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import Touch
from outreach.referrals.emr import emr_running
from outreach.referrals.emr.emr_models import EmrLine, EmrRun
from outreach.referrals.models import Referral
from outreach.referrals.source_models import SourceAlias
from outreach.runtime import Runtime
from outreach.schema import load_all
from tests.conftest import KEY
from tests.people import Cast, csrf_of, post

SECRETS = ("Lopez", "Quimby", "04/12/1970", "1970-04-12", "77120", "88231", "M54.5", "lumbago", "stroke")
HEADER = (
    "Patient Name,Date of Birth,MRN,Diagnosis Code,Diagnosis,Referral Date,Referring Provider,Referring Practice,"
    "Discipline,Insurance,Evaluation Date,Status\n"
)
ROWS = (
    'Ana Lopez,04/12/1970,77120,M54.5,lumbago,2/10/2026,"Raman, Priya, MD",Lakeside Orthopedics,PT,Medicare,2/14/2026,'
    "Active\n"
    "Bert Quimby,1970-04-12,88231,I63.9,stroke,2026-02-11,Dr. Lee Wong,Hilltop Family,Speech,Aetna Gold,,New\n"
    "Cleo Quimby,1/1/1980,99001,,,11-Feb-2026,Dr. Samuel Okafor,,Hand therapy,Blue Cross PPO,,Cancelled\n"
    "Dora Lopez,1/1/1980,99002,,,12/31/2026,Dr. Samuel Okafor,,PT,,,New\n"
    "Emil Lopez,1/1/1980,99003,,,some day,Dr. Samuel Okafor,,PT,,,New\n"
    "Finn Lopez,1/1/1980,99004,,,2/12/2026,Finn Lopez,,PT,,,New\n"
    "too,few,cells Lopez\n"
)


def upload(maya: FlaskClient, content: str = HEADER + ROWS, name: str = "Ana Lopez report.csv") -> str:
    data = {
        "file": (BytesIO(content.encode()), name),
        "csrf_token": csrf_of(maya.get("/referrals/emr").get_data(as_text=True)),
    }
    answer = maya.post("/referrals/emr", data=data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def match(maya: FlaskClient, where: str, **changes: str) -> None:
    columns = ("received_on", "source_name", "source_practice", "service", "payer", "evaluated_on", "status")
    typed = {f"column-{at}": name for at, name in enumerate(columns)} | {"day_first": "no", "discipline": ""}
    answer = post(maya, f"{where}/match", typed | changes, form_at=where)
    assert answer.status_code == 303, answer.get_data(as_text=True)


def work(runtime: Runtime, limit: int = 3) -> None:
    for _ in range(20):
        with runtime.turn() as turn:
            done = emr_running.work(turn.session, now=turn.now, home=runtime.settings.home, key=KEY, limit=limit)
        if not done:
            return


def bring_in(maya: FlaskClient, runtime: Runtime, content: str = HEADER + ROWS) -> str:
    where = upload(maya, content)
    match(maya, where)
    assert maya.get(f"{where}/check").status_code == 200
    post(maya, f"{where}/run", form_at=f"{where}/check")
    work(runtime)
    work(runtime)
    return where


def log(runtime: Runtime) -> list[Referral]:
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(Referral).order_by(Referral.received_on, Referral.id)))


def everything_stored(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """Every cell of every table, and every byte of every file in the data folder."""
    with runtime.turn(write=False) as turn:
        for table in load_all().metadata.sorted_tables:
            for row in turn.session.execute(select(*table.columns)):
                yield table.name, " | ".join(str(value) for value in row)
    for path in Path(runtime.settings.home).rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("utf-8", errors="replace")


def test_nothing_of_a_client_is_kept_in_the_database_or_in_the_data_folder(maya: FlaskClient, runtime: Runtime) -> None:
    where = upload(maya)
    for step in ("waiting", "matched", "done"):
        if step == "matched":
            match(maya, where)
        if step == "done":
            post(maya, f"{where}/run", form_at=f"{where}/check")
            work(runtime)
            work(runtime)
        stored = list(everything_stored(runtime))
        assert any("Raman" in words for _, words in stored)
        found = [(place, secret) for place, words in stored for secret in SECRETS if secret in words]
        assert not found, (step, found)
    assert not list((Path(runtime.settings.home) / "emr").iterdir())


def test_a_column_that_we_do_not_know_and_one_word_of_a_name_are_nowhere(maya: FlaskClient, runtime: Runtime) -> None:
    header = HEADER.replace("Status", "Status,Kontakt,Case notes,Close reason,Ref MD")
    row = ROWS.splitlines()[0].replace("Active", "Lost,Zyxlopez,Vwulopez,Quimby: Lopez went elsewhere,Dr. Hidden")
    where = upload(maya, header + row.replace("Ana Lopez", "Quimby Lopez") + "\n")
    page = maya.get(where).get_data(as_text=True)
    assert "Left out: never read" in page
    for step in ("waiting", "done"):
        if step == "done":
            match(maya, where, **{"column-7": "close_reason"})
            post(maya, f"{where}/run", form_at=f"{where}/check")
            work(runtime)
            work(runtime)
        stored = list(everything_stored(runtime))
        found = [(place, one) for one in (*SECRETS, "Hidden", "lopez") for place, words in stored if one in words]
        assert not found, (step, found)
    assert [one.close_reason for one in log(runtime)] == ["chose-other-provider"]


def test_a_left_out_column_that_somebody_explains_is_read_the_next_time(maya: FlaskClient, runtime: Runtime) -> None:
    content = (HEADER + ROWS).replace("Referring Provider", "Ref MD")
    where = upload(maya, content)
    at = next(name for name in maya.get(where).get_data(as_text=True).split(chr(34)) if name.startswith("left-out-"))
    answer = post(maya, f"{where}/match", {at: "source_name"}, form_at=where)
    assert answer.headers["Location"].endswith("/referrals/emr")
    assert not list((Path(runtime.settings.home) / "emr").iterdir())
    assert maya.get(where).status_code == 404
    again = upload(maya, content)
    assert "Raman, Priya" in maya.get(again).get_data(as_text=True)


def test_rows_become_referrals_with_source_service_payer_and_stage(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    bring_in(maya, runtime)
    raman, wong, okafor, own = log(runtime)
    assert (raman.contact_id, raman.stage, raman.evaluated_on) == (cast.raman, "started", date(2026, 2, 14))
    assert (wong.source_type, wong.unmatched_source) == ("unmatched", "Dr. Lee Wong (Hilltop Family)")
    assert (okafor.contact_id, okafor.discipline, okafor.stage) == (cast.okafor, "OT", "closed")
    assert (own.source_type, own.contact_id, own.client_number) == ("self", None, "")
    with runtime.turn(write=False) as turn:
        assert turn.session.get(Standing, cast.raman) is not None
        assert turn.session.scalars(
            select(Touch.text).where(Touch.kind == "referred", Touch.contact_id == cast.raman)
        ).all()
        assert turn.session.get(ContactPayer, (cast.raman, raman.payer_id)) is not None


def test_refused_rows_carry_their_number_and_a_reason_only(maya: FlaskClient, runtime: Runtime) -> None:
    where = bring_in(maya, runtime)
    answer = maya.get(f"{where}/refused.csv").get_data(as_text=True)
    assert [line.split(",")[0] for line in answer.splitlines()[1:]] == ["5", "6", "8"]
    assert "lies in the future" in answer
    assert not any(secret in answer for secret in SECRETS)


def test_the_same_file_twice_changes_nothing(maya: FlaskClient, runtime: Runtime) -> None:
    bring_in(maya, runtime)
    before = [(one.id, one.stage, one.case_key) for one in log(runtime)]
    where = upload(maya)
    match(maya, where)
    assert "Nothing in this file would change anything" in maya.get(f"{where}/check").get_data(as_text=True)
    post(maya, f"{where}/run", form_at=f"{where}/check")
    work(runtime)
    assert [(one.id, one.stage, one.case_key) for one in log(runtime)] == before
    assert all(one.case_key and len(one.case_key) == 64 for one in log(runtime))


def test_a_later_report_moves_referrals_on_and_never_back(maya: FlaskClient, runtime: Runtime) -> None:
    bring_in(maya, runtime)
    later = ROWS.replace("2/14/2026,Active", ",New").replace("Aetna Gold,,New", "Aetna Gold,2/20/2026,Active")
    bring_in(maya, runtime, HEADER + later)
    raman, wong, *_ = log(runtime)
    assert (raman.stage, raman.evaluated_on) == ("started", date(2026, 2, 14))
    assert (wong.stage, wong.evaluated_on) == ("started", date(2026, 2, 20))


def test_the_columns_and_words_of_a_report_are_remembered(maya: FlaskClient, runtime: Runtime) -> None:
    where = upload(maya)
    match(maya, where, **{"column-2": "", "day_first": "no"})
    page = maya.get(f"{where}/check").get_data(as_text=True)
    assert "Aetna Gold" in page
    with runtime.turn(write=False) as turn:
        acme = turn.session.execute(text("SELECT id FROM payer WHERE name = 'Acme Health'")).scalar()
    post(maya, f"{where}/words", {"payer-word": "Aetna Gold", "payer-is": str(acme)}, form_at=f"{where}/check")
    post(maya, f"{where}/run", form_at=f"{where}/check")
    work(runtime)
    assert [one.payer_id for one in log(runtime) if one.unmatched_source] == [acme]
    again = upload(maya, HEADER + ROWS.replace("Aetna Gold", "AETNA gold").replace("88231", "88239"))
    with runtime.turn(write=False) as turn:
        run = turn.session.scalars(select(EmrRun).order_by(EmrRun.id.desc())).first()
        assert run is not None
        assert "source_practice" not in run.mapping["columns"]
        assert run.mapping["words"]["payer"] == {"aetna gold": acme}
    assert "Aetna" not in maya.get(f"{again}/check").get_data(as_text=True)


def test_a_stop_in_the_middle_goes_on_where_it_was(maya: FlaskClient, runtime: Runtime) -> None:
    where = upload(maya)
    match(maya, where)
    post(maya, f"{where}/run", form_at=f"{where}/check")
    with runtime.turn() as turn:
        emr_running.work(turn.session, now=turn.now, home=runtime.settings.home, key=KEY, limit=2)
    with suppress(KeyboardInterrupt), runtime.turn() as turn:
        emr_running.work(turn.session, now=turn.now, home=runtime.settings.home, key=KEY, limit=2)
        raise KeyboardInterrupt
    assert len(log(runtime)) == 2
    work(runtime, limit=2)
    work(runtime)
    assert len(log(runtime)) == 4
    assert not list((Path(runtime.settings.home) / "emr").iterdir())


def test_a_file_that_a_crash_left_behind_is_swept_and_so_is_one_that_nobody_goes_on_with(
    maya: FlaskClient, runtime: Runtime
) -> None:
    upload(maya)
    folder = Path(runtime.settings.home) / "emr"
    (folder / "4711.csv").write_text("left by a crash before its row was committed")
    work(runtime)
    assert [path.name for path in folder.iterdir()] == ["1.csv"]
    with runtime.turn() as turn:
        run = turn.session.scalars(select(EmrRun)).one()
        run.created_at -= timedelta(hours=13)
    work(runtime)
    assert not list(folder.iterdir())
    assert "erased" in maya.get("/referrals/emr/1").get_data(as_text=True)


def test_undo_takes_out_what_the_import_made_and_the_file_can_come_again(maya: FlaskClient, runtime: Runtime) -> None:
    where = bring_in(maya, runtime)
    kept = log(runtime)[0].id
    post(maya, f"/referrals/{kept}/move", {"stage": "completed", "on": "2026-03-02"}, form_at=f"/referrals/{kept}")
    with runtime.turn() as turn:
        gone = next(one.id for one in turn.session.scalars(select(Referral)) if one.id != kept)
        origin = f"referral:{gone}:thanks"
        tasks.add(turn.session, now=turn.now, kind="thank", title="Thank them", due_on=date(2026, 3, 4), origin=origin)
    post(maya, f"{where}/undo", form_at=where)
    with runtime.turn(write=False) as turn:
        asked = turn.session.scalars(select(tasks.Task).where(tasks.Task.origin == origin)).one()
        assert asked.closed_at is not None, "nobody is thanked for a referral that is out of the log"
    assert [one.id for one in log(runtime) if one.deleted_at is None] == [kept]
    bring_in(maya, runtime)
    assert len([one for one in log(runtime) if one.deleted_at is None]) == 4


def test_words_that_somebody_explained_are_known_in_the_next_report(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        turn.session.add(SourceAlias(words="dr lee wong hilltop family", contact_id=cast.greta, since_at=turn.now))
    bring_in(maya, runtime)
    assert cast.greta in [one.contact_id for one in log(runtime)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("%PDF-1.7 something", "PDF"),
        ("PK\x03\x04 xl/workbook.xml", "Excel"),
        ("Color,Shape\nred,round\n", "looks like a referral report"),
        (HEADER, "no rows"),
    ],
)
def test_a_wrong_file_is_refused_in_words_and_leaves_nothing(
    maya: FlaskClient, runtime: Runtime, content: str, said: str
) -> None:
    data = {
        "file": (BytesIO(content.encode()), "x.csv"),
        "csrf_token": csrf_of(maya.get("/referrals/emr").get_data(as_text=True)),
    }
    answer = maya.post("/referrals/emr", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(EmrRun)).all() == []
        assert turn.session.scalars(select(EmrLine)).all() == []
    assert not list((Path(runtime.settings.home) / "emr").glob("*"))


@pytest.mark.postgresql
def test_a_report_that_is_just_let_in_is_not_swept_by_the_worker(runtime: Runtime) -> None:
    home = runtime.settings.home

    def sweep() -> None:
        with runtime.turn() as turn:
            emr_running.sweep(turn.session, home, now=turn.now)

    worker = Thread(target=sweep)
    with runtime.turn() as turn:
        content = BytesIO((HEADER + ROWS).encode())
        run = emr_running.upload(turn.session, content, now=turn.now, home=home, key=KEY, by_id=None)
        assert isinstance(run, EmrRun)
        file = emr_running.folder(home) / f"{run.id}.csv"
        worker.start()
        worker.join(1)
        assert file.exists(), "its run is not committed yet, and its file is gone"
    worker.join(120)
    assert file.exists()
