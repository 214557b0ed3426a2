"""A file becomes contacts: checked first, then written in batches, then perhaps taken back."""

import io
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts import consent, import_checking, import_files, importing
from outreach.contacts.columns import column_mapping
from outreach.contacts.import_undoing import undo
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.models import Contact, ContactTag, Membership, Organization
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.runtime import Runtime
from tests.conftest import KEY
from tests.people import Cast

FILES = Path(__file__).parent / "files"
JOB = job_named("import-contacts")
TABLES = (Contact, Organization, Membership, ContactTag, consent.Suppression, consent.Consent, Touch)


def bring(runtime: Runtime, content: bytes, name: str = "list.csv", **choices: Any) -> int:
    """Uploaded, chosen and checked; answers the run."""
    settings = {
        "mapping": None,
        "default_kind": "provider",
        "duplicates": "fill",
        "permission": "signed-up",
        "permission_words": "Form on our website",
        **choices,
    }
    with runtime.turn() as turn:
        run = importing.upload(
            turn.session, io.BytesIO(content), name, now=turn.now, home=runtime.settings.home, by_id=None
        )
        assert isinstance(run, ImportRun), run
        assert importing.choose(turn.session, run, now=turn.now, **settings) is None
        import_checking.check_at_once(turn.session, run, key=KEY, home=runtime.settings.home, now=turn.now)
        assert run.status == "checked", run.error
        return run.id


def carry_out(runtime: Runtime, run_id: int) -> ImportRun:
    with runtime.turn() as turn:
        importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    work(runtime, JOB)
    work(runtime, JOB)
    return run_of(runtime, run_id)


def run_of(runtime: Runtime, run_id: int) -> ImportRun:
    with runtime.turn(write=False) as turn:
        run = turn.session.get_one(ImportRun, run_id)
        turn.session.expunge(run)
        return run


def everything(runtime: Runtime) -> dict[str, int]:
    with runtime.turn(write=False) as turn:
        return {t.__tablename__: turn.session.scalar(select(func.count()).select_from(t)) or 0 for t in TABLES}


def contact(runtime: Runtime, **where: Any) -> Contact:
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(Contact).filter_by(**where, deleted_at=None)).one()
        turn.session.expunge(found)
        return found


def table(*rows: str) -> bytes:
    return "\n".join(("First name,Last name,Email,ZIP,NPI,Tags", *rows)).encode()


def test_nothing_is_written_to_contacts_by_a_check(runtime: Runtime) -> None:
    before = everything(runtime)
    run = run_of(runtime, bring(runtime, table("Hana,Castillo,hana@mercy.example,12545,,", "Bad,Row,no-address,,,")))
    assert run.counts == {"new": 1, "problem": 1}
    assert run.preview["problem"][0][0] == 3
    assert everything(runtime) == before


def test_a_mailchimp_export_becomes_contacts_with_their_permission(runtime: Runtime) -> None:
    name = "subscribed_email_audience_export.csv"
    run = carry_out(runtime, bring(runtime, (FILES / name).read_bytes(), name))
    assert run.status == "done"
    assert run.format == "mailchimp-subscribed"
    priya = contact(runtime, email="priya.raman@omahafamily.example")
    with runtime.turn(write=False) as turn:
        agreed = turn.session.scalars(select(consent.Consent).where(consent.Consent.contact_id == priya.id)).one()
        turn.session.expunge(agreed)
        tags = set(turn.session.scalars(select(ContactTag.tag).where(ContactTag.contact_id == priya.id)))
        told = turn.session.scalars(select(Touch.text).where(Touch.contact_id == priya.id)).one()
    assert agreed.at.year == 2024
    assert agreed.words == "Form on our website"
    assert tags == {"Primary care", "Lunch, 2024"}
    assert "Met at the May lunch" in told
    assert not (runtime.settings.home / "imports" / f"{run.id}.csv").exists()


@pytest.mark.parametrize(
    "name",
    [
        "subscribed_email_audience_export.csv",
        "unsubscribed_email_audience_export.csv",
        "cleaned_email_audience_export.csv",
        "google_contacts.csv",
        "google_contacts_older.csv",
    ],
)
def test_a_second_import_of_the_same_file_changes_nothing(runtime: Runtime, clock: FrozenClock, name: str) -> None:
    content = (FILES / name).read_bytes()
    carry_out(runtime, bring(runtime, content, name))
    before = everything(runtime)
    clock.advance(timedelta(days=1))
    run_id = bring(runtime, content, name, duplicates="update")
    assert not {"new", "updated", "stopped"} & set(run_of(runtime, run_id).counts)
    with runtime.turn() as turn:
        refused = importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    assert isinstance(refused, Refusal)
    assert refused.reason == "nothing-to-do"
    assert everything(runtime) == before


