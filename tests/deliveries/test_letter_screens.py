"""The screens of letters: what they say, who sees them, the pages and the addresses, whatever is clicked."""

import csv
from io import BytesIO, StringIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from outreach.audit import AuditEntry
from outreach.contacts.models import Contact
from outreach.deliveries.paper import paper_pages, paper_words
from outreach.deliveries.paper.paper_pages import PaperLetter
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.posting import put, states
from tests.deliveries.test_letters_on_paper import Outside, letter, more_clients, opts_out, sheet
from tests.deliveries.test_screens import text
from tests.people import post, sign_in


@pytest.fixture(autouse=True)
def _no_way_for_clients(runtime, cast):
    runtime.transports = Transports([Outside()])
    with runtime.turn() as turn:
        home = {"street": "44 Elm Street", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(home))


def make(client, after=0, **more):
    return post(client, "/outbox/letters/sheets", {"after": after, **more}, form_at="/outbox/letters")


def pages(answer):
    return [page.extract_text() for page in PdfReader(BytesIO(answer.get_data())).pages]


def test_the_outbox_leads_to_the_letters_that_wait(runtime, cast, maya):
    assert "Letters to print" not in text(maya.get("/outbox/"))
    assert "No letter waits" in text(maya.get("/outbox/letters"))
    letter(runtime, cast.marisol)
    page = text(maya.get("/outbox/"))
    assert "Letters to print (1)" in page
    assert ">Letter<" in page
    page = text(maya.get("/outbox/letters"))
    assert "Campaign 1" in page
    assert "Make a sheet of 1 letter" in page


def test_whose_address_is_missing_is_named_with_the_way_to_their_page(runtime, cast, maya):
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.marisol).street = ""
    letter(runtime, cast.marisol)
    page = text(maya.get("/outbox/letters"))
    assert f'href="/contacts/{cast.marisol}"' in page
    assert "No street" in page
    assert "Make a sheet" not in page


def test_a_sheet_is_printed_labelled_and_mailed(runtime, cast, maya):
    letter(runtime, cast.marisol)
    assert make(maya).headers["Location"].endswith("/outbox/letters/1")
    [page] = pages(maya.get("/outbox/letters/1/letters.pdf"))
    for said in ("Marisol Vega", "44 Elm Street", "Cedarville, WA 98101", "Dear Marisol", "If you would rather not"):
        assert said in page
    assert "https://" not in page
    answer = maya.get("/outbox/letters/1/addresses.csv")
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.reader(StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[1:] == [["Marisol Vega", "44 Elm Street", "Cedarville", "WA", "98101"]]
    for _ in range(2):
        answer = post(maya, "/outbox/letters/1/mailed", {}, form_at="/outbox/letters/1")
        assert answer.status_code == 303
    assert states(runtime) == {"sent": 1}
    assert "1 mailed" in text(maya.get("/outbox/letters"))
    with runtime.turn(write=False) as turn:
        acts = list(turn.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "letter-sheet")))
    assert {"make-sheet", "exported", "mailed", "view-letters"} <= set(acts)


def test_two_clicks_lead_to_the_same_sheet(runtime, cast, maya):
    letter(runtime, *more_clients(runtime, 3))
    assert make(maya).headers["Location"] == make(maya).headers["Location"]
    assert states(runtime) == {"claimed": 3}


def test_only_the_letters_of_one_campaign(runtime, cast, maya):
    first, second = more_clients(runtime, 2)
    letter(runtime, first)
    letter(runtime, second, source_id=2)
    assert "Only these" in text(maya.get("/outbox/letters"))
    make(maya, scope="campaign:2")
    assert states(runtime) == {"claimed": 1, "scheduled": 1}
    assert pages(maya.get("/outbox/letters/1/letters.pdf"))[0].count("N1 Crowd") == 1


def test_who_opted_out_after_the_sheet_is_in_no_file_any_more(runtime, cast, maya):
    letter(runtime, cast.marisol, *more_clients(runtime, 1))
    make(maya)
    opts_out(runtime)
    page = text(maya.get("/outbox/letters/1"))
    assert "Take 1 letter out of the pile" in page
    assert "Marisol Vega (they unsubscribed)" in page
    assert "Marisol" not in "".join(pages(maya.get("/outbox/letters/1/letters.pdf")))
    assert "Marisol" not in text(maya.get("/outbox/letters/1/addresses.csv"))


