"""What the other side says may hold anything; it never makes us forget what became of a mail."""

import json

import pytest
from sqlalchemy import select

from outreach.deliveries import receipts
from outreach.deliveries.models import Attempt, ProviderEvent, TransportState
from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.transports.protocol import Accepted, AccountProblem, NotHandedOver, Permanent, RefusedForNow
from tests.deliveries.posting import memory, put, send, states

ODD = "550 no\x00 such \ud800 box \x1b[31m" + "x" * 600


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted(text=ODD), "sent"),
        (Permanent(ODD), "failed"),
        (RefusedForNow(ODD, busy=True), "scheduled"),
        (NotHandedOver(ODD), "scheduled"),
        (AccountProblem(ODD), "scheduled"),
    ],
    ids=["accepted", "refused", "busy", "lost", "account"],
)
def test_words_that_no_database_takes_do_not_lose_the_answer(runtime, cast, answer, state):
    put(runtime, cast.raman)
    memory(runtime).answers.append(answer)
    send(runtime)
    assert states(runtime) == {state: 1}
    with runtime.turn(write=False) as turn:
        said = turn.session.scalars(select(Attempt.text)).one()
        about = turn.session.get(TransportState, "memory")
        assert said.startswith("550 no  such   box")
        assert len(said) == 500
        assert about is None or "\0" not in about.last_trouble + about.paused_why


@pytest.mark.parametrize("odd", ["id\x00x", "\ud800", "y" * 900], ids=["nul", "half", "long"])
def test_an_id_that_no_database_takes_does_not_lose_the_acceptance(runtime, cast, odd):
    put(runtime, cast.raman)
    memory(runtime).answers.append(Accepted(odd))
    send(runtime)
    assert states(runtime) == {"sent": 1}


@pytest.mark.parametrize("depth", [30, 300, 700, 900, 950, 980, 5000])
def test_a_nest_of_brackets_in_an_event_blocks_no_other(runtime, depth):
    deep = json.dumps({"event": "open", "sg_event_id": "deep", "odd": 1}).replace("1", "[" * depth + "]" * depth)
    good = {"event": "spamreport", "sg_event_id": "good", "email": "somebody@example.com"}
    facts = sendgrid_events.parse_events(f"[{deep},{json.dumps(good)}]".encode())
    if not isinstance(facts, list):
        return
    assert repr(facts[0].raw).count("[") <= sendgrid_events.DEEPEST
    with runtime.turn() as turn:
        receipts.store(turn.session, facts, now=turn.now)
    with runtime.turn() as turn:
        receipts.apply(turn.session, now=turn.now, key=runtime.key)
        assert None not in turn.session.scalars(select(ProviderEvent.handled_at)).all()
