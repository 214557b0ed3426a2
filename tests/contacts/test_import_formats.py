"""What mailing tools and address books write: HubSpot, Constant Contact, Outlook, vCards, archives, dates."""

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from outreach.contacts import filedates, import_checking, import_unpacking, importing
from outreach.contacts.columns import column_mapping
from outreach.contacts.csvfile import RefusedRow, Table, open_table
from outreach.contacts.formats import recognise
from outreach.contacts.import_uploading import label_of, upload_all
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportRun
from outreach.contacts.intake import read_people
from outreach.contacts.vcards import cards
from outreach.errors import Refusal
from outreach.runtime import Runtime

OUTLOOK = (
    "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business Street 2,"
    "Business Street 3,Business City,Business State,Business Postal Code,Business Country/Region,Business Fax,"
    "Business Phone,Business Phone 2,Mobile Phone,Birthday,Categories,E-mail Address,E-mail Type,E-mail 2 Address,"
    "Notes,Referred By,Web Page\r\n"
)
MAILCHIMP = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,{}LEID,EUID,NOTES,TAGS\n"


def read(text: str, name: str = "") -> tuple[str, list[ImportedRow | RefusedRow]]:
    table = open_table(text.encode())
    assert isinstance(table, Table), table
    with table:
        known = recognise(table.header, name)
        assert known is not None, table.header
        return known.key, list(read_people(table, known))


def test_hubspot_contacts_bring_their_company_and_opt_outs_stay_opt_outs() -> None:
    key, (hana, gone) = read(
        "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Company Name,Associated Company,State/Region,"
        "Unsubscribed from all email\n"
        "1,Hana,Castillo,hana@mercy.example,(555) 014-2000,Neurologist,Mercy Neuro,,NY,\n"
        "2,Ben,Lo,ben@x.example,,,,Old Mill,NY,TRUE\n"
    )
    assert key == "hubspot"
    assert isinstance(hana, ImportedRow)
    assert (hana.organization, hana.title, hana.state) == ("Mercy Neuro", "Neurologist", "NY")
    assert isinstance(gone, ImportedRow)
    assert (gone.kind, gone.organization) == ("suppression", "Old Mill")


def test_hubspot_s_list_of_stopped_addresses_makes_no_contacts() -> None:
    key, rows = read(
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce,Marketing Information\n"
        "a@x.example,FALSE,TRUE,FALSE,FALSE,\nb@x.example,TRUE,FALSE,FALSE,FALSE,\n"
        "c@x.example,FALSE,TRUE,TRUE,FALSE,\nd@x.example,FALSE,FALSE,FALSE,FALSE,\n"
    )
    assert key == "hubspot-stopped"
    said = [row.suppression_reason if isinstance(row, ImportedRow) else row.reason for row in rows]
    assert said[:3] == ["unsubscribed", "bounced", "complained"]
    assert "nothing to stop" in said[3]


@pytest.mark.parametrize(
    ("status", "permission", "kind"),
    [("Active", "Express", "person"), ("Unsubscribed", "", "suppression"), ("Active", "Not set", "person")],
)
def test_constant_contact_says_by_its_status_who_may_be_written_to(status: str, permission: str, kind: str) -> None:
    key, (row,) = read(
        "Email address,First name,Last name,Email status,Email permission status,Email Lists\n"
        f"a@x.example,Ana,Li,{status},{permission},Friends\n"
    )
    assert key == "constant-contact"
    assert isinstance(row, ImportedRow), row
    assert (row.kind, row.tags) == (kind, ("Friends",))


def test_constant_contact_lead_gen_marks_opt_outs_with_a_one() -> None:
    key, rows = read("First Name,Last Name,Email Address,Is Unsubscribed\nAna,Li,a@x.example,0\nBen,Lo,b@x.example,1\n")
    assert key == "constant-contact-leads"
    assert [row.kind for row in rows if isinstance(row, ImportedRow)] == ["person", "suppression"]


def test_outlook_brings_the_business_address_and_takes_its_empty_date_for_none() -> None:
    row = (
        "Dr.,Dana,K,Whitfield,,Prairie Pediatrics,,Pediatrician,500 Center St,Suite 4,,Omaha,Nebraska,68105,,,"
        '(402) 555-0177,,402-555-0178,0/0/00,Referrers;Pediatrics,dana@prairiepeds.example,SMTP,d@example.com,"a\nb",,'
    )
    key, (dana,) = read(OUTLOOK + row)
    assert key == "outlook"
    assert isinstance(dana, ImportedRow)
    assert (dana.prefix, dana.title, dana.street) == ("Dr.", "Pediatrician", "500 Center St, Suite 4")
    assert (dana.zip5, dana.state, dana.birthday_on) == ("68105", "NE", None)
    assert (dana.email, dana.other_emails, dana.tags) == (
        "dana@prairiepeds.example",
        ("d@example.com",),
        ("Referrers", "Pediatrics"),
    )


