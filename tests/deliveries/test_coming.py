"""What goes to a contact next stands on their page."""

from flask.testing import FlaskClient
from sqlalchemy import select

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
