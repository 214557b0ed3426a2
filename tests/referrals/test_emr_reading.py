"""The pure parts of the EMR import: days, the door, columns, and one row."""

import io
from datetime import date

import pytest

from outreach.errors import Refusal
from outreach.referrals.emr.door import Door, let_in, rows_of
from outreach.referrals.emr.door_names import FREE_TEXT, NOT_KNOWN
from outreach.referrals.emr.emr_columns import TEMPLATE_HEADER, Mapping, choose, guess
from outreach.referrals.emr.emr_dates import day
from outreach.referrals.emr.emr_reading import Unusable, read_row
from outreach.referrals.sourcing import name_keys

KEY = b"k" * 64
TODAY = date(2026, 3, 2)
HEADER = "Patient Name,DOB,MRN,Diagnosis,Referral Date,Referring Provider,Discipline,Insurance,Status,Case notes\n"
ROW = 'Ana Lopez,04/12/1970,MRN-77120,M54.5 low back pain,2/20/2026,"Raman, Priya, MD",PT,Medicare,Active,{}\n'


def through(text: str) -> tuple[Door | Refusal, str]:
    target = io.StringIO(newline="")
    door = let_in(io.BytesIO(text.encode()), target, key=KEY)
    return door, target.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-02", "2026-03-02T14:05:00Z", "2026/3/2", "20260302", "3/2/2026", "03/02/26", "3.2.2026"),
        *("3/2/2026 2:05 PM", "02-Mar-2026", "2 March 2026", "2mar26", "Mar 2, 2026", "March 2, 2026"),
    ],
)
def test_a_day_is_read_in_the_ways_that_exports_write_it(text: str) -> None:
    assert day(text) == date(2026, 3, 2)


def test_a_day_in_the_european_order_is_read_so_only_when_somebody_says_so() -> None:
    assert day("3/2/2026", day_first=True) == date(2026, 2, 3)
    assert day("13/2/2026") is None
    assert day("13/2/2026", day_first=True) == date(2026, 2, 13)


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "0/0/00", "12345", "Ana Lopez", "²/2/2026"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert day(text) is None


def test_nothing_of_the_client_goes_through_the_door() -> None:
    door, kept = through(HEADER + ROW.format("called Ana Lopez re MRN-77120"))
    assert isinstance(door, Door)
    assert [what for _, what in door.dropped] == ["patient name", "birth date", "record number", "diagnosis", FREE_TEXT]
    assert door.header == ("Referral Date", "Referring Provider", "Discipline", "Insurance", "Status")
    for secret in ("Ana", "Lopez", "1970", "77120", "M54", "back"):
        assert secret not in kept
    assert "Raman, Priya, MD" in kept


def test_a_cell_that_repeats_the_client_is_emptied() -> None:
    text = HEADER.replace("Insurance", "Program") + ROW.format("").replace("Medicare", "Lopez Ana / MRN-77120")
    assert "Lopez" not in through(text)[1]
    assert "77120" not in through(text)[1]


def test_a_client_who_referred_themselves_is_named_self() -> None:
    door, kept = through(HEADER + ROW.format("").replace('"Raman, Priya, MD"', '"LOPEZ, ANA"'))
    assert isinstance(door, Door)
    assert "LOPEZ" not in kept
    assert "Self" in kept


def test_the_same_client_has_the_same_one_way_key_and_another_key_for_another_practice() -> None:
    text = HEADER + ROW.format("") + ROW.format("again") + ROW.format("").replace("77120", "88231")
    first, second, other = (client for _, client, _ in rows_of(io.StringIO(through(text)[1]), after=0))
    assert first == second != other
    target = io.StringIO(newline="")
    let_in(io.BytesIO(text.encode()), target, key=b"x" * 64)
    assert next(rows_of(io.StringIO(target.getvalue()), after=0))[1] != first


@pytest.mark.parametrize(
    "column",
    ["PtFirstLast", "Marital Status", "Visit type", "Kontakt", "Location of pain", "Primary language", "Therapist"],
)
def test_a_column_that_nobody_knows_is_never_read(column: str) -> None:
    door, kept = through(f"{column},Referral Date,Referred By,Discipline,Case Number\nLopez,2/20/2026,Dr. Wong,PT,C1\n")
    assert isinstance(door, Door)
    assert column in dict(door.dropped)
    assert "Lopez" not in kept


