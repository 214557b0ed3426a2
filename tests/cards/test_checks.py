"""What is checked before a list of cards is approved: the words on paper, the days, the post."""

from datetime import date, timedelta

import pytest

from outreach.cards import approving
from outreach.contacts.models import GroupMember
from outreach.practice.models import QuietDay
from tests.cards.runs import NOVEMBER, approve, changed, housed, on, run


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def found(turn, runtime, made, level="", words=""):
    """[(text, fix)] of the lines that do not pass."""
    lines = approving.review(turn.session, made, now=turn.now, world=runtime).findings
    wanted = [line for line in lines if line.level == level or (not level and line.level != "pass")]
    return [(line.text, line.fix) for line in wanted if words in line.text]


def test_words_on_paper_are_looked_at_like_those_of_an_email(clock, turn, runtime, cast):
    housed(turn, cast.raman)
    made = run(turn, runtime, cast.raman, by_email=False, inside="Mr. Vega, born 3/4/1961, is well. {{ first_name }}")
    blockers = [text for text, _ in found(turn, runtime, made, "blocker")]
    assert blockers == [
        "A detail in braces is printed as it stands. The name stands above the words by itself: take it out.",
        "The printed card. The text holds what looks like a date of birth. Take it out.",
    ]
    assert approve(turn, runtime, made).reason == "blocked"
    made.inside = "Refer a friend and get a gift card."
    assert found(turn, runtime, made, "blocker", "The printed card. “gift card”")


def test_paper_to_clients_asks_who_pays_for_it(clock, runtime, cast, maya):
    with runtime.turn() as turn:
        housed(turn, cast.marisol)
        made = run(turn, runtime, cast.marisol, by_email=False)
        made.draft = {**made.draft, "sponsored": ""}
        here = f"/cards/{made.id}/edit"
        assert found(turn, runtime, made, "blocker") == [
            ("It goes to clients. Say whether anybody outside pays for it.", f"{here}#sponsored")
        ]
    assert 'id="sponsored"' in maya.get(here).get_data(as_text=True)


@pytest.mark.parametrize(
    ("day", "level", "words"),
    [
        (on(11, 20), "pass", "Paper comes in time when it is posted by Saturday, November 21"),
        (on(11, 23), "warning", "cards posted today may come after November 26, the last day of the occasion"),
        (on(11, 27), "blocker", "November 26, the last day of the occasion, is over"),
    ],
)
def test_the_post_may_come_too_late(clock, turn, runtime, cast, day, level, words):
    housed(turn, cast.raman)
    made = run(turn, runtime, cast.raman, by_email=False, last_on=date(2026, 11, 26))
    lines = approving.review(turn.session, made, now=day, world=runtime).findings
    assert [line.level for line in lines if words in line.text] == [level]


def test_everybodys_own_day_may_have_no_mail_or_come_before_the_post(clock, turn, runtime, cast):
    changed(turn, cast.raman, birthday_on=date(1970, 11, 26))
    changed(turn, cast.silent, birthday_on=date(1971, 11, 18))
    housed(turn, cast.silent)
    turn.session.add(QuietDay(on=date(2026, 11, 26), name="Thanksgiving Day"))
    made = run(turn, runtime, cast.raman, cast.silent, occasion="birthday")
    texts = [text for text, _ in found(turn, runtime, made, "warning")]
    assert any(text.startswith("1 person has their day on a quiet day") for text in texts)
    assert any(text.startswith("1 person’s day is less than 5 days away") for text in texts)
    turn.session.add_all(QuietDay(on=date(2026, 11, 27) + timedelta(days=n), name="Closed") for n in range(5))
    turn.session.flush()
    assert found(turn, runtime, made, "warning", "no card leaves for them")


def test_a_chosen_day_without_mail_says_why_and_when_it_leaves_instead(clock, turn, runtime, cast):
    made = run(turn, runtime, cast.raman, send_on=date(2026, 11, 21))
    said = found(turn, runtime, made, "warning", "the email leaves")
    words = "Saturday is not one of your days for sending: the email leaves Monday, November 23."
    assert said == [(words, f"/cards/{made.id}/edit#send_on")]


def test_whoever_joined_the_groups_since_is_told_of_and_a_test_is_asked_for(clock, turn, runtime, cast):
    made = run(turn, runtime, cast.raman)
    turn.session.add(GroupMember(group_id=made.group_ids[0], contact_id=cast.okafor, since_at=turn.now))
    turn.session.flush()
    assert found(turn, runtime, made) == [
        ("1 person has joined the groups since the list was made. Make it again, and they are on it.", "#again"),
        ("No test was sent since the last edit.", f"/cards/{made.id}/edit#test"),
    ]
    made.tested_at = turn.now
    assert not found(turn, runtime, made, words="No test")
