"""Mail that comes back or is reported too often stops itself: whatever sent it, and at exactly the limit."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from outreach.deliveries import outbox
from outreach.deliveries.guards import self_stopping
from outreach.deliveries.models import LEDGER
from outreach.deliveries.rules import too_bad
from outreach.newsletters import stopping
from outreach.newsletters.models import Issue
from outreach.today import waiting
from tests.deliveries.posting import message_in


@pytest.mark.parametrize(("sent", "bounced", "stops"), [
    (99, 99, False), (100, 5, False), (100, 6, True), (200, 10, False), (200, 11, True), (1000, 50, False),
    (1000, 51, True),
])  # fmt: skip
def test_bounces_above_five_percent_after_a_hundred(sent, bounced, stops):
    assert bool(too_bad(sent, bounced, 0)) == stops


@pytest.mark.parametrize(("sent", "complained", "stops"), [
    (299, 2, False), (300, 1, False), (300, 2, True), (2000, 2, True), (2001, 2, False), (2001, 3, True),
    (1000, 1, False),
])  # fmt: skip
def test_complaints_of_a_thousandth_and_two_after_three_hundred(sent, complained, stops):
    assert bool(too_bad(sent, 0, complained)) == stops


def sent_mail(runtime, *, source, many, bounced=0, refused=0, complained=0, source_id=7):
    """So many hand-overs of one source, of which some came back."""
    with runtime.turn() as turn:
        message_id = message_in(turn.session, turn.now, kind="newsletter")
        states = ["bounced"] * bounced + ["failed"] * refused + ["complained"] * complained
        states += ["delivered"] * (many - len(states))
        fixed = {
            "source": source, "source_id": source_id, "message_id": message_id, "kind": "newsletter",
            "mail_class": "commercial", "topic": "newsletter", "audience_class": "provider", "zone": "UTC",
            "not_before_at": turn.now, "due_at": turn.now, "created_at": turn.now, "updated_at": turn.now,
            "details": {}, "occurrence": "", "email": "", "to_name": "", "priority": 0, "attempts": 1, "fact_rank": 0,
            "last_error": "", "fenced_at": turn.now,
        }  # fmt: skip
        rows = [
            {
                **fixed,
                "step": str(number),
                "state": state,
                "reason": "refused" if state == "failed" else "",
                "sent_at": None if state == "failed" else turn.now,
            }
            for number, state in enumerate(states)
        ]
        turn.session.execute(insert(LEDGER), rows)


def guard(runtime):
    with runtime.turn() as turn:
        return self_stopping.stop_itself(turn.session, now=turn.now)


@pytest.mark.parametrize("source", ["newsletter", "card", "event", "story"])
def test_every_source_stops_itself_and_today_says_so(runtime, cast, source):
    sent_mail(runtime, source=source, many=100, bounced=6)
    assert guard(runtime) == 1
    assert guard(runtime) == 0
    with runtime.turn(write=False) as turn:
        hold = outbox.held_scopes(turn.session)[f"{source}:7"]
        assert hold.why.startswith("6 of 100 emails came back")
        assert hold.by_id is None
        said = waiting.waiting(turn.session, now=turn.now, today=turn.now.date())
        assert any("6 of 100 emails came back" in line.text for line in said)


def test_five_of_a_hundred_may_come_back(runtime):
    sent_mail(runtime, source="newsletter", many=100, bounced=5)
    assert guard(runtime) == 0


def test_what_the_recipients_server_refused_at_once_counts_as_come_back(runtime):
    sent_mail(runtime, source="newsletter", many=100, refused=6)
    assert guard(runtime) == 1


def test_after_a_person_resumed_it_only_new_mail_counts(runtime, clock):
    sent_mail(runtime, source="newsletter", many=100, bounced=6)
    guard(runtime)
    clock.advance(timedelta(minutes=5))
    with runtime.turn() as turn:
        outbox.resume(turn.session, now=turn.now, scope="newsletter:7", by_id=None)
    assert guard(runtime) == 0
    clock.advance(timedelta(minutes=5))
    sent_mail(runtime, source="newsletter", many=100, bounced=5, source_id=8)
    assert guard(runtime) == 0


def test_an_issue_that_the_outbox_holds_says_so_itself(runtime, cast, turn):
    message_id = message_in(turn.session, turn.now, kind="newsletter")
    issue = Issue(
        title="Spring",
        draft={},
        status="sending",
        message_id=message_id,
        send_at=turn.now,
        created_at=turn.now,
        edited_at=turn.now,
    )
    turn.session.add(issue)
    turn.session.flush()
    outbox.hold(turn.session, now=turn.now, scope=f"newsletter:{issue.id}", by_id=None, why="6 of 100 came back")
    assert stopping.follow_outbox(turn.session, now=turn.now) == 1
    assert issue.status == "held"
    assert stopping.follow_outbox(turn.session, now=turn.now) == 0
