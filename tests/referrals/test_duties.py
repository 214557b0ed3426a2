"""What a referral owes its source: reports with their days, thanks, and clients who wait."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update

from outreach.campaigns.models import Campaign
from outreach.contacts.models import Contact, Group
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch, add
from outreach.contacts.touching import log_touch, take_back
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.referrals.duties import late, owing, thanking
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.speed import speed
from outreach.referrals.logging import NewReferral, log_referral, move, trash
from outreach.referrals.models import Referral
from outreach.referrals.rules import Move
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today import acting
from outreach.today.causes import thanks_due
from outreach.today.waiting import waiting
from tests.deliveries.posting import message_in
from tests.people import Cast, post

TODAY = date(2026, 3, 2)
ZONE = ZoneInfo("America/New_York")


def log(turn: Turn, contact_id: int | None, ago: int = 0, **what: object) -> Referral:
    facts = {"received_on": TODAY - timedelta(days=ago), "discipline": "PT", "client_number": "2041"} | what
    made = log_referral(
        turn.session,
        NewReferral(contact_id=contact_id, **facts),  # type: ignore[arg-type]
        now=turn.now,
        today=TODAY,
        by_id=None,
    )
    assert isinstance(made, Referral)
    return made


def step(turn: Turn, referral: Referral, stage: str, on: date = TODAY, reason: str | None = None) -> None:
    move(turn.session, referral, Move(stage, on, reason), now=turn.now, today=TODAY, by_id=None)


def owed(turn: Turn, referral: Referral) -> dict[str, date]:
    found = select(ReferralDuty).where(ReferralDuty.referral_id == referral.id, late.OPEN)
    return {duty.kind: duty.due_on for duty in turn.session.scalars(found)}


def test_each_stage_brings_its_duty_with_its_day(turn: Turn, cast: Cast) -> None:
    referral = log(turn, cast.raman)
    assert owed(turn, referral) == {"acknowledge": date(2026, 3, 4)}
    step(turn, referral, "evaluated")
    assert owed(turn, referral)["evaluation-report"] == date(2026, 3, 9)
    assert owed(turn, referral)["plan-of-care"] == date(2026, 4, 1)
    step(turn, referral, "completed")
    assert owed(turn, referral)["discharge-report"] == date(2026, 3, 9)


def test_a_stage_pressed_by_mistake_owes_nothing_and_neither_does_trash(turn: Turn, cast: Cast) -> None:
    referral = log(turn, cast.raman)
    step(turn, referral, "evaluated")
    step(turn, referral, "contacted")
    assert set(owed(turn, referral)) == {"acknowledge"}
    step(turn, referral, "evaluated")
    assert set(owed(turn, referral)) == {"acknowledge", "evaluation-report", "plan-of-care"}
    trash(turn.session, referral, now=turn.now, today=TODAY)
    assert owed(turn, referral) == {}


def test_nothing_about_a_client_is_owed_to_anybody_who_does_not_treat(turn: Turn, cast: Cast) -> None:
    for contact in (cast.greta, cast.marisol):
        referral = log(turn, contact)
        step(turn, referral, "evaluated")
        assert owed(turn, referral) == {}


def test_what_was_logged_before_there_were_duties_gets_them_once(turn: Turn, cast: Cast) -> None:
    made = [log(turn, cast.raman, ago=ago, client_number=f"5{ago}") for ago in (1, 2, 60)]
    log(turn, cast.greta)
    step(turn, made[1], "evaluated")
    before = [owed(turn, one) for one in made]
    turn.session.execute(delete(ReferralDuty))
    assert [owed(turn, one) for one in made] == [{}, {}, {}]
    assert [owing.owe_lacking(turn.session, now=turn.now, limit=1) for _ in range(3)] == [1, 1, 0]
    assert [owed(turn, one) for one in made] == before


def test_history_owes_nothing(turn: Turn, cast: Cast) -> None:
    assert owed(turn, log(turn, cast.raman, ago=60)) == {}


def test_sending_is_told_once_on_the_timeline_and_can_be_taken_back(turn: Turn, cast: Cast) -> None:
    referral = log(turn, cast.raman)
    duty = turn.session.scalars(select(ReferralDuty)).one()
    wrong = owing.close(turn.session, duty, on=TODAY + timedelta(days=1), now=turn.now, today=TODAY, by_id=cast.maya)
    assert isinstance(wrong, Refusal)
    for _ in range(2):
        assert owing.close(turn.session, duty, on=TODAY, now=turn.now, today=TODAY, by_id=cast.maya) is None
    told = turn.session.scalars(select(Touch).where(Touch.kind == "report-sent")).one()
    assert (told.text, told.from_yield) == ("Referral acknowledged for client 2041", True)
    owing.reopen(turn.session, duty)
    assert owed(turn, referral) == {"acknowledge": date(2026, 3, 4)}
    assert turn.session.scalars(select(Touch).where(Touch.kind == "report-sent")).all() == []


def test_the_first_referral_ever_starts_one_task_to_thank_that_names_no_client(turn: Turn, cast: Cast) -> None:
    log(turn, cast.raman)
    log(turn, cast.raman, client_number="2042")
    task = turn.session.scalars(select(Task).where(Task.kind == "thank")).one()
    assert (task.contact_id, task.due_on, task.from_yield) == (cast.raman, date(2026, 3, 4), True)
    assert "204" not in task.title + task.script
    thanking.set_rule(turn.session, starts="every", by_campaign=False, within_hours=24)
    log(turn, cast.raman, client_number="2043")
    assert len(turn.session.scalars(select(Task).where(Task.kind == "thank")).all()) == 2


def test_one_thank_you_answers_all_that_asked_for_it_and_taking_it_back_asks_again(turn: Turn, cast: Cast) -> None:
    thanking.set_rule(turn.session, starts="every", by_campaign=False, within_hours=24)
    for number in range(2):
        log(turn, cast.raman, client_number=f"30{number}")
    contact = turn.session.get_one(Contact, cast.raman)
    said = {"now": turn.now, "zone": ZONE, "by_id": cast.maya, "kind": "thank-you", "text": "A card"}
    touch = log_touch(turn.session, contact, **said)  # type: ignore[arg-type]
    assert isinstance(touch, Touch)
    assert still_asked(turn) == 0
    take_back(turn.session, touch, by_id=cast.maya)
    assert still_asked(turn) == 2
    row = acting.done(turn.session, cast.raman, acting.Reached("Thank"), now=turn.now, today=TODAY, by_id=cast.maya)
    assert not isinstance(row, Refusal)
    assert still_asked(turn) == 0
    told = turn.session.scalars(select(Touch.kind).where(Touch.contact_id == cast.raman, Touch.kind != "referred"))
    assert list(told) == ["thank-you"]
    acting.undo_done(turn.session, row.id)
    assert still_asked(turn) == 2


def test_a_call_that_nobody_took_thanks_nobody(turn: Turn, cast: Cast) -> None:
    log(turn, cast.raman)
    task = turn.session.scalars(select(Task)).one()
    unheard = acting.Reached("Thank", outcome="no-answer", task_id=task.id)
    acting.done(turn.session, cast.raman, unheard, now=turn.now, today=TODAY, by_id=cast.maya)
    told = turn.session.scalars(select(Touch.kind).where(Touch.contact_id == cast.raman, Touch.kind != "referred"))
    assert list(told) == ["call"]


def still_asked(turn: Turn) -> int:
    return turn.session.scalar(select(func.count(Task.id)).where(Task.closed_at.is_(None))) or 0


def test_who_was_not_thanked_in_time_is_a_list_and_stands_on_today(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    log(turn, cast.raman)
    log(turn, cast.okafor, ago=1)
    log(turn, cast.okafor)
    sources, later = runtime.thanks_sources, turn.now + timedelta(hours=49)
    assert thanking.late_thanks(turn.session, now=turn.now + timedelta(hours=48), sources=sources) == []
    found = thanking.late_thanks(turn.session, now=later, sources=sources)
    assert {one.contact_id: one.referrals for one in found} == {cast.raman: 1, cast.okafor: 1}
    after = (found[0].logged_at, found[0].contact_id)
    assert thanking.late_thanks(turn.session, now=later, sources=sources, after=after) == found[1:]
    said = [line.text for line in waiting(turn.session, now=later, today=TODAY + timedelta(days=2))]
    assert "2 thank-yous are late" in said
    add(turn.session, now=later, contact_id=cast.raman, kind="thank-you")
    thanking.set_rule(turn.session, starts="every", by_campaign=False, within_hours=24)
    found = thanking.late_thanks(turn.session, now=later, sources=sources)
    assert [(one.name, one.referrals) for one in found] == [("Dr. Samuel Okafor", 2)]
    thanking.set_rule(turn.session, starts="off", by_campaign=False, within_hours=24)
    assert thanking.late_count(turn.session, now=later, sources=sources) == 0


def test_a_live_campaign_thanks_instead_of_a_task(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    asked = {"starts": "every", "by_campaign": True, "within_hours": 48, "sources": runtime.thanks_sources}
    refused = thanking.set_rule(turn.session, **asked)  # type: ignore[arg-type]
    assert refused is not None
    assert refused.reason == "no-campaign"
    group = Group(name="Referred", rules={"all": []}, created_at=turn.now, updated_at=turn.now)
    turn.session.add(group)
    turn.session.flush()
    made = {"name": "Loop", "recipe": "thank-you", "status": "live", "seed": 1, "group_id": group.id}
    loop = Campaign(**made, created_at=turn.now)
    turn.session.add(loop)
    turn.session.flush()
    assert thanking.set_rule(turn.session, **asked) is None  # type: ignore[arg-type]
    log(turn, cast.raman)
    assert still_asked(turn) == 0
    later = turn.now + timedelta(hours=49)
    assert thanking.late_count(turn.session, now=later, sources=runtime.thanks_sources) == 1
    assert thanks_due(turn.session, now=later, today=TODAY, zone=ZONE)
    mailed(turn, cast.raman, loop.id, turn.now + timedelta(hours=3))
    assert thanking.late_count(turn.session, now=later, sources=runtime.thanks_sources) == 0
    assert thanks_due(turn.session, now=later, today=TODAY, zone=ZONE) == []


def test_the_page_of_late_thanks_and_its_setting(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        log(turn, cast.raman)
        turn.session.execute(update(Referral).values(created_at=turn.now - timedelta(hours=50)))
    page = maya.get("/referrals/owed?tab=thanks").get_data(as_text=True)
    assert "2 hours late" in page
    assert f"/today/reach/{cast.raman}?action=Thank" in page
    post(
        maya,
        "/referrals/owed/thanks",
        {"starts": "off", "how": "task", "within_hours": "24"},
        form_at="/referrals/owed",
    )
    assert "thanked in time" in maya.get("/referrals/owed?tab=thanks").get_data(as_text=True)
    answer = {"starts": "every", "how": "campaign", "within_hours": "24"}
    post(maya, "/referrals/owed/thanks", answer, form_at="/referrals/owed")
    assert "No thank-you campaign is live yet" in maya.get("/referrals/owed").get_data(as_text=True)


def test_a_trashed_referral_takes_its_thanks_with_it(turn: Turn, cast: Cast) -> None:
    trash(turn.session, log(turn, cast.raman), now=turn.now, today=TODAY)
    assert turn.session.scalars(select(Task.outcome)).all() == ["dropped"]


def test_clients_who_wait_are_counted_from_the_day_they_were_received(turn: Turn, cast: Cast) -> None:
    log(turn, cast.raman, ago=2)
    assert late.late_counts(turn.session, today=TODAY) == {"reports": 0, "contact": 0, "appointment": 0}
    called = log(turn, cast.okafor, ago=8)
    step(turn, called, "contacted")
    log(turn, None, ago=3, source_type="website")
    assert late.late_counts(turn.session, today=TODAY) == {"reports": 1, "contact": 1, "appointment": 1}
    said = [line.text for line in waiting(turn.session, now=turn.now, today=TODAY)]
    assert "1 report to referrers is late" in said
    assert "1 new client is waiting for the first call" in said


def test_hours_to_thank_run_from_the_referral(turn: Turn, cast: Cast) -> None:
    for number in range(5):
        log(turn, cast.raman, client_number=f"30{number}")
    add(
        turn.session,
        now=turn.now,
        contact_id=cast.raman,
        kind="thank-you",
        at=turn.now + timedelta(hours=6),
    )
    # A word in a subject thanks nobody: "Thanksgiving hours" is news.
    add(turn.session, now=turn.now, contact_id=cast.raman, kind="emailed", text="“Thanksgiving hours”", origin="x:1")
    took = {one.label: one.text for one in speed(turn.session, today=TODAY, zone=ZONE)}
    assert took["To the thank-you"] == "6 hours (5 of 5)"
    assert took["To the evaluation"] == "not enough yet (0 of 5)"


def test_mail_of_a_campaign_that_thanks_counts_as_thanks(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    for number in range(5):
        log(turn, cast.raman, client_number=f"30{number}")
    for recipe, hours in (("", 1), ("thank-you", 3)):
        made = Campaign(name=recipe or "News", recipe=recipe, seed=1, created_at=turn.now)
        turn.session.add(made)
        turn.session.flush()
        mailed(turn, cast.raman, made.id, turn.now + timedelta(hours=hours))
    took = {
        one.label: one.text
        for one in speed(turn.session, today=TODAY, zone=ZONE, thanks_sources=runtime.thanks_sources)
    }
    assert took["To the thank-you"] == "3 hours (5 of 5)"


def mailed(turn: Turn, contact_id: int, campaign_id: int, at: datetime) -> None:
    row = Delivery(
        source="campaign",
        source_id=campaign_id,
        contact_id=contact_id,
        message_id=message_in(turn.session, turn.now, kind="drip"),
        kind="drip",
        mail_class="commercial",
        topic="education",
        audience_class="provider",
        email="p.raman@lakeside.example",
        state="sent",
        zone="America/New_York",
        transport="sendgrid",
        address_hash=f"{campaign_id:064d}",
        **dict.fromkeys(("not_before_at", "due_at", "sent_at", "fenced_at", "created_at", "updated_at"), at),
    )
    turn.session.add(row)
    turn.session.flush()


def test_the_list_marks_a_report_as_sent(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        log(turn, cast.raman, ago=6)
    page = maya.get("/referrals/owed").get_data(as_text=True)
    assert "Acknowledge the referral" in page
    assert "4 days late" in page
    post(maya, "/referrals/owed/1/sent", {"on": "2026-03-02"}, form_at="/referrals/owed")
    assert "No report is late" in maya.get("/referrals/owed").get_data(as_text=True)
    assert maya.get("/referrals/owed?tab=coming").status_code == 200
    assert "Owed to the source" in maya.get("/referrals/1").get_data(as_text=True)


def test_the_inbox_matches_everything_that_came_with_the_same_words(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        for number in range(3):
            log(turn, None, source_type="unmatched", unmatched_source="Okafor, S", client_number=f"4{number}")
        log(turn, None, source_type="unmatched", unmatched_source="Raman, Priya MD")
    page = maya.get("/referrals/inbox").get_data(as_text=True)
    assert "3 referrals" in page
    assert "It was Dr. Priya Raman" in page
    post(maya, "/referrals/inbox", {"words": "Okafor, S", "source": "okafor"}, form_at="/referrals/inbox")
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(Referral.contact_id).order_by(Referral.id)).all()
        assert found == [cast.okafor, cast.okafor, cast.okafor, None]
        told = turn.session.scalars(select(Touch).where(Touch.kind == "referred")).all()
        assert len(told) == 3


def test_a_report_that_was_sent_acknowledges_the_referral_too(turn: Turn, cast: Cast) -> None:
    referral = log(turn, cast.raman)
    step(turn, referral, "evaluated")
    report = turn.session.scalars(select(ReferralDuty).where(ReferralDuty.kind == "evaluation-report")).one()
    owing.close(turn.session, report, on=TODAY, now=turn.now, today=TODAY, by_id=cast.maya)
    assert set(owed(turn, referral)) == {"plan-of-care"}
