"""Sources: one status and one next step each, the effort for them, the back-test, and who never referred."""

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.referrals import scoring
from outreach.referrals.judging import listing
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.judging.status_words import STATUSES, WORDS
from outreach.referrals.models import Referral, ScoringRun, YieldScore
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post

TODAY = date(2026, 3, 2)


def send(turn: Turn, contact: int, *days_ago: int, stage: str = "started") -> None:
    for ago in days_ago:
        day = TODAY - timedelta(days=ago)
        turn.session.add(
            Referral(
                contact_id=contact,
                discipline="PT",
                received_on=day,
                stage=stage,
                started_on=day if stage == "started" else None,
                closed_on=day if stage == "closed" else None,
                close_reason="other" if stage == "closed" else None,
                created_at=turn.now,
            )
        )
    turn.session.flush()


def status_of(turn: Turn, contact: int) -> str | None:
    return turn.session.scalar(select(SourceStatus.status).where(SourceStatus.contact_id == contact))


@pytest.fixture
def practice(turn: Turn, cast: Cast) -> Turn:
    """Two years: Raman steady, Okafor silent for 300 days, Greta new, Tom dormant, the silent one silent."""
    send(turn, cast.raman, *range(12, 720, 24))
    send(turn, cast.okafor, *range(300, 720, 20))
    send(turn, cast.greta, 20)
    send(turn, cast.tom, 500, 520)
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    return turn


def test_every_source_ever_active_has_one_status(practice: Turn, cast: Cast) -> None:
    found = {name: status_of(practice, getattr(cast, name)) for name in ("raman", "okafor", "greta", "tom", "silent")}
    assert found == {"raman": "steady", "okafor": "stopped", "greta": "new", "tom": "dormant", "silent": None}
    assert set(WORDS) >= set(STATUSES)
    assert all(words.next_step for words in WORDS.values())


def test_a_status_changes_with_the_next_referral_and_says_since_when(practice: Turn, cast: Cast) -> None:
    practice.session.add(
        Referral(contact_id=cast.okafor, discipline="PT", received_on=TODAY, created_at=practice.now, stage="received")
    )
    practice.session.flush()
    scoring.rescore(practice.session, cast.okafor, now=practice.now, today=TODAY + timedelta(days=1))
    kept = practice.session.get_one(SourceStatus, cast.okafor, populate_existing=True)
    assert kept.status not in ("lapsing", "stopped")
    assert kept.since_on == TODAY + timedelta(days=1)
    assert practice.session.get_one(SourceStatus, cast.raman).since_on == TODAY


def test_a_source_whose_referrals_went_to_the_trash_has_no_status_and_keeps_no_parts(
    practice: Turn, cast: Cast
) -> None:
    for referral in practice.session.scalars(select(Referral).where(Referral.contact_id == cast.greta)):
        referral.deleted_at = practice.now
    practice.session.flush()
    row = scoring.rescore(practice.session, cast.greta, now=practice.now, today=TODAY)
    assert row is not None
    assert row.referral_count == 0
    assert status_of(practice, cast.greta) is None
    assert practice.session.get(YieldScore, cast.greta) is None


def test_who_never_referred_keeps_nothing_and_still_has_a_yield_with_its_parts(practice: Turn, cast: Cast) -> None:
    assert practice.session.get(YieldScore, cast.silent) is None
    row = scoring.row_of(practice.session, cast.silent)
    assert row is not None
    assert row.parts[0] * row.parts[1] * row.parts[2] == pytest.approx(row.expected_started, abs=1e-12)


def test_a_desk_that_sends_is_a_source_although_its_kind_seldom_does(turn: Turn, cast: Cast) -> None:
    send(turn, cast.denise, *range(10, 200, 9))
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    assert status_of(turn, cast.denise) is not None


def test_an_import_that_ends_a_silence_ends_its_alert_at_the_refresh(practice: Turn, cast: Cast) -> None:
    send(practice, cast.okafor, 2)
    scoring.refresh(practice.session, now=practice.now, today=TODAY)
    assert status_of(practice, cast.okafor) not in ("lapsing", "stopped")


def test_the_run_says_when_the_entry_dates_cannot_be_trusted(turn: Turn, cast: Cast) -> None:
    turn.session.add_all(
        Contact(kind="physician", last_name=str(n), sort_name=str(n), added_on=TODAY, created_at=turn.now,
                updated_at=turn.now)
        for n in range(12)
    )  # fmt: skip
    turn.session.flush()
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    assert turn.session.scalars(select(ScoringRun.entry_dates_unsure).order_by(ScoringRun.id)).all()[-1]