def test_a_column_that_somebody_explained_is_read_from_then_on() -> None:
    text = b"Patient Name,Ref MD,Referral Date,Discipline,Case Number\nAna Lopez,Dr. Lee Wong,2/20/2026,PT,C1\n"
    target = io.StringIO(newline="")
    door = let_in(io.BytesIO(text), target, key=KEY, said={"ref md": "source_name", "patient name": "source_practice"})
    assert isinstance(door, Door)
    assert dict(door.dropped) == {"Patient Name": "patient name"}
    assert door.columns["source_name"] == 0
    assert "Lee Wong" in target.getvalue()
    assert ("Ref MD", NOT_KNOWN) in through(text.decode())[0].dropped  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("column", "cell", "kept"),
    [
        ("Close reason", "Lopez moved away", "moved away"),
        ("Close reason", "ana's mother called, wants Hilltop", "mother called"),
        ("Status", "Cancelled (Ana)", "Cancelled"),
        ("Barrier", "Transport, José drives", "Transport, drives"),
        ("Referred by", "Ana", ""),
        ("Referred by", "Ms. Lopez", ""),
        ("Referred by", "Maria Lopez (mother)", ""),
        ("Referred by", "Ana from church", ""),
        ("Referred by", "Ana Lopez Jose", "Self"),
        ("Referred by", "Dr. Lopez", "Dr. Lopez"),
        ("Referred by", "Lopez, Maria, NP", "Lopez, Maria, NP"),
        ("Referring provider", "Maria Lopez", "Maria Lopez"),
        ("Referred by", "Maria Lopez", "Maria"),
        ("Insurance", "Lopez Health", "Lopez Health"),
        ("Insurance", "Lopez mutual", "mutual"),
        ("Appointment date", "ask Lopez", "?"),
        ("Referring NPI", "555-0199 Lopez", ""),
    ],
)
def test_not_one_word_of_the_client_stays_in_a_cell_unless_it_is_somebody_elses(
    column: str, cell: str, kept: str
) -> None:
    target = io.StringIO(newline="")
    row = f'Patient Name,Referral Date,{column}\nAna José Lopez,2/20/2026,"{cell}"\n'
    assert isinstance(let_in(io.BytesIO(row.encode()), target, key=KEY, known={"lopez health"}), Door)
    found = next(rows_of(io.StringIO(target.getvalue()), after=0))[2][1]
    assert kept in found
    assert kept or not found
    if "Lopez" not in kept:
        assert not {"lopez", "ana", "josé"} & set(found.casefold().replace("'", " ").split())


def test_a_case_number_is_a_one_way_key_before_it_is_kept() -> None:
    door, kept = through("Case Number,Referral Date,Referred By,Discipline\nC-9931,2026-02-20,Dr. Raman,PT\n")
    assert isinstance(door, Door)
    assert "9931" not in kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Raman, Priya S., MD", "raman priya"),
        ("Dr. Priya Raman", "raman priya"),
        ("PRIYA S. RAMAN MD", "raman priya"),
        ("O'Neil-Byrne, Siobhán, PA-C", "o'neil-byrne siobhán"),
        ("Maria de la Cruz", "de la cruz maria"),
        ("Nguyễn, Thị Hà", "nguyễn thị hà"),
        ("Иванова, Анна", "иванова анна"),
        ("李小龍", "李小龍"),
        ("Lakeside Orthopedics", "lakeside orthopedics"),
    ],
)
def test_a_name_is_found_however_an_export_writes_it(written: str, kept: str) -> None:
    assert kept in name_keys(written)


