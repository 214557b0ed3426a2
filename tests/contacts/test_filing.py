"""The trash: everything can come back for thirty days, then the names are gone."""

from datetime import timedelta

from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.contacts import consent, filing, timeline
from outreach.contacts.models import Contact, ContactTag
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast


def test_names_go_after_thirty_days_and_opt_outs_stay(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert raman.address_hash is not None
        consent.suppress(turn.session, now=turn.now, hashed=raman.address_hash, reason="unsubscribed", source="page")
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="note", text="Likes tea")
        turn.session.add(ContactTag(contact_id=cast.raman, tag="vip"))
        filing.trash(raman, now=turn.now)
    clock.advance(timedelta(days=29))
    assert work(runtime, job_named("purge-contacts")) == 0
    clock.advance(timedelta(days=2))
    assert work(runtime, job_named("purge-contacts")) == 1
    assert work(runtime, job_named("purge-contacts")) == 0
    with runtime.turn(write=False) as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert (raman.name, raman.email, raman.npi) == ("No name", None, None)
        assert turn.session.scalars(select(Touch)).all() == []
        assert turn.session.scalars(select(consent.Suppression)).one().lifted_at is None


def test_a_contact_cannot_come_back_to_a_number_that_is_taken(turn: Turn, cast: Cast) -> None:
    raman, okafor = turn.session.get_one(Contact, cast.raman), turn.session.get_one(Contact, cast.okafor)
    filing.trash(raman, now=turn.now)
    turn.session.flush()
    okafor.npi = raman.npi
    turn.session.flush()
    refused = filing.restore(turn.session, raman)
    assert isinstance(refused, Refusal)
    assert refused.reason == "duplicate-npi"
