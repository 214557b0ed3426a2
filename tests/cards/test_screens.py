"""Maya's screens of cards: from the occasion to the post office, without script."""

import csv
import io
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.cards import undoing
from outreach.cards.models import CardRecipient, CardRun
from outreach.errors import Refusal
from tests.cards.runs import NOVEMBER, approve, housed, run
from tests.newsletters.issues import group
from tests.newsletters.test_screens import fields_of
from tests.people import csrf_of, post, sign_in


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def one(runtime):
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(CardRun).order_by(CardRun.id.desc())).first()


def test_the_overview_says_what_comes_next_and_when(clock, maya):
    page = maya.get("/cards/").get_data(as_text=True)
    assert page.index("Thanksgiving") < page.index("Holiday season") < page.index("New Year")
    assert "Thursday, Nov 26" in page
    assert "Birthdays" in page
    assert 'href="/cards/new?occasion=thanksgiving"' in page


def test_maya_starts_from_an_occasion_with_words_that_are_ready(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        doctors = group(turn, "Doctors", cast.raman, cast.silent).id
        group(turn, "Top referrers", cast.raman, from_yield=True)
    page = maya.get("/cards/new?occasion=thanksgiving").get_data(as_text=True)
    assert "We are thankful for you." in page
    where = post(maya, "/cards/new", {"occasion": "thanksgiving"}, form_at="/cards/new?occasion=thanksgiving").headers[
        "Location"
    ]
    page = maya.get(where).get_data(as_text=True)
    assert "Doctors</label>" in page
    assert "Top referrers</label>" not in page
    data = {
        **fields_of(page),
        "groups": [str(doctors)],
        "by_email": "yes",
        "on_paper": "yes",
        "csrf_token": csrf_of(page),
    }
    answer = maya.post(where, data={**data, "front": "Thank you", "act": "list"})
    made = one(runtime)
    assert answer.headers["Location"] == f"/cards/{made.id}/list"
    assert (made.front, made.by_email, made.on_paper, made.send_on.isoformat()) == (
        "Thank you",
        True,
        True,
        "2026-11-24",
    )
    page = maya.get(f"/cards/{made.id}/list").get_data(as_text=True)
    assert "Approve: 1 by email, 0 on paper" in page
    assert "1 postal address is not complete." in page
    assert f'href="/contacts/{cast.silent}/edit"' in page


def test_an_unknown_occasion_or_run_is_not_found(clock, maya):
    assert maya.get("/cards/new?occasion=carnival").status_code == 404
    assert maya.get("/cards/4711/edit").status_code == 404
    assert maya.get("/cards/4711").status_code == 404


def test_words_that_do_not_fit_and_a_day_that_is_too_late_are_told_and_kept(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman).id
    where = f"/cards/{made}/edit"
    page = maya.get(where).get_data(as_text=True)
    data = {**fields_of(page), "csrf_token": csrf_of(page)}
    late = maya.post(where, data={**data, "send_on": "2026-12-24"})
    assert late.status_code == 422
    assert "The occasion is over on November 26" in late.get_data(as_text=True)
    long = maya.post(where, data={**data, "inside": "word " * 200})
    assert "do not fit on a card" in long.get_data(as_text=True)
    assert "word word word" in long.get_data(as_text=True)
    stale = maya.post(where, data={**data, "version": "0"})
    assert stale.status_code == 409


def test_a_way_is_changed_on_the_list(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        housed(turn, cast.raman)
        made = run(turn, runtime, cast.raman, cast.okafor).id
    post(maya, f"/cards/{made}/list/{cast.raman}", {"way": "print"}, form_at=f"/cards/{made}/list")
    with runtime.turn(write=False) as turn:
        assert turn.session.get(CardRecipient, (made, cast.raman)).way == "print"
    answer = post(maya, f"/cards/{made}/list/{cast.okafor}", {"way": "print"}, form_at=f"/cards/{made}/list")
    assert "postal address is not complete" in maya.get(answer.headers["Location"]).get_data(as_text=True)


def test_approve_print_and_mail(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        housed(turn, cast.silent)
        made = run(turn, runtime, cast.raman, cast.silent).id
    listed = f"/cards/{made}/list"
    data = {"version": one(runtime).version, "by_email": 1, "on_paper": 1}
    assert post(maya, f"/cards/{made}/approve", data, form_at=listed).headers["Location"] == f"/cards/{made}"
    here = f"/cards/{made}"
    pdf = post(maya, f"{here}/print/cards", form_at=here)
    assert pdf.mimetype == "application/pdf"
    assert 'filename="thanksgiving-2026-cards.pdf"' in pdf.headers["Content-Disposition"]
    assert "Dear Dr. Marsh," in PdfReader(BytesIO(pdf.data)).pages[1].extract_text()
    labels = post(maya, f"{here}/print/labels", {"size": "5163"}, form_at=here)
    assert "5 Oak Street" in PdfReader(BytesIO(labels.data)).pages[0].extract_text()
    table = post(maya, f"{here}/print/table", form_at=here).get_data(as_text=True)
    assert next(csv.DictReader(io.StringIO(table.lstrip("\ufeff"))))["Street"] == "5 Oak Street"
    assert "Mark 1 card as mailed" in maya.get(here).get_data(as_text=True)
    post(maya, f"{here}/mailed", {"mailed_on": "2026-11-16"}, form_at=here)
    assert "Mailed Nov 16" in maya.get(here).get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        done = select(AuditEntry.action).where(AuditEntry.subject_type == "card-run").order_by(AuditEntry.id)
        acts = turn.session.scalars(done).all()
    assert acts == ["approved", "exported", "exported", "exported", "mailed"]


def test_edits_are_taken_back_one_by_one_and_typing_is_one_step(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman)
        here = f"/cards/{made.id}"
    for front, day, by_itself in (
        ("One", "2026-11-23", False),
        ("Two", "2026-11-24", False),
        ("Thre", "2026-11-24", True),
        ("Three", "2026-11-20", True),
    ):
        page = maya.get(f"{here}/edit").get_data(as_text=True)
        data = {**fields_of(page), "by_email": "yes", "on_paper": "yes", "csrf_token": csrf_of(page)}
        data |= {"front": front, "send_on": day, "groups": [str(each) for each in one(runtime).group_ids]}
        maya.post(f"{here}/edit", data=data, headers={"HX-Request": "true"} if by_itself else {})
        clock.advance(timedelta(seconds=5))
    with runtime.turn() as turn:
        refused = undoing.undo(turn.session, one(runtime), now=turn.now, by_id=cast.olive)
    assert isinstance(refused, Refusal), "Olive's Undo takes nothing of Maya's away"
    seen = []
    for _ in range(4):
        seen.append((one(runtime).front, one(runtime).send_on.isoformat()))
        post(maya, f"{here}/undo-edit", form_at=f"{here}/edit")
    assert seen == [
        ("Three", "2026-11-20"),
        ("One", "2026-11-23"),
        ("Happy Thanksgiving", "2026-11-24"),
        ("Happy Thanksgiving", "2026-11-24"),
    ]
    assert one(runtime).status == "draft"


def test_hold_resume_cancel_and_the_way_back(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman)
        approve(turn, runtime, made)
        here = f"/cards/{made.id}"
    assert "Hold" in maya.get(here).get_data(as_text=True)
    post(maya, f"{here}/hold", form_at=here)
    assert "On hold" in maya.get(here).get_data(as_text=True)
    post(maya, f"{here}/resume", form_at=here)
    post(maya, f"{here}/take-back", form_at=here)
    assert one(runtime).status == "draft"
    with runtime.turn() as turn:
        approve(turn, runtime, turn.session.get(CardRun, int(here.rpartition("/")[2])))
    post(maya, f"{here}/cancel", form_at=here)
    assert one(runtime).status == "cancelled"
    for view in ("all", "email", "print", "fix", "skip", "nonsense"):
        assert maya.get(f"{here}?view={view}").status_code == 200


def test_a_test_and_the_preview(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman).id
    assert "Dear friend," in maya.get(f"/cards/{made}/preview?as=nobody").get_data(as_text=True)
    post(maya, f"/cards/{made}/test", {"email": "me@else.example"}, form_at=f"/cards/{made}/edit")
    assert one(runtime).tested_at is not None


def test_who_only_reads_sees_the_list_and_changes_nothing(clock, app, runtime, cast):
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman).id
    assert rita.get(f"/cards/{made}/list").status_code == 200
    assert post(rita, f"/cards/{made}/approve", form_at=f"/cards/{made}/list").status_code == 403


def test_typing_is_saved_by_itself_and_an_older_form_is_told(clock, maya, runtime, cast):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman).id
    page = maya.get(f"/cards/{made}/edit").get_data(as_text=True)
    data = {**fields_of(page), "front": "Our own words", "by_email": "yes", "csrf_token": csrf_of(page)}
    for said in ("Saved just now", "Not saved"):
        answer = maya.post(f"/cards/{made}/edit", data=data, headers={"HX-Request": "true"})
        assert said in answer.get_data(as_text=True)
    assert one(runtime).front == "Our own words"
    assert f'value="{one(runtime).version}"' in maya.get(f"/cards/{made}/edit").get_data(as_text=True)
