"""What an event says on paper, what it hands out, and what is kept for another one like it."""

from typing import Any

from flask.testing import FlaskClient

from outreach.content.models import Asset
from outreach.events import handouts, packing, planning, wording
from outreach.events.models import Event
from outreach.events.queries import Heads
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import facts, invite, plan
from tests.events.test_screens import PLANNED, planned
from tests.people import Cast, post


def shelved(turn: Turn, title: str, **changed: Any) -> Asset:
    """A file in the library."""
    said = {"media_type": "application/pdf", "width": 0, "height": 0, "size_bytes": 4, "data": b"%PDF", **changed}
    asset = Asset(token=f"t-{title}", digest=title, title=title, added_at=turn.now, **said)
    turn.session.add(asset)
    turn.session.flush()
    return asset


def test_expected_people_and_handouts_are_typed_shown_and_kept_for_another_one(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        first, other = shelved(turn, "When to refer"), shelved(turn, "Sling")
        second = shelved(turn, "When to call", version=2)
        first.replaced_by_id = second.id
        number, sling = second.id, other.id
    said = {"expected_clinicians": "4", "expected_staff": "8", "handouts": str(number), "caterer": "Deli"}
    where = planned(maya, cast, **said)
    page = maya.get(where).get_data(as_text=True)
    for words in ("4 clinicians and 8 staff", "When to call (version 2)", "the office expects them", ">12<"):
        assert words in page
    like = maya.get(f"/events/new?like={where.rpartition('/')[2]}").get_data(as_text=True)
    assert 'value="8"' in like
    assert like.count("checked") == 2, "the meal and one of two handouts"
    assert 'value="Shoulders after surgery"' in like
    elsewhere = maya.get(f"/events/new?like={where.rpartition('/')[2]}&office=Northgate").get_data(as_text=True)
    assert 'value="8"' not in elsewhere
    assert post(maya, "/events/new", {**PLANNED, "handouts": str(sling + 99)}).status_code == 422
    assert post(maya, "/events/new", {**PLANNED, "expected_staff": "-1"}).status_code == 422


def test_the_thank_you_carries_the_latest_handouts_and_none_that_was_put_away(turn: Turn, cast: Cast) -> None:
    old, gone, client = shelved(turn, "Old"), shelved(turn, "Gone"), shelved(turn, "Client")
    event = plan(turn, cast, handouts=[old.id, gone.id])
    new = shelved(turn, "New", version=2)
    old.replaced_by_id, gone.deleted_at = new.id, turn.now
    assert [one.title for one in handouts.chosen(turn.session, event.handouts)] == ["New (version 2)"]
    files = [b["asset_id"] for b in wording.draft_for(turn.session, event, "thank-you").blocks if b["type"] == "file"]
    assert files == [str(new.id)]
    again = planning.plan_event(turn.session, facts(cast, handouts=[gone.id]), None, now=turn.now, by_id=None)
    assert not isinstance(again, Event)
    assert again.reason == "unknown-file"
    assert client.title in {one.title for one in handouts.offered(turn.session)}


def test_the_brief_says_who_where_and_when_and_diets_only_as_numbers(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    where = planned(maya, cast, expected_clinicians="4")
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, int(where.rpartition("/")[2]))
        [one] = invite(turn, runtime, event, cast.raman)
        one.answer, one.diets = "yes", {"vegan": 1}
    brief = maya.get(f"{where}/brief").get_data(as_text=True)
    for words in (
        "11:45&nbsp;am",
        "When to begin, 30 minutes",
        "12:55&nbsp;pm",
        "1:15 pm",
        "Protocols",
        "1 vegan",
        "4 clinicians",
    ):
        assert words in brief
    assert "Dr. Priya Raman, physician" in brief
    assert "yield" not in brief.lower()
    packed = maya.get(f"{where}/packing").get_data(as_text=True)
    for words in ("Sign-in sheet and two pens", "The food, for 1", "1 vegan, marked"):
        assert words in packed
    page = maya.get(where).get_data(as_text=True)
    for name in ("brief", "packing", "sheet"):
        assert f'href="{where}/{name}"' in page


def test_what_is_packed_goes_by_the_kind_and_the_larger_number() -> None:
    lunch = Event(type="lunch-and-learn", materials="- Poster\n\nModels", meal=True, credit="", content_minutes=30)
    heads = Heads({"yes": 2}, 1, {"halal": 1}, 12)
    lunch.caterer = "Deli"
    bag = packing.bag(lunch, heads, ["When to call"])
    assert bag["Materials"] == ["Poster", "Models"]
    assert bag["Handouts"] == ["When to call: 15 copies, 3 of them to spare"]
    assert bag["Food"][:2] == ["The food, for 3 (the office expects 12), from Deli", "1 halal, marked"]
    fair = Event(type="conference", materials="", meal=False, credit="", content_minutes=0)
    assert "Phone and charger, to note whom you meet" in packing.bag(fair, Heads({}, 0, {}), [])["To present"]
    assert packing.running_order(fair) == []
