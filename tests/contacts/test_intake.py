"""Rows of known and unknown files become people, organizations and opt-outs, or say why not."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from outreach.contacts import formats
from outreach.contacts.columns import ColumnMapping, column_mapping, guess_mapping
from outreach.contacts.csvfile import RefusedRow, Table, open_table, write_csv
from outreach.contacts.formats import Format, recognise
from outreach.contacts.imported import ImportedRow
from outreach.contacts.intake import read_people
from outreach.contacts.kinds import KINDS
from outreach.errors import Refusal

FILES = Path(__file__).parent / "files"


def read_file(name: str) -> tuple[Format, list[ImportedRow | RefusedRow]]:
    table = open_table(FILES / name)
    assert isinstance(table, Table)
    with table:
        known = recognise(table.header, name)
        assert known is not None
        return known, list(read_people(table, known))


def read_guessed(text: str) -> list[ImportedRow | RefusedRow]:
    table = open_table(text.encode())
    assert isinstance(table, Table)
    with table:
        assert recognise(table.header) is None
        return list(read_people(table, guess_mapping(table.header, table.samples)))


def person(row: ImportedRow | RefusedRow) -> ImportedRow:
    assert isinstance(row, ImportedRow), row
    return row


def refusal(row: ImportedRow | RefusedRow) -> RefusedRow:
    assert isinstance(row, RefusedRow), row
    return row


def test_mailchimp_subscribers_arrive_with_tags_and_the_moment_they_agreed() -> None:
    known, (priya, desk, sean) = read_file("subscribed_email_audience_export.csv")
    assert known is formats.MAILCHIMP_SUBSCRIBED
    assert priya == ImportedRow(
        2,
        "person",
        first_name="Priya",
        last_name="Raman",
        organization="Omaha Family Medicine",
        email="priya.raman@omahafamily.example",
        email_key="priya.raman@omahafamily.example",
        phone="(402) 555-0142",
        phone_e164="+14025550142",
        tags=("Primary care", "Lunch, 2024"),
        birthday_on=date(2000, 4, 12),
        notes="Met at the May lunch",
        source_opt_in_at=datetime(2024, 3, 9, 14, 5, tzinfo=UTC),
    )
    assert person(desk).email_key == "front.desk@elkhorn-ortho.example"
    assert person(desk).source_opt_in_at == datetime(2023, 11, 2, 8, 30, tzinfo=UTC)
    assert (person(sean).last_name, person(sean).phone_e164) == ("Ó Briain", "+35315550100")


def test_mailchimp_unsubscribed_and_cleaned_are_suppressions_with_reason_and_date() -> None:
    known, (thuy, undated) = read_file("unsubscribed_email_audience_export.csv")
    assert known is formats.MAILCHIMP_UNSUBSCRIBED
    assert (person(thuy).kind, person(thuy).suppression_reason) == ("suppression", "unsubscribed")
    assert person(thuy).suppressed_at == datetime(2024, 6, 30, 17, 45, 10, tzinfo=UTC)
    assert (person(undated).kind, person(undated).suppressed_at) == ("suppression", None)
    known, (gone,) = read_file("cleaned_email_audience_export.csv")
    assert known is formats.MAILCHIMP_CLEANED
    assert (person(gone).kind, person(gone).suppression_reason) == ("suppression", "bounced")


def test_a_cleaned_file_without_its_own_columns_is_known_by_its_name() -> None:
    with (FILES / "subscribed_email_audience_export.csv").open() as file:
        header = next(csv.reader(file))
    assert recognise(header) is formats.MAILCHIMP_SUBSCRIBED
    assert recognise(header, "cleaned_email_audience_export.csv") is formats.MAILCHIMP_CLEANED


def test_google_contacts_arrive_with_all_addresses_and_without_google_s_own_labels() -> None:
    known, (dana, maple, taro) = read_file("google_contacts.csv")
    assert known is formats.GOOGLE
    dana = person(dana)
    assert (dana.prefix, dana.first_name, dana.middle_name, dana.last_name) == ("Dr.", "Dana", "K", "Whitfield")
    assert (dana.email, dana.other_emails) == ("dana@prairiepeds.example", ("d.whitfield@example.com",))
    assert (dana.phone_e164, dana.other_phones) == ("+14025550177", ("402-555-0178",))
    assert (dana.street, dana.state, dana.zip5) == ("500 Center St, Suite 4", "NE", "68105")
    assert (dana.tags, dana.birthday_on) == (("Referrers", "Pediatrics"), date(2000, 4, 12))
    assert dana.notes == "Likes the\nshort reports"
    assert (person(maple).kind, person(maple).organization) == ("organization", "Maple Senior Center")
    assert (person(taro).first_name, person(taro).last_name) == ("太郎", "山田")


def test_the_older_google_form_is_still_read() -> None:
    known, (luis, cher) = read_file("google_contacts_older.csv")
    assert known is formats.GOOGLE_OLDER
    assert (person(luis).title, person(luis).tags) == ("Athletic director", ("Schools",))
    assert (person(cher).first_name, person(cher).last_name) == ("Cher", "")


def nppes(*rows: dict[str, str], without: tuple[str, ...] = (), **renamed: str) -> list[ImportedRow | RefusedRow]:
    """The rows as an NPPES V.2 main file: the real header of 330 columns, every value quoted."""
    with (FILES / "npidata_pfile_fileheader.csv").open() as file:
        header = [name for name in next(csv.reader(file)) if name not in without]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    source = text.getvalue().replace('"Provider Sex Code"', f'"{renamed.get("sex", "Provider Sex Code")}"')
    table = open_table(source.encode())
    assert isinstance(table, Table)
    with table:
        known = recognise(table.header)
        assert known is formats.NPPES
        return list(read_people(table, known))


LOCATION = "Business Practice Location Address"
SURGEON = {
    "NPI": "1234567893",
    "Entity Type Code": "1",
    "Provider Last Name (Legal Name)": "MCALLISTER-O'BRIEN",
    "Provider First Name": "JOANN",
    "Provider Middle Name": "T",
    "Provider Credential Text": "M.D., PH.D.",
    f"Provider First Line {LOCATION}": "1200 N 5TH ST",
    f"Provider Second Line {LOCATION}": "STE 300",
    f"Provider {LOCATION} City Name": "OMAHA",
    f"Provider {LOCATION} State Name": "NE",
    f"Provider {LOCATION} Postal Code": "681021234",
    f"Provider {LOCATION} Country Code (If outside U.S.)": "US",
    f"Provider {LOCATION} Telephone Number": "4025550142",
    "Provider Sex Code": "F",
    "Healthcare Provider Taxonomy Code_1": "390200000X",
    "Healthcare Provider Primary Taxonomy Switch_1": "N",
    "Healthcare Provider Taxonomy Code_2": "207X00000X",
    "Healthcare Provider Primary Taxonomy Switch_2": "Y",
}
CLINIC = {
    "NPI": "1000000004",
    "Entity Type Code": "2",
    "Provider Organization Name (Legal Business Name)": "PLAINS ORTHOPEDIC ASSOCIATES OF NEBRASKA LLC",
    "Provider Other Organization Name": "PLAINS ORTHO AND CHILDREN'S PT",
    "Provider Other Organization Name Type Code": "3",
    "Healthcare Provider Taxonomy Code_1": "207X00000X",
}


def test_an_nppes_person_stops_shouting_and_keeps_the_primary_taxonomy() -> None:
    (surgeon,) = nppes(SURGEON)
    assert surgeon == ImportedRow(
        2,
        "person",
        first_name="Joann",
        middle_name="T",
        last_name="McAllister-O'Brien",
        credentials="MD, PhD",
        phone="(402) 555-0142",
        phone_e164="+14025550142",
        street="1200 N 5th St, Ste 300",
        city="Omaha",
        state="NE",
        zip5="68102",
        postal_code="681021234",
        npi="1234567893",
        taxonomy="207X00000X",
        specialty="Orthopedic surgery",
        is_physician=True,
        suggested_kind="physician",
    )


def test_an_nppes_organization_goes_by_the_name_on_its_door() -> None:
    clinic, legal = nppes(CLINIC, CLINIC | {"Provider Other Organization Name Type Code": "4"})
    assert (person(clinic).kind, person(clinic).suggested_kind) == ("organization", "office")
    assert person(clinic).organization == "Plains Ortho and Children's PT"
    assert person(legal).organization == "Plains Orthopedic Associates of Nebraska LLC"


def test_a_deactivated_npi_is_left_out_unless_it_came_back() -> None:
    gone = SURGEON | {"NPI Deactivation Date": "02/03/2021"}
    back = gone | {"NPI Reactivation Date": "05/06/2021"}
    first, second = nppes(gone, back)
    assert refusal(first) == RefusedRow(2, "This NPI was deactivated on 02/03/2021.", "NPI Deactivation Date")
    assert person(second).npi == "1234567893"


def test_without_a_primary_switch_the_first_taxonomy_counts() -> None:
    (surgeon,) = nppes(SURGEON | {"Healthcare Provider Primary Taxonomy Switch_2": "N"})
    assert (person(surgeon).taxonomy, person(surgeon).is_physician) == ("390200000X", True)


def test_nppes_files_from_before_2025_and_cut_down_ones_are_read_too() -> None:
    assert person(nppes(SURGEON, sex="Provider Gender Code")[0]).last_name
    assert person(nppes(SURGEON, without=("Certification Date", "Is Sole Proprietor"))[0]).last_name


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"NPI": "1234567890"}, "NPI"),
        ({"Entity Type Code": ""}, "Entity Type Code"),
        ({"Provider Last Name (Legal Name)": ""}, "Provider Last Name (Legal Name)"),
    ],
)
def test_an_nppes_row_that_cannot_be_right_is_refused(change: dict[str, str], column: str) -> None:
    (row,) = nppes(SURGEON | change)
    assert refusal(row).column == column


def test_an_address_abroad_has_no_zip_code() -> None:
    (surgeon,) = nppes(SURGEON | {f"Provider {LOCATION} Country Code (If outside U.S.)": "DE"})
    assert (person(surgeon).zip5, person(surgeon).postal_code) == ("", "681021234")


def test_our_own_export_comes_back_as_it_left() -> None:
    values = {
        "kind": "Physician",
        "first_name": "Maya",
        "last_name": "Ng",
        "organization": "=Sum Clinic",
        "email": "maya@example.org",
        "phone": "+1 402-555-0142",
        "permission_at": "2024-03-09",
        "unsubscribed": "no",
    }
    exported = "".join(write_csv(formats.TEMPLATE_HEADER, [[values.get(name) for name in formats.TEMPLATE_HEADER]]))
    table = open_table(exported.encode())
    assert isinstance(table, Table)
    with table:
        assert recognise(table.header) is formats.TEMPLATE
        (maya,) = read_people(table, formats.TEMPLATE)
    assert (person(maya).suggested_kind, person(maya).organization) == ("physician", "=Sum Clinic")
    assert (person(maya).phone, person(maya).phone_e164) == ("+1 402-555-0142", "+14025550142")


def test_an_unknown_file_is_understood_by_its_names_and_its_values() -> None:
    rows = read_guessed(
        "Full Name;Practice;Contact at;Number of the provider\n"
        "Dr. Jane Q. McCoy, MD;Plains Ortho;Jane.McCoy@Example.ORG;1234567893\n"
    )
    jane = person(rows[0])
    assert (jane.prefix, jane.first_name, jane.middle_name, jane.last_name) == ("Dr.", "Jane", "Q.", "McCoy")
    assert (jane.credentials, jane.suggested_kind, jane.npi) == ("MD", "physician", "1234567893")
    assert (jane.email, jane.email_key) == ("Jane.McCoy@example.org", "jane.mccoy@example.org")


def test_outlook_s_title_is_a_prefix_and_its_job_title_a_title() -> None:
    (row,) = read_guessed(
        "Title,First Name,Last Name,Job Title,Birthday,E-mail Address,E-mail 2 Address\n"
        "Dr.,Dana,Whitfield,Pediatrician,0/0/00,dana@example.org,d@example.org\n"
    )
    assert (person(row).prefix, person(row).title) == ("Dr.", "Pediatrician")
    assert (person(row).other_emails, person(row).birthday_on) == (("d@example.org",), None)


def test_the_same_mailbox_in_another_case_has_the_same_key() -> None:
    first, second = read_guessed("Email\nMaya.Ng@Example.org\nmaya.ng@EXAMPLE.ORG\n")
    assert person(first).email_key == person(second).email_key


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("maya@example,org", "comma"),
        ("maya@example.org, dana@example.org", "comma"),
        ("=maya@example.org", "formula"),
        ("+maya@example.org", "formula"),
        ("maya", "@-sign"),
        ("maya@localhost", "period"),
        ("maya ng@example.org", "invalid characters"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_column(address: str, says: str) -> None:
    row = refusal(read_guessed(f'Email,First name\n"{address}",Maya\n')[0])
    assert (row.row_number, row.column) == (2, "Email")
    assert says in row.reason


def test_a_formula_is_kept_as_the_text_it_is() -> None:
    (row,) = read_guessed("Last name,Notes\nNg,=HYPERLINK(1)\n")
    assert person(row).notes == "=HYPERLINK(1)"


def test_a_line_break_in_a_name_becomes_a_space() -> None:
    (row,) = read_guessed('First name,Last name\n"Maya\r\nLou",Ng\u202e\n')
    assert (person(row).first_name, person(row).last_name) == ("Maya Lou", "Ng")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Zoë", "Núñez"),
        ("Łukasz", "Wiśniewski"),
        ("Юлия", "Іваненко"),
        ("Ελένη", "Παπαδοπούλου"),
        ("محمد", "الخطيب"),
        ("שרה", "כהן"),
        ("می‌ترا", "رضایی"),
        ("प्रिया", "शर्मा"),
        ("สมชาย", "ใจดี"),
        ("太郎", "山田"),
        ("민준", "김"),
        ("Nguyễn", "Thị Ánh"),
        ("ʻIolani", "Kahananui"),
        ("𠮷", "野家"),
    ],
)
def test_names_in_every_script_arrive_as_they_are(first: str, last: str) -> None:
    (row,) = read_guessed(f"First name,Last name\n{first},{last}\n")
    assert (person(row).first_name, person(row).last_name) == (first, last)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Portal Unsubscribe", "TRUE", "unsubscribed"),
        ("Portal Bounce", "TRUE", "bounced"),
        ("Is Unsubscribed", "1", "unsubscribed"),
        ("Email permission status", "Unsubscribed", "unsubscribed"),
        ("Email status", "Bounced", "bounced"),
        ("Unsubscribed", "2024-06-30 17:45:10", "unsubscribed"),
        ("Opted in", "no", "unsubscribed"),
        ("Opt out date", "6/30/2024", "unsubscribed"),
        ("Portal Unsubscribe", "FALSE", ""),
        ("Email permission status", "Implicit", ""),
        ("Opted in", "yes", ""),
        ("Is Unsubscribed", "", ""),
    ],
)
def test_an_opt_out_is_seen_in_every_way_a_mailing_tool_says_it(column: str, value: str, reason: str) -> None:
    (row,) = read_guessed(f"Email,{column},Last name\nmaya@example.org,{value},Ng\n")
    assert person(row).suppression_reason == reason
    assert person(row).kind == ("suppression" if reason else "person")


def test_an_opt_out_nobody_can_read_is_not_taken_for_permission() -> None:
    (row,) = read_guessed("Email,Unsubscribed\nmaya@example.org,pending\n")
    assert refusal(row).column == "Unsubscribed"


def test_rows_that_name_nobody_and_opt_outs_without_address_are_refused() -> None:
    nobody, no_address = read_guessed("Last name,City,Email,Unsubscribed\n,Omaha,,\nNg,Omaha,,yes\n")
    assert "no name" in refusal(nobody).reason
    assert "no email address" in refusal(no_address).reason


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("NPI", "1.23457E+09"),
        ("Taxonomy", "family"),
        ("Contact kind", "wizard"),
        ("Last name", "x" * 201),
        ("Notes", "x" * 10_001),
        ("Birthday", "in spring"),
        ("Opt in date", "last year"),
        ("Phone", "4" * 41),
    ],
)
def test_a_cell_that_cannot_be_its_field_is_named(column: str, value: str) -> None:
    header = f"{column},Email\n" if column == "Last name" else f"{column},Last name\n"
    (row,) = read_guessed(f"{header}{value},ng@example.org\n")
    assert refusal(row).column == column


def test_a_needed_column_that_stands_twice_stops_a_known_file() -> None:
    source = (FILES / "google_contacts.csv").read_text().replace("Nickname", "Last Name", 1)
    table = open_table(source.encode())
    assert isinstance(table, Table)
    with table:
        (row,) = read_people(table, formats.GOOGLE)
    assert refusal(row).row_number == 1
    assert refusal(row).column == "Last Name"


HEADER = ("First", "Second", "Email", "Patient Name", "DOB")


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ([(0, "first_name"), (0, "email")], "column-twice"),
        ([(0, "first_name"), (1, "first_name")], "field-twice"),
        ([(9, "first_name")], "unknown-column"),
        ([(0, "diagnosis")], "unknown-field"),
        ([(3, "name")], "forbidden-column"),
        ([(4, "birthday")], "forbidden-column"),
        ([], "nothing-mapped"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(choices: list[tuple[int, str]], reason: str) -> None:
    result = column_mapping(HEADER, choices)
    assert isinstance(result, Refusal)
    assert result.reason == reason


def test_several_columns_may_hold_addresses() -> None:
    result = column_mapping(HEADER, [(0, "email"), (2, "email"), (1, "last_name")])
    assert result == ColumnMapping({"email": (0, 2), "last_name": (1,)})


def test_client_data_is_never_guessed() -> None:
    header = ("Patient Name", "Patient Email", "DOB", "MRN", "Diagnosis Code", "Email")
    values = ("Max", "max@example.org", "1/2/1950", "1234567893", "M54.5", "desk@example.org")
    assert guess_mapping(header, [values]).columns == {"email": (5,)}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("Status", ("Unsubscribed", "Subscribed", ""), ("unsubscribed", "", "")),
        ("State of mail", ("subscribed", "do not email"), ("", "unsubscribed")),
        ("Status", ("Active", "Active", "spam"), ("", "", "complained")),
        ("HasOptedOutOfEmail", ("true", "false"), ("unsubscribed", "")),
    ],
)
def test_an_opt_out_is_found_whatever_its_column_is_called(
    name: str, values: tuple[str, ...], said: tuple[str, ...]
) -> None:
    rows = read_guessed(f"Email,{name}\n" + "".join(f"{at}@x.example,{one}\n" for at, one in enumerate(values)))
    assert tuple(person(row).suppression_reason for row in rows) == said


def test_a_status_of_something_else_is_left_alone() -> None:
    assert guess_mapping(("Email", "Licence", "Status"), [("a@x.example", "Active", "Retired")]).columns == {
        "email": (0,)
    }


def test_every_kind_of_contact_is_accepted_by_code_in_our_template() -> None:
    rows = read_guessed("Kind,Last name\n" + "".join(f"{kind},Ng\n" for kind in KINDS))
    assert [person(row).suggested_kind for row in rows] == list(KINDS)
