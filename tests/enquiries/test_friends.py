"""A friend asks to be called: by a link or a card that somebody passed on, who is named nowhere."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from threading import Barrier

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.deliveries import links
from outreach.deliveries.models import Delivery
from outreach.enquiries import answering, enquiring, passing_on, rules, sheets
from outreach.enquiries.enquiring import Asked
from outreach.enquiries.models import Enquiry, FriendCard, FriendUse
from outreach.enquiries.sheets import Passed
from tests.people import csrf_of, post

BROWSER = {"User-Agent": "Mozilla/5.0 (iPhone)"}
NADIA = {"name": "Nadia Öz نادية", "phone": "(555) 214-7001", "email": "", "best_time": "morning", "form_key": "one"}
PASSED = Passed(
    practice="Cedar Lane Therapy",
    phone="(555) 014-7710",
    town="12 Cedar Lane, Millbrook, NY 12545",
    qr_address="https://outreach.cedarlane.example/friend/K7PM3QXR",
    typed_address="outreach.cedarlane.example/friend",
    code="K7PM-3QXR",
    services=("Hand therapy", "Speech and swallowing"),
)


@pytest.fixture
def card(runtime, cast):
    with runtime.turn() as turn:
        marisol = turn.session.get_one(Contact, cast.marisol)
        return passing_on.card_for(turn.session, marisol, now=turn.now, by_id=None).code


def every(runtime, what, *where):
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(what).where(*where).order_by(*what.__table__.primary_key)).all()


def test_a_friend_asks_once_is_told_to_staff_without_a_name_and_credits_who_passed_it_on(visitor, runtime, cast, card):
    page = visitor.get(f"/friend/{card}", headers=BROWSER).get_data(as_text=True)
    assert "Marisol" not in page
    assert "Vega" not in page
    for _ in range(2):
        answer = post(visitor, f"/friend/{card}", NADIA)
        assert answer.headers["Location"] == f"/friend/{card}?thanks=1"
    (asked,) = every(runtime, Enquiry)
    assert (asked.name, asked.advocate_id, asked.state) == (NADIA["name"], cast.marisol, "new")
    (told,) = every(runtime, Touch, Touch.kind == "friend-asked")
    assert told.contact_id == cast.marisol
    assert told.from_yield, "food and gifts must not see it"
    (call,) = every(runtime, Task, Task.origin == f"enquiry:{asked.id}:call")
    (notice,) = every(runtime, Delivery)
    assert notice.email == "maya@cedarlane.example", "nobody else gets mail, the friend least of all"
    assert "Nadia" not in f"{call.title} {call.script} {notice.details}"


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_two_presses_at_the_same_moment_ask_once_and_both_are_thanked(runtime, cast):
    typed = Asked(name="Nadia", phone="(555) 214-7001", form_key="one form")
    both = Barrier(2, timeout=60)

    def press(_number):
        with runtime.turn() as turn:
            found = turn.session.scalars(select(Enquiry.id)).all()
            if turn.session.get_bind().dialect.name == "postgresql":
                both.wait()
            told = {"now": turn.now, "today": turn.now.date(), "world": runtime}
            return found, enquiring.ask(turn.session, None, typed, way="paper", **told).id

    with ThreadPoolExecutor(2) as two:
        presses = list(two.map(press, range(2)))
    assert len({kept for _, kept in presses}) == 1
    assert len(every(runtime, Enquiry)) == len(every(runtime, Task)) == len(every(runtime, Delivery)) == 1


def test_looks_of_people_are_counted_apart_from_programs(visitor, runtime, card):
    for agent in ("Mozilla/5.0 (iPhone)", "Mozilla/5.0 (iPhone)", "LinkScanner/1.0"):
        visitor.get(f"/friend/{card}", headers={"User-Agent": agent})
    visitor.head(f"/friend/{card}", headers=BROWSER)
    (used,) = every(runtime, FriendUse)
    assert (used.opened, used.by_machine, used.way) == (2, 1, "paper")


def test_the_link_in_an_email_needs_no_card_and_cannot_be_made_up(visitor, runtime, cast):
    made = links.friend_page("", runtime.key, cast.marisol)
    assert visitor.get(made).status_code == 200
    assert every(runtime, FriendCard)[0].contact_id == cast.marisol
    assert post(visitor, made, NADIA).status_code == 303
    assert every(runtime, Enquiry)[0].way == "link"
    other = links.friend_page("", runtime.key, cast.raman).rpartition("-")[2]
    assert visitor.get(f"{made.rpartition('-')[0]}-{other}").status_code == 404
    assert visitor.get(made[:-2]).status_code == 404


def test_a_card_out_of_use_leads_nowhere(visitor, runtime, card):
    with runtime.turn() as turn:
        passing_on.end(passing_on.by_code(turn.session, card), now=turn.now)
    answer = visitor.get(f"/friend/{card}")
    assert answer.status_code == 404
    assert "not in use any more" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "your name"),
        ({"phone": "", "email": ""}, "phone number or an email"),
        ({"phone": "12"}, "area code"),
        ({"email": "nadia@"}, "email address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(visitor, runtime, card, typed, said):
    answer = post(visitor, f"/friend/{card}", {**NADIA, **typed})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert "<b>" not in page
    assert every(runtime, Enquiry) == []


def test_a_program_that_fills_everything_in_is_thanked_and_forgotten(visitor, runtime, card):
    answer = post(visitor, f"/friend/{card}", {**NADIA, "homepage": "https://spam.example"})
    assert answer.status_code == 303
    assert every(runtime, Enquiry) == []


def test_six_in_ten_minutes_from_one_address_are_too_many(visitor, runtime, card):
    page = visitor.get(f"/friend/{card}").get_data(as_text=True)
    token = csrf_of(page)
    codes = [
        visitor.post(f"/friend/{card}", data={**NADIA, "form_key": f"k{n}", "csrf_token": token}).status_code
        for n in range(6)
    ]
    assert codes == [303] * 5 + [429]
    assert len(every(runtime, Enquiry)) == 5


def test_a_code_is_typed_as_people_type_it(visitor, runtime, card):
    typed = f" {card[:4].lower()} - {card[4:].lower()}"
    assert visitor.get("/friend", query_string={"code": typed}).headers["Location"] == f"/friend/{card}"
    assert visitor.get("/friend", query_string={"code": "AAAA-AAAA"}).status_code == 404
    assert rules.read_code("K7PM") == ""


def test_maya_calls_closes_and_logs_the_referral_as_word_of_mouth(maya, visitor, runtime, cast, card):
    post(visitor, f"/friend/{card}", {**NADIA, "service": "1"})
    (asked,) = every(runtime, Enquiry)
    here = f"/enquiries/{asked.id}"
    assert "Nadia" in maya.get("/enquiries/").get_data(as_text=True)
    assert post(maya, f"{here}/reached", form_at=here).status_code == 303
    assert post(maya, f"{here}/close", {"outcome": "booked"}, form_at=here).headers["Location"] == here
    page = maya.get(here).get_data(as_text=True)
    where = f"/referrals/new?by=word-of-mouth&amp;contact={cast.marisol}&amp;service=1"
    assert where in page
    form = maya.get(where.replace("&amp;", "&")).get_data(as_text=True)
    assert 'value="word-of-mouth" selected' in form.replace("selected value", "value") or "word-of-mouth" in form
    assert "Marisol Vega" in form
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).where(Task.closed_at.is_(None), Task.kind == "call")) == 0


def test_what_a_friend_left_is_deleted_ninety_days_after_closing(visitor, runtime, clock, card):
    post(visitor, f"/friend/{card}", NADIA)
    with runtime.turn() as turn:
        answering.close(turn.session, turn.session.scalars(select(Enquiry)).one(), "not-now", now=turn.now, by_id=None)
    clock.advance(timedelta(days=89))
    with runtime.turn() as turn:
        assert answering.purge(turn.session, now=turn.now) == 0
    clock.advance(timedelta(days=2))
    with runtime.turn() as turn:
        assert answering.purge(turn.session, now=turn.now) == 1


def test_only_clients_get_a_card_and_a_place_gets_one_sheet(maya, runtime, cast):
    refused = post(maya, "/enquiries/cards", {"contact": str(cast.raman)}, form_at="/enquiries/cards")
    assert "for clients" in maya.get(refused.headers["Location"]).get_data(as_text=True)
    for _ in range(2):
        post(maya, "/enquiries/cards", {"title": "Front desk"}, form_at="/enquiries/cards")
    (sheet,) = every(runtime, FriendCard)
    page = maya.get(f"/enquiries/cards/{sheet.id}").get_data(as_text=True)
    assert rules.printed_code(sheet.code) in page
    for what in ("cards", "sheet"):
        answer = maya.get(f"/enquiries/cards/{sheet.id}/{what}.pdf")
        assert answer.data.startswith(b"%PDF")


def test_ten_cards_fill_a_page_and_name_nobody():
    pages = PdfReader(BytesIO(sheets.cards_pdf(PASSED))).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert text.count("K7PM-3QXR") == 10
    assert text.count("outreach.cedarlane.example/friend") == 10


def test_a_qr_code_has_its_finders_and_says_the_address():
    modules = sheets.modules_of(PASSED.qr_address)
    ring = [True] * 7
    assert modules[0][:7] == ring
    assert modules[0][-7:] == ring
    assert modules[-1][:7] == ring
    assert sheets.qr_svg(PASSED.qr_address).count("h1v1") == sum(map(sum, modules))


def test_the_sheet_says_what_we_do_and_fits_one_page():
    many = Passed(**{**PASSED.__dict__, "services": tuple(f"Service number {n} with a long name" for n in range(40))})
    pages = PdfReader(BytesIO(sheets.sheet_pdf(many))).pages
    assert len(pages) == 1
    assert "Hand therapy" in PdfReader(BytesIO(sheets.sheet_pdf(PASSED))).pages[0].extract_text()


def test_a_number_put_right_after_going_back_and_the_next_person_at_one_form_are_not_lost(visitor, runtime, card):
    for typed in (NADIA, {**NADIA, "phone": "(555) 214-7002"}, {**NADIA, "name": "Her mother"}):
        post(visitor, f"/friend/{card}", typed)
    assert [(one.name, one.phone[-1]) for one in every(runtime, Enquiry)] == [
        (NADIA["name"], "1"),
        (NADIA["name"], "2"),
        ("Her mother", "1"),
    ]