def test_unsubscribed_people_are_stopped_and_no_later_list_brings_them_back(runtime: Runtime, cast: Cast) -> None:
    rows = b"Email Address,UNSUB_TIME,LEID\nP.Raman@Lakeside.example,2025-06-30 17:45:10,1\n"
    run = carry_out(runtime, bring(runtime, rows, "unsubscribed_list.csv"))
    assert run.counts == {"stopped": 1}
    carry_out(runtime, bring(runtime, table("Priya,Raman,p.raman@lakeside.example,12545,,vip")))
    with runtime.turn(write=False) as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert raman.address_hash is not None
        stopped = consent.suppressed_topics(turn.session, raman.address_hash)
        told = turn.session.scalars(
            select(Touch.text).where(Touch.contact_id == cast.raman, Touch.kind == "unsubscribed")
        )
        assert stopped["all"].source == "import"
        assert stopped["all"].since_at.year == 2025
        assert told.one() == "No more mail: they unsubscribed, says an imported file"


def test_an_old_opt_out_does_not_undo_the_persons_own_return(runtime: Runtime, cast: Cast) -> None:
    hashed = consent.address_hash(KEY, "p.raman@lakeside.example")
    with runtime.turn() as turn:
        consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="page")
        consent.lift(turn.session, now=turn.now, hashed=hashed, topic="all")
    rows = b"Email Address,UNSUB_TIME,LEID\np.raman@lakeside.example,2025-06-30 17:45:10,1\n"
    run_id = bring(runtime, rows, "unsubscribed_list.csv")
    with runtime.turn() as turn:
        turn.session.get_one(ImportRun, run_id).counts = {"stopped": 1}
    assert carry_out(runtime, run_id).counts == {"unchanged": 1}
    with runtime.turn(write=False) as turn:
        assert consent.suppressed_topics(turn.session, hashed) == {}


def test_people_are_recognised_by_npi_then_address_then_name_and_zip(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.silent).zip5 = "12545"
    run = carry_out(
        runtime,
        bring(
            runtime,
            table(
                "P.,Raman,other@lakeside.example,12545,1234567893,",
                "Sam,Okafor,S.OKAFOR@NORTHGATE.EXAMPLE,12545,,",
                "Elena,Marsh,elena@northgate.example,12545,,",
                "Elena,Marsh,,10001,,",
            ),
        ),
    )
    assert run.counts == {"updated": 3, "new": 1}
    raman = contact(runtime, id=cast.raman)
    assert (raman.first_name, raman.email, raman.zip5) == ("Priya", "p.raman@lakeside.example", "12545")
    assert contact(runtime, id=cast.silent).email == "elena@northgate.example"


@pytest.mark.parametrize(("policy", "name"), [("fill", "Priya"), ("update", "Prya"), ("skip", "Priya")])
def test_the_person_decides_what_happens_to_those_already_there(
    runtime: Runtime, cast: Cast, policy: str, name: str
) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.tom).city = ""
    rows = b"First name,Last name,Email,City\nPrya,Raman,p.raman@lakeside.example,Salem\n"
    run_id = bring(runtime, rows, duplicates=policy)
    with runtime.turn() as turn:
        turn.session.get_one(ImportRun, run_id).counts = {"updated": 1}
    carry_out(runtime, run_id)
    raman = contact(runtime, id=cast.raman)
    assert raman.first_name == name
    assert raman.city == ("" if policy == "skip" else "Salem")


def test_the_same_person_twice_in_a_file_is_taken_once(runtime: Runtime) -> None:
    rows = table("Ana,Li,ana@x.example,12545,,", "Ana,Li,ANA@x.example,12545,,", "Ana,Li,,12545,,")
    run = carry_out(runtime, bring(runtime, rows))
    assert run.counts["new"] == 1
    assert run.counts["duplicate"] == 2


def test_refused_rows_keep_their_cells_and_a_reason(runtime: Runtime) -> None:
    rows = table(
        'Ana,Li,"ana,li@x.example",12545,,', "Ben,Lo,=cmd()|1,,,", "Cy,Mo,,12545,1234567890,", "Di,No,di@x.example,,,"
    )
    run = carry_out(runtime, bring(runtime, rows))
    with runtime.turn(write=False) as turn:
        told = select(ImportLine).where(ImportLine.result == "problem").order_by(ImportLine.row_number)
        lines = turn.session.scalars(told).all()
        turn.session.expunge_all()
    assert [line.row_number for line in lines] == [2, 3, 4]
    assert "comma" in lines[0].reason
    assert lines[1].cells[0] == "Ben"
    assert run.counts == {"new": 1, "problem": 3}


