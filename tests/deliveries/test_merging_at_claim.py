"""Rows that were planned as a whole crowd have no details until they are claimed."""

from sqlalchemy import delete, null, select, update

from outreach import tokens
from outreach.deliveries import merging
from outreach.deliveries.house import house_of
from outreach.deliveries.mail import composing
from outreach.deliveries.models import LEDGER, Delivery
from tests.deliveries.posting import crowd, delivery, memory, put, send, states


def unmerged(runtime, *contact_ids, **more):
    planned = put(runtime, *contact_ids, **more)
    with runtime.turn() as turn:
        turn.session.execute(update(LEDGER).values(details=null()))
        turn.session.execute(delete(tokens.PublicToken))
    return planned


def test_a_row_without_details_is_merged_when_it_is_claimed(runtime, cast):
    planned = unmerged(runtime, cast.raman)
    send(runtime)
    [mail] = memory(runtime).sent
    assert "Dear Priya" in mail.text
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.details) == ("sent", {"first_name": "Priya"})
    token = mail.list_unsubscribe_url.rpartition("/")[2]
    with runtime.turn(write=False) as turn:
        assert tokens.look_up(turn.session, "unsubscribe", token).subject_id == cast.raman
        found = turn.session.scalars(select(tokens.PublicToken)).all()
    assert [each.purpose for each in found] == ["unsubscribe"]


def test_what_was_merged_before_stays_and_tokens_are_registered_once(runtime, cast):
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        turn.session.execute(update(LEDGER).values(details={"first_name": "Stored"}))
    unmerged_too = put(runtime, cast.denise, step="2")
    with runtime.turn() as turn:
        turn.session.execute(update(LEDGER).where(LEDGER.c.id == unmerged_too.ids[cast.denise]).values(details=null()))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).details == {"first_name": "Stored"}
    assert delivery(runtime, unmerged_too.ids[cast.denise]).details == {"first_name": "Denise"}
    assert states(runtime) == {"sent": 2}


def test_a_preview_of_a_row_without_details_merges_on_the_fly_and_stores_nothing(runtime, cast):
    planned = unmerged(runtime, cast.raman)
    with runtime.turn(write=False) as turn:
        row = turn.session.get_one(Delivery, planned.ids[cast.raman])
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        revisions = composing.revisions_of(turn.session, [row.message_id])
        found = merging.details_of(turn.session, [row], revisions, now=turn.now, world=runtime, house=house)
    assert found == {row.id: {"first_name": "Priya"}}
    assert delivery(runtime, row.id).details is None


def test_a_large_crowd_without_details_is_merged_by_group(runtime):
    people = crowd(runtime, 60)
    unmerged(runtime, *people, kind="newsletter")
    send(runtime)
    assert states(runtime) == {"sent": 60}
    assert {mail.text.splitlines()[0] for mail in memory(runtime).sent} == {f"Dear N{each}" for each in range(60)}
