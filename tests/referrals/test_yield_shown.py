"""The yield card: the change since last week with its cause, the alert in its words, and the counts beside it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from outreach.contacts import timeline
from outreach.contacts.models import Contact
from outreach.referrals import scoring
from outreach.referrals.logging import NewReferral, log_referral
from outreach.referrals.models import Referral, YieldScore
from outreach.referrals.yield_shown import YieldView, yield_view
from outreach.screen import Turn
from tests.people import Cast
from tests.referrals.test_sources import send

TODAY = date(2026, 3, 4)
ZONE = ZoneInfo("America/New_York")


def shown(turn: Turn, contact_id: int, today: date = TODAY) -> YieldView:
    turn.session.expire_all()
    now = datetime.combine(today, time(12), ZONE)
    view = yield_view(turn.session, turn.session.get_one(Contact, contact_id), now=now, zone=ZONE)
    assert view is not None
    return view


@pytest.fixture
def week(turn: Turn, cast: Cast) -> Turn:
    """Two years of Raman and Okafor, scored last Friday and again this Wednesday."""
    send(turn, cast.raman, *range(12, 720, 24))
    send(turn, cast.okafor, *range(150, 720, 20))
    turn.session.execute(update(Referral).values(created_at=turn.now - timedelta(days=30)))
    for today in (TODAY - timedelta(days=5), TODAY):
        scoring.refresh(turn.session, now=turn.now + (TODAY - date(2026, 3, 2)), today=today)
    return turn


def test_a_rise_names_the_referral_that_made_it(week: Turn, cast: Cast) -> None:
    log_referral(
        week.session,
        NewReferral(received_on=TODAY, discipline="PT", contact_id=cast.raman),
        now=week.now + timedelta(days=2),
        today=TODAY,
        by_id=None,
    )
    text = shown(week, cast.raman).change_text
    assert text.startswith("Up from ")
    assert text.endswith(" since last week because of 1 new referral on March 4.")


def test_the_next_step_is_to_thank_until_somebody_did(week: Turn, cast: Cast) -> None:
    first = shown(week, cast.raman).next_step
    assert first == "Thank them for the referral of February 18: nobody has yet."
    sent = NewReferral(received_on=TODAY, discipline="PT", contact_id=cast.raman)
    log_referral(week.session, sent, now=week.now + timedelta(days=2), today=TODAY, by_id=None)
    assert shown(week, cast.raman).next_step == "Thank them for the last 2 referrals: nobody has yet."
    timeline.add(week.session, now=week.now + timedelta(days=2, hours=1), contact_id=cast.raman, kind="thank-you")
    seen = shown(week, cast.raman)
    assert seen.next_step == seen.status.next_step


def test_a_fall_without_news_is_the_quiet_days(week: Turn, cast: Cast) -> None:
    text = shown(week, cast.raman).change_text
    assert text == "Unchanged since last week." or text.endswith("because of 3 more quiet days.")
    week.session.get_one(YieldScore, cast.raman).week_ago = 9.0
    week.session.flush()
    assert shown(week, cast.raman).change_text.endswith(" since last week because of 3 more quiet days.")


def test_a_fall_names_the_referral_that_closed(week: Turn, cast: Cast) -> None:
    week.session.add(
        Referral(
            contact_id=cast.raman,
            discipline="PT",
            received_on=TODAY - timedelta(days=30),
            stage="closed",
            closed_on=TODAY,
            close_reason="unreachable",
            created_at=week.now - timedelta(days=30),
        )
    )
    week.session.get_one(YieldScore, cast.raman).week_ago = 9.0
    week.session.flush()
    assert "1 referral that closed without starting care" in shown(week, cast.raman).change_text


def test_the_first_week_has_no_change_to_tell(turn: Turn, cast: Cast) -> None:
    send(turn, cast.raman, *range(12, 720, 24))
    scoring.refresh(turn.session, now=turn.now, today=TODAY)
    assert shown(turn, cast.raman).change_text == ""


def test_an_alert_speaks_of_the_setting_it_was_raised_under(week: Turn, cast: Cast) -> None:
    text = shown(week, cast.okafor).alert_text
    assert "usually sends one about every " in text
    assert "Under your setting, fewer than 1 in 20 ordinary silences get this far." in text
    assert shown(week, cast.raman).alert_text == ""


def test_counts_stand_beside_the_yield_as_n_of_m(week: Turn, cast: Cast) -> None:
    facts = dict(shown(week, cast.raman).facts)
    assert facts["Completed plans"] == "0 of 30 started"
    assert facts["Last 12 months"] == "15 referrals"
    assert facts["Did not show"] == "0 of 30"
    assert "In network" not in facts, "no payer is known"
    assert shown(week, cast.silent).facts == []


def test_the_rank_is_a_place_among_its_kind(week: Turn, cast: Cast) -> None:
    assert shown(week, cast.raman).rank_text == "1st of 3 physicians"
    assert shown(week, cast.okafor).rank_text in ("2nd of 3 physicians", "3rd of 3 physicians")
