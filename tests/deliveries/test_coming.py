"""What goes to a contact next stands on their page."""

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.runtime import Runtime
from tests.deliveries.test_letters_on_paper import letter
from tests.people import Cast


def test_the_next_messages_are_told_and_nobody_elses(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    assert "No mail planned" in maya.get(f"/outbox/coming/{cast.marisol}").get_data(as_text=True)
    letter(runtime, cast.marisol)
    with runtime.turn(write=False) as turn:
        planned = turn.session.scalars(select(Delivery)).one()
        where = f"/outbox/{planned.id}"
    assert where in maya.get(f"/outbox/coming/{cast.marisol}").get_data(as_text=True)
    assert where not in maya.get(f"/outbox/coming/{cast.raman}").get_data(as_text=True)
    assert f"/outbox/coming/{cast.marisol}" in maya.get(f"/contacts/{cast.marisol}").get_data(as_text=True)


def test_the_profile_says_how_much_of_the_limit_is_used(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    assert f"/outbox/limit/{cast.raman}" in maya.get(f"/contacts/{cast.raman}").get_data(as_text=True)
    where = f"/outbox/limit/{cast.raman}"
    assert "6 messages in three months, 0 used" in maya.get(where).get_data(as_text=True)
    with runtime.turn() as turn:
        turn.session.add(Touch(contact_id=cast.raman, kind="call", at=turn.now, text=""))
    assert "6 messages in three months, 1 used (0 emails, 1 touch)" in maya.get(where).get_data(as_text=True)
