"""The way of a delivery through claim, fence, hand-over and record."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries import claiming, fencing, outbox, recording
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Attempt, Delivery, TransportState
from outreach.deliveries.transports.protocol import (
    Accepted,
    AccountProblem,
    NotHandedOver,
    Permanent,
    RefusedForNow,
    Unknown,
)
from tests.deliveries.posting import delivery, hashed, memory, message_in, put, send, states, story


def touches(runtime, contact_id, kind):
    with runtime.turn(write=False) as turn:
        return [
            t.text
            for t in turn.session.scalars(
                select(Touch).where(Touch.contact_id == contact_id, Touch.kind == kind).order_by(Touch.id)
            )
        ]


def test_a_due_message_is_sent_once_and_told_on_the_timeline(runtime, cast):
    planned = put(runtime, cast.raman)
    assert planned.counts == {"scheduled": 1}
    send(runtime)
    send(runtime)
    [mail] = memory(runtime).sent
    assert mail.to_email == "p.raman@lakeside.example"
    assert "Dear Priya" in mail.text
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.attempts, row.token) == ("sent", 1, None)
    assert row.rendered_hash
    assert touches(runtime, cast.raman, "emailed") == ["“Hand therapy opens”"]
    with runtime.turn(write=False) as turn:
        assert [a.outcome for a in turn.session.scalars(select(Attempt))] == ["accepted"]


def test_the_timeline_says_the_subject_in_words(runtime, cast):
    with runtime.turn() as turn:
        subject = "News from {{ practice_name }} for {{ first_name|our friends }}"
        news = message_in(turn.session, turn.now, subject=subject)
    put(runtime, cast.raman, message_id=news)
    send(runtime)
    assert touches(runtime, cast.raman, "emailed") == ["“News from Cedar Lane Therapy for our friends”"]


def test_nothing_leaves_at_night_and_a_backlog_waits_for_the_morning(runtime, cast, clock):
    put(runtime, cast.raman)
    clock.set(datetime(2026, 3, 3, 3, 0, tzinfo=UTC))  # 22:00 in New York: the window of the plan is over
    clock._elapsed = 12 * 3600
    assert send(runtime) == 0
    clock.set(datetime(2026, 3, 3, 12, 59, tzinfo=UTC))
    clock._elapsed += 10 * 3600
    assert send(runtime) == 0
    clock.advance(timedelta(minutes=1))
    assert send(runtime) == 1


def test_a_window_that_closes_between_claim_and_fence_stops_the_mail(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        session_house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        late = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
        turn.session.execute(update(Delivery).values(lease_until_at=late + timedelta(minutes=1)))
        fenced = fencing.fence(turn.session, rows, now=late, house=session_house)
    assert not fenced.ids
    assert [s.reason for s in fenced.stopped] == ["outside-hours"]
    assert delivery(runtime, planned.ids[cast.raman]).state == "scheduled"


def test_who_unsubscribes_between_two_steps_gets_no_second_one_and_the_timeline_says_why(runtime, cast, clock):
    put(runtime, cast.raman, step="1")
    send(runtime)
    second = put(runtime, cast.raman, step="2")
    with runtime.turn() as turn:
        consent.suppress(
            turn.session,
            now=turn.now,
            hashed=hashed(runtime, "P.Raman@lakeside.example"),
            reason="unsubscribed",
            source="page",
        )
    send(runtime)
    assert len(memory(runtime).sent) == 1
    row = delivery(runtime, second.ids[cast.raman])
    assert (row.state, row.reason) == ("suppressed", "unsubscribed")
    assert touches(runtime, cast.raman, "not-sent") == ["“Hand therapy opens” was not sent: they unsubscribed"]
    assert put(runtime, cast.raman, step="3").counts == {"unsubscribed": 1}


def test_a_suppression_after_the_claim_still_stops_it(runtime, cast):
    planned = put(runtime, cast.raman, cast.denise)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
    with runtime.turn() as turn:
        consent.suppress(
            turn.session,
            now=turn.now,
            hashed=hashed(runtime, "front@lakeside.example"),
            reason="complained",
            source="webhook",
        )
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        fenced = fencing.fence(turn.session, rows, now=turn.now, house=house)
    assert fenced.ids == {planned.ids[cast.raman]}
    assert delivery(runtime, planned.ids[cast.denise]).reason == "complained"


def test_an_optout_of_one_topic_stops_that_topic_only_and_relationship_mail_never(runtime, cast):
    with runtime.turn() as turn:
        address = hashed(runtime, "p.raman@lakeside.example")
        consent.suppress(
            turn.session, now=turn.now, hashed=address, reason="unsubscribed", source="page", topic="events"
        )
        invitation = message_in(turn.session, turn.now, kind="invitation", topic="events")
        reminder = message_in(turn.session, turn.now, kind="reminder", topic="events", mail_class="relationship")
    assert put(runtime, cast.raman, kind="invitation", message_id=invitation).counts == {"unsubscribed": 1}
    assert put(runtime, cast.raman, kind="reminder", message_id=reminder, step="2").counts == {"scheduled": 1}
    assert put(runtime, cast.raman, step="3").counts == {"scheduled": 1}


def test_what_is_too_late_expires_visibly(runtime, cast, clock):
    planned = put(runtime, cast.raman, not_after_at=clock.now() + timedelta(hours=1))
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="all", by_id=None)
    send(runtime)
    clock.advance(timedelta(hours=1))
    with runtime.turn() as turn:
        assert outbox.resume(turn.session, now=turn.now, scope="all", by_id=None) == 1
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason) == ("expired", "too-late")
    assert memory(runtime).sent == []


def test_a_hold_stops_one_campaign_and_resume_goes_on(runtime, cast):
    put(runtime, cast.raman)
    put(runtime, cast.okafor, source_id=2)
    with runtime.turn() as turn:
        assert outbox.hold(turn.session, now=turn.now, scope="campaign:1", by_id=cast.maya) == 1
    send(runtime)
    assert [m.to_email for m in memory(runtime).sent] == ["s.okafor@northgate.example"]
    with runtime.turn() as turn:
        assert outbox.resume(turn.session, now=turn.now, scope="campaign:1", by_id=cast.maya) == 1
    send(runtime)
    assert len(memory(runtime).sent) == 2


def test_an_unknown_answer_is_never_sent_again_by_itself(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    memory(runtime).answers.append(Unknown("the line was cut"))
    send(runtime)
    for _ in range(3):
        clock.advance(timedelta(hours=1))
        send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.attempts) == ("unconfirmed", 1)
    assert memory(runtime).sent == []


def test_what_was_not_handed_over_is_tried_again_with_growing_pauses(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    memory(runtime).answers.append(NotHandedOver("connection refused"))
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert row.state == "scheduled"
    assert clock.now() < row.due_at <= clock.now() + timedelta(minutes=1)
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).state == "sent"


def test_a_rate_limit_is_kept_to_the_second(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    reset = clock.now() + timedelta(minutes=5)
    memory(runtime).answers.append(RefusedForNow("429", not_before_at=reset, busy=True))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).due_at >= reset
    put(runtime, cast.denise)
    send(runtime)
    assert memory(runtime).sent == []
    clock.advance(timedelta(minutes=6))
    send(runtime)
    assert len(memory(runtime).sent) == 2


def test_a_refusal_for_good_fails_and_a_bad_address_is_not_tried_by_anybody(runtime, cast):
    planned = put(runtime, cast.raman)
    memory(runtime).answers.append(Permanent("550 5.1.1 no such user", bad_address=True))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).state == "failed"
    assert put(runtime, cast.raman, step="2").counts == {"bounced": 1}


def test_an_account_problem_pauses_the_transport_and_keeps_the_mail(runtime, cast, clock):
    planned = put(runtime, cast.raman, cast.denise)
    memory(runtime).answers.append(AccountProblem("401 key revoked"))
    send(runtime)
    with runtime.turn() as turn:
        state = turn.session.get_one(TransportState, "memory")
        assert state.paused_why == "401 key revoked"
    clock.advance(timedelta(minutes=5))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).state == "scheduled"
    with runtime.turn() as turn:
        turn.session.get_one(TransportState, "memory").paused_at = None
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).state == "sent"


def test_a_story_that_is_not_live_holds_the_whole_message_when_put(runtime, cast, clock):
    with runtime.turn() as turn:
        quoting = message_in(turn.session, turn.now)
    story(runtime, cast.marisol, quoting, expires_on=clock.now().date() - timedelta(days=1))
    assert put(runtime, cast.raman, cast.denise, message_id=quoting).counts == {"no-authorization": 2}
    send(runtime)
    assert memory(runtime).sent == []


def test_a_story_revoked_after_planning_holds_the_whole_message_at_sending(runtime, cast, clock):
    with runtime.turn() as turn:
        quoting = message_in(turn.session, turn.now)
    signed = story(runtime, cast.marisol, quoting, expires_on=clock.now().date() + timedelta(days=90))
    put(runtime, cast.raman, message_id=quoting)
    put(runtime, cast.denise, message_id=quoting, not_before_at=clock.now() + timedelta(days=2))
    with runtime.turn() as turn:
        row = turn.session.get_one(consent.Authorization, signed)
        row.state, row.revoked_at = "revoked", turn.now
    send(runtime)
    assert memory(runtime).sent == []
    assert states(runtime) == {"held": 2}


def test_a_contact_who_became_a_client_after_planning_is_held(runtime, cast):
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).kind = "former-client"
    send(runtime)
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason) in {("held", "contact-changed"), ("suppressed", "no-permission")}
    assert memory(runtime).sent == []


def test_stopping_gives_back_what_was_not_begun(runtime, cast):
    put(runtime, cast.raman, cast.denise, cast.okafor)
    asked = []
    send(runtime, stopping=lambda: len(asked) > 1 or asked.append(1))
    assert set(states(runtime)) <= {"scheduled", "sent"}
    send(runtime)
    assert states(runtime) == {"sent": 3}


def test_a_lease_that_ended_before_the_fence_is_sent_by_the_next_worker(runtime, cast, clock):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
    send(runtime)
    assert memory(runtime).sent == []
    clock.advance(timedelta(minutes=2))
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_a_lease_that_ended_after_the_fence_is_listed_and_not_sent_again(runtime, cast, clock):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        assert fencing.fence(turn.session, rows, now=turn.now, house=house).ids
    clock.advance(timedelta(minutes=2))
    send(runtime)
    assert states(runtime) == {"unconfirmed": 1}
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Attempt)).one().outcome == "unknown"


def lost(runtime, clock):
    """A row that was fenced, and given up by the others before its worker had an answer."""
    with runtime.turn() as turn:
        [row] = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        fencing.fence(turn.session, [row], now=turn.now, house=house)
    clock.advance(timedelta(minutes=2))
    send(runtime)
    assert states(runtime) == {"unconfirmed": 1}
    return row


def answered_late(runtime, row, outcome):
    with runtime.turn() as turn:
        late = recording.Finished(row, "x@cedarlane.example", "0" * 64, outcome, turn.now)
        recording.record(turn.session, [late], now=turn.now)


def test_a_worker_that_lost_its_row_cannot_write_to_it(runtime, cast, clock):
    put(runtime, cast.raman)
    row = lost(runtime, clock)
    for outcome in (Permanent("550"), NotHandedOver("refused"), RefusedForNow("450"), Unknown("?")):
        answered_late(runtime, row, outcome)
        assert states(runtime) == {"unconfirmed": 1}


def test_a_late_acceptance_settles_the_doubt_and_is_on_record(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    answered_late(runtime, lost(runtime, clock), Accepted("p1"))
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason, row.provider_message_id, row.attempts) == ("sent", "", "p1", 1)
    with runtime.turn(write=False) as turn:
        assert sorted(a.outcome for a in turn.session.scalars(select(Attempt))) == ["accepted", "unknown"]
    assert touches(runtime, cast.raman, "emailed") == ["“Hand therapy opens”"]


def test_a_late_acceptance_stops_a_second_mail_that_still_waits(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    row = lost(runtime, clock)
    with runtime.turn() as turn:
        turn.session.execute(update(Delivery).values(state="resend-approved"))
    answered_late(runtime, row, Accepted("p1"))
    send(runtime)
    assert delivery(runtime, planned.ids[cast.raman]).state == "sent"
    assert memory(runtime).sent == []


def test_a_late_acceptance_says_nothing_about_a_later_attempt(runtime, cast, clock):
    put(runtime, cast.raman)
    row = lost(runtime, clock)
    with runtime.turn() as turn:
        turn.session.execute(update(Delivery).values(attempts=2))
    answered_late(runtime, row, Accepted("p1"))
    assert states(runtime) == {"unconfirmed": 1}


def test_who_moved_to_another_zone_gets_mail_in_the_hours_there(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).time_zone = "Pacific/Honolulu"
    assert send(runtime) == 0
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.zone, row.state) == ("Pacific/Honolulu", "scheduled")
    assert row.due_at == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    clock.advance(timedelta(hours=3))
    assert send(runtime) == 1


def test_a_zone_that_nobody_knows_is_held_for_a_look(runtime, cast):
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).time_zone = "Mars/Olympus"
    assert send(runtime) == 0
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason) == ("held", "unknown-zone")


def test_higher_standing_goes_first(runtime, cast):
    from outreach.contacts.standing import Standing

    with runtime.turn() as turn:
        for contact_id, expected in ((cast.denise, 0.1), (cast.okafor, 2.5), (cast.raman, 0.9)):
            turn.session.add(
                Standing(
                    contact_id=contact_id,
                    expected_90=expected,
                    rank_pct=50,
                    evidence="full",
                    as_of_on=turn.now.date(),
                )
            )
    put(runtime, cast.denise, cast.raman, cast.okafor)
    send(runtime)
    assert [m.to_name.split()[-1] for m in memory(runtime).sent] == ["Okafor", "Raman", "Ortiz"]


def test_a_clock_that_jumps_in_a_running_process_holds_everything(runtime, cast, clock):
    put(runtime, cast.raman)
    send(runtime)
    put(runtime, cast.denise)
    clock.set(datetime(2027, 3, 2, 15, 0, tzinfo=UTC))
    send(runtime)
    assert len(memory(runtime).sent) == 1
    with runtime.turn(write=False) as turn:
        assert "clock" in outbox.held_scopes(turn.session)["all"].why


def test_a_database_that_is_busy_for_a_moment_forgets_no_answer(runtime, cast, monkeypatch):
    planned = put(runtime, cast.raman)
    real, answers = recording.record, []

    def record(session, finished, *, now):
        answers.extend(finished)
        if len(answers) == 1:
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        real(session, finished, now=now)

    monkeypatch.setattr(recording, "record", record)
    send(runtime)
    assert len(memory(runtime).sent) == 1
    assert delivery(runtime, planned.ids[cast.raman]).state == "sent"
