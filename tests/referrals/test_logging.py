"""Logging a referral: what it refuses, where it shows, and what it does to the yield."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from outreach.contacts.merging import merge
from outreach.contacts.models import Contact, ContactPayer
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.practice.models import Payer
from outreach.referrals import scoring, sourcing
from outreach.referrals.correcting import Correction, correct
from outreach.referrals.logging import NewReferral, log_referral, match_source, move, purge, trash
from outreach.referrals.models import LapseAlert, Referral, ScoringRun, YieldScore
from outreach.referrals.rules import Move
from outreach.screen import Turn
from tests.people import Cast

TODAY = date(2026, 3, 2)


def log(turn: Turn, **what: object) -> Referral | Refusal:
    facts = {"received_on": TODAY, "discipline": "PT", "client_number": "2041"} | what
    return log_referral(turn.session, NewReferral(**facts), now=turn.now, today=TODAY, by_id=None)  # type: ignore[arg-type]


def test_a_referral_raises_its_sources_yield_at_once(turn: Turn, cast: Cast) -> None:
    _two_years(turn, cast)
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    before = turn.session.get_one(YieldScore, cast.raman).expected_started
    log(turn, contact_id=cast.raman)
    assert turn.session.get_one(YieldScore, cast.raman).expected_started > before
    assert turn.session.get_one(Standing, cast.raman).expected_90 > before


def test_a_referral_is_told_on_the_timeline_once_and_marked_as_resting_on_referrals(turn: Turn, cast: Cast) -> None:
    referral = log(turn, contact_id=cast.raman)
    assert isinstance(referral, Referral)
    match_source(turn.session, referral, cast.raman, now=turn.now, today=TODAY, by_id=None)
    touch = turn.session.scalars(select(Touch).where(Touch.kind == "referred")).one()
    assert touch.from_yield
    assert touch.text == "Referred client 2041 for PT"


def test_an_evenings_referral_lies_on_its_day_however_often_its_line_is_written(turn: Turn, cast: Cast) -> None:
    evening = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)  # half past eight on New Year's Eve in New York
    day, after = date(2025, 12, 31), evening + timedelta(hours=20)
    new = NewReferral(received_on=day, discipline="PT", client_number="2041", contact_id=cast.raman)
    made = log_referral(turn.session, new, now=evening, today=day, by_id=None)
    assert isinstance(made, Referral)

    def told_at() -> datetime:
        return turn.session.scalars(select(Touch.at).where(Touch.kind == "referred")).one()

    assert told_at() == evening
    other = Correction(service_id=1, payer_id=None, location_id=None, client_number="2042", received_on=day)
    correct(turn.session, made, other, now=after, today=day + timedelta(days=1), by_id=None)
    assert told_at() == evening
    earlier = replace(other, received_on=day - timedelta(days=1))
    correct(turn.session, made, earlier, now=after, today=day + timedelta(days=1), by_id=None)
    assert told_at() == datetime(2025, 12, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["Ana Lopez", "ana@mail.example", "2041 Ana", "Lopez", "Lopez,A", "-"])
def test_a_client_name_is_refused(turn: Turn, cast: Cast, typed: str) -> None:
    refusal = log(turn, contact_id=cast.raman, client_number=typed)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "looks-like-a-name"
    assert turn.session.scalars(select(Referral)).all() == []


def test_a_referral_of_tomorrow_is_refused(turn: Turn, cast: Cast) -> None:
    refusal = log(turn, contact_id=cast.raman, received_on=TODAY + timedelta(days=1))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "future-date"


def test_the_product_of_the_parts_shown_is_the_yield(turn: Turn, cast: Cast) -> None:
    log(turn, contact_id=cast.raman)
    row = scoring.row_from(turn.session.get_one(YieldScore, cast.raman).row)
    assert row.parts[0] * row.parts[1] * row.parts[2] == pytest.approx(row.expected_started, abs=1e-12)


def test_a_closed_referral_needs_a_reason_and_counts_as_lost(turn: Turn, cast: Cast) -> None:
    referral = log(turn, contact_id=cast.okafor)
    assert isinstance(referral, Referral)
    without = move(turn.session, referral, Move("closed", TODAY), now=turn.now, today=TODAY, by_id=None)
    assert isinstance(without, Refusal)
    move(
        turn.session,
        referral,
        Move("closed", TODAY, "out-of-network", "insurance"),
        now=turn.now,
        today=TODAY,
        by_id=None,
    )
    row = scoring.row_from(turn.session.get_one(YieldScore, cast.okafor).row)
    assert (row.started_count, row.finished_count) == (0, 1)


def test_one_contact_scored_alone_equals_the_full_refresh(turn: Turn, cast: Cast) -> None:
    _two_years(turn, cast)
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    assert turn.session.scalars(select(ScoringRun.means).order_by(ScoringRun.id)).all()[-1]["evidence"] == "full"
    referral = log(turn, contact_id=cast.raman)
    assert isinstance(referral, Referral)
    alone = turn.session.get_one(YieldScore, cast.raman).expected_started
    tier = turn.session.get_one(Standing, cast.raman).tier
    turn.session.execute(select(Standing))
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    assert turn.session.get_one(YieldScore, cast.raman).expected_started == pytest.approx(alone, rel=0.05)
    assert tier is not None


def test_a_silence_unusual_for_its_own_rhythm_raises_one_alert_that_the_next_referral_ends(
    turn: Turn, cast: Cast
) -> None:
    _two_years(turn, cast, stop_days_ago=300)
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    alert = turn.session.scalars(select(LapseAlert).where(LapseAlert.contact_id == cast.okafor)).one()
    assert alert.ended_on is None
    log(turn, contact_id=cast.okafor)
    assert alert.ended_on == TODAY


def test_a_referral_that_gets_another_source_leaves_the_first_ones_timeline(turn: Turn, cast: Cast) -> None:
    referral = log(turn, contact_id=cast.raman)
    assert isinstance(referral, Referral)
    match_source(turn.session, referral, cast.okafor, now=turn.now, today=TODAY, by_id=None)
    told = turn.session.scalars(select(Touch.contact_id).where(Touch.kind == "referred")).all()
    assert told == [cast.okafor]


def test_a_stage_pressed_by_mistake_leaves_no_day_behind(turn: Turn, cast: Cast) -> None:
    referral = log(turn, contact_id=cast.raman)
    assert isinstance(referral, Referral)
    for step in (Move("started", TODAY), Move("closed", TODAY, "duplicate"), Move("scheduled", TODAY)):
        move(turn.session, referral, step, now=turn.now, today=TODAY, by_id=None)
    assert (referral.scheduled_on, referral.started_on, referral.closed_on) == (TODAY, None, None)


def test_a_year_typed_short_is_refused(turn: Turn, cast: Cast) -> None:
    refusal = log(turn, contact_id=cast.raman, received_on=date(26, 3, 2))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "bad-date"


def _two_years(turn: Turn, cast: Cast, stop_days_ago: int = 0) -> None:
    """Raman sends every 24 days to the end; Okafor every 20 until he stops."""
    for contact, every, stop in ((cast.raman, 24, 0), (cast.okafor, 20, stop_days_ago)):
        turn.session.add_all(
            Referral(
                contact_id=contact,
                discipline="PT",
                received_on=TODAY - timedelta(days=ago),
                stage="started",
                started_on=TODAY - timedelta(days=ago - 5),
                created_at=turn.now,
                client_number=str(ago),
            )
            for ago in range(720, stop + 6, -every)
        )
    turn.session.flush()


def test_a_source_that_was_merged_away_while_it_was_typed_is_the_record_it_became(turn: Turn, cast: Cast) -> None:
    kept, gone = (turn.session.get_one(Contact, number) for number in (cast.raman, cast.silent))
    merge(turn.session, kept, gone, from_gone={}, now=turn.now, by_id=None)
    referral = log(turn, contact_id=cast.silent)
    assert isinstance(referral, Referral)
    assert referral.contact_id == cast.raman
    moved = match_source(turn.session, referral, cast.silent, now=turn.now, today=TODAY, by_id=None)
    assert isinstance(moved, Referral)
    assert moved.contact_id == cast.raman


def test_a_referral_may_come_before_its_contact_was_added(turn: Turn, cast: Cast) -> None:
    added = turn.session.get_one(Contact, cast.raman).added_on
    referral = log(turn, contact_id=cast.raman, received_on=added - timedelta(days=40))
    assert isinstance(referral, Referral)
    assert turn.session.get_one(YieldScore, cast.raman).row["referral_count"] == 1


def test_word_of_mouth_credits_the_advocate_and_not_a_source(turn: Turn, cast: Cast) -> None:
    referral = log(turn, source_type="word-of-mouth", advocate_id=cast.marisol)
    assert isinstance(referral, Referral)
    assert (referral.contact_id, referral.advocate_id) == (None, cast.marisol)
    told = turn.session.scalars(select(Touch).where(Touch.kind == "recommended")).one()
    assert (told.contact_id, told.from_yield, told.text) == (cast.marisol, True, "Somebody came on their word")


def test_a_payer_that_a_client_came_with_is_carried_by_the_sources_clients(turn: Turn, cast: Cast) -> None:
    medicare = turn.session.scalars(select(Payer.id).where(Payer.name == "Medicare")).one()
    for _ in range(2):
        log(turn, contact_id=cast.raman, payer_id=medicare)
    assert turn.session.get(ContactPayer, (cast.raman, medicare)) is not None


def test_words_that_were_matched_once_mean_that_contact_from_then_on(turn: Turn, cast: Cast) -> None:
    referral = log(turn, source_type="unmatched", unmatched_source="The tall surgeon!")
    assert isinstance(referral, Referral)
    match_source(turn.session, referral, cast.raman, now=turn.now, today=TODAY, by_id=None)
    assert sourcing.by_alias(turn.session, {sourcing.source_words("the TALL surgeon")}) == {
        "the tall surgeon": cast.raman
    }


def test_a_button_pressed_twice_logs_one_referral(turn: Turn, cast: Cast) -> None:
    facts = NewReferral(received_on=TODAY, discipline="PT", contact_id=cast.raman)
    made = [
        log_referral(turn.session, facts, now=turn.now + timedelta(seconds=after), today=TODAY, by_id=cast.maya)
        for after in (0, 1, 20)
    ]
    assert all(isinstance(one, Referral) for one in made)
    assert len({one.id for one in made if isinstance(one, Referral)}) == 2


def test_the_trash_is_emptied_after_thirty_days(turn: Turn, cast: Cast) -> None:
    referral = log(turn, contact_id=cast.raman)
    assert isinstance(referral, Referral)
    trash(turn.session, referral, now=turn.now, today=TODAY)
    assert purge(turn.session, now=turn.now + timedelta(days=29), limit=10) == 0
    assert purge(turn.session, now=turn.now + timedelta(days=31), limit=10) == 1
    assert turn.session.scalars(select(Referral.id)).all() == []
