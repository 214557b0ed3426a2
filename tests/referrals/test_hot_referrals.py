"""What every page of Today and every row of an import asks of the log finds its rows by an index."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text

from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.late import late_counts
from outreach.referrals.matching import inbox
from outreach.referrals.models import Referral
from outreach.runtime import Runtime
from tests.building.watching import plans_of, said, walks_over
from tests.people import Cast

MANY = 6_000


@pytest.fixture
def crowded(runtime: Runtime, cast: Cast) -> Runtime:
    """Thousands of referrals that are over, with their reports sent."""
    with runtime.turn() as turn:
        today = turn.now.date()
        rows = [
            {
                "contact_id": cast.raman,
                "discipline": "PT",
                "stage": "completed",
                "received_on": today - timedelta(days=30 + number % 600),
                "case_key": f"{number:064d}",
                "created_at": turn.now,
            }
            for number in range(MANY)
        ]
        turn.session.execute(insert(Referral), rows)
        ids = turn.session.scalars(select(Referral.id)).all()
        turn.session.execute(
            insert(ReferralDuty),
            [
                {"referral_id": one, "kind": "acknowledge", "due_on": today, "done_on": today, "created_at": turn.now}
                for one in ids
            ],
        )
        turn.session.execute(text("ANALYZE"))
    return runtime


def test_what_is_late_is_counted_along_indexes(crowded: Runtime) -> None:
    with crowded.turn() as turn:
        with said(crowded) as statements:
            assert late_counts(turn.session, today=turn.now.date()) == {"reports": 0, "contact": 0, "appointment": 0}
            assert inbox(turn.session) == []
        for table in ("referral", "referral_duty"):
            for statement, plan in plans_of(turn.session, statements, table).items():
                # The index of the unmatched holds nothing but them: reading it whole is reading what waits.
                assert "ix_referral_unmatched" in plan or not walks_over(plan, table), (statement, plan)


def test_a_repeat_is_recognised_by_the_index_of_its_case_key(crowded: Runtime) -> None:
    with crowded.turn() as turn:
        with said(crowded) as statements:
            keys = [f"{number:064d}" for number in range(0, MANY, 500)]
            found = turn.session.scalars(select(Referral.id).where(Referral.case_key.in_(keys))).all()
            assert len(found) == MANY // 500
        for statement, plan in plans_of(turn.session, statements, "referral").items():
            assert "ix_referral_case_key" in plan, (statement, plan)
