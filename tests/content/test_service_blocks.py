"""The service catalogue in mail: what stands there, how clients did, and whether it is still right."""

from datetime import date, timedelta
from typing import Any

import pytest

from outreach.content.drafts import Draft
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.practice import cataloguing, offering
from outreach.practice.catalogue_models import ServiceOutcome
from outreach.practice.models import Service
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, kept, message
from tests.content.test_preflight import findings


def service(turn: Turn, **more: Any) -> Service:
    """Balance and falls, confirmed today."""
    usual = {
        "name": "Balance & falls",
        "discipline": "PT",
        "ages": "65 and up",
        "summary": "Strength, gait and {{ home }} safety.",
        "referral_criteria": "Two falls in a year",
        "telehealth": True,
    }
    made = cataloguing.save(turn.session, None, now=turn.now, today=turn.now.date(), by_id=None, **{**usual, **more})
    assert isinstance(made, Service)
    return made


def showing(made: Service, **more: str) -> Draft:
    """A message with the service."""
    block = {"type": "service", "service_id": str(made.id), **more}
    return Draft(subject="Falls", preview_line="Steady", blocks=[block])


def figure(turn: Turn, made: Service, **more: Any) -> ServiceOutcome | Refusal:
    """87 in a hundred."""
    usual = {
        "finding": "87% had no fall in six months.",
        "source": "our own follow-up calls",
        "from_on": date(2025, 1, 1),
        "until_on": date(2025, 12, 31),
        "people": 120,
    }
    return cataloguing.add_outcome(
        turn.session, made, now=turn.now, today=turn.now.date(), by_id=None, **{**usual, **more}
    )


def test_a_service_is_told_with_all_that_a_referrer_asks(runtime: Runtime, turn: Turn) -> None:
    made = service(turn)
    payer = offering.add_payer(turn.session, name="Blue River", payer_class="commercial")
    other = offering.add_payer(turn.session, name="Gone Health", payer_class="commercial")
    for each, status in ((payer, "in-network"), (other, "out-of-network")):
        assert not isinstance(each, Refusal)
        offering.participate(turn.session, each, status=status, since_on=date(2025, 1, 1), until_on=None)
    assert isinstance(figure(turn, made), ServiceOutcome)
    shown = render(message(runtime, turn, showing(made)), ADDRESSES)
    for words in ("Balance &amp; falls</h3>", "{{ home }}", "65 and up", "Two falls in a year", "Blue River"):
        assert words in shown.html
    assert "Gone Health" not in shown.html
    told = " ".join(shown.text.split())
    assert "- How clients did: 87% had no fall in six months (our own follow-up calls, Jan 2025 to Dec 2025," in told
    assert "n = 120)" in told
    assert "n = 120" not in render(message(runtime, turn, showing(made, figures="no")), ADDRESSES).html


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"finding": " "}, "no-finding"),
        ({"source": ""}, "no-source"),
        ({"people": 10}, "too-few-people"),
        ({"until_on": date(2024, 1, 1)}, "bad-period"),
        ({"until_on": date(2027, 1, 1)}, "bad-period"),
    ],
)
def test_a_figure_stands_for_many_with_source_and_period(turn: Turn, more: dict[str, Any], reason: str) -> None:
    refused = figure(turn, service(turn), **more)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason


def test_a_text_that_nobody_confirmed_for_a_year_is_flagged_with_the_way_to_it(runtime: Runtime, turn: Turn) -> None:
    made = service(turn)
    assert not [each for each in findings(runtime, turn, showing(made)) if "confirmed" in each.text]
    made.confirmed_on = turn.now.date() - timedelta(days=366)
    flagged = [each for each in findings(runtime, turn, showing(made)) if "confirmed" in each.text]
    assert [(each.level, each.fix) for each in flagged] == [("warning", f"/settings/services/{made.id}")]
    assert not cataloguing.is_stale(cataloguing.confirm(made, today=turn.now.date()), today=turn.now.date())


def test_what_is_not_offered_any_more_is_not_told(runtime: Runtime, turn: Turn) -> None:
    made = service(turn)
    cataloguing.retire(turn.session, made, now=turn.now, on=turn.now.date(), by_id=None)
    for draft, reason in ((showing(made), "service-retired"), (showing(Service(id=99)), "no-service")):
        refused = kept(runtime, turn, draft)
        assert isinstance(refused, Refusal)
        assert refused.reason == reason


def test_changes_wait_to_be_told_once(turn: Turn) -> None:
    made = service(turn)
    (added,) = cataloguing.untold(turn.session)
    added.told_at = turn.now
    same = {"name": made.name, "discipline": "PT"}
    for more in ({"ages": "60 and up"}, {"ages": "60 and up"}, {"telehealth": False}):
        cataloguing.save(turn.session, made, now=turn.now, today=turn.now.date(), by_id=None, **same, **more)
    (changed,) = cataloguing.untold(turn.session)
    assert (changed.what, changed.parts) == ("changed", ["Ages", "Video visits"])
    cataloguing.retire(turn.session, made, now=turn.now, on=turn.now.date(), by_id=None)
    assert [each.what for each in cataloguing.untold(turn.session)] == ["retired"]
    cataloguing.retire(turn.session, made, now=turn.now, on=None, by_id=None)
    assert cataloguing.untold(turn.session) == []