@pytest.mark.parametrize(("work", "street"), [(",,", "7 Elm St"), ("500 Center St,Omaha,68105", "500 Center St")])
def test_outlook_s_home_address_counts_when_there_is_no_other(work: str, street: str) -> None:
    header = (
        "First Name,Last Name,Company,Job Title,E-mail Address,Business Phone,"
        "Business Street,Business City,Business Postal Code,Home Street,Home City,Home State,Home Postal Code\n"
    )
    key, (dana,) = read(f"{header}Dana,Li,,,,,{work},7 Elm St,Lincoln,Nebraska,68502\n")
    assert key == "outlook"
    assert isinstance(dana, ImportedRow)
    at_home = (dana.city, dana.state, dana.zip5) == ("Lincoln", "NE", "68502")
    assert (dana.street, at_home) == (street, street == "7 Elm St")
    assert not hasattr(dana, "home")


def test_a_spam_report_in_mailchimp_is_a_complaint_that_nobody_can_lift() -> None:
    header = "Email Address,UNSUB_TIME,UNSUB_REASON,LEID\n"
    _, rows = read(f"{header}a@x.example,2024-06-30 17:45:10,ABUSE,1\nb@x.example,2024-06-30 17:45:10,NORMAL,2\n")
    assert [row.suppression_reason for row in rows if isinstance(row, ImportedRow)] == ["complained", "unsubscribed"]


THREE = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Whitfield;Dana;K;Dr.;\r\nFN:Dr. Dana Whitfield\r\nORG:Prairie Pediatrics;Front\r\n"
    "item1.EMAIL;type=INTERNET;type=pref:dana@prairiepeds.example\r\nTEL;TYPE=WORK:(402) 555-0177\r\n"
    "ADR;TYPE=WORK:;Suite 4;500 Center St;Omaha;NE;68105;USA\r\n"
    "NOTE:Likes\\, above all\\;\\nshort reports and a very lo\r\n"
    " ng line\r\nCATEGORIES:Referrers,Lunch\\, May\r\n"
    "BDAY:1970-04-12\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\nEND:VCARD\r\n"
)
FOUR = (
    "BEGIN:VCARD\nVERSION:4.0\nN:山田;太郎;;;\nFN:山田太郎\nTEL;VALUE=uri;PREF=1:tel:+1-402-555-0142;ext=12\n"
    'ORG;SORT-AS="a:b":Taro\\; Sons\nEND:VCARD\n'
    "BEGIN:VCARD\nVERSION:4.0\nKIND:org\nFN:Maple Senior Center\nEND:VCARD\n"
    "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Friends\nEND:VCARD\n"
    "BEGIN:VCARD\nVERSION:4.0\nFN:Ana Li\nEMAIL:ana@x.example\n"
)


def test_vcards_of_both_versions_become_rows() -> None:
    (dana,) = cards(THREE.splitlines(keepends=True))
    assert (dana["prefix"], dana["first_name"], dana["last_name"]) == ("Dr.", "Dana", "Whitfield")
    assert (dana["street"], dana["zip"], dana["organization"]) == (
        "500 Center St, Suite 4",
        "68105",
        "Prairie Pediatrics",
    )
    assert dana["notes"] == "Likes, above all;\nshort reports and a very long line"
    assert dana["tags"] == "Referrers ::: Lunch, May"
    taro, maple, ana = cards(FOUR.splitlines(keepends=True))
    assert (taro["last_name"], taro["phone"], taro["organization"]) == ("山田", "+1-402-555-0142 ext. 12", "Taro; Sons")
    assert maple == {"organization": "Maple Senior Center"}
    assert (ana["first_name"], ana["last_name"], ana["email"]) == ("Ana", "Li", "ana@x.example")


def test_a_card_of_an_old_phone_is_read_in_its_quoted_letters() -> None:
    text = "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\nller;J=C3=BCrgen\nEND:VCARD\n"
    (jurgen,) = cards(text.splitlines(keepends=True))
    assert (jurgen["last_name"], jurgen["first_name"]) == ("Müller", "Jürgen")


def bring_all(runtime: Runtime, content: bytes, name: str) -> list[tuple[str, str, int]] | Refusal:
    with runtime.turn() as turn:
        made = upload_all(turn.session, io.BytesIO(content), name, now=turn.now, home=runtime.settings.home, by_id=None)
        if isinstance(made, Refusal):
            return made
        return [(run.file_name, label_of(run), len(run.header)) for run in made]


def left_over(runtime: Runtime) -> list[str]:
    return sorted(path.name for path in (runtime.settings.home / "imports").iterdir())