def test_organizations_without_a_person_or_an_npi_come_in_too(runtime: Runtime, cast: Cast) -> None:
    rows = b"Organization,Phone,City\nMercy Neuro Group,(555) 014-1234,Millbrook\nlakeside orthopedics,,Millbrook\n"
    assert carry_out(runtime, bring(runtime, rows)).counts == {"new": 1, "updated": 1}
    before = everything(runtime)
    assert run_of(runtime, bring(runtime, rows)).counts == {"unchanged": 2}
    assert everything(runtime) == before


def test_nppes_comes_in_by_header_name_with_specialty_and_stark_mark(runtime: Runtime) -> None:
    header = (FILES / "npidata_pfile_fileheader.csv").read_text("utf-8").strip()
    names = [name.strip('"') for name in header.split('","')]
    cells = dict.fromkeys(names, "") | {
        "NPI": "1000000004",
        "Entity Type Code": "1",
        "Provider Last Name (Legal Name)": "MCDONALD",
        "Provider First Name": "ANNE",
        "Provider Credential Text": "M.D.",
        "Provider Business Practice Location Address City Name": "MILLBROOK",
        "Provider Business Practice Location Address State Name": "NY",
        "Provider Business Practice Location Address Postal Code": "125451234",
        "Healthcare Provider Taxonomy Code_1": "207X00000X",
        "Healthcare Provider Primary Taxonomy Switch_1": "Y",
    }
    content = f"{header}\n" + ",".join(f'"{value}"' for value in cells.values()) + "\n"
    run_id = bring(runtime, content.encode(), "npidata_pfile_20260301.csv", permission="none", default_kind="")
    assert carry_out(runtime, run_id).format == "nppes"
    anne = contact(runtime, npi="1000000004")
    assert (anne.kind, anne.last_name, anne.specialty) == ("physician", "McDonald", "Orthopedic surgery")
    assert anne.stark_physician
    with runtime.turn(write=False) as turn:
        assert not turn.session.scalars(select(consent.Consent).where(consent.Consent.contact_id == anne.id)).all()


def test_columns_chosen_by_a_person_are_read_as_chosen(runtime: Runtime) -> None:
    header = ("Arzt", "Haus", "Post")
    mapping = column_mapping(header, [(0, "name"), (1, "organization"), (2, "email")])
    assert not isinstance(mapping, Refusal)
    rows = 'Arzt;Haus;Post\n"Weiß, Jürgen";Haus am See;j.weiss@see.example\n'.encode("cp1252")
    carry_out(runtime, bring(runtime, rows, mapping=mapping, default_kind="physician"))
    jurgen = contact(runtime, email="j.weiss@see.example")
    assert (jurgen.first_name, jurgen.last_name, jurgen.kind) == ("Jürgen", "Weiß", "physician")
    assert jurgen.organization_id is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty-file"),
        (b"PK\x03\x04xl/workbook", "excel"),
        (b"ana@x.example,Ana\nben@x.example,Ben\n", "no-header"),
        (b"Email,Name\n", "no-rows"),
        (b"%PDF-1.7", "pdf"),
    ],
)
def test_a_wrong_file_gets_a_sentence_and_leaves_nothing(runtime: Runtime, content: bytes, reason: str) -> None:
    with runtime.turn() as turn:
        refused = importing.upload(
            turn.session, io.BytesIO(content), "x.csv", now=turn.now, home=runtime.settings.home, by_id=None
        )
        assert isinstance(refused, Refusal)
        assert refused.reason == reason
    assert list((runtime.settings.home / "imports").iterdir()) == []
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(ImportRun)) == 0


def work_and_fail(runtime: Runtime) -> None:
    with runtime.turn() as turn:
        importing.work(turn.session, now=turn.now, key=KEY, home=runtime.settings.home, limit=100)
        raise RuntimeError("power cut")


