"""The screen of Today: who stands there and why, done, put off, taken back, and what it costs."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.audit import AuditEntry
from outreach.clock import FrozenClock
from outreach.contacts import consent, tasks
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.referrals import logging
from outreach.referrals.models import LapseAlert, Referral
from outreach.runtime import Runtime
from outreach.today.models import DayDone, DayPlan, Snooze
from outreach.today.planning import plan
from outreach.today.rules import Planned
from tests.conftest import KEY
from tests.people import Cast, post, sign_in
from tests.today.believable import TODAY
from tests.today.counting import statements


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def planned(runtime: Runtime) -> dict[int, Planned]:
    from zoneinfo import ZoneInfo

    with runtime.turn(write=False) as turn:
        zone = ZoneInfo("America/New_York")
        rows = plan(turn.session, now=turn.now, today=turn.now.astimezone(zone).date(), zone=zone)
    return {row.contact_id: row for row in rows}


def page(client: FlaskClient, path: str = "/") -> str:
    return client.get(path).get_data(as_text=True)


def names(client: FlaskClient) -> list[str]:
    listed = page(client).partition('aria-label="People to reach"')[2].partition("</ol>")[0]
    return re.findall(r'class="row-name"><a href="[^"]+">([^<]+)', listed)


def test_the_first_call_is_the_one_that_matters_most_and_says_why(maya: FlaskClient) -> None:
    text = page(maya)
    assert names(maya)[:2] == ["Dr. Priya Raman", "Dr. Samuel Okafor"]
    for said in (
        "Good morning, Maya",
        "Monday, March 2. ",
        "Sent 2 clients in the last week. No thank-you yet.",
        "Write thank-you note",
        "(555) 014-2287, ask for Denise",
        "Mon or Thu, 12:00 to 1:00",
        "Feb 5, lunch-and-learn at Lakeside",
        "% in network for you",
        "Why Dr. Raman is first",
        "No referral for 75 days; usually every",
    ):
        assert said in text, said


def test_each_person_stands_there_for_a_reason_with_one_action(runtime: Runtime, cast: Cast) -> None:
    rows = planned(runtime)
    assert (rows[cast.raman].reason, rows[cast.raman].action) == ("thanks", "Thank")
    assert (rows[cast.okafor].reason, rows[cast.okafor].action) == ("lapse", "Call")
    assert (rows[cast.greta].reason, rows[cast.greta].action) == ("task", "Call")
    assert (rows[cast.tom].reason, rows[cast.tom].sentence) == ("promise", "You promised: the swallowing handout.")
    assert rows[cast.marisol].sentence == "One year since discharge today."
    assert rows[cast.marisol].action == "Write"
    assert len(rows) <= 10


def test_food_and_gifts_are_never_an_action(runtime: Runtime, maya: FlaskClient) -> None:
    assert {row.action for row in planned(runtime).values()} <= {"Thank", "Call", "Visit", "Send", "Write"}
    listed = page(maya).partition('id="main"')[2].lower()
    assert not re.search(r"\b(gift|meal|food|basket)\b", listed)


def test_done_logs_the_touch_folds_the_row_and_can_be_undone(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    answer = post(
        maya, f"/today/reach/{cast.raman}/done", {"action": "Thank", "note": "Card with two lines", "outcome": "done"},
        form_at=f"/today/reach/{cast.raman}",
    )  # fmt: skip
    assert answer.status_code == 303
    assert "Dr. Priya Raman" not in names(maya)
    text = page(maya)
    assert "1 done today" in text
    assert "Thanked by Maya Jensen" in text
    with runtime.turn() as turn:
        touch = turn.session.scalar(select(Touch).where(Touch.contact_id == cast.raman, Touch.kind == "thank-you"))
        assert touch is not None
        assert (touch.text, touch.by_id) == ("Card with two lines", cast.maya)
        done_id = turn.session.scalars(select(DayDone.id)).one()
        assert turn.session.scalar(select(AuditEntry).where(AuditEntry.action == "reached")) is not None
    assert post(maya, f"/today/done/{done_id}/undo", form_at="/").status_code == 303
    assert names(maya)[0] == "Dr. Priya Raman"
    with runtime.turn() as turn:
        assert turn.session.scalar(select(func.count(Touch.id)).where(Touch.origin == f"today:{done_id}")) == 0


def test_already_done_is_one_button_and_counts_once(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    for _ in range(2):
        post(maya, f"/today/reach/{cast.okafor}/done", {"action": "Call", "task_id": ""}, form_at="/")
    with runtime.turn() as turn:
        calls = select(func.count(Touch.id)).where(Touch.contact_id == cast.okafor, Touch.origin.startswith("today:"))
        assert turn.session.scalar(calls) == 1
    assert "1 of 20 touches" in page(maya)


def test_done_closes_the_duty_and_undo_opens_it_again(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    task_id = planned(runtime)[cast.greta].task_id
    post(maya, f"/today/reach/{cast.greta}/done", {"action": "Call", "task_id": task_id, "outcome": "left-message"},
         form_at="/")  # fmt: skip
    with runtime.turn() as turn:
        task = turn.session.get_one(tasks.Task, task_id)
        assert task.outcome == "left-message"
        told = turn.session.scalars(select(Touch).where(Touch.origin == f"task:{task_id}")).all()
        assert [one.kind for one in told] == ["call"]
        done_id = turn.session.scalars(select(DayDone.id)).one()
    post(maya, f"/today/done/{done_id}/undo", form_at="/")
    assert planned(runtime)[cast.greta].task_id == task_id


def test_a_duty_to_thank_that_a_visit_closed_opens_every_thanks_again(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        made = [
            tasks.add(turn.session, now=turn.now, kind="thank", title="Thank them", due_on=turn.now.date(),
                      owner_id=cast.maya, contact_id=cast.okafor, origin=f"{room}:77:thank")
            for room in ("referral", "campaign")
        ]  # fmt: skip
        ids = [one.id for one in made]
    still_open = select(func.count(tasks.Task.id)).where(tasks.Task.id.in_(ids), tasks.Task.closed_at.is_(None))
    post(maya, f"/today/reach/{cast.okafor}/done", {"action": "Visit", "task_id": ids[0]}, form_at="/")
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(still_open) == 0
        done_id = turn.session.scalars(select(DayDone.id)).one()
    post(maya, f"/today/done/{done_id}/undo", form_at="/")
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(still_open) == 2


def test_what_was_promised_comes_back_on_its_day(
    runtime: Runtime, cast: Cast, maya: FlaskClient, clock: FrozenClock
) -> None:
    data = {"action": "Call", "outcome": "reached", "promised": "The knee leaflet", "promised_on": "2026-03-04"}
    post(maya, f"/today/reach/{cast.raman}/done", data, form_at=f"/today/reach/{cast.raman}")
    clock.advance(timedelta(days=2))
    assert planned(runtime)[cast.raman].also or planned(runtime)[cast.raman].reason == "promise"
    said = [planned(runtime)[cast.raman].sentence, *planned(runtime)[cast.raman].also]
    assert "You promised: the knee leaflet." in said


def test_a_promise_without_a_day_is_asked_for_and_nothing_typed_is_lost(cast: Cast, maya: FlaskClient) -> None:
    answer = post(
        maya, f"/today/reach/{cast.raman}/done",
        {"action": "Call", "outcome": "reached", "note": "Spoke to Denise", "promised": "Leaflet"},
        form_at=f"/today/reach/{cast.raman}",
    )  # fmt: skip
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert "Say by which day you promised it" in text
    assert "Spoke to Denise" in text


@pytest.mark.parametrize(("until", "days_off"), [("tomorrow", 1), ("next-week", 7), ("2026-03-12", 10)])
def test_a_snooze_takes_the_row_away_until_its_day(
    runtime: Runtime, cast: Cast, maya: FlaskClient, clock: FrozenClock, until: str, days_off: int
) -> None:
    assert post(maya, f"/today/reach/{cast.greta}/snooze", {"until": until}, form_at="/").status_code == 303
    clock.advance(timedelta(days=days_off - 1))
    assert cast.greta not in planned(runtime)
    clock.advance(timedelta(days=1))
    assert cast.greta in planned(runtime)


def test_a_snooze_can_wait_for_the_next_referral(
    runtime: Runtime, cast: Cast, maya: FlaskClient, clock: FrozenClock
) -> None:
    post(maya, f"/today/reach/{cast.okafor}/snooze", {"until": "next-referral"}, form_at="/")
    clock.advance(timedelta(days=20))
    assert cast.okafor not in planned(runtime)
    with runtime.turn() as turn:
        new = logging.NewReferral(received_on=TODAY + timedelta(days=20), contact_id=cast.okafor, discipline="PT")
        logging.log_referral(turn.session, new, now=turn.now, today=TODAY + timedelta(days=20), by_id=cast.maya)
    clock.advance(timedelta(hours=1))
    assert planned(runtime)[cast.okafor].reason == "thanks"


def test_a_snooze_is_undone(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    post(maya, f"/today/reach/{cast.tom}/snooze", {"until": "tomorrow"}, form_at="/")
    with runtime.turn() as turn:
        snooze_id = turn.session.scalars(select(Snooze.id)).one()
    post(maya, f"/today/snoozes/{snooze_id}/undo", form_at="/")
    assert cast.tom in planned(runtime)


@pytest.mark.parametrize("until", ["2026-03-02", "2020-01-01", "soon", "", "2029-01-01"])
def test_a_day_that_cannot_be_is_refused_in_words(cast: Cast, maya: FlaskClient, until: str) -> None:
    answer = post(maya, f"/today/reach/{cast.tom}/snooze", {"until": until}, form_at=f"/today/reach/{cast.tom}/snooze")
    assert answer.status_code == 422
    assert "Choose a" in answer.get_data(as_text=True)


def _hold(session: object, contact: Contact) -> None:
    contact.recovery_hold_at = contact.created_at


def _died(session: object, contact: Contact) -> None:
    contact.deceased_on = TODAY


@pytest.mark.parametrize("happened", [_hold, _died])
def test_nobody_on_hold_or_gone_is_suggested(
    runtime: Runtime, cast: Cast, happened: Callable[[object, Contact], None]
) -> None:
    with runtime.turn() as turn:
        happened(turn.session, turn.session.get_one(Contact, cast.okafor))
    assert cast.okafor not in planned(runtime)


def test_do_not_contact_beats_even_a_duty(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        hashed = consent.address_hash(KEY, "tom@handworks.example")
        consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="do-not-contact", source="staff")
    assert cast.tom not in planned(runtime)


def test_a_call_about_a_silence_ends_the_alert_on_the_list(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        assert turn.session.scalar(select(LapseAlert).where(LapseAlert.contact_id == cast.okafor)) is not None
        turn.session.add(Touch(contact_id=cast.okafor, kind="call", at=turn.now, text="Spoke"))
    assert cast.okafor not in planned(runtime)


def test_an_empty_book_says_where_to_look(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        for contact in turn.session.scalars(select(Contact)):
            contact.deleted_at = turn.now
    assert "Nobody to reach yet. Bring your contacts in" in page(maya)
    with runtime.turn() as turn:
        gone = turn.session.get_one(Contact, cast.raman)
        gone.deleted_at, gone.deceased_on = None, turn.now.date()
    assert "Nothing due. Look at lapsing referrers or plan a lunch-and-learn." in page(maya)


def test_the_day_costs_the_same_number_of_queries_for_one_row_as_for_ten(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    page(maya)
    with statements(runtime) as many:
        page(maya)
    with runtime.turn() as turn:
        for task in turn.session.scalars(select(tasks.Task)):
            task.closed_at = turn.now
        turn.session.execute(LapseAlert.__table__.delete())
    with statements(runtime) as fewer:
        page(maya)
    assert len(many) == len(fewer)
    assert len(many) < 90


def test_other_pages_pay_two_queries_for_the_numbers_in_the_sidebar(runtime: Runtime, maya: FlaskClient) -> None:
    with statements(runtime) as said:
        text = page(maya, "/help")
    asked = [one for one in said if "day_plan" in one or "FROM referral" in one]
    assert len(asked) == 2
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(DayPlan)).one()
    assert f'num is-loud">{len(kept.contact_ids)}<' in text


def test_the_kept_list_follows_what_is_done_and_remembers_its_draw(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn(write=False) as turn:
        before = turn.session.scalars(select(DayPlan)).one()
    post(maya, f"/today/reach/{cast.raman}/done", {"action": "Thank", "task_id": ""}, form_at="/")
    work(runtime, job_named("plan-today"))
    with runtime.turn(write=False) as turn:
        after = turn.session.scalars(select(DayPlan)).one()
    assert set(before.contact_ids) - set(after.contact_ids) == {cast.raman}
    assert after.seed == before.seed == date(2026, 3, 2).toordinal()


def test_a_reader_sees_the_list_and_no_buttons(app: Flask, runtime: Runtime) -> None:
    text = page(sign_in(app, runtime, "rita@cedarlane.example"))
    assert "Dr. Priya Raman" in text
    assert "Already done" not in text
    assert "Log a referral" not in text.partition('id="main"')[2]


def test_looking_at_a_client_is_on_record(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    text = page(maya, f"/today/reach/{cast.marisol}")
    assert "mail to clients only leaves the agreed way" in text
    assert "mailto:" not in text
    with runtime.turn() as turn:
        seen = turn.session.scalar(select(AuditEntry).where(AuditEntry.action == "viewed"))
        assert seen is not None
        assert seen.subject_id == cast.marisol


def test_what_waits_is_named_with_its_number_and_its_place(runtime: Runtime, maya: FlaskClient) -> None:
    text = page(maya)
    assert "2 referrals have no source yet" in text
    assert "/referrals/inbox" in text
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count(Referral.id)).where(Referral.contact_id.is_(None))) == 2


def test_words_typed_in_a_second_tab_are_added_and_nothing_is_doubled(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    where = f"/today/reach/{cast.okafor}"
    post(maya, f"{where}/done", {"action": "Call", "task_id": ""}, form_at="/")
    for _ in range(2):
        late = {"action": "Visit", "outcome": "reached", "note": "Met in the lobby", "promised": "Leaflet",
                "promised_on": "2026-03-05"}  # fmt: skip
        assert post(maya, f"{where}/done", late, form_at=where).status_code == 303
    with runtime.turn(write=False) as turn:
        told = turn.session.scalars(
            select(Touch).where(Touch.contact_id == cast.okafor, Touch.origin.startswith("today:")).order_by(Touch.id)
        ).all()
        assert [(one.kind, one.text) for one in told] == [("call", "Called"), ("visit", "Met in the lobby")]
        promised = select(func.count(tasks.Task.id)).where(tasks.Task.title == "Leaflet")
        assert turn.session.scalar(promised) == 1
        done_id = turn.session.scalars(select(DayDone.id)).one()
    post(maya, f"/today/done/{done_id}/undo", form_at="/")
    with runtime.turn(write=False) as turn:
        left = select(func.count(Touch.id)).where(Touch.contact_id == cast.okafor, Touch.origin.startswith("today:"))
        assert turn.session.scalar(left) == 0


def test_a_double_click_on_snooze_is_one_snooze_and_one_undo_takes_it_back(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    for _ in range(2):
        post(maya, f"/today/reach/{cast.tom}/snooze", {"until": "next-week"}, form_at="/")
    with runtime.turn(write=False) as turn:
        snooze_id = turn.session.scalars(select(Snooze.id)).one()
    post(maya, f"/today/snoozes/{snooze_id}/undo", form_at="/")
    assert cast.tom in planned(runtime)


def test_the_latest_snooze_counts_and_an_older_one_never_comes_to_life_again(
    runtime: Runtime, cast: Cast, maya: FlaskClient, clock: FrozenClock
) -> None:
    post(maya, f"/today/reach/{cast.greta}/snooze", {"until": "next-referral"}, form_at="/")
    post(maya, f"/today/reach/{cast.greta}/snooze", {"until": "tomorrow"}, form_at="/")
    assert cast.greta not in planned(runtime)
    clock.advance(timedelta(days=1))
    assert cast.greta in planned(runtime)


def test_a_second_click_on_done_tells_its_sentence_once(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    where = f"/today/reach/{cast.okafor}"
    for _ in range(2):
        post(
            maya, f"{where}/done", {"action": "Call", "outcome": "reached", "note": "Spoke to the desk"}, form_at=where
        )
    with runtime.turn(write=False) as turn:
        told = select(func.count(Touch.id)).where(Touch.text == "Spoke to the desk")
        assert turn.session.scalar(told) == 1
