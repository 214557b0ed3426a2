"""Mail of which nobody knows whether it arrived: what the practice's policy does with it, and what it leaves alone."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import links, settling
from outreach.deliveries.guards import copy_guard
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER, Delivery
from outreach.deliveries.transports.protocol import Unknown
from tests.deliveries.posting import delivery, memory, put, send, states


def doubtful(runtime, *contact_ids, **more):
    """Deliveries of which the provider never said what became of them."""
    memory(runtime).answers.extend([Unknown("cut")] * len(contact_ids))
    planned = put(runtime, *contact_ids, **more)
    send(runtime)
    assert states(runtime) == {"unconfirmed": len(contact_ids)}
    return planned.ids


def settle(runtime, **more):
    with runtime.turn() as turn:
        return settling.settle_by_policy(turn.session, now=turn.now, world=runtime, **more)


def change(runtime, **values):
    with runtime.turn() as turn:
        turn.session.execute(update(LEDGER).values(**values))


def test_the_defaults_are_those_of_the_paper():
    by_way = {}
    for kind in MESSAGE_KINDS.values():
        by_way.setdefault(settling.default_of(kind), set()).add(kind.name)
    assert by_way == {
        "sent": {"newsletter", "card"},
        "again": {
            "reminder", "reminder-unanswered", "invitation-update", "cancellation", "story-copy", "system",
        },
        "wait": {"drip", "invitation", "thank-you", "consent-request", "test"},
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["newsletter", "card"])
def test_newsletters_and_cards_count_as_sent_when_receipts_had_their_time(runtime, cast, clock, kind):
    ids = doubtful(runtime, cast.raman, kind=kind)
    clock.advance(timedelta(minutes=59))
    assert settle(runtime) == 0
    clock.advance(timedelta(minutes=1))
    fenced = delivery(runtime, ids[cast.raman]).fenced_at
    assert settle(runtime) == 1
    row = delivery(runtime, ids[cast.raman])
    assert (row.state, row.sent_at, row.reason) == ("sent", fenced, "")
    assert settle(runtime) == 0


def test_sendgrid_is_waited_for_three_days(runtime, cast, clock):
    doubtful(runtime, cast.raman, kind="newsletter")
    change(runtime, transport="sendgrid")
    clock.advance(timedelta(hours=72) - timedelta(seconds=1))
    assert settle(runtime) == 0
    clock.advance(timedelta(seconds=1))
    assert settle(runtime) == 1


def test_a_reminder_is_sent_again_once_with_the_same_message_id(runtime, cast, clock):
    ids = doubtful(runtime, cast.raman, kind="reminder", not_after_at=clock.now() + timedelta(hours=5))
    first = delivery(runtime, ids[cast.raman]).message_id_header
    clock.advance(timedelta(hours=1))
    assert settle(runtime) == 1
    assert states(runtime) == {"resend-approved": 1}
    send(runtime)
    [second] = memory(runtime).sent
    assert second.message_id == first
    assert first.startswith(links.number(ids[cast.raman]) + ".")


def test_a_second_doubt_waits_for_a_person(runtime, cast, clock):
    doubtful(runtime, cast.raman, kind="reminder")
    clock.advance(timedelta(hours=1))
    assert settle(runtime) == 1
    memory(runtime).answers.append(Unknown("cut again"))
    send(runtime)
    clock.advance(timedelta(hours=2))
    assert states(runtime) == {"unconfirmed": 1}
    assert settle(runtime) == 0


def test_a_reminder_whose_time_has_passed_is_not_sent_again(runtime, cast, clock):
    doubtful(runtime, cast.raman, kind="reminder", not_after_at=clock.now() + timedelta(hours=1))
    clock.advance(timedelta(hours=1))
    assert settle(runtime) == 0
    assert states(runtime) == {"unconfirmed": 1}


def test_personal_mail_waits_for_a_person_until_an_administrator_chooses(runtime, cast, clock):
    doubtful(runtime, cast.raman, kind="drip")
    clock.advance(timedelta(days=4))
    assert settle(runtime, at_once=True) == 0
    with runtime.turn() as turn:
        assert settling.choose(turn.session, {"drip": "sent"}, now=turn.now, by_id=None) is None
        no = settling.choose(turn.session, {"drip": "forget"}, now=turn.now, by_id=None)
        assert no is not None
        assert no.reason == "unknown-choice"
    assert settle(runtime) == 1


def test_the_hours_can_be_set_per_transport(runtime, cast, clock):
    doubtful(runtime, cast.raman, kind="newsletter")
    with runtime.turn() as turn:
        assert settling.choose(turn.session, {}, {"memory": 5}, now=turn.now, by_id=None) is None
        no = settling.choose(turn.session, {"drip": "sent"}, {"memory": 0}, now=turn.now, by_id=None)
        assert no is not None
        assert settling.policy(turn.session)["drip"] == "wait"
    clock.advance(timedelta(hours=4))
    assert settle(runtime) == 0
    clock.advance(timedelta(hours=1))
    assert settle(runtime) == 1


def test_what_a_restore_made_doubtful_is_left_to_a_person(runtime, cast, clock):
    put(runtime, cast.raman, kind="newsletter")
    with runtime.turn() as turn:
        assert copy_guard.doubt(turn.session, now=turn.now) == 1
    clock.advance(timedelta(days=10))
    assert settle(runtime) == 0
    assert settle(runtime, at_once=True) == 1


@pytest.mark.parametrize(("how", "state"), [("sent", "sent"), ("again", "resend-approved"), ("abandoned", "abandoned")])
def test_a_person_settles_all_of_a_kind_and_reason(runtime, cast, how, state):
    ids = doubtful(runtime, cast.raman, cast.denise)
    with runtime.turn() as turn:
        turn.session.get_one(Delivery, ids[cast.denise]).reason = "worker-stopped"
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        chosen = {"kind": "drip", "reason": "no-answer", "now": turn.now, "house": house}
        assert settling.settle_all(turn.session, how, **chosen) == 1
    assert states(runtime) == {state: 1, "unconfirmed": 1}
