"""Whom no email may reach gets a letter: the same gates, one letter each, whatever people click."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries import claiming, outbox, releasing
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER, Attempt, Delivery, TransportState
from outreach.deliveries.paper import paper, paper_queries
from outreach.deliveries.paper.paper_models import LetterSheet
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from outreach.errors import Refusal
from tests.deliveries.posting import delivery, hashed, message_in, put, send, states, story


class Outside(MemoryTransport):
    """A way out of the house under no agreement."""

    leaves_nothing = False

    def __init__(self, name="smtp"):
        super().__init__()
        self.name = self.kind = name


@pytest.fixture(autouse=True)
def _no_way_for_clients(runtime, cast):
    runtime.transports = Transports([Outside()])
    with runtime.turn() as turn:
        moved = {"street": "44 Elm Street", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(moved))


def letter(runtime, *contact_ids, **more):
    return put(runtime, *contact_ids, print_allowed=True, **more)


def sheet(runtime, after=0, **more):
    with runtime.turn() as turn:
        made = paper.make_sheet(turn.session, now=turn.now, world=runtime, after=after, by_id=None, **more)
        return made if isinstance(made, Refusal) else made.id


def mailed(runtime, sheet_id=1, days_ago=0):
    with runtime.turn() as turn:
        day = (turn.now - timedelta(days=days_ago)).date()
        return paper.mark_mailed(turn.session, sheet_id, now=turn.now, world=runtime, mailed_on=day, by_id=None)


def lines(runtime, sheet_id=1):
    with runtime.turn(write=False) as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        found = paper_queries.lines(
            turn.session, turn.session.get_one(LetterSheet, sheet_id), now=turn.now, house=house
        )
        return [(line.name, line.status, line.why) for line in found]


def opts_out(runtime, email="marisol.vega@mail.example", reason="unsubscribed", **more):
    with runtime.turn() as turn:
        consent.suppress(
            turn.session, now=turn.now, hashed=hashed(runtime, email), reason=reason, source="page", **more
        )


def more_clients(runtime, many):
    with runtime.turn() as turn:
        where = {"street": "1 Oak Road", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        rows = [
            Contact(
                kind="former-client",
                first_name=f"N{index}",
                last_name="Crowd",
                sort_name=f"crowd n{index:04}",
                email=f"n{index}@crowd.example",
                address_hash=hashed(runtime, f"n{index}@crowd.example"),
                added_on=turn.now.date(),
                created_at=turn.now,
                updated_at=turn.now,
                **where,
            )
            for index in range(many)
        ]
        turn.session.add_all(rows)
        turn.session.flush()
        for row in rows:
            consent.grant(turn.session, now=turn.now, contact_id=row.id, source="signed form")
        return [row.id for row in rows]


def test_a_client_gets_a_letter_and_everybody_else_an_email(runtime, cast):
    planned = letter(runtime, cast.marisol, cast.raman)
    assert planned.counts == {"scheduled": 2}
    assert delivery(runtime, planned.ids[cast.marisol]).transport == "print"
    send(runtime)
    assert [each.to_email for each in runtime.transports["smtp"].sent] == ["p.raman@lakeside.example"]
    assert states(runtime) == {"scheduled": 1, "sent": 1}


def test_without_the_option_the_mail_is_held(runtime, cast):
    assert put(runtime, cast.marisol).counts == {"no-allowed-transport": 1}
    assert sheet(runtime).reason == "nothing-to-print"


def test_where_an_agreement_is_on_record_it_is_an_email(runtime, cast):
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
    letter(runtime, cast.marisol)
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_a_crowd_is_planned_on_paper_as_one_by_one(runtime, cast):
    with runtime.turn() as turn:
        message_id = message_in(turn.session, turn.now)
        counts = outbox.fan_out(
            turn.session,
            now=turn.now,
            world=runtime,
            message_id=message_id,
            kind="drip",
            source="campaign",
            source_id=1,
            contact_ids=select(Contact.id).where(Contact.id.in_([cast.marisol, cast.raman])),
            print_allowed=True,
        )
        row = turn.session.scalars(select(Delivery).where(Delivery.contact_id == cast.marisol)).one()
        assert (row.transport, row.state, row.window_from_at) == ("print", "scheduled", None)
    assert counts == {"scheduled": 2}
    assert sheet(runtime) == 1
    assert delivery(runtime, row.id).details["first_name"] == "Marisol"


def test_a_mailed_letter_is_sent_and_told_once(runtime, cast, clock):
    planned = letter(runtime, cast.marisol)
    assert sheet(runtime) == 1
    row = delivery(runtime, planned.ids[cast.marisol])
    assert (row.state, row.token) == ("claimed", "sheet-1")
    clock.advance(timedelta(days=2))
    assert mailed(runtime, days_ago=1) == 1
    assert mailed(runtime, days_ago=1) == 1
    row = delivery(runtime, row.id)
    assert (row.state, row.token, row.attempts) == ("sent", None, 1)
    assert row.sent_at.date() == (clock.now() - timedelta(days=1)).date()
    with runtime.turn(write=False) as turn:
        tried = turn.session.scalars(select(Attempt)).one()
        told = turn.session.scalars(select(Touch).where(Touch.kind.in_(("mailed", "emailed")))).one()
    assert (tried.transport, tried.outcome) == ("print", "accepted")
    assert (told.kind, told.contact_id) == ("mailed", cast.marisol)
    assert "as a letter" in told.text


def test_two_clicks_make_one_sheet_and_a_later_one_the_next(runtime, cast):
    letter(runtime, *more_clients(runtime, paper.PER_SHEET + 5))
    assert sheet(runtime, after=0) == sheet(runtime, after=0) == 1
    assert states(runtime) == {"claimed": paper.PER_SHEET, "scheduled": 5}
    assert sheet(runtime, after=1) == 2
    assert sheet(runtime, after=2).reason == "nothing-to-print"
    assert states(runtime) == {"claimed": paper.PER_SHEET + 5}


def test_two_people_at_once_never_print_one_letter_twice(runtime, cast):
    letter(runtime, *more_clients(runtime, 7))
    made = []
    both = [threading.Thread(target=lambda: made.append(sheet(runtime))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert made == [1, 1]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(LEDGER).where(LEDGER.c.token == "sheet-1")) == 7


def test_an_opt_out_before_the_sheet_removes_the_letter(runtime, cast):
    planned = letter(runtime, cast.marisol)
    opts_out(runtime)
    assert sheet(runtime).reason == "nothing-to-print"
    row = delivery(runtime, planned.ids[cast.marisol])
    assert (row.state, row.reason) == ("suppressed", "unsubscribed")


def test_an_opt_out_after_the_sheet_is_told_and_the_letter_is_not_sent(runtime, cast):
    planned = letter(runtime, cast.marisol)
    sheet(runtime)
    assert lines(runtime) == [("Marisol Vega", "on-sheet", "")]
    opts_out(runtime)
    assert lines(runtime) == [("Marisol Vega", "take-out", "they unsubscribed")]
    assert mailed(runtime) == 0
    assert delivery(runtime, planned.ids[cast.marisol]).state == "suppressed"
    assert lines(runtime) == [("Marisol Vega", "stopped", "they unsubscribed")]


def test_a_letter_that_its_campaign_cancels_is_told_on_the_sheet(runtime, cast):
    letter(runtime, cast.marisol)
    sheet(runtime)
    with runtime.turn() as turn:
        outbox.cancel(turn.session, now=turn.now, source="campaign", source_id=1, why="referred")
    assert [line[1] for line in lines(runtime)] == ["stopped"]
    assert mailed(runtime).reason == "nothing-left"


def test_a_new_address_does_not_hide_an_opt_out(runtime, cast):
    letter(runtime, cast.marisol)
    with runtime.turn() as turn:
        new = turn.session.get_one(Contact, cast.marisol)
        new.email, new.address_hash = "m.vega@new.example", hashed(runtime, "m.vega@new.example")
    opts_out(runtime, "m.vega@new.example")
    assert sheet(runtime).reason == "nothing-to-print"
    assert states(runtime) == {"suppressed": 1}


@pytest.mark.parametrize(("reason", "gets"), [("bounced", 1), ("invalid-address", 1), ("complained", 0)])
def test_what_is_wrong_with_an_email_address_stops_no_letter(runtime, cast, reason, gets):
    letter(runtime, cast.marisol)
    opts_out(runtime, reason=reason)
    assert (sheet(runtime) == 1) is bool(gets)


@pytest.mark.parametrize(
    ("columns", "state", "reason"),
    [
        ({"deceased_on": True}, "suppressed", "deceased"),
        ({"deleted_at": True}, "suppressed", "removed"),
        ({"do_not_contact_at": True}, "suppressed", "do-not-contact"),
        ({"recovery_hold_at": True}, "suppressed", "recovery-hold"),
        ({"kind": "physician"}, "held", "contact-changed"),
    ],
)
def test_the_gates_of_email_hold_for_paper(runtime, cast, columns, state, reason):
    planned = letter(runtime, cast.marisol)
    with runtime.turn() as turn:
        days = {"deceased_on": turn.now.date()}
        values = {name: days.get(name, turn.now) if value is True else value for name, value in columns.items()}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(values))
    assert sheet(runtime).reason == "nothing-to-print"
    row = delivery(runtime, planned.ids[cast.marisol])
    assert (row.state, row.reason) == (state, reason)


def test_who_took_back_their_permission_gets_no_letter(runtime, cast):
    letter(runtime, cast.marisol)
    with runtime.turn() as turn:
        consent.grant(turn.session, now=turn.now, contact_id=cast.marisol, source="by phone", granted=False)
    assert sheet(runtime).reason == "nothing-to-print"
    assert states(runtime) == {"suppressed": 1}


def test_a_story_needs_a_permission_for_print(runtime, cast, clock):
    with runtime.turn() as turn:
        message_id = message_in(turn.session, turn.now)
    until = (clock.now() + timedelta(days=300)).date()
    signed = story(runtime, cast.marisol, message_id, expires_on=until, scope="newsletter-clients")
    assert letter(runtime, cast.marisol, message_id=message_id).counts == {"no-authorization": 1}
    with runtime.turn() as turn:
        turn.session.get_one(consent.Authorization, signed).scopes = ["newsletter-clients", "print"]
    clock.advance(timedelta(minutes=2))
    release(runtime)
    assert sheet(runtime) == 1


def release(runtime):
    with runtime.turn() as turn:
        return releasing.release(turn.session, now=turn.now, world=runtime)


def test_held_mail_goes_to_paper_when_letters_are_allowed_later(runtime, cast, clock):
    planned = put(runtime, cast.marisol)
    clock.advance(timedelta(minutes=2))
    release(runtime)
    assert states(runtime) == {"held": 1}
    with runtime.turn() as turn:
        paper.allow(turn.session, "campaign", 1, now=turn.now)
        paper.allow(turn.session, "campaign", 1, now=turn.now)
    clock.advance(timedelta(minutes=2))
    release(runtime)
    row = delivery(runtime, planned.ids[cast.marisol])
    assert (row.state, row.transport, row.window_from_at) == ("scheduled", "print", None)
    assert sheet(runtime) == 1


def test_mail_whose_agreement_ended_goes_to_paper_where_letters_are_allowed(runtime, cast, clock):
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
        paper.allow(turn.session, "campaign", 1, now=turn.now)
    planned = letter(runtime, cast.marisol)
    with runtime.turn() as turn:
        turn.session.get_one(TransportState, "smtp").baa_signed_on = None
    send(runtime)
    clock.advance(timedelta(minutes=2))
    release(runtime)
    assert delivery(runtime, planned.ids[cast.marisol]).transport == "print"


def test_on_hold_nothing_is_printed_and_nothing_counts_as_mailed(runtime, cast):
    letter(runtime, cast.marisol)
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="campaign:1", by_id=None)
    assert sheet(runtime).reason == "nothing-to-print"
    with runtime.turn() as turn:
        outbox.resume(turn.session, now=turn.now, scope="campaign:1", by_id=None)
    made = sheet(runtime)
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="all", by_id=None)
    assert mailed(runtime, made).reason == "on-hold"
    assert states(runtime) == {"claimed": 1}


@pytest.mark.parametrize(("days_ago", "reason"), [(-1, "in-the-future"), (1, "before-the-sheet")])
def test_a_day_that_cannot_be_is_refused(runtime, cast, days_ago, reason):
    letter(runtime, cast.marisol)
    sheet(runtime)
    assert mailed(runtime, days_ago=days_ago).reason == reason
    assert states(runtime) == {"claimed": 1}


def test_what_is_put_back_waits_for_another_sheet(runtime, cast):
    planned = letter(runtime, cast.marisol)
    sheet(runtime)
    for _ in range(2):
        with runtime.turn() as turn:
            paper.put_back(turn.session, 1, now=turn.now, by_id=None)
    assert states(runtime) == {"scheduled": 1}
    assert mailed(runtime).reason == "nothing-left"
    assert sheet(runtime, after=1) == 2
    assert lines(runtime, 1)[0][1] == "back"
    assert mailed(runtime, 1).reason == "nothing-left"
    assert mailed(runtime, 2) == 1
    with runtime.turn() as turn:
        assert paper.put_back(turn.session, 2, now=turn.now, by_id=None) == 0
    assert delivery(runtime, planned.ids[cast.marisol]).state == "sent"


def test_a_forgotten_sheet_gives_its_letters_back(runtime, cast, clock):
    letter(runtime, cast.marisol)
    sheet(runtime)
    clock.advance(paper.LEASE - timedelta(hours=1))
    send(runtime)
    assert states(runtime) == {"claimed": 1}
    clock.advance(timedelta(hours=2))
    send(runtime)
    assert states(runtime) == {"scheduled": 1}
    assert mailed(runtime).reason == "nothing-left"


def test_a_letter_waits_for_a_complete_address_and_holds_up_nobody(runtime, cast):
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.marisol).zip5 = ""
    letter(runtime, cast.marisol, *more_clients(runtime, 1))
    assert sheet(runtime) == 1
    assert states(runtime) == {"claimed": 1, "scheduled": 1}
    with runtime.turn(write=False) as turn:
        [missing] = paper_queries.without_address(turn.session, now=turn.now)
        assert (missing.id, paper_queries.missing_of(missing)) == (cast.marisol, "No ZIP code")


@pytest.mark.sqlite
def test_claiming_leaves_letters_out_by_the_index_of_what_is_due(runtime, cast, clock):
    letter(runtime, *more_clients(runtime, 20), cast.raman)
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    with runtime.turn() as turn:
        event.listen(runtime.engine, "before_cursor_execute", note)
        assert claiming.due_kinds(turn.session, now=turn.now) == ["drip"]
        assert len(claiming.candidates(turn.session, now=turn.now, kind="drip", limit=100)) == 1
        event.remove(runtime.engine, "before_cursor_execute", note)
    with runtime.engine.connect() as connection:
        steps = [
            row[3]
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    ledger = [step for step in steps if " delivery " in step]
    assert ledger
    assert all("INDEX ix_delivery_due (kind=? AND due_at<?)" in step for step in ledger)
