"""Mail to clients leaves only under an agreement, whatever door it takes; mail to staff names no client."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from outreach.content import preflight
from outreach.content.drafts import Draft
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import outbox, steering
from outreach.deliveries.models import Delivery, TransportState
from outreach.runtime import open_runtime
from outreach.web import create_app
from tests.contracts.servers import SmtpServer
from tests.deliveries.posting import delivery, message_in, put, send
from tests.people import post
from tests.stories_room.test_pages import opened

KEY = "SG." + "x" * 22 + "." + "y" * 43
TEXT = {"type": "text", "html": "<p>All is well here.</p>"}
LETTER = Draft("A word from us", "How we are", [TEXT], "plain", sponsored="no")


@pytest.fixture
def outward(settings, clock):
    """An installation whose only ways lead outward, with no agreement."""
    server = SmtpServer()
    opened = open_runtime(
        replace(settings, smtp_url=f"smtp://127.0.0.1:{server.port}", sendgrid_api_key=KEY), clock=clock
    )
    opened.mails = server.mailbox.mails
    yield opened
    opened.close()
    server.close()


def agree(runtime, days_ago=0):
    with runtime.turn() as turn:
        day = turn.now.date() - timedelta(days=days_ago)
        today = turn.now.date()
        done = steering.record_agreement(turn.session, "smtp", day, today=today, by_id=None, host="127.0.0.1")
        assert done is None


def levels(runtime, kind, *audiences):
    with runtime.turn() as turn:
        found = preflight.check(
            turn.session,
            now=turn.now,
            world=runtime,
            draft=LETTER,
            kind=kind,
            first_send_at=turn.now,
            last_send_on=turn.now.date(),
            audiences=audiences,
        )
    return [finding.fix for finding in found if finding.level == "blocker"]


@pytest.mark.parametrize("kind", ["drip", "newsletter", "card", "invitation"])
def test_mail_to_clients_without_an_allowed_way_is_a_blocker_before_it_goes(outward, kind):
    assert levels(outward, kind, "provider", "client") == ["/outbox/transports"]
    assert levels(outward, kind, "provider", "peer") == []
    agree(outward)
    assert levels(outward, kind, "provider", "client") == []


@pytest.mark.parametrize("kind", sorted(MESSAGE_KINDS))
def test_no_kind_of_mail_to_a_client_passes_without_an_agreement(outward, cast, kind):
    planned = put(outward, cast.marisol, kind=kind)
    send(outward)
    row = delivery(outward, planned.ids[cast.marisol])
    assert (row.state, row.transport) == ("held", None)
    assert outward.mails() == []


def test_the_fence_refuses_when_the_agreement_is_taken_back_after_planning(outward, cast):
    agree(outward)
    planned = put(outward, cast.marisol)
    assert delivery(outward, planned.ids[cast.marisol]).state == "scheduled"
    with outward.turn() as turn:
        steering.record_agreement(turn.session, "smtp", None, today=turn.now.date(), by_id=None)
    send(outward)
    row = delivery(outward, planned.ids[cast.marisol])
    assert (row.state, row.reason) == ("held", "no-allowed-transport")
    assert outward.mails() == []


def test_somebody_without_a_contact_who_signs_or_enquires_is_a_client_too(outward, cast):
    with outward.turn() as turn:
        made = outbox.put_to_address(
            turn.session,
            now=turn.now,
            world=outward,
            message_id=message_in(turn.session, turn.now, kind="story-copy"),
            email="friend@home.example",
            kind="story-copy",
            source="enquiry",
            audience_class="client",
        )
    send(outward)
    assert delivery(outward, made).state == "held"
    assert outward.mails() == []


def test_the_database_itself_refuses_client_mail_by_sendgrid_and_an_agreement_with_it(outward, cast):
    planned = put(outward, cast.marisol)
    with pytest.raises(IntegrityError), outward.turn() as turn:
        turn.session.get_one(Delivery, planned.ids[cast.marisol]).transport = "sendgrid"
    with pytest.raises(IntegrityError), outward.turn() as turn:
        turn.session.add(TransportState(name="sendgrid", baa_signed_on=turn.now.date()))


def test_the_class_of_mail_follows_from_its_kind_alone():
    commercial = {name for name, kind in MESSAGE_KINDS.items() if kind.mail_class == "commercial"}
    assert {
        "drip",
        "newsletter",
        "card",
        "invitation",
        "reminder-unanswered",
        "thank-you",
        "consent-request",
    } <= commercial
    relationship = set(MESSAGE_KINDS) - commercial
    assert relationship == {"invitation-update", "cancellation", "reminder", "story-copy", "system"}


def test_a_signer_gets_the_page_to_keep_where_no_way_is_allowed_and_no_mail_names_them(outward, cast):
    """Marisol signs; there is no agreement, so she is shown her copy, and nobody here gets a mail with her name."""
    visitor = create_app(outward).test_client()
    link = opened(outward, cast)
    answer = post(visitor, link, {"signer": "Marisol Vega", "scopes": ["website"]})
    assert answer.headers["Location"].endswith("?signed=print")
    assert "This page is your copy" in visitor.get(answer.headers["Location"]).get_data(as_text=True)
    send(outward)
    assert outward.mails() == []
    with outward.turn(write=False) as turn:
        waiting = turn.session.scalars(select(Delivery).where(Delivery.audience_class == "staff")).all()
    assert not [row for row in waiting if "Marisol" in f"{row.details}{row.to_name}"]
