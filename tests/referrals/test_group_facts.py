"""What groups ask about referrals finds the contacts that it says, over the whole book and contact by contact."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from outreach.contacts import groups
from outreach.contacts.models import Contact, Group
from outreach.practice.models import Payer
from outreach.referrals.contributes import GROUP_FACTS
from outreach.referrals.models import Referral
from outreach.screen import Turn
from tests.people import Cast

ZONE = ZoneInfo("America/New_York")


def refer(turn: Turn, contact_id: int, days_ago: int, **more: Any) -> None:
    received = turn.now.date() - timedelta(days=days_ago)
    row = {"discipline": "PT", "received_on": received, "created_at": turn.now, **more}
    turn.session.add(Referral(contact_id=contact_id, **row))


def found(turn: Turn, fact: str, operator: str, value: Any) -> set[int]:
    rules = {"all": [{"fact": fact, "op": operator, "value": value}]}
    asked: dict[str, Any] = {"now": turn.now, "zone": ZONE, "facts": GROUP_FACTS}
    both = []
    for seeking in (False, True):
        where = groups.matching(turn.session, Group(name="x", rules=rules, fixed=False), seeking=seeking, **asked)
        both.append(set(turn.session.scalars(select(Contact.id).where(where))))
    assert both[0] == both[1]
    return both[0]


@pytest.fixture
def log(turn: Turn, cast: Cast) -> Turn:
    """Raman sent three this year and one long ago, Okafor one with a payer, Tom one that we sent him."""
    payer = turn.session.scalars(select(Payer.id).where(Payer.name == "Medicare")).one()
    for days in (10, 40, 300, 500):
        refer(turn, cast.raman, days, started_on=date(2026, 3, 1) if days == 10 else None)
    lost = {"stage": "closed", "close_reason": "out-of-network", "closed_on": turn.now.date()}
    refer(turn, cast.okafor, 20, payer_id=payer, **lost)
    refer(turn, cast.greta, 5, deleted_at=turn.now)
    refer(turn, cast.tom, 5, direction="out")
    turn.session.flush()
    return turn


def test_referrals_of_a_year_are_counted(log: Turn, cast: Cast) -> None:
    assert found(log, "referrals-in-a-year", "at-least", "3") == {cast.raman}
    assert found(log, "referrals-in-a-year", "at-least", "4") == set()
    assert found(log, "started-in-a-year", "at-least", "1") == {cast.raman}
    few = found(log, "referrals-in-a-year", "at-most", "1")
    assert cast.raman not in few
    assert {cast.okafor, cast.greta, cast.tom} <= few
    assert len(found(log, "referrals-in-a-year", "at-least", "0")) == 7


def test_referrals_are_told_by_when_by_payer_and_by_direction(log: Turn, cast: Cast) -> None:
    payer = str(log.session.scalars(select(Payer.id).where(Payer.name == "Medicare")).one())
    assert found(log, "referred", "within-days", "15") == {cast.raman}
    assert found(log, "first-referred", "within-days", "30") == {cast.okafor}
    assert found(log, "ever-referred", "is", ["yes"]) == {cast.raman, cast.okafor}
    assert cast.greta in found(log, "ever-referred", "is", ["no"])
    assert found(log, "referred-payer", "is", [payer]) == {cast.okafor}
    assert found(log, "lost-out-of-network", "within-days", "90") == {cast.okafor}
    assert found(log, "referred-to", "within-days", "90") == {cast.tom}


def test_every_fact_about_referrals_carries_the_mark() -> None:
    assert all(fact.from_yield for fact in GROUP_FACTS)
