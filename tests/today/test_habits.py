"""Intervals per tier, the overdue list per owner, coverage that adds up, everybody's week and the digest's switch."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.referrals import rhythms
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today.habits import habits, overdue
from tests.building.watching import plans_of, said
from tests.people import Cast, post, sign_in
from tests.today.believable import TODAY

ZONE = ZoneInfo("America/New_York")
PLACE = "/settings/rhythm"


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def late(turn: Turn, whose: str = "all", **more: int) -> list[int]:
    return [row.contact_id for row in overdue.late(turn.session, whose, today=TODAY, zone=ZONE, **more)]


def met(turn: Turn, contact_id: int, days_ago: int) -> None:
    """Their only touch, that many days ago."""
    turn.session.execute(Touch.__table__.delete().where(Touch.contact_id == contact_id))
    turn.session.add(Touch(contact_id=contact_id, kind="call", at=turn.now - timedelta(days=days_ago), text=""))
    turn.session.flush()


def test_a_contact_is_overdue_the_day_after_the_interval_of_their_tier(turn: Turn, cast: Cast) -> None:
    turn.session.get_one(Standing, cast.raman).tier = "B"
    met(turn, cast.raman, 60)
    assert cast.raman not in late(turn)
    met(turn, cast.raman, 61)
    assert cast.raman in late(turn)
    rhythms.set_rhythms(turn.session, {"A": 30, "B": 75, "C": 120}, now=turn.now, by_id=cast.maya)
    assert cast.raman not in late(turn)


def test_somebody_never_met_is_new_first_and_overdue_later(turn: Turn, cast: Cast) -> None:
    contact, standing = turn.session.get_one(Contact, cast.raman), turn.session.get_one(Standing, cast.raman)
    standing.tier = "A"
    turn.session.execute(Touch.__table__.delete().where(Touch.contact_id == cast.raman))
    contact.added_on = TODAY - timedelta(days=30)
    turn.session.flush()
    before = rhythms.coverage(turn.session, on=TODAY, zone=ZONE)
    assert cast.raman not in late(turn)
    contact.added_on = TODAY - timedelta(days=31)
    turn.session.flush()
    after = rhythms.coverage(turn.session, on=TODAY, zone=ZONE)
    assert cast.raman in late(turn)
    assert (after.new, after.overdue, after.reached) == (before.new - 1, before.overdue + 1, before.reached)


def test_the_list_holds_exactly_those_that_coverage_counts(turn: Turn, cast: Cast) -> None:
    turn.session.get_one(Contact, cast.okafor).owner_id = cast.maya
    turn.session.flush()
    owned = overdue.owners(turn.session, today=TODAY, zone=ZONE)
    assert {one.name for one in owned} == {"Maya Jensen", "Nobody yet"}
    for one in owned:
        assert len(late(turn, one.key)) == one.total.overdue
        assert one.total.of_all == one.total.reached + one.total.overdue + one.total.new
    everybody = rhythms.coverage(turn.session, on=TODAY, zone=ZONE)
    assert len(late(turn)) == everybody.overdue == sum(one.total.overdue for one in owned) > 0
    assert late(turn, str(cast.maya)) == [cast.okafor]


def test_pages_of_the_list_join_without_gap_or_repeat(turn: Turn) -> None:
    whole, paged, after = late(turn), list[int](), None
    while True:
        page = overdue.late(turn.session, "all", today=TODAY, zone=ZONE, after=after, limit=2)
        paged += [row.contact_id for row in page[:2]]
        if len(page) <= 2:
            break
        after = page[1].contact_id
    assert len(whole) > 2
    assert paged == whole


@pytest.mark.sqlite
def test_the_next_page_begins_where_the_index_leads(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn(write=False) as turn, said(runtime) as statements:
        overdue.late(turn.session, "all", today=TODAY, zone=ZONE, after=cast.okafor)
        (plan,) = plans_of(turn.session, statements, "touch").values()
    assert "ix_standing_expected_90 (expected_90<" in plan


def test_nobody_on_hold_or_gone_is_counted(turn: Turn, cast: Cast) -> None:
    before = rhythms.coverage(turn.session, on=TODAY, zone=ZONE)
    turn.session.get_one(Contact, cast.okafor).recovery_hold_at = turn.now
    turn.session.get_one(Contact, cast.raman).deceased_on = TODAY
    turn.session.flush()
    assert rhythms.coverage(turn.session, on=TODAY, zone=ZONE).of_all == before.of_all - 2


@pytest.mark.parametrize(
    ("days", "reason"),
    [({"A": 90, "B": 60, "C": 120}, "out-of-order"), ({"A": 3, "B": 60, "C": 120}, "no-interval"),
     ({"A": 30, "B": 60}, "no-interval")],
)  # fmt: skip
def test_intervals_that_cannot_be_are_refused(turn: Turn, days: dict[str, int], reason: str) -> None:
    refused = rhythms.set_rhythms(turn.session, days, now=turn.now, by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert rhythms.rhythms_of(turn.session) == {"A": 30, "B": 60, "C": 120}


def test_maya_changes_the_intervals_and_reads_the_rule_in_words(runtime: Runtime, maya: FlaskClient) -> None:
    assert post(maya, PLACE, {"A": "21", "B": "60", "C": "120"}, form_at=PLACE).status_code == 303
    text = maya.get(PLACE).get_data(as_text=True)
    assert (
        "Tier A, the top fifth of their kind by yield: a call, visit, note or meeting at least every 21 days." in text
    )
    wrong = post(maya, PLACE, {"A": "130", "B": "60", "C": "120"}, form_at=PLACE)
    assert wrong.status_code == 422
    assert "A better tier cannot wait longer" in wrong.get_data(as_text=True)
    assert 'value="130"' in wrong.get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(AuditEntry).where(AuditEntry.action == "change-rhythm")) is not None


def test_everybody_switches_their_own_digest_and_maya_that_of_others(
    app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    def digests() -> set[str]:
        with runtime.turn(write=False) as turn:
            return {one.name for one in habits.habits_of(turn.session) if one.digest}

    assert digests() == {"Maya Jensen", "Olive Stone"}
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    assert post(rita, f"{PLACE}/digest", {"on": "yes"}, form_at=PLACE).status_code == 303
    post(maya, f"{PLACE}/digest", {"on": "no"}, form_at=PLACE)
    assert digests() == {"Olive Stone", "Rita Bloom"}
    assert post(rita, f"{PLACE}/people/{cast.maya}", {"week_goal": "1"}, form_at=PLACE).status_code == 403
    mine = f"{PLACE}/people/{cast.maya}"
    assert post(maya, mine, {"week_goal": "12", "digest": "y"}, form_at=PLACE).status_code == 303
    with runtime.turn(write=False) as turn:
        assert habits.week_goals(turn.session)[cast.maya] == 12
    assert digests() == {"Olive Stone", "Rita Bloom", "Maya Jensen"}
    assert post(maya, mine, {"week_goal": "900"}, form_at=PLACE).status_code == 422


def test_the_overdue_page_opens_on_ones_own_and_says_n_of_m(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.okafor).owner_id = cast.maya
    text = maya.get("/today/overdue").get_data(as_text=True)
    assert "Dr. Samuel Okafor" in text.partition('id="main"')[2]
    assert "0 of 1 met in time" in text
    assert text.count("name-cell") == 1
    everybody = maya.get("/today/overdue?whose=all").get_data(as_text=True)
    assert everybody.count("name-cell") > 1
    assert maya.get("/today/overdue?whose=9999999&after=77777").status_code == 200
