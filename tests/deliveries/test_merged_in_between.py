"""Mail that was planned for a record that was merged before it left: its links are known all the same."""

from sqlalchemy import select

from outreach import tokens
from outreach.contacts import consent, merging
from outreach.contacts.models import Contact
from outreach.contacts.record_models import MergeRecord
from outreach.deliveries import links
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


def test_the_view_in_a_browser_follows_the_mail_through_merges_and_back(runtime, cast, visitor):
    first_id, second_id = crowd(runtime, 2)
    sent = put(runtime, cast.raman).ids[cast.raman]
    send(runtime)
    number = links.number(sent)
    theirs = f"/v/{number}/{tokens.derive(runtime.key, 'view', cast.raman)}"
    others = [f"/v/{number}/{tokens.derive(runtime.key, 'view', each)}" for each in (first_id, cast.denise)]
    with runtime.turn() as turn:
        kept, gone, last = (turn.session.get_one(Contact, each) for each in (first_id, cast.raman, second_id))
        merging.merge(turn.session, kept, gone, from_gone={}, now=turn.now, by_id=None)
        merging.merge(turn.session, last, kept, from_gone={}, now=turn.now, by_id=None)
    assert delivery(runtime, sent).contact_id == second_id
    assert visitor.get(theirs).status_code == 200
    assert visitor.get(others[1]).status_code == 404
    with runtime.turn() as turn:
        for each in turn.session.scalars(select(MergeRecord).order_by(MergeRecord.id.desc())).all():
            merging.unmerge(turn.session, each, now=turn.now, by_id=None)
    assert visitor.get(theirs).status_code == 200
    assert [visitor.get(each).status_code for each in others] == [404, 404]
