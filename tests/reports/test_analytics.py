"""Analytics on the practice with its history: numbers that add up, and lists that hold as many as the number says."""

import csv
import html
import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.audit import AuditEntry
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.contacts.models import Contact
from outreach.practice.models import Location
from outreach.referrals.models import Referral
from outreach.reports import queries
from outreach.reports.lift import lifts
from outreach.reports.rules import Span
from outreach.reports.scope import Scope
from outreach.runtime import Runtime
from tests.people import Cast, sign_in
from tests.today.believable import TODAY
from tests.today.counting import statements

YEAR = Scope(Span(date(2025, 4, 1), TODAY))
CELL = re.compile(r'<a href="(/referrals/\?[^"]+)">(?:<span class="kpi-label">[^<]*</span>)?([^<]+)</a>')


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def page(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def listed(client: FlaskClient, href: str) -> int:
    """How many referrals the list behind a number says it holds."""
    found = re.search(r"([\d,]+) referrals? in this list", page(client, html.unescape(href)))
    assert found, href
    return int(found[1].replace(",", ""))


def test_the_strip_says_what_the_database_says(runtime: Runtime, maya: FlaskClient) -> None:
    with runtime.turn(write=False) as turn:
        received = turn.session.scalar(select(func.count(Referral.id)).where(Referral.received_on >= YEAR.span.first))
    text = page(maya, "/reports/")
    strip = re.findall(r'kpi-label">(?:<svg.*?</svg>)?([^<]+)</span><span class="kpi-value num">([^<]+)', text)
    assert [label for label, _ in strip] == [
        "Referrals", "Became clients", "Days to first visit", "Active referrers", "Lapsing now",
    ]  # fmt: skip
    assert dict(strip)["Referrals"] == str(received)
    assert "Apr 2025 to Mar 2026, compared with the year before" in text


@pytest.mark.parametrize(
    "address",
    ["/reports/", "/reports/?period=90", "/reports/?service=PT&source=provider", "/reports/?location=1&period=365",
     "/reports/?period=custom&from=2025-06-05&until=2025-09-20", "/reports/monthly?month=2025-11"],
)  # fmt: skip
def test_every_number_opens_a_list_of_that_many(maya: FlaskClient, address: str) -> None:
    checked = set()
    for href, said in CELL.findall(page(maya, address)):
        number = re.match(r"[\d,]+(?=$| \(| of )", said.strip())
        if number and (href, said) not in checked:
            checked.add((href, said))
            assert listed(maya, href) == int(number[0].replace(",", "")), f"{said} behind {href}"
    assert len(checked) > 2


def test_bars_open_lists_of_their_length_too(maya: FlaskClient) -> None:
    text = page(maya, "/reports/")
    bars = re.findall(
        r'bars-label"><a href="([^"]+)">[^<]*</a></span><svg.*?</svg><span class="bars-value num">(\d+)', text, re.S
    )
    assert len(bars) >= 8
    assert [listed(maya, href) for href, _ in bars] == [int(number) for _, number in bars]


def test_rates_have_the_part_behind_them(runtime: Runtime, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        # Closed before anybody called: no day but the first is on record.
        kept = turn.session.scalars(select(Referral).where(YEAR.condition()).order_by(Referral.id)).first()
        assert kept is not None
        kept.stage, kept.close_reason, kept.closed_on = "closed", "unreachable", kept.received_on
        kept.contacted_on = kept.scheduled_on = kept.evaluated_on = kept.started_on = None
        turn.session.flush()
        totals = queries.totals(turn.session, YEAR)
    assert listed(maya, YEAR.link(reached="received")) == totals.received
    assert listed(maya, YEAR.link(reached="started")) == totals.started
    assert listed(maya, YEAR.link()) == totals.received


def test_parts_add_up_to_the_whole(runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        session = turn.session
        totals = queries.totals(session, YEAR)
        months = queries.by_month(session, YEAR)
        payers = queries.payer_mix(session, YEAR)
        sources = queries.top_sources(session, YEAR, limit=100)
        reasons = queries.closed_by(session, YEAR, Referral.close_reason)
        unmatched = session.scalar(
            select(func.count()).where(Referral.contact_id.is_(None), Referral.received_on >= YEAR.span.first)
        )
    assert sum(sum(numbers.values()) for _, numbers in months) == totals.received
    assert len(months) == 12
    assert sum(inside + outside for _, _, inside, outside in payers) == totals.received
    assert sum(outside for _, _, _, outside in payers) == totals.out_of_network
    assert sum(one.sent for one in sources) + (unmatched or 0) == totals.received
    assert len(sources) == totals.sources
    assert list(totals.reached.values()) == sorted(totals.reached.values(), reverse=True)
    assert totals.started + totals.open + sum(number for _, number in reasons) == totals.received


def test_small_samples_are_told_as_counts(maya: FlaskClient) -> None:
    text = page(maya, "/reports/?period=30&service=PT")
    assert re.search(r"kpi-value num\">(\d of \d|none yet)<", text)
    assert "Needs 10 referrals to say much." in text


def test_a_filter_of_the_address_narrows_everything(runtime: Runtime, maya: FlaskClient) -> None:
    with runtime.turn(write=False) as turn:
        place = turn.session.scalars(select(Location).where(Location.name == "Riverside")).one()
        here = queries.totals(turn.session, Scope(YEAR.span, "SLP", "provider", place.id))
    text = page(maya, f"/reports/?service=SLP&source=provider&location={place.id}")
    assert f'kpi-value num">{here.received}<' in text
    assert "Riverside</option>" in text


def test_lapsing_names_everyone_with_call_and_campaign(cast: Cast, maya: FlaskClient) -> None:
    text = page(maya, "/reports/").partition('id="lapsing"')[2]
    assert "Dr. Samuel Okafor" in text
    assert f"/today/reach/{cast.okafor}?action=Call" in text
    assert f"/campaigns/of/{cast.okafor}" in text


def test_active_referrers_open_their_own_list(runtime: Runtime, maya: FlaskClient) -> None:
    with runtime.turn(write=False) as turn:
        active = queries.active_referrers(turn.session, YEAR)
    assert f"{active} sources" in page(maya, "/reports/sources?active=1")


def test_the_page_costs_the_same_for_any_period(runtime: Runtime, maya: FlaskClient) -> None:
    page(maya, "/reports/")
    with statements(runtime) as short:
        page(maya, "/reports/?period=30")
    with statements(runtime) as long:
        page(maya, "/reports/?period=custom&from=2024-03-01&until=2026-03-02")
    assert len(short) == len(long) < 40


@pytest.mark.parametrize(
    "asked", ["period=x", "period=custom&from=zz", "location=x", "source='--", "service=%F0%9F%A6%89"]
)
def test_nonsense_in_the_address_shows_the_year(maya: FlaskClient, asked: str) -> None:
    assert maya.get(f"/reports/?{asked}").status_code == 200


def test_the_file_holds_what_the_page_counts_and_is_on_record(
    app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).last_name = "=HYPERLINK(1)"
        turn.session.get_one(Contact, cast.raman).prefix = ""
        turn.session.get_one(Contact, cast.raman).first_name = ""
        totals = queries.totals(turn.session, YEAR)
    answer = maya.get("/reports/download")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert len(rows) - 1 == totals.received
    assert any(cell.startswith("'=HYPERLINK") for row in rows for cell in row)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(AuditEntry).where(AuditEntry.action == "exported")) is not None
    assert sign_in(app, runtime, "rita@cedarlane.example").get("/reports/download").status_code == 403


def test_the_month_stands_beside_the_month_before(maya: FlaskClient) -> None:
    text = page(maya, "/reports/monthly?month=2025-11")
    assert "November 2025" in text
    assert "Compared with October" in text
    for label in ("Referrals received", "Became clients", "New sources", "Out of network", "Tier A and B reached"):
        assert label in text
    assert "The month is not over" in page(maya, "/reports/monthly?month=2026-03")


def test_no_report_can_see_meals_or_gifts() -> None:
    room = Path(queries.__file__).parent
    assert [path.name for path in room.glob("*.py") if "outreach.gifts" in path.read_text()] == []


def campaign(runtime: Runtime, *, days_ago: int, holdout: bool = True) -> int:
    with runtime.turn() as turn:
        session, at = turn.session, turn.now - timedelta(days=days_ago)
        made = Campaign(name="Physician welcome", seed=1, holdout_pct=20, created_at=at, published_at=at)
        session.add(made)
        session.flush()
        version = CampaignVersion(
            campaign_id=made.id, number=1, state="published", settings={}, steps=[], made_at=at, edited_at=at,
            published_at=at,
        )  # fmt: skip
        session.add(version)
        session.flush()
        for place, contact_id in enumerate(session.scalars(select(Contact.id).order_by(Contact.id))):
            out = holdout and place % 5 == 0
            session.add(
                Enrollment(
                    campaign_id=made.id, version_id=version.id, contact_id=contact_id,
                    state="held-out" if out else "finished", entered_at=at, expected_90=0.5,
                )
            )  # fmt: skip
        return made.id


def test_lift_counts_the_referrals_of_ninety_days_per_arm(runtime: Runtime, maya: FlaskClient) -> None:
    campaign(runtime, days_ago=200)
    start = TODAY - timedelta(days=200)
    with runtime.turn(write=False) as turn:
        from zoneinfo import ZoneInfo

        [one] = lifts(turn.session, today=TODAY, zone=ZoneInfo("America/New_York"))
        in_window = turn.session.scalar(
            select(func.count(Referral.id)).where(
                Referral.contact_id.is_not(None),
                Referral.received_on >= start,
                Referral.received_on < start + timedelta(days=90),
            )
        )
    assert one.uplift.got + one.uplift.got_held_out == in_window
    assert one.uplift.held_out == 3
    assert "Physician welcome" in page(maya, "/reports/").partition("Campaign lift")[2]


def test_a_look_before_the_end_shows_counts_and_no_verdict(runtime: Runtime, maya: FlaskClient) -> None:
    campaign(runtime, days_ago=30)
    text = page(maya, "/reports/").partition("Campaign lift")[2]
    assert "First numbers on May 1." in text
    assert "Not enough data" not in text


def test_a_campaign_without_hold_out_gets_no_number(runtime: Runtime, maya: FlaskClient) -> None:
    campaign(runtime, days_ago=200, holdout=False)
    text = page(maya, "/reports/").partition("Campaign lift")[2]
    assert "No campaign holds anyone out by chance yet." in text
