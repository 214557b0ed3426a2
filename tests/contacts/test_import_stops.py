"""Opt-outs that a file brings: each outlives the softer one, and none is lost to somebody who is quicker."""

import time

from sqlalchemy import select

from outreach.contacts import consent
from outreach.contacts.timeline import Touch
from outreach.contacts.vcards import cards
from outreach.runtime import Runtime
from tests.conftest import KEY
from tests.contacts.test_importing import bring, carry_out, run_of
from tests.people import Cast

BOUNCED = b"Email Address,CLEAN_TIME,LEID\np.raman@lakeside.example,2025-06-30 17:45:10,1\n"
HASHED = consent.address_hash(KEY, "p.raman@lakeside.example")


def test_a_bounce_in_a_file_replaces_a_stop_that_the_person_could_lift(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        consent.suppress(turn.session, now=turn.now, hashed=HASHED, reason="unsubscribed", source="page")
    run = carry_out(runtime, bring(runtime, BOUNCED, "cleaned_list.csv"))
    assert run.counts == {"stopped": 1}
    with runtime.turn() as turn:
        assert consent.suppressed_topics(turn.session, HASHED)["all"].reason == "bounced"
        assert not consent.lift(turn.session, now=turn.now, hashed=HASHED, topic="all")
    again = bring(runtime, BOUNCED.replace(b"CLEAN_TIME", b"UNSUB_TIME"), "unsubscribed_list.csv")
    assert run_of(runtime, again).counts == {"unchanged": 1}


def test_a_stop_is_told_once_on_the_timeline(runtime: Runtime, cast: Cast) -> None:
    carry_out(runtime, bring(runtime, BOUNCED, "cleaned_list.csv"))
    with runtime.turn(write=False) as turn:
        told = select(Touch.text).where(Touch.contact_id == cast.raman, Touch.kind == "unsubscribed")
        assert len(turn.session.scalars(told).all()) == 1


def test_a_crafted_card_line_costs_no_more_than_its_length() -> None:
    line = 'EMAIL;TYPE="a;b";' + ";" * 200_000 + 'X=";":ana@x.example'
    began = time.process_time()
    (cells,) = cards(["BEGIN:VCARD\n", 'EMAIL;TYPE="x:y;z";PREF=1:ben@x.example\n', f"{line}\n", "END:VCARD\n"])
    assert time.process_time() - began < 10
    assert cells["email"] == "ben@x.example ::: ana@x.example"
