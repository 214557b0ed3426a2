"""No client's story is told without a live permission: at planning, at sending, and after it was withdrawn."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.content.models import Message
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.stories import asking, queries, rules, signing, withdrawing
from outreach.stories.asking import Wish
from outreach.stories.models import Story
from tests.people import Cast
from tests.stories_room.permissions import ENDS, TO_PROVIDERS, WORDS, asked, quoting, signed, told

TODAY = date(2026, 3, 2)


def put(turn: Turn, runtime: Runtime, message: Message, *contact_ids: int) -> dict[str, int]:
    planned = outbox.put(
        turn.session,
        now=turn.now,
        world=runtime,
        message_id=message.id,
        kind="drip",
        source="test",
        source_id=1,
        contact_ids=contact_ids,
    )
    return planned.counts


def states(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(select(Delivery.state, Delivery.reason).order_by(Delivery.id))
        return [(row.state, row.reason) for row in rows]


def test_words_that_nobody_signed_are_not_quoted(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    refused = quoting(turn, runtime, asked(turn, cast, runtime))
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-authorization"
    assert WORDS[:20] in refused.text


def test_signed_words_are_quoted_and_the_use_is_kept(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = signed(turn, cast, runtime)
    message = quoting(turn, runtime, permission)
    assert isinstance(message, Message)
    put(turn, runtime, message, cast.raman, cast.okafor)
    [use] = queries.used_in(turn.session, permission.id)
    assert (use.subject, use.waiting, use.sent) == ("What a client said", 2, 0)


def test_a_place_that_was_not_ticked_is_not_allowed(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    refused = quoting(turn, runtime, signed(turn, cast, runtime, "website"))
    assert isinstance(refused, Refusal)


def test_a_message_is_held_whole_when_the_permission_is_withdrawn_before_it_leaves(
    runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        permission = signed(turn, cast, runtime)
        message = quoting(turn, runtime, permission)
        assert isinstance(message, Message)
        put(turn, runtime, message, cast.raman, cast.okafor)
    with runtime.turn() as turn:
        permission = turn.session.scalars(select(Authorization)).one()
        gone = withdrawing.withdraw(turn.session, permission, now=turn.now, world=runtime, channel="phone")
    assert gone == withdrawing.Withdrawn(messages=1, held=2)
    work(runtime, job_named("send"))
    assert states(runtime) == [("held", "no-authorization")] * 2
    assert runtime.transports["memory"].sent == []


def test_the_fence_looks_again_when_nobody_told_the_outbox(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        message = quoting(turn, runtime, signed(turn, cast, runtime))
        assert isinstance(message, Message)
        put(turn, runtime, message, cast.raman)
    with runtime.turn() as turn:
        permission = turn.session.scalars(select(Authorization)).one()
        permission.state, permission.revoked_at = "revoked", turn.now
    work(runtime, job_named("send"))
    assert states(runtime) == [("held", "no-authorization")]


def test_a_message_planned_with_a_dead_permission_is_held_at_once(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = signed(turn, cast, runtime)
    message = quoting(turn, runtime, permission)
    assert isinstance(message, Message)
    withdrawing.withdraw(turn.session, permission, now=turn.now, world=runtime, channel="phone")
    assert put(turn, runtime, message, cast.raman) == {"no-authorization": 1}


def test_an_expired_permission_ends_by_itself(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    with runtime.turn() as turn:
        permission = signed(turn, cast, runtime, expires_on=TODAY + timedelta(days=3))
        message = quoting(turn, runtime, permission)
        assert isinstance(message, Message)
        number = message.id
    clock.advance(timedelta(days=7))
    with runtime.turn() as turn:
        assert put(turn, runtime, turn.session.get_one(Message, number), cast.raman) == {"no-authorization": 1}
        assert isinstance(quoting(turn, runtime, turn.session.scalars(select(Authorization)).one()), Refusal)


@pytest.mark.parametrize(
    ("state", "ends", "said"),
    [
        ("draft", None, "draft"),
        ("requested", ENDS, "requested"),
        ("signed", TODAY + timedelta(days=61), "live"),
        ("signed", TODAY + timedelta(days=60), "expiring"),
        ("signed", TODAY, "expiring"),
        ("signed", TODAY - timedelta(days=1), "expired"),
        ("revoked", ENDS, "revoked"),
    ],
)
def test_how_a_permission_stands(state: str, ends: date | None, said: str) -> None:
    assert rules.state_of(state, ends, on=TODAY) == said


def test_the_signed_text_holds_what_the_law_asks_for(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    text = signed(turn, cast, runtime, "website").form_text
    for part in (
        WORDS,
        "Our website",
        "Cedar Lane Therapy",
        "ends on March 1, 2027",
        "no influence on your care",
        "take this permission back at any time",
        "no longer protect them",
        "Signed by Marisol Vega on March 2, 2026",
    ):
        assert part in text
    assert "Our newsletter to doctors" not in text


def test_only_what_was_asked_for_can_be_ticked(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = asked(turn, cast, runtime, scopes=("website",))
    refused = signing.sign(turn.session, permission, now=turn.now, signer="Marisol Vega", scopes=["social"])
    assert refused is not None
    assert (refused.reason, permission.state) == ("no-scope", "requested")


def test_a_signature_needs_a_name_and_comes_once(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = asked(turn, cast, runtime)
    empty = signing.sign(turn.session, permission, now=turn.now, signer="  ", scopes=TO_PROVIDERS)
    assert empty is not None
    assert empty.reason == "no-name"
    assert signing.sign(turn.session, permission, now=turn.now, signer="Marisol Vega", scopes=TO_PROVIDERS) is None
    twice = signing.sign(turn.session, permission, now=turn.now, signer="Somebody", scopes=TO_PROVIDERS)
    assert twice is not None
    assert (twice.reason, permission.signer) == ("already-signed", "Marisol Vega")


def test_nothing_is_signed_after_it_was_withdrawn(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = asked(turn, cast, runtime)
    withdrawing.withdraw(turn.session, permission, now=turn.now, world=runtime, channel="page")
    refused = signing.sign(turn.session, permission, now=turn.now, signer="Marisol Vega", scopes=TO_PROVIDERS)
    assert refused is not None
    assert (refused.reason, permission.state) == ("withdrawn", "revoked")


def test_nobody_is_asked_while_something_went_wrong(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    turn.session.get_one(Contact, cast.marisol).recovery_hold_at = turn.now
    refused = asking.ask(
        turn.session,
        told(turn, cast),
        Wish(TO_PROVIDERS, ENDS),
        now=turn.now,
        key=runtime.key,
        by_id=None,
    )
    assert isinstance(refused, Refusal)
    assert refused.reason == "recovery-hold"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scopes": ()}, "no-scope"),
        ({"scopes": ("billboard",)}, "unknown-scope"),
        ({"identity": "portrait"}, "unknown-identity"),
        ({"expires_on": TODAY}, "bad-end"),
        ({"expires_on": date(2031, 3, 3)}, "bad-end"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_name(changed: dict[str, object], reason: str) -> None:
    wish = Wish(**{"scopes": TO_PROVIDERS, "expires_on": ENDS, **changed})  # type: ignore[arg-type]
    refused = asking.refuse_wish(wish, today=TODAY)
    assert refused is not None
    assert refused.reason == reason


def test_a_paper_signature_counts_and_says_where_the_paper_is(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    made = signing.record_paper(
        turn.session,
        told(turn, cast),
        Wish(("email-providers",), ENDS),
        now=turn.now,
        signed_on=date(2026, 2, 20),
        signer="Marisol Vega",
        document="Binder 3",
        by_id=cast.maya,
    )
    assert isinstance(made, Authorization)
    assert made.facts["document"] == "Binder 3"
    assert isinstance(quoting(turn, runtime, made), Message)


def test_a_story_belongs_to_a_client(turn: Turn, cast: Cast) -> None:
    refused = asking.start(turn.session, now=turn.now, contact_id=cast.raman, title="x", words="y", by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == "not-a-client"


def test_words_that_were_sent_for_signing_are_not_changed(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    asked(turn, cast, runtime)
    story = turn.session.scalars(select(Story)).one()
    refused = asking.reword(turn.session, story, now=turn.now, title="Grandson", words="Something better")
    assert refused is not None
    assert story.words == WORDS


def test_asking_and_signing_are_told_on_the_timeline(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    signed(turn, cast, runtime)
    told_so = turn.session.scalars(select(Touch.text).where(Touch.kind == "permission").order_by(Touch.id)).all()
    assert told_so == [
        "Asked for the permission to tell their story",
        "Signed the permission to tell their story, on our page",
    ]


def test_a_request_is_not_mailed_where_no_agreement_is(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = asked(turn, cast, runtime)
    delivery = asking.mail(turn.session, permission, now=turn.now, world=runtime, by_id=None)
    assert isinstance(delivery, int)
    runtime.transports._by_name.clear()
    refused = asking.mail(turn.session, permission, now=turn.now, world=runtime, by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-allowed-transport"