def test_who_never_referred_is_ranked_and_those_who_did_are_not_among_them(practice: Turn, cast: Cast) -> None:
    found = [card.id for card, _ in listing.prospect_lines(practice.session, today=TODAY)]
    assert cast.silent in found
    assert cast.raman not in found


def test_the_screens_of_sources_open_and_filter(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(12, 720, 24))
        send(turn, cast.tom, 500, 520)
        turn.session.add(Touch(contact_id=cast.raman, kind="call", at=turn.now, minutes=20))
        scoring.refresh(turn.session, now=turn.now, today=TODAY)
    page = maya.get("/sources/").get_data(as_text=True)
    assert "Priya Raman" in page
    assert "Tom Brandt" in page
    assert "Priya Raman" not in maya.get("/sources/?status=dormant").get_data(as_text=True).partition("results")[2]
    assert "Elena Marsh" in maya.get("/sources/?status=never-referred").get_data(as_text=True)
    one = maya.get(f"/sources/{cast.raman}").get_data(as_text=True)
    assert "Same month last year" in one
    assert "Priya Raman" in maya.get(f"/sources/{cast.raman}").get_data(as_text=True)


def test_a_look_back_is_made_once_asked_and_says_when_there_is_too_little(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    assert "Nobody has looked back yet" in maya.get("/sources/back-test").get_data(as_text=True)
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(12, 720, 24))
    post(maya, "/sources/back-test")
    assert "too few to judge" in maya.get("/sources/back-test").get_data(as_text=True)


def test_a_look_back_of_a_busy_year_compares_the_lists(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(2, 720, 2))
        send(turn, cast.okafor, *range(3, 720, 9))
    post(maya, "/sources/back-test")
    page = maya.get("/sources/back-test").get_data(as_text=True)
    assert "A year ago&#39;s list of the top 1 contacts went on to send" in page


def test_the_practice_chooses_how_early_it_is_told_of_a_silence(runtime: Runtime, maya: FlaskClient) -> None:
    post(maya, "/sources/settings", {"alert_share": "0.1", "value_of": "visits"})
    page = maya.get("/sources/settings").get_data(as_text=True)
    assert 'selected value="0.1"' in page
    assert 'selected value="visits"' in page


def test_contacts_can_be_narrowed_to_a_status(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(12, 720, 24))
        send(turn, cast.tom, 500, 520)
        scoring.refresh(turn.session, now=turn.now, today=TODAY)
    dormant = maya.get("/contacts/?status=dormant").get_data(as_text=True).partition('id="results"')[2]
    assert "Tom Brandt" in dormant
    assert "Priya Raman" not in dormant
    never = maya.get("/contacts/?status=never-referred").get_data(as_text=True).partition('id="results"')[2]
    assert "Elena Marsh" in never
    assert "Tom Brandt" not in never


def test_a_value_typed_at_a_referral_is_in_the_yield_of_its_source(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(12, 720, 24))
    post(maya, "/sources/settings", {"alert_share": "0.05", "value_of": "visits"})
    for referral_id in (1, 2):
        assert post(maya, f"/sources/value/{referral_id}", {"value": "12"}).status_code == 303
    with runtime.turn() as turn:
        scoring.refresh(turn.session, now=turn.now, today=TODAY)
        row = scoring.row_of(turn.session, cast.raman)
        assert row is not None
        assert row.expected_value == pytest.approx(12 * row.expected_started)
    card = maya.get(f"/referrals/yield/{cast.raman}").get_data(as_text=True)
    assert "12.0 visits each" in card
    assert post(maya, "/sources/value/1", {"value": "-3"}).status_code == 422


def test_a_practice_that_counts_no_values_is_not_asked_for_them(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, 12)
    assert "This practice counts referrals" in maya.get("/sources/value/1").get_data(as_text=True)
    fragment = maya.get("/sources/value/1", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<form" not in fragment


def test_people_of_one_office_who_fall_silent_together_are_one_call(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        send(turn, cast.raman, *range(300, 720, 20))
        send(turn, cast.denise, *range(290, 720, 20))
        send(turn, cast.tom, *range(1, 720, 10))
        scoring.refresh(turn.session, now=turn.now, today=TODAY)
    page = maya.get("/sources/?status=stopped").get_data(as_text=True)
    assert "2 of 2 sources at" in page
    assert "Lakeside Orthopedics</a> are unusually quiet together" in page
