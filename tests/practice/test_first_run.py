"""The first run: a code, six pages, and then they are gone."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.errors import Refusal
from outreach.practice.models import Location, Person, Practice, QuietDay, SetupCode
from outreach.practice.setting_up import Answers, make_code, set_up
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from outreach.web import create_app
from tests.people import post

PASSWORD = "a lantern in the orchard"
TYPED: dict[str, dict[str, Any]] = {
    "practice": {"name": "Birch Hill Therapy", "disciplines": ["PT", "SLP"], "phone": "(555) 014-9000"},
    "address": {"street": "4 Birch Hill", "city": "Albany", "state": "NY", "zip5": "12207", "country": "US"},
    "time-zone": {"time_zone": "america/new york"},
    "sender": {"sender_name": "Ann at Birch Hill", "sender_email": "ann@birchhill.example"},
    "hours": {"from_minute": "540", "until_minute": "1020", "weekdays": ["0", "1", "2"], "holidays": "y"},
    "you": {
        "person_name": "Ann Birch",
        "person_email": "ann@birchhill.example",
        "password": PASSWORD,
        "again": PASSWORD,
    },
}


@pytest.fixture
def empty(tmp_path: Path, clock: FrozenClock) -> Iterator[Runtime]:
    """An installation in which nobody has done anything."""
    settings = Settings(
        mode="test", home=tmp_path, database_url=f"sqlite:///{tmp_path / 'new.db'}", secret_key=b"n" * 64,
        second_factor_required=False,
    )  # fmt: skip
    runtime = open_runtime(settings, clock=clock)
    load_all().metadata.create_all(runtime.engine)
    yield runtime
    runtime.close()


@pytest.fixture
def code(empty: Runtime) -> str:
    with empty.turn() as turn:
        made = make_code(turn.session, now=turn.now)
    assert made
    return made


@pytest.fixture
def browser(empty: Runtime) -> FlaskClient:
    return create_app(empty).test_client()


def begin(browser: FlaskClient, code: str) -> Any:
    return post(browser, "/setup", {"code": code})


def fill(browser: FlaskClient, *pages: str, **changed: Any) -> Any:
    answer = None
    for page in pages or TYPED:
        answer = post(browser, f"/setup/{page}", {**TYPED[page], **changed})
        assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer


def test_every_way_in_leads_to_the_first_run(browser: FlaskClient) -> None:
    assert browser.get("/login").headers["Location"] == "/setup"
    assert browser.get("/settings/").headers["Location"] == "/setup"


def test_six_pages_make_a_practice_and_an_administrator_who_can_sign_in(
    browser: FlaskClient, code: str, empty: Runtime
) -> None:
    begin(browser, code.lower().replace("-", " "))
    assert fill(browser).headers["Location"] == "/login"
    with empty.turn(write=False) as turn:
        practice = turn.session.get_one(Practice, 1)
        assert (practice.name, practice.time_zone) == ("Birch Hill Therapy", "America/New_York")
        assert (practice.disciplines, practice.send_weekdays) == (["PT", "SLP"], [0, 1, 2])
        assert (practice.send_from_minute, practice.send_until_minute) == (540, 1020)
        assert practice.reply_to_email == "ann@birchhill.example"
        assert turn.session.get_one(QuietDay, date(2026, 7, 3)).name.startswith("Independence Day")
        assert turn.session.scalar(select(Person.name)) == "Ann Birch"
        assert turn.session.scalar(select(Location.city)) == "Albany"
        assert turn.session.scalar(select(func.count()).select_from(SetupCode)) == 0
    assert post(browser, "/login", {"email": "ann@birchhill.example", "password": PASSWORD}).status_code == 302


def test_the_pages_are_gone_once_somebody_runs_the_practice(browser: FlaskClient, code: str) -> None:
    begin(browser, code)
    fill(browser)
    assert browser.get("/setup").status_code == 404
    assert browser.get("/setup/you").status_code == 404


def test_without_the_code_no_page_opens(browser: FlaskClient, code: str) -> None:
    assert browser.get("/setup/practice").headers["Location"] == "/setup"
    assert b"not the code" in begin(browser, "AAAA-BBBB-CCCC").data
    assert browser.get("/setup/practice").headers["Location"] == "/setup"


def test_a_newer_code_ends_the_older_one(browser: FlaskClient, code: str, empty: Runtime) -> None:
    begin(browser, code)
    with empty.turn() as turn:
        make_code(turn.session, now=turn.now)
    assert browser.get("/setup/practice").headers["Location"] == "/setup"


def test_guessing_codes_is_cut_short(browser: FlaskClient, code: str) -> None:
    for _ in range(8):
        begin(browser, "AAAA-BBBB-CCCC")
    assert b"Too many wrong codes" in begin(browser, code).data


@pytest.mark.parametrize(
    ("page", "wrong", "said"),
    [
        ("time-zone", {"time_zone": "Chicago"}, "Did you mean America/Chicago?"),
        ("time-zone", {"time_zone": "Mars/Olympus"}, "There is no time zone called"),
        ("address", {"zip5": "!!"}, "is not a ZIP code"),
        ("practice", {"disciplines": []}, "Choose at least one."),
        ("sender", {"sender_email": "ann, bob@birchhill.example"}, "is not an email address"),
        ("sender", {"public_url": "ftp://x"}, "as it stands in a browser"),
        ("hours", {"from_minute": "1200", "until_minute": "540"}, "at least one hour after"),
        ("hours", {"weekdays": []}, "at least one day"),
        ("you", {"again": "something else entirely"}, "not the same"),
        ("you", {"password": "birch hill therapy", "again": "birch hill therapy"}, "too close to a name"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
    browser: FlaskClient, code: str, page: str, wrong: dict[str, Any], said: str
) -> None:
    begin(browser, code)
    for before in list(TYPED)[: list(TYPED).index(page)]:
        fill(browser, before)
    answer = post(browser, f"/setup/{page}", {**TYPED[page], **wrong})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in text
    kept = {**TYPED[page], **wrong}
    for name in ("street", "time_zone", "sender_name", "person_name"):
        assert name not in kept or f'value="{kept[name]}"' in text


def test_going_back_finds_what_was_answered(browser: FlaskClient, code: str) -> None:
    begin(browser, code)
    fill(browser, "practice", "address")
    assert b'value="Birch Hill Therapy"' in browser.get("/setup/practice").data


def test_the_second_of_two_tabs_changes_nothing(empty: Runtime, code: str) -> None:
    typed = {name: value for page in TYPED.values() for name, value in page.items()}
    answers = Answers(
        **{name: typed[name] for name in ("name", "street", "city", "state", "zip5", "sender_name", "sender_email")},
        person_name="Ann Birch", person_email="ann@birchhill.example",
    )  # fmt: skip
    with empty.turn() as turn:
        assert isinstance(set_up(turn.session, answers, PASSWORD, now=turn.now, local=True), Person)
    with empty.turn() as turn:
        second = set_up(turn.session, answers, "another lantern altogether", now=turn.now, local=True)
        assert isinstance(second, Refusal)
        assert second.reason == "already-set-up"


def test_half_a_practice_is_never_left_behind(empty: Runtime, code: str) -> None:
    with empty.turn() as turn:
        refused = set_up(turn.session, Answers(name="Birch Hill"), PASSWORD, now=turn.now, local=True)
        assert isinstance(refused, Refusal)
    with empty.turn(write=False) as turn:
        assert turn.session.get(Practice, 1) is None
        assert turn.session.scalar(select(func.count()).select_from(SetupCode)) == 1
