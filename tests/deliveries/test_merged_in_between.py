"""Mail that was planned for a record that was merged before it left: its links are known all the same."""

from outreach.contacts import consent, merging
from outreach.contacts.models import Contact
from tests.deliveries.posting import crowd, delivery, memory, put, send


def test_whoever_was_merged_before_the_mail_left_can_stop_it_by_its_link(runtime, cast, visitor):
    [kept_id] = crowd(runtime, 1)
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        kept, gone = (turn.session.get_one(Contact, each) for each in (kept_id, cast.raman))
        hashed = gone.address_hash
        merging.merge(turn.session, kept, gone, from_gone={"email": True}, now=turn.now, by_id=None)
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.contact_id, row.state) == (kept_id, "sent")
    [mail] = memory(runtime).sent
    path = mail.list_unsubscribe_url.partition("://")[2].partition("/")[2]
    assert visitor.post(f"/{path}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with runtime.turn() as turn:
        assert consent.EVERYTHING in consent.suppressed_topics(turn.session, hashed)