def test_one_letter_or_all_are_put_back(runtime, cast, maya):
    planned = letter(runtime, cast.marisol, *more_clients(runtime, 2))
    make(maya)
    back = "/outbox/letters/1/put-back"
    post(maya, back, {"delivery": planned.ids[cast.marisol]}, form_at="/outbox/letters/1")
    assert states(runtime) == {"claimed": 2, "scheduled": 1}
    post(maya, back, {"delivery": "x"}, form_at="/outbox/letters/1")
    assert states(runtime) == {"claimed": 2, "scheduled": 1}
    post(maya, back, {}, form_at="/outbox/letters/1")
    assert states(runtime) == {"scheduled": 3}


def test_nobody_else_sees_client_letters(runtime, cast, app):
    letter(runtime, cast.marisol)
    sheet(runtime)
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    for path in ("", "/1", "/1/letters.pdf", "/1/addresses.csv"):
        assert rita.get(f"/outbox/letters{path}").status_code == 403


def test_a_sheet_that_is_not_there_is_not_there(maya):
    assert maya.get("/outbox/letters/7").status_code == 404


def test_a_letter_is_no_email_in_its_story(runtime, cast, maya):
    planned = letter(runtime, cast.marisol)
    make(maya)
    post(maya, "/outbox/letters/1/mailed", {}, form_at="/outbox/letters/1")
    page = text(maya.get(f"/outbox/{planned.ids[cast.marisol]}"))
    assert "Mailed as a letter" in page
    assert "Sheet 1" in page


def test_without_letters_a_held_mail_is_on_no_sheet(runtime, cast, maya):
    put(runtime, cast.marisol)
    make(maya)
    assert states(runtime) == {"held": 1}


def test_lines_folded_for_email_are_paragraphs_again_and_the_footer_goes():
    folded = (
        "Dear Marisol,\n\n[Our new room]\n\n--------------------\n\n"
        "We open a new room for hand therapy next month, and we would like to show\n"
        "it to you.\n\nCall us:\n(206) 555-0100\n\nHow to refer:\nhttps://www.cedarlane.example/refer/\n\n"
        "-- \nCedar Lane Therapy\nUnsubscribe:\nhttps://cedarlane.example/u/1/abc\n"
    )
    assert paper_words.paragraphs(folded) == (
        "Dear Marisol,",
        "We open a new room for hand therapy next month, and we would like to show it to you.",
        "Call us:\n(206) 555-0100",
        "How to refer:\ncedarlane.example/refer",
    )


def test_mail_that_is_no_advertising_has_no_foot():
    assert paper_words.foot("Cedar Lane", "555-0100", commercial=False) == ""
    assert "call 555-0100 or write" in paper_words.foot("Cedar Lane", "555-0100", commercial=True)
    assert "write to us" in paper_words.foot("Cedar Lane", "", commercial=True)


def test_a_long_letter_goes_on_with_a_name_on_top_and_the_next_begins_anew():
    long = PaperLetter(("Cedar Lane",), "March 2, 2026", ("Zoë Nguyễn", "1 Oak Rd"), ("word " * 300,) * 5, (), "Foot")
    short = PaperLetter(("Cedar Lane",), "March 2, 2026", ("Tom Brandt",), ("Hello",))
    found = [page.extract_text() for page in PdfReader(BytesIO(paper_pages.letters_pdf([long, short]))).pages]
    assert len(found) > 2
    assert "Zoë Nguyen, page 2" in found[1]
    assert "Foot" in found[-2]
    assert "page" not in found[-1]
    assert "Tom Brandt" in found[-1]


def test_a_letter_that_waits_is_called_a_letter_and_leaves_once_it_is_printed(runtime, cast, maya):
    row = letter(runtime, cast.marisol).ids[cast.marisol]
    for page in (text(maya.get("/outbox/")), text(maya.get(f"/outbox/{row}"))):
        assert "Once it is printed" in page
        assert "Campaign letter" in page
        assert "Campaign email</td>" not in page
