"""Calendars of clients answer to our mailbox only while it is under an agreement."""

import pytest

from outreach.contacts.models import Contact
from outreach.events import posting
from outreach.events.models import Invitation
from outreach.practice.models import Practice
from tests.events.lunches import plan


@pytest.mark.parametrize(
    ("kind", "agreed", "ours"),
    [("physician", False, True), ("former-client", False, False), ("former-client", True, True)],
)
def test_the_organizer_of_a_clients_calendar_file(turn, cast, kind, agreed, ours):
    turn.session.get_one(Practice, 1).inbound_domain = "in.cedarlane.example"
    contact = turn.session.get_one(Contact, cast.raman)
    contact.kind = kind
    turn.session.flush()
    turn.session.refresh(contact)
    invitation = Invitation(id=1, uid="1-1@cedarlane.example", sequence=0, issued_at=turn.now, rsvp_generation=0)
    event = plan(turn, cast)
    found = posting.calendar_invitation(
        turn.session, event, invitation, contact, turn.session.get_one(Practice, 1), key=b"k" * 64, agreed=agreed
    )
    assert found.organizer_email.endswith("@in.cedarlane.example") == ours
    assert (found.organizer_email == turn.session.get_one(Practice, 1).sender_email) != ours