def test_an_import_stopped_in_the_middle_goes_on_where_it_was(runtime: Runtime, settings: Any) -> None:
    rows = table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(250)))
    run_id = bring(runtime, rows)
    with runtime.turn() as turn:
        importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    for _ in range(2):
        with runtime.turn() as turn:
            importing.work(turn.session, now=turn.now, key=KEY, home=settings.home, limit=100)
        import_files.close_all()
    with pytest.raises(RuntimeError, match="power cut"):
        work_and_fail(runtime)
    assert run_of(runtime, run_id).handled == 200
    work(runtime, JOB)
    run = run_of(runtime, run_id)
    assert (run.status, run.counts, run.handled) == ("done", {"new": 250}, 250)


def test_two_imports_at_once_make_nobody_twice(runtime: Runtime) -> None:
    rows = table(*(f"Ana,Li{n},ana{n}@x.example,12545,," for n in range(30)))
    first, second = bring(runtime, rows), bring(runtime, rows)
    with runtime.turn() as turn:
        for run_id in (first, second):
            importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    for _ in range(3):
        work(runtime, JOB)
    assert run_of(runtime, first).counts == {"new": 30}
    assert run_of(runtime, second).counts == {"unchanged": 30}


def test_a_batch_asks_the_same_number_of_questions_however_many_rows_it_has(runtime: Runtime) -> None:
    from sqlalchemy import event

    asked: dict[int, int] = {}
    for count in (10, 200):
        rows = table(*(f"Ana,Li{n},ana{count}x{n}@x.example,12545,,vip" for n in range(count)))
        run_id = bring(runtime, rows)
        statements: list[str] = []
        event.listen(runtime.engine, "before_cursor_execute", lambda *args, seen=statements: seen.append(args[2]))
        carry_out(runtime, run_id)
        asked[count] = len([s for s in statements if not s.startswith(("BEGIN", "PRAGMA"))])
    assert asked[200] <= asked[10] + 25, asked


def test_undo_takes_back_what_nobody_touched_since(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    rows = table(
        "Ana,Li,ana@x.example,12545,,", "Ben,Lo,ben@x.example,12545,,", "Tom,Brandt,tom@handworks.example,12545,,new"
    )
    run_id = carry_out(runtime, bring(runtime, rows)).id
    stop = b"Email Address,UNSUB_TIME,LEID\nana@x.example,2025-06-30 17:45:10,1\n"
    carry_out(runtime, bring(runtime, stop, "unsubscribed_list.csv"))
    with runtime.turn() as turn:
        ben = turn.session.scalars(select(Contact).where(Contact.email == "ben@x.example")).one()
        turn.session.add(Touch(contact_id=ben.id, kind="call", at=turn.now, text="Called"))
    clock.advance(timedelta(days=6))
    with runtime.turn() as turn:
        result = undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    assert result == {"removed": 1, "restored": 1, "kept": 1}
    assert contact(runtime, id=cast.tom).zip5 == ""
    assert contact(runtime, email="ben@x.example").id
    with runtime.turn(write=False) as turn:
        assert not turn.session.scalars(select(ContactTag)).all()
        assert turn.session.scalar(select(func.count()).select_from(consent.Suppression)) == 1


def test_undo_leaves_a_value_alone_that_was_corrected_since(runtime: Runtime, cast: Cast) -> None:
    rows = table("Tom,Brandt,tom@handworks.example,12545,,")
    run_id = carry_out(runtime, bring(runtime, rows)).id
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.tom).zip5 = "10001"
    with runtime.turn() as turn:
        undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    assert contact(runtime, id=cast.tom).zip5 == "10001"


def test_undo_is_over_after_seven_days(runtime: Runtime, clock: FrozenClock) -> None:
    run_id = carry_out(runtime, bring(runtime, table("Ana,Li,ana@x.example,12545,,"))).id
    clock.advance(timedelta(days=7, minutes=1))
    with runtime.turn() as turn:
        assert isinstance(undo(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now), Refusal)
    assert contact(runtime, email="ana@x.example").id


def test_what_somebody_types_while_the_import_runs_is_not_written_over(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).phone = ""
    given = contact(runtime, id=cast.raman)
    line = f"First name,Last name,Email,Phone\n{given.first_name},{given.last_name},{given.email},(555) 014-9999\n"
    run_id = bring(runtime, line.encode())
    with runtime.turn() as turn:
        importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now)
    importer = threading.Thread(target=work, args=(runtime, JOB))
    with runtime.turn() as turn:
        by_hand = turn.session.get_one(Contact, cast.raman)
        by_hand.phone = "(555) 014-1111"
        turn.session.flush()
        importer.start()
        importer.join(1)
        assert importer.is_alive(), "it waits for the person"
    importer.join(120)
    assert contact(runtime, id=cast.raman).phone == "(555) 014-1111"
