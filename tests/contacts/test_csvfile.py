"""What arrives as a file is opened, or refused with a reason a person can act on."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.contacts.csvfile import RefusedRow, Table, bare_cell, open_table, safe_cell, write_csv
from outreach.errors import Refusal

SMALL = "Email,Name\nmaya@example.org,Maya\n"


def opened(source: object) -> Table:
    table = open_table(source)  # type: ignore[arg-type]
    assert isinstance(table, Table), table
    return table


def refused(source: object) -> Refusal:
    refusal = open_table(source)  # type: ignore[arg-type]
    assert isinstance(refusal, Refusal), "the file was opened"
    return refusal


def rows_of(source: object) -> list[tuple[int, list[str]] | RefusedRow]:
    with opened(source) as table:
        return list(table)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
    ],
)
def test_accents_survive_in_every_encoding_a_spreadsheet_saves(encoding: str, found: str) -> None:
    with opened("Name,City\nZoë Núñez,Omaha – West\n".encode(encoding)) as table:
        assert (table.encoding, table.header) == (found, ("Name", "City"))
        assert list(table) == [(2, ["Zoë Núñez", "Omaha – West"])]


def test_a_windows_letter_after_megabytes_of_plain_text_is_still_read_right() -> None:
    source = b"Name,City\n" + b"Ann,Omaha\n" * 300_000 + "Zoë,Omaha\n".encode("cp1252")
    with opened(source) as table:
        *_, last = table
    assert last == (300_002, ["Zoë", "Omaha"])


def test_a_file_that_mixes_two_encodings_is_refused_instead_of_spoiling_names() -> None:
    refusal = refused("Name,City\nZoë,Omaha\n".encode() + "Núñez,Omaha\n".encode("cp1252"))
    assert refusal.reason == "mixed-encoding"
    assert "line 3" in refusal.text


def test_letters_that_no_encoding_explains_are_refused() -> None:
    assert refused(b"Name,City\nZo\x81,Omaha\n").reason == "unknown-encoding"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_even_when_another_one_stands_inside_cells(separator: str) -> None:
    text = f'Name{separator}Notes\nMaya{separator}"one, two; three\tfour, five"\nDana{separator}none\n'
    with opened(text.encode()) as table:
        assert table.separator == separator
        assert [cells[0] for _, cells in table] == ["Maya", "Dana"]


def test_a_list_of_addresses_alone_needs_no_separator() -> None:
    assert rows_of(b"Email\nmaya@example.org\n") == [(2, ["maya@example.org"])]


def test_the_separator_line_of_excel_is_obeyed_and_counted() -> None:
    with opened(b"sep=;\r\nName;City\r\nMaya;Omaha, NE\r\n") as table:
        assert (table.separator, table.header_row) == (";", 2)
        assert list(table) == [(3, ["Maya", "Omaha, NE"])]


@pytest.mark.parametrize(
    ("source", "header", "first"),
    [
        (b"My list,,\r\nName,City,Email\r\nMaya,Omaha,m@x.example\r\n", ("Name", "City", "Email"), 3),
        (b"Report\n\nName;City;Email\nMaya;Omaha;m@x.example\n", ("Name", "City", "Email"), 4),
        (b"Email,,\nm@x.example,Maya,Omaha\n", ("Email", "", ""), 2),
        (b"Practice\nGrove\nHill, Lake, Wood\n", ("Practice",), 2),
    ],
)
def test_the_title_of_a_report_is_not_taken_for_column_names(
    source: bytes, header: tuple[str, ...], first: int
) -> None:
    with opened(source) as table:
        assert table.header == header
    row = rows_of(source)[0]
    assert not isinstance(row, RefusedRow)
    assert row[0] == first


def a_zip(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("source", "reason", "says"),
    [
        (b"", "empty-file", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty-file", "empty"),
        (a_zip("[Content_Types].xml", "xl/workbook.xml"), "excel", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "excel", "save it as CSV"),
        (a_zip("subscribed_1.csv", "cleaned_1.csv"), "archive", "unpack"),
        (b"%PDF-1.7\n", "pdf", "PDF"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "vcard", "vCard"),
        (b"<html><table><tr><td>Name</td></tr></table></html>", "web-page", "CSV"),
        (b"Name,City\nMaya\0,Omaha\n", "binary", "Line 2"),
        ("Name,City\nMaya\0,Omaha\n".encode("utf-16"), "binary", "Line 2"),
        ("Name,City\nMaya,Omaha\n".encode("utf-16-le"), "binary", "NUL"),
        (b"Name,City\n" + b"x" * 2_500_000, "endless-line", "Line 2"),
        (b"Name,Email\n", "no-rows", "no rows"),
        (b"maya@example.org,Maya\ndana@example.org,Dana\n", "no-header", "column names"),
        (b"Maya,(402) 555-0142\nDana,(402) 555-0143\n", "no-header", "column names"),
        (b"\n\n,,\n", "no-header", "column names"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(source: bytes, reason: str, says: str) -> None:
    refusal = refused(source)
    assert refusal.reason == reason
    assert says in refusal.text


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    source = b'Name,Notes\nMaya,"two\nlines"\n\n,,\nDana,x\n'
    assert rows_of(source) == [(2, ["Maya", "two\nlines"]), (5, ["Dana", "x"])]


def test_a_row_with_missing_or_extra_cells_is_refused_and_the_next_one_is_read() -> None:
    short, long, padded, good = rows_of(b"Name,City\nMaya\nA,B,C\nDana,Omaha,,\nLuis,Omaha\n")
    assert short == RefusedRow(2, "This row has 1 cells, the header has 2.")
    assert isinstance(long, RefusedRow)
    assert (padded, good) == ((4, ["Dana", "Omaha"]), (5, ["Luis", "Omaha"]))


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line_only() -> None:
    good, bad, *more = rows_of(b'Name,City\nMaya,Omaha\nDana,"Omaha\nLuis,Omaha\nAnn,Omaha\n')
    assert good == (2, ["Maya", "Omaha"])
    assert bad == RefusedRow(3, "A quotation mark is opened and never closed: line 3 could not be read.")
    assert more == [(4, ["Luis", "Omaha"]), (5, ["Ann", "Omaha"])]


def test_rows_after_many_broken_lines_keep_their_numbers() -> None:
    lines = ["Name,City", *['Dana,"Omaha' if each % 100 == 0 else "Luis,Omaha" for each in range(20_000)]]
    found = rows_of("\n".join(lines).encode())
    assert sum(isinstance(row, RefusedRow) for row in found) == 200
    assert len(found) == 20_000
    assert found[-1] == (len(lines), ["Luis", "Omaha"])
    assert isinstance(found[0], RefusedRow)


def test_a_quotation_mark_that_another_one_closes_swallows_no_row() -> None:
    broken, *good = rows_of(b'Name,City,ZIP\nDana,"Omaha,1\nLuis,Omaha,2\nAnn,"Omaha",3\nEve,Omaha,4\n')
    assert isinstance(broken, RefusedRow)
    assert [row[1][0] for row in good if not isinstance(row, RefusedRow)] == ["Luis", "Ann", "Eve"]


def test_a_note_of_several_lines_in_a_row_that_is_too_short_is_refused_once() -> None:
    (bad,) = rows_of(b'Name,Notes,ZIP\nMaya,"two\nlines"\n')
    assert bad == RefusedRow(2, "This row has 2 cells, the header has 3.")


def test_a_stray_quotation_mark_costs_one_row() -> None:
    bad, good = rows_of(b'Name,City\n"Dana "D" W",Omaha\nLuis,Omaha\n')
    assert isinstance(bad, RefusedRow)
    assert bad.row_number == 2
    assert "wrong place" in bad.reason
    assert good == (3, ["Luis", "Omaha"])


def test_a_cell_longer_than_a_book_costs_one_row() -> None:
    bad, good = rows_of(b"Name,City\n" + b"x" * 200_000 + b",Omaha\nLuis,Omaha\n")
    assert isinstance(bad, RefusedRow)
    assert "longer than 131,072" in bad.reason
    assert good == (3, ["Luis", "Omaha"])


def test_a_header_may_say_a_name_twice_or_nothing() -> None:
    with opened(b"Email, Email ,,Last  name\na@example.org,b@example.org,,x\n") as table:
        assert table.header == ("Email", "Email", "", "Last name")


def test_the_first_rows_can_be_looked_at_and_are_still_delivered() -> None:
    with opened(b"N,C\n" + b"a,b\n" * 50) as table:
        assert len(table.samples) == 20
        assert len(list(table)) == 50


def test_an_uploaded_stream_is_given_back_open_and_a_path_is_closed(tmp_path: Path) -> None:
    stream = io.BytesIO(SMALL.encode())
    assert len(rows_of(stream)) == 1
    assert not stream.closed
    path = tmp_path / "small.csv"
    path.write_text(SMALL)
    assert rows_of(path) == rows_of(str(path)) == rows_of(SMALL.encode())


def test_fifty_megabytes_stream_through_in_a_few(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    line = "contact{}@example.org,Maya,Someone,Omaha Family Medicine,Likes short reports and long walks in the park\n"
    with path.open("w") as file:
        file.write("Email,First name,Last name,Practice,Notes\n")
        file.writelines(line.format(number) for number in range(500_000))
    assert path.stat().st_size > 50_000_000
    tracemalloc.start()
    with opened(path) as table:
        count = sum(1 for _row in table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 500_000
    assert peak < 12_000_000


@pytest.mark.parametrize("value", ["=1+1", "+1 402 555 0142", "-x", "@maya", "\tx", "\rx", "\nx", "＝1", "'=1", "''+1"])
def test_what_a_spreadsheet_would_run_leaves_with_an_apostrophe_and_comes_back_without(value: str) -> None:
    assert safe_cell(value) == "'" + value
    assert bare_cell(safe_cell(value)) == value


@pytest.mark.parametrize("value", ["Maya", "'t Hooft", "", "a=b", "’=1"])
def test_harmless_text_leaves_as_it_is(value: str) -> None:
    assert safe_cell(value) == value == bare_cell(value)


def test_numbers_stay_numbers_and_nothing_stays_empty() -> None:
    assert [safe_cell(value) for value in (-5, 2.5, None)] == ["-5", "2.5", ""]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["=1+1", "'=1", '"', "a,b;c\td", "line\nbreak", "\r", "'"]
)


@given(st.lists(st.tuples(CELLS, CELLS, st.just("end")), min_size=1, max_size=8))
def test_every_exported_table_comes_back_word_for_word(rows: list[tuple[str, str, str]]) -> None:
    exported = "".join(write_csv(("First", "Second", "Third"), rows)).encode()
    read = rows_of(exported)
    assert [tuple(map(bare_cell, cells)) for _, cells in read] == rows  # type: ignore[misc]


def test_an_export_starts_with_a_mark_for_excel_and_streams() -> None:
    asked = 0

    def many() -> Iterator[tuple[str]]:
        nonlocal asked
        for number in range(5000):
            asked = number
            yield (f"=row {number}",)

    chunks = write_csv(["Name"], many())
    assert next(chunks).startswith("\ufeffName\r\n'=row 0\r\n")
    assert asked < 1000
