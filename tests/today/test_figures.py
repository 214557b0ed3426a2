"""The five figures of the month: what they count, against what, and that each list holds exactly what is counted."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.referrals.models import LapseAlert, Referral
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today.figures import figures
from outreach.today.figures.rules import changed
from tests.people import Cast
from tests.today.believable import TODAY

MONTH = figures.month_so_far(TODAY)


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def refer(turn: Turn, contact_id: int | None, day: date, **facts: object) -> Referral:
    named = {"source_type": "contact" if contact_id else "website", "discipline": "PT", "stage": "received"}
    row = Referral(contact_id=contact_id, received_on=day, created_at=turn.now, **{**named, **facts})
    turn.session.add(row)
    turn.session.flush()
    return row


def values(turn: Turn) -> dict[str, tuple[int, int]]:
    return {one.name: (one.value, one.before) for one in figures.figures_of(turn.session, MONTH)}


@pytest.mark.parametrize(
    ("today", "before"),
    [
        (date(2026, 3, 2), (date(2026, 2, 1), date(2026, 2, 2))),
        (date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        (date(2026, 1, 15), (date(2025, 12, 1), date(2025, 12, 15))),
    ],
)
def test_a_month_is_compared_with_the_same_days_of_the_month_before(today: date, before: tuple[date, date]) -> None:
    span = figures.month_so_far(today)
    assert (span.first, span.last) == (today.replace(day=1), today)
    assert (span.before.first, span.before.last) == before


def test_a_client_counts_on_the_day_care_started_whenever_the_referral_came(turn: Turn, cast: Cast) -> None:
    before = values(turn)["clients"][0]
    refer(turn, cast.raman, TODAY - timedelta(days=40), stage="started", started_on=TODAY)
    refer(turn, cast.raman, TODAY, stage="received")
    refer(turn, cast.raman, TODAY - timedelta(days=90), stage="completed", started_on=TODAY - timedelta(days=70))
    assert values(turn)["clients"][0] == before + 1


def test_a_new_source_is_one_whose_first_referral_ever_came_now(turn: Turn, cast: Cast) -> None:
    before = values(turn)["new-sources"]
    refer(turn, cast.silent, TODAY)
    refer(turn, cast.silent, TODAY)
    refer(turn, cast.raman, TODAY)
    assert values(turn)["new-sources"] == (before[0] + 1, before[1])


def test_lapsing_is_what_stood_open_then_and_what_stands_open_now(turn: Turn, cast: Cast) -> None:
    turn.session.execute(LapseAlert.__table__.delete())
    facts = {"last_on": TODAY - timedelta(days=200), "usual_gap_days": 20.0, "p_active": 0.3}
    month_ago = MONTH.before.last
    turn.session.add_all([
        LapseAlert(contact_id=cast.okafor, raised_on=month_ago - timedelta(days=5), ended_on=None, **facts),
        LapseAlert(contact_id=cast.greta, raised_on=month_ago, ended_on=TODAY - timedelta(days=3), **facts),
        LapseAlert(contact_id=cast.tom, raised_on=TODAY, ended_on=None, **facts),
        LapseAlert(contact_id=cast.raman, raised_on=TODAY - timedelta(days=90), ended_on=month_ago, **facts),
    ])  # fmt: skip
    turn.session.flush()
    assert values(turn)["lapsing"] == (2, 2)
    assert {line.contact_id for line in figures.lines(turn.session, "lapsing", MONTH)} == {cast.okafor, cast.tom}


def test_every_list_holds_exactly_the_rows_that_its_figure_counts(turn: Turn, cast: Cast) -> None:
    for back in range(5):
        refer(turn, cast.raman, TODAY - timedelta(days=back % 2), stage="started", started_on=TODAY)
    refer(turn, None, TODAY)
    refer(turn, cast.silent, TODAY - timedelta(days=1))
    for one in figures.figures_of(turn.session, MONTH):
        paged: list[tuple[object, ...]] = []
        after = None
        while True:
            rows = figures.lines(turn.session, one.name, MONTH, after=after, limit=2)
            paged += [(row.key, row.referral_id) for row in rows[:2]]
            if len(rows) <= 2:
                break
            after = rows[1].key
        assert len(paged) == len(set(paged)) == one.value, one.name
        assert paged == sorted(paged, reverse=True), one.name


def test_each_figure_on_today_opens_a_page_with_as_many_rows(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        for back in range(3):
            refer(turn, cast.raman, TODAY - timedelta(days=back % 2), stage="started", started_on=TODAY)
        refer(turn, cast.silent, TODAY)
        refer(turn, None, TODAY)
    strip = maya.get("/").get_data(as_text=True).partition('class="kpis"')[2].partition("</ul>")[0]
    found = re.findall(r'<a href="([^"]+)">\s*<span class="kpi-label">.*?kpi-value num">([\d,]+)<', strip, re.S)
    assert len(found) == 5
    for href, value in found:
        text = maya.get(href.replace("&amp;", "&")).get_data(as_text=True).partition('id="main"')[2]
        body = text.partition("<tbody>")[2].partition("</tbody>")[0]
        assert body.count("<tr") == int(value), href


def test_last_months_rows_are_one_click_away_and_odd_addresses_do_no_harm(maya: FlaskClient) -> None:
    for name in figures.KINDS:
        for more in (
            "",
            "?before=1",
            "?after=2026-03-01.5",
            "?after=x.y",
            "?after=2026-13-45.1",
            "?after=9.99999999999",
        ):
            assert maya.get(f"/today/figures/{name}{more}").status_code == 200, (name, more)
    assert maya.get("/today/figures/gifts").status_code == 404


def test_the_change_is_said_in_words_and_coloured_only_when_it_is_clear() -> None:
    assert changed(5, 3, more_is_good=True) == ("2 more than last month (3)", "good")
    assert changed(5, 3, more_is_good=False) == ("2 more than last month (3)", "bad")
    assert changed(3, 3) == ("as last month (3)", "")


def test_a_deleted_referral_is_in_no_figure(turn: Turn, cast: Cast) -> None:
    before = values(turn)
    refer(turn, cast.silent, TODAY, stage="started", started_on=TODAY, deleted_at=turn.now)
    assert values(turn) == before
    assert turn.session.scalar(select(Referral.id).where(Referral.deleted_at.is_not(None))) is not None
