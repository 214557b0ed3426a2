"""The nightly refresh: once a local day, whatever runs twice."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from jobs.catalog import job_named
from jobs.runner import work
from outreach import audit
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.referrals import nightly, refreshing, scoring
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.models import Referral, ScoringRun
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast

TODAY = date(2026, 3, 2)


def runs(runtime: Runtime) -> int:
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count(ScoringRun.id))) or 0


def test_everyone_who_can_refer_is_scored_once_a_local_day(runtime: Runtime, clock: FrozenClock) -> None:
    work(runtime, job_named("refresh-yield"))
    work(runtime, job_named("refresh-yield"))
    assert runs(runtime) == 1
    clock.advance(timedelta(hours=14, minutes=1))
    work(runtime, job_named("refresh-yield"))
    assert runs(runtime) == 2, "midnight in New York has passed"
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count(Standing.contact_id))) == 6


def referral(turn: Turn, contact_id: int, ago: int = 0) -> None:
    day = TODAY - timedelta(days=ago)
    turn.session.add(
        Referral(
            contact_id=contact_id,
            discipline="PT",
            received_on=day,
            stage="started",
            started_on=day,
            created_at=turn.now,
        )
    )


@pytest.fixture
def two_years(runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Raman sends often, Okafor now and then; a turn of the refresh writes two contacts."""
    monkeypatch.setattr(nightly, "ONE_TURN", 2)
    with runtime.turn() as turn:
        for ago in range(5, 720, 15):
            referral(turn, cast.raman, ago)
        for ago in range(40, 720, 80):
            referral(turn, cast.okafor, ago)
    return cast


def expected(runtime: Runtime) -> dict[int, tuple[float, float | None, str | None]]:
    with runtime.turn(write=False) as turn:
        rows = turn.session.scalars(select(Standing)).all()
        return {one.contact_id: (one.expected_90, one.rank_pct, one.tier) for one in rows}


def test_a_refresh_stopped_half_way_counts_as_not_made_and_is_made_again(runtime: Runtime, two_years: Cast) -> None:
    asked = iter((False, True))
    assert refreshing.refresh_due(runtime, lambda: next(asked)) == 0
    assert (runs(runtime), len(expected(runtime))) == (0, 2)
    assert refreshing.refresh_due(runtime, lambda: False) == 6
    made = expected(runtime)
    with runtime.turn() as turn:
        scoring.refresh(turn.session, now=turn.now, today=TODAY)
        assert turn.session.scalar(select(func.count(SourceStatus.contact_id))) == 2
    assert expected(runtime) == made, "in short turns or in one, the numbers are the same"


def test_a_referral_that_comes_while_everybody_is_refreshed_is_not_written_over(
    runtime: Runtime, two_years: Cast
) -> None:
    asked = []

    def meanwhile() -> bool:
        if not asked:
            with runtime.turn() as turn:
                referral(turn, two_years.okafor)
        asked.append(True)
        return False

    refreshing.refresh_due(runtime, meanwhile)
    with runtime.turn(write=False) as turn:
        row = scoring.row_of(turn.session, two_years.okafor)
        assert row is not None
        assert row.last_on == TODAY


def test_a_merge_moves_the_yield_within_minutes_and_not_with_the_next_night(runtime: Runtime, two_years: Cast) -> None:
    refreshing.refresh_due(runtime, lambda: False)
    with runtime.turn() as turn:
        for one in turn.session.scalars(select(Referral).where(Referral.contact_id == two_years.okafor)):
            one.contact_id = two_years.silent
        turn.session.get_one(Contact, two_years.okafor).deleted_at = turn.now
        audit.record(
            turn.session, now=turn.now, actor_id=None, action="merged", subject_type="contact",
            subject_id=two_years.silent, gone_id=two_years.okafor,
        )  # fmt: skip
    assert refreshing.refresh_due(runtime, lambda: False) == 2
    assert runs(runtime) == 1
    with runtime.turn(write=False) as turn:
        row = scoring.row_of(turn.session, two_years.silent)
        assert row is not None
        assert row.referral_count == 9


def test_a_second_refresh_of_one_day_is_no_second_opinion_about_a_tier(runtime: Runtime, two_years: Cast) -> None:
    refreshing.refresh_due(runtime, lambda: False)
    with runtime.turn() as turn:
        standing = turn.session.get_one(Standing, two_years.raman)
        kind = turn.session.get_one(Contact, two_years.raman).kind
        best = turn.session.scalar(
            select(func.max(Standing.rank_pct))
            .join(Contact, Contact.id == Standing.contact_id)
            .where(Contact.kind == kind)
        )
        assert standing.rank_pct == best
        standing.tier = "C"
        standing.rank_pct = 10.0
        standing.as_of_on = TODAY - timedelta(days=1)
    with runtime.turn() as turn:
        for _ in range(3):
            scoring.refresh(turn.session, now=turn.now, today=TODAY)
        assert turn.session.get_one(Standing, two_years.raman).tier == "C"
        scoring.refresh(turn.session, now=turn.now, today=TODAY + timedelta(days=1))
        assert turn.session.get_one(Standing, two_years.raman).tier != "C"