def packed(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return held.getvalue()


def test_a_vcard_file_is_taken_as_a_table_and_its_letters_kept(runtime: Runtime) -> None:
    made = bring_all(runtime, FOUR.encode(), "book.vcf")
    assert made == [("book.vcf", "vCard (address book)", 23)]
    assert "山田" in (runtime.settings.home / "imports" / "1.csv").read_text("utf-8")


def test_mailchimp_s_archive_makes_an_import_of_each_list_that_has_rows(runtime: Runtime) -> None:
    content = packed(
        subscribed_list__csv=MAILCHIMP.format("") + "a@x.example,Ana,Li,2,,1,2,,\n",
        unsubscribed_list__csv=MAILCHIMP.format("UNSUB_TIME,") + "b@x.example,Ben,Lo,2,,2024-06-30 17:45:10,1,2,,\n",
        cleaned_list__csv=MAILCHIMP.format("CLEAN_TIME,"),
    )
    made = bring_all(runtime, content, "audience.zip")
    assert isinstance(made, list)
    assert [label for _, label, _ in made] == ["Mailchimp, subscribed", "Mailchimp, unsubscribed"]
    assert left_over(runtime) == ["1.csv", "2.csv"]


def test_an_archive_that_is_a_bomb_locked_or_empty_leaves_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_unpacking, "MOST_UNPACKED_BYTES", 1000)
    cases = {
        "archive-too-large": packed(a__csv="Name,Email\n" + "a,b@x.example\n" * 10_000),
        "archive-empty": packed(a__exe="x"),
        "excel": packed(**{"[Content_Types]__xml": "x", "xl/a__csv": "Name\nx\n"}),
        "archive-broken": packed(a__csv="Name,Email\n" + "a,b@x.example\n" * 60)[:-30],
    }
    lying = bytearray(cases["archive-too-large"])
    for at in (22, lying.index(b"PK\x01\x02") + 24):
        lying[at : at + 4] = (100).to_bytes(4, "little")
    for reason, content in {**cases, "archive-too-large ": bytes(lying)}.items():
        refused = bring_all(runtime, content, "x.zip")
        assert isinstance(refused, Refusal), reason
        assert refused.reason in (reason.strip(), "archive", "archive-broken"), refused
        assert left_over(runtime) == []
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(ImportRun)) == 0


def test_columns_chosen_once_are_remembered_for_the_next_file(runtime: Runtime) -> None:
    header = ("Arzt", "Haus", "Post")
    mapping = column_mapping(header, [(0, "name"), (1, "organization"), (2, "email")])
    assert not isinstance(mapping, Refusal)
    with runtime.turn() as turn:
        settings = {"default_kind": "physician", "duplicates": "fill", "permission": "none", "permission_words": ""}
        home = runtime.settings.home
        first = importing.upload(
            turn.session, io.BytesIO(b"Arzt;Haus;Post\nA;B;a@x.example\n"), "a.csv", now=turn.now, home=home, by_id=None
        )
        assert isinstance(first, ImportRun)
        assert importing.choose(turn.session, first, mapping=mapping, now=turn.now, **settings) is None
        second = importing.upload(
            turn.session, io.BytesIO(b"POST,arzt,Haus\nb@x.example,A,B\n"), "b.csv", now=turn.now, home=home, by_id=None
        )
        assert isinstance(second, ImportRun)
        assert second.mapping == {"name": [1], "organization": [2], "email": [0]}
        assert (second.default_kind, label_of(second)) == ("physician", "Columns as chosen last time")


def test_a_list_of_opt_outs_stays_one_whatever_columns_are_chosen(runtime: Runtime) -> None:
    header = ("Email Address", "First Name", "CLEAN_TIME", "LEID")
    mapping = column_mapping(header, [(0, "email"), (1, "first_name")])
    assert not isinstance(mapping, Refusal)
    content = b"Email Address,First Name,CLEAN_TIME,LEID\na@x.example,Ana,,1\n"
    with runtime.turn() as turn:
        home = runtime.settings.home
        run = importing.upload(turn.session, io.BytesIO(content), "cleaned.csv", now=turn.now, home=home, by_id=None)
        assert isinstance(run, ImportRun)
        settings = {"default_kind": "", "duplicates": "fill", "permission": "signed-up", "permission_words": ""}
        assert importing.choose(turn.session, run, mapping=mapping, now=turn.now, **settings) is None
        import_checking.check_at_once(turn.session, run, key=b"k" * 64, home=home, now=turn.now)
        assert run.counts == {"stopped": 1}


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-09", "2024/3/9", "3/9/2024", "3/9/24", "9.3.2024", "9 Mar 2024", "09-MAR-24", "March 9, 2024",
        "2024-03-09T00:00:00Z", "2024-03-09 02:00:00+02:00", "3/9/2024 12:00 AM",
    ],
)  # fmt: skip
def test_a_day_is_the_same_in_every_spelling(text: str) -> None:
    assert filedates.instant(text) == datetime(2024, 3, 9, tzinfo=UTC)


def test_a_day_that_cannot_be_month_first_is_read_day_first_and_nonsense_is_none() -> None:
    assert filedates.instant("13/3/2024") == datetime(2024, 3, 13, tzinfo=UTC)
    assert [filedates.instant(text) for text in ("31/13/2024", "2/30/2024", "soon", "", "0/0/00")] == [None] * 5


@pytest.mark.parametrize("text", ["04/12", "--04-12", "--0412", "1970-04-12", "19700412", "April 12", "12 Apr 1970"])
def test_a_birthday_keeps_day_and_month_only(text: str) -> None:
    assert filedates.birthday(text) == date(2000, 4, 12)
