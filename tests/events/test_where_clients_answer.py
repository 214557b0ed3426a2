"""Calendars of clients answer to our mailbox only while it is under an agreement."""

from datetime import date

import pytest

from outreach.contacts.models import Contact
from outreach.deliveries import steering
from outreach.events import posting
from outreach.events.models import Invitation
from outreach.practice.models import Practice
from tests.events.lunches import plan


@pytest.mark.parametrize(
    ("kind", "signed_on", "ours"),
    [("physician", None, True), ("former-client", None, False), ("former-client", date(2026, 3, 1), True)],
)
def test_the_organizer_of_a_clients_calendar_file(turn, cast, kind, signed_on, ours):
    turn.session.get_one(Practice, 1).inbound_domain = "in.cedarlane.example"
    contact = turn.session.get_one(Contact, cast.raman)
    contact.kind = kind
    steering.transport_state(turn.session, "inbound").baa_signed_on = signed_on
    turn.session.flush()
    turn.session.refresh(contact)
    invitation = Invitation(id=1, uid="1-1@cedarlane.example", sequence=0, issued_at=turn.now, rsvp_generation=0)
    event = plan(turn, cast)
    found = posting.calendar_invitation(
        turn.session, event, invitation, contact, turn.session.get_one(Practice, 1), key=b"k" * 64
    )
    assert found.organizer_email.endswith("@in.cedarlane.example") == ours
    assert (found.organizer_email == turn.session.get_one(Practice, 1).sender_email) != ours
