"""The feed for the website: only what the client allows there, and only as long as they do."""

from datetime import timedelta

from flask.testing import FlaskClient

from outreach.clock import FrozenClock
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.runtime import Runtime
from outreach.stories import withdrawing
from outreach.stories.models import Story
from tests.people import Cast
from tests.stories_room.permissions import ENDS, WORDS, asked, signed


def told(visitor: FlaskClient) -> list[dict[str, object]]:
    feed = visitor.get("/testimonials.json")
    assert feed.status_code == 200
    assert feed.json is not None
    stories: list[dict[str, object]] = feed.json["stories"]
    return stories


def test_the_feed_shows_the_exact_words_as_the_client_allows(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    assert told(visitor) == []
    assert b"no stories to read here yet" in visitor.get("/testimonials").data
    with runtime.turn() as turn:
        signed(turn, cast, runtime, identity="initials")
    assert told(visitor) == [{"id": 1, "words": WORDS, "said_by": "M.V.", "until": ENDS.isoformat(), "picture": None}]
    page = visitor.get("/testimonials")
    shown = page.get_data(as_text=True)
    assert WORDS in shown
    assert "M.V." in shown
    for secret in ("Vega", "Marisol", "Grandson", "<script"):
        assert secret not in shown
        assert secret not in visitor.get("/testimonials.json").get_data(as_text=True)
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_what_was_asked_for_elsewhere_or_is_not_signed_is_not_in_the_feed(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        signed(turn, cast, runtime, "email-providers")
        asked(turn, cast, runtime)
    assert told(visitor) == []
    assert WORDS not in visitor.get("/testimonials").get_data(as_text=True)


def test_a_withdrawn_story_is_gone_with_the_next_look_though_the_website_keeps_a_copy(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        number = signed(turn, cast, runtime).id
    first = visitor.get("/testimonials.json")
    mark = {"If-None-Match": first.headers["ETag"]}
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert visitor.get("/testimonials.json", headers=mark).status_code == 304
    with runtime.turn() as turn:
        permission = turn.session.get_one(Authorization, number)
        withdrawing.withdraw(turn.session, permission, now=turn.now, world=runtime, channel="phone")
    assert visitor.get("/testimonials.json", headers=mark).status_code == 200
    assert told(visitor) == []
    assert WORDS not in visitor.get("/testimonials").get_data(as_text=True)


def test_a_story_leaves_the_feed_the_day_after_its_permission_ends(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    with runtime.turn() as turn:
        ends = turn.now.date() + timedelta(days=2)
        signed(turn, cast, runtime, expires_on=ends)
    clock.advance(timedelta(days=2))
    assert len(told(visitor)) == 1
    clock.advance(timedelta(days=1))
    assert told(visitor) == []


def test_stories_put_away_and_people_who_were_deleted_are_not_shown(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        signed(turn, cast, runtime)
        turn.session.get_one(Story, 1).closed_at = turn.now
    assert told(visitor) == []
    with runtime.turn() as turn:
        turn.session.get_one(Story, 1).closed_at = None
        turn.session.get_one(Contact, cast.marisol).deleted_at = turn.now
    assert told(visitor) == []


def test_maya_finds_the_line_for_the_website(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert "No story may stand on the website now" in maya.get("/stories/website").get_data(as_text=True)
    with runtime.turn() as turn:
        signed(turn, cast, runtime)
    page = maya.get("/stories/website").get_data(as_text=True)
    assert WORDS[:40] in page
    assert "https://outreach.cedarlane.example/testimonials.json" in page
    assert "&lt;iframe src=" in page
    assert "feed for our website" in maya.get("/stories/1").get_data(as_text=True)
