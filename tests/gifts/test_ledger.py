"""The value ledger keeps the yearly limit, refuses what is never given, and forgets nothing."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.gifts import new_year, queries, recording, rules
from outreach.gifts.models import ValueEntry
from outreach.gifts.recording import Given
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post, sign_in

TODAY = date(2026, 3, 2)


def lunch(contact_id: int, cents: int, **more: object) -> Given:
    facts: dict[str, object] = {"kind": "meal", "what": "Lunch", "given_on": TODAY, **more}
    return Given(contact_id=contact_id, amount_cents=cents, **facts)  # type: ignore[arg-type]


def give(turn: Turn, given: Given, *, administrator: bool = False) -> recording.Recorded | Refusal:
    return recording.record(turn.session, given, now=turn.now, today=TODAY, by_id=None, is_administrator=administrator)


def test_a_physician_is_warned_from_three_quarters_on_and_blocked_over_the_limit(turn: Turn, cast: Cast) -> None:
    first = give(turn, lunch(cast.raman, 40_000))
    second = give(turn, lunch(cast.raman, 200))
    third = give(turn, lunch(cast.raman, 13_400))
    assert isinstance(first, recording.Recorded)
    assert isinstance(second, recording.Recorded)
    assert (first.standing.level, second.standing.level) == ("ok", "warning")
    assert isinstance(third, Refusal)
    assert third.reason == "over-limit"
    assert queries.total_of(turn.session, cast.raman, 2026) == 40_200


def test_exactly_the_limit_may_be_given(turn: Turn, cast: Cast) -> None:
    assert isinstance(give(turn, lunch(cast.raman, 53_500)), recording.Recorded)


def test_only_an_administrator_with_a_reason_passes_the_limit(turn: Turn, cast: Cast) -> None:
    over = lunch(cast.raman, 60_000)
    reasoned = lunch(cast.raman, 60_000, reason="Counsel agreed on March 1")
    assert isinstance(give(turn, over, administrator=True), Refusal)
    assert isinstance(give(turn, reasoned), Refusal)
    passed = give(turn, reasoned, administrator=True)
    assert isinstance(passed, recording.Recorded)
    assert passed.entry.override_reason == "Counsel agreed on March 1"


@pytest.mark.parametrize("kind", ["cash", "gift-card", "alcohol", "entertainment", "guest"])
def test_some_things_are_never_given(turn: Turn, cast: Cast, kind: str) -> None:
    refused = give(turn, lunch(cast.denise, 100, kind=kind), administrator=True)
    assert isinstance(refused, Refusal)
    assert refused.reason == "refused-kind"


def test_what_was_asked_for_is_not_given(turn: Turn, cast: Cast) -> None:
    assert isinstance(give(turn, lunch(cast.denise, 100, solicited=True)), Refusal)


def test_a_year_without_a_limit_warns_on_every_entry(turn: Turn, cast: Cast) -> None:
    standing = rules.weigh(100, before_cents=0, limit_cents=None, limited=True, client=False, year=2027)
    assert standing.level == "warning"
    assert queries.limit_of(turn.session, 2027) is None
    assert recording.set_limit(turn.session, 2027, 55_000, now=turn.now, by_id=None) is None
    assert queries.limit_of(turn.session, 2027) == 55_000


def test_the_published_limits_are_known_without_typing(turn: Turn) -> None:
    assert [queries.limit_of(turn.session, year) for year in (2021, 2024, 2026)] == [42_900, 50_700, 53_500]


def test_a_client_gets_at_most_fifteen_dollars_at_once_and_seventyfive_a_year(turn: Turn, cast: Cast) -> None:
    assert isinstance(give(turn, lunch(cast.marisol, 1_501, kind="item")), Refusal)
    for _ in range(5):
        assert isinstance(give(turn, lunch(cast.marisol, 1_500, kind="item")), recording.Recorded)
    assert isinstance(give(turn, lunch(cast.marisol, 100, kind="item")), Refusal)


def test_office_staff_are_outside_the_physicians_limit(turn: Turn, cast: Cast) -> None:
    assert isinstance(give(turn, lunch(cast.denise, 90_000)), recording.Recorded)


def test_one_meal_of_one_event_is_entered_once(turn: Turn, cast: Cast) -> None:
    plate = lunch(cast.raman, 1_450, event_id=7)
    assert isinstance(give(turn, plate), recording.Recorded)
    assert isinstance(give(turn, plate), recording.Recorded)
    assert queries.total_of(turn.session, cast.raman, 2026) == 1_450


def test_a_struck_entry_stays_readable_and_counts_no_more(turn: Turn, cast: Cast) -> None:
    made = give(turn, lunch(cast.raman, 1_450))
    assert isinstance(made, recording.Recorded)
    assert isinstance(recording.strike(turn.session, made.entry, now=turn.now, by_id=None, why=" "), Refusal)
    recording.strike(turn.session, made.entry, now=turn.now, by_id=None, why="He did not eat")
    turn.session.flush()
    assert queries.total_of(turn.session, cast.raman, 2026) == 0
    assert [line.struck_why for line in queries.lines(turn.session, 2026)] == ["He did not eat"]


def test_plates_are_shared_so_that_no_total_is_too_low() -> None:
    assert rules.share(10_000, 3) == 3_334
    with pytest.raises(ValueError, match="Nobody"):
        rules.share(10_000, 0)


def test_maya_finds_the_person_enters_a_gift_and_downloads_the_year(
    maya: FlaskClient, cast: Cast, runtime: Runtime
) -> None:
    found = maya.get("/gifts/new?q=raman").get_data(as_text=True)
    assert f"/gifts/new?contact={cast.raman}" in found
    typed = {"kind": "item", "what": "=Mug", "amount": "12.50", "given_on": "2026-03-02"}
    answer = post(maya, f"/gifts/new?contact={cast.raman}", typed)
    assert answer.status_code == 303
    assert "$12.50" in maya.get("/gifts/").get_data(as_text=True)
    sheet = maya.get("/gifts/export.csv?year=2026").get_data(as_text=True)
    assert "2026-03-02,Dr. Priya Raman,Lakeside Orthopedics,Small item,'=Mug,12.50" in sheet
    refused = post(maya, f"/gifts/new?contact={cast.raman}", {**typed, "kind": "gift-card"})
    assert refused.status_code == 422
    assert "counts as cash" in refused.get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(ValueEntry)).all()) == 1


def test_only_an_administrator_sets_limits(app: Flask, runtime: Runtime, maya: FlaskClient) -> None:
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    assert maya.get("/gifts/limits").status_code == 403
    assert "/gifts/limits" not in maya.get("/gifts/").get_data(as_text=True)
    assert "Enter a gift" in maya.get("/gifts/").get_data(as_text=True)
    assert post(olive, "/gifts/limits", {"year": "2027", "limit": "551"}).status_code == 303
    assert "$551" in olive.get("/gifts/limits").get_data(as_text=True)
    assert post(olive, "/gifts/limits", {"year": "2035", "limit": "551"}).status_code == 422


def test_the_room_shows_no_yield(maya: FlaskClient, cast: Cast) -> None:
    for path in ("/gifts/", f"/gifts/new?contact={cast.raman}"):
        page = maya.get(path).get_data(as_text=True).lower()
        assert "yield" not in page.replace("yield-", "")


def test_administrators_are_asked_once_for_the_limit_of_a_new_year(runtime: Runtime, cast: Cast) -> None:
    def january(day: int, hour: int) -> list[tuple[int | None, bool]]:
        with runtime.turn() as turn:
            new_year.ask_for_limit(turn.session, now=datetime(2027, 1, day, hour, tzinfo=UTC))
            asked = select(Task).where(Task.origin.startswith("year-limit:2027:")).order_by(Task.id)
            return [(task.owner_id, task.closed_at is None) for task in turn.session.scalars(asked)]

    assert january(1, 4) == [], "it is still December there"
    assert january(1, 6) == [(cast.olive, True)]
    assert january(2, 6) == [(cast.olive, True)]
    with runtime.turn() as turn:
        assert recording.set_limit(turn.session, 2027, 55_000, now=datetime(2027, 1, 3, tzinfo=UTC), by_id=None) is None
    assert january(4, 6) == [(cast.olive, False)]
