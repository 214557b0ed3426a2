"""Where answers of clients may arrive, and what the API gets of composed messages."""

from dataclasses import replace
from datetime import date

import pytest

from outreach.contacts.models import Contact
from outreach.deliveries import steering
from outreach.deliveries.house import house_of
from outreach.deliveries.mail import composing
from outreach.deliveries.models import Delivery
from outreach.deliveries.transports.sendgrid_batches import Batches
from outreach.deliveries.ways.transport_models import TransportSetting
from outreach.practice.models import Practice
from tests.deliveries.letters import filled_in
from tests.deliveries.posting import crowd, message_in, put


def composed(runtime, ids, audience_class=None):
    """The messages of these deliveries, as the engine composes them."""
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        rows = [turn.session.get_one(Delivery, each) for each in ids]
        for row in rows:
            row.audience_class = audience_class or row.audience_class
        revisions = composing.revisions_of(turn.session, {row.message_id for row in rows})
        return [
            composing.compose(row, revisions[row.message_id], None, now=turn.now, house=house, key=runtime.key)
            for row in rows
        ]


@pytest.fixture
def planned(runtime, cast):
    """One planned delivery of a practice with a mailbox for answers."""
    with runtime.turn() as turn:
        practice = turn.session.get_one(Practice, 1)
        practice.inbound_domain, practice.reply_to_email = "in.cedarlane.example", "front@cedarlane.example"
    return put(runtime, cast.raman).ids[cast.raman]


def agree(runtime, day):
    with runtime.turn() as turn:
        facts = {"host": "imap.cedarlane.example"}
        turn.session.add(TransportSetting(name="inbound", facts=facts, revision="1", changed_at=turn.now))
        state = steering.transport_state(turn.session, "inbound")
        state.baa_signed_on, state.baa_for = day, facts["host"]


@pytest.mark.parametrize(
    ("audience", "signed_on", "offered"),
    [
        ("provider", None, True),
        ("client", None, False),
        ("client", date(2026, 3, 3), False),
        ("client", date(2026, 3, 2), True),
    ],
)
def test_clients_answer_only_to_a_mailbox_under_an_agreement(runtime, planned, audience, signed_on, offered):
    if signed_on:
        agree(runtime, signed_on)
    [message] = composed(runtime, [planned], audience)
    assert (message.reply_to is not None) == offered
    assert (message.list_unsubscribe_mailto is not None) == offered
    assert (message.return_path is not None) == offered
    assert message.list_unsubscribe_url


def test_a_client_and_a_provider_do_not_share_an_answer_address(runtime, planned):
    with runtime.turn() as turn:
        row = turn.session.get_one(Delivery, planned)
        provider = composing.likeness(row)
        row.audience_class = "client"
        assert composing.likeness(row) != provider
        turn.session.rollback()


def test_a_composed_newsletter_is_one_request_that_says_what_we_render(runtime, cast):
    contacts = crowd(runtime, 40)
    with runtime.turn() as turn:
        for number, contact in enumerate(contacts):
            turn.session.get_one(Contact, contact).first_name = f"A{number} <b>&~"[: 3 + number % 6]
        message_id = message_in(turn.session, turn.now, kind="newsletter")
    put_ = put(runtime, *contacts, kind="newsletter", message_id=message_id, source="newsletter")
    messages = composed(runtime, sorted(put_.ids.values()))
    groups, alone = Batches().sorted_out(messages)
    assert len(groups) == 1
    payload = groups[0].payload(sandbox=False)
    for place, person in enumerate(groups[0].people):
        assert filled_in(payload, place) == (person.message.subject, person.message.html, person.message.text)
    assert len(groups[0].people) + len(alone) == 40
    assert "/l/" in filled_in(payload, 0)[1]
    assert all(goes_alone(messages[place]) for place in alone)


def goes_alone(message):
    """Those that hold a sign of our tokens went alone."""
    return any(sign in str(message.values.get("first_name", "")) for sign in "~^")


def test_settings_name_the_sandbox(settings):
    from outreach.deliveries.transports.registry import open_transports

    transports = open_transports(replace(settings, sendgrid_api_key="SG.x", sendgrid_sandbox=True))
    assert transports["sendgrid"]._sandbox
    assert not open_transports(replace(settings, sendgrid_api_key="SG.x"))["sendgrid"]._sandbox