def test_our_own_template_is_guessed_whole() -> None:
    found = guess(TEMPLATE_HEADER)
    named = {name: TEMPLATE_HEADER[at] for name, at in found.items()}
    assert named == {
        "case_key": "case_key",
        "received_on": "referral_date",
        "direction": "direction",
        "source_npi": "source_npi",
        "source_name": "source_name",
        "source_practice": "source_practice",
        "source_type": "source_kind",
        "service": "discipline",
        "clinic": "clinic",
        "payer": "payer",
        "contacted_on": "first_contact_date",
        "scheduled_on": "appointment_date",
        "evaluated_on": "evaluation_date",
        "status": "status",
        "close_reason": "close_reason",
        "barrier": "barrier",
        "ended_on": "discharge_date",
        "plan_completed": "plan_completed",
    }


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ([(0, "received_on"), (1, "received_on")], "twice"),
        ([(1, "source_name")], "no-date"),
        ([(0, "received_on")], "no-source"),
        ([(0, "received_on"), (1, "source_name")], "no-service"),
        ([(0, "received_on"), (1, "source_name"), (2, "service")], "no-key"),
        ([(0, "diagnosis")], "unknown-field"),
    ],
)
def test_a_choice_of_columns_that_cannot_work_is_refused_by_name(columns: list[tuple[int, str]], reason: str) -> None:
    refusal = choose(columns, day_first=False, discipline="", has_client_key=False)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


COLUMNS = (
    "received_on",
    "service",
    "status",
    "evaluated_on",
    "ended_on",
    "plan_completed",
    "close_reason",
    "scheduled_on",
)


def read(*cells: str) -> object:
    mapping = Mapping({name: at for at, name in enumerate(COLUMNS)})
    return read_row(7, "client", cells + ("",) * (len(COLUMNS) - len(cells)), mapping, key=KEY, today=TODAY)


@pytest.mark.parametrize(
    ("cells", "stage"),
    [
        (("2/1/2026", "PT"), "received"),
        (("2/1/2026", "PT", "Scheduled"), "scheduled"),
        (("2/1/2026", "PT", "", "2/9/2026"), "evaluated"),
        (("2/1/2026", "PT", "In treatment", "2/9/2026"), "started"),
        (("2/1/2026", "PT", "Discharged", "2/9/2026", "3/1/2026", "yes"), "completed"),
        (("2/1/2026", "PT", "Discharged", "2/9/2026", "3/1/2026", "no"), "closed"),
        (("2/1/2026", "PT", "Cancelled"), "closed"),
        (("2/1/2026", "PT", "not converted"), "received"),
        (("2/1/2026", "PT", "Yes"), "evaluated"),
        (("2/1/2026", "PT", "", "", "", "", "", "4/20/2026"), "scheduled"),
    ],
)
def test_the_stage_follows_from_status_and_days(cells: tuple[str, ...], stage: str) -> None:
    assert read(*cells).stage == stage  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "cells",
    [
        ("", "PT"),
        ("last week", "PT"),
        ("3/3/2026", "PT"),
        ("3/2/1926", "PT"),
        ("2/1/2026", ""),
        ("2/1/2026", "PT", "", "1/9/2026"),
        ("2/1/2026", "PT", "", "3/9/2026"),
    ],
)
def test_a_row_that_cannot_be_a_referral_is_refused_without_quoting_it(cells: tuple[str, ...]) -> None:
    with pytest.raises(Unusable) as refused:
        read(*cells)
    assert not any(cell and cell in str(refused.value) for cell in cells)


@pytest.mark.parametrize(
    "columns",
    [
        *("Name,Birthday", "Last Name,First Name", "Full Name,DOB", "Acct #,Birth", "MR #,Problem list"),
        *("Reason for Referral,Primary Complaint", "Legal Name,Born", "Goes by,Precautions"),
        *("Emergency Contact Name,Guarantor Name", "Parent Contact Name,Next of kin"),
    ],
)
def test_columns_that_only_an_emr_calls_so_are_the_clients(columns: str) -> None:
    header = f"{columns},Referral Date,Referring Provider,Discipline,Case Number\n"
    door, kept = through(f"{header}Lopez,Quimby,2/20/2026,Dr. Lee Wong,PT,C1\n")
    assert isinstance(door, Door)
    assert door.header == ("Referral Date", "Referring Provider", "Discipline", "Case Number")
    assert "Lopez" not in kept
    assert "Quimby" not in kept


def test_a_bare_last_and_first_name_tell_clients_apart_and_are_scrubbed() -> None:
    text = "Last Name,First Name,Referral Date,Referred by,Discipline\n"
    door, kept = through(f"{text}Lopez,Ana,2/20/2026,Ana Lopez,PT\nQuimby,Bo,2/20/2026,Dr. Lee Wong,PT\n")
    assert isinstance(door, Door)
    assert door.has_client_key
    assert "Lopez" not in kept
    assert len({line.split(",")[1] for line in kept.splitlines()}) == 2
