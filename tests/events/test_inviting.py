"""Inviting: whom, behind the fence, with a calendar entry that programs read from the delivered bytes."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from outreach import tokens
from outreach.contacts.consent import address_hash, suppress
from outreach.contacts.models import Contact, Group, GroupMember
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.events import choosing, inviting, planning, queries, rsvping
from outreach.events.models import Event, Invitation
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import as_mail, entry_of, invite, lunch_with, plan, sent
from tests.people import Cast


def group_of(turn: Turn, *contact_ids: int, **more: object) -> Group:
    group = Group(name=f"Group {len(contact_ids)}", fixed=True, created_at=turn.now, updated_at=turn.now, **more)
    turn.session.add(group)
    turn.session.flush()
    turn.session.add_all(GroupMember(group_id=group.id, contact_id=each, since_at=turn.now) for each in contact_ids)
    turn.session.flush()
    return group


def try_inviting(turn: Turn, runtime: Runtime, event: Event, **whom: object) -> inviting.Invited | Refusal:
    return inviting.invite(turn.session, event, now=turn.now, world=runtime, by_id=None, **whom)  # type: ignore[arg-type]


def test_vobject_reads_the_invitation_from_the_delivered_bytes(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    [mail] = sent(runtime, to="p.raman")
    method, entry = entry_of(mail)
    assert method == "REQUEST"
    assert entry.uid.value == f"{event_id}-1@in.cedarlane.example"
    assert entry.sequence.value == "0"
    assert entry.dtstart.value.astimezone(UTC) == datetime(2026, 3, 26, 16, 15, tzinfo=UTC)
    assert entry.dtend.value.astimezone(UTC) == datetime(2026, 3, 26, 17, 15, tzinfo=UTC)
    assert entry.summary.value == "Shoulders after surgery, Cedar Lane Therapy"
    assert [one.value for one in entry.attendee_list] == ["mailto:p.raman@lakeside.example"]
    organizer = entry.organizer.value
    assert organizer.startswith("mailto:rsvp+")
    assert organizer.endswith("@in.cedarlane.example")


def test_the_same_file_stands_in_the_mail_twice_and_links_stand_beside_it(runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    mail = as_mail(sent(runtime)[0])
    types = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert types == ["text/plain", "text/html", "text/calendar", "application/ics"]
    files = [part.get_payload(decode=True) for part in mail.walk() if "calendar" in part.get_content_type()]
    files += [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "application/ics"]
    assert files[0] == files[1]
    body = sent(runtime)[0]
    for answer in ("yes", "no", "maybe"):
        assert f"?answer={answer}" in body.html
        assert f"?answer={answer}" in body.text
    assert "Thursday, March 26, 12:15 to 1:15 pm (EDT)" in body.text
    assert body.list_unsubscribe_url


def test_everyone_has_an_entry_and_a_link_of_their_own(runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman, cast.okafor)
    first, second = sent(runtime)
    assert entry_of(first)[1].uid.value != entry_of(second)[1].uid.value
    assert entry_of(first)[1].organizer.value != entry_of(second)[1].organizer.value
    assert "okafor" not in as_mail(sent(runtime, to="p.raman")[0]).as_string()


def test_no_token_is_kept_in_the_merged_values(runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    with runtime.turn(write=False) as turn:
        invitation = turn.session.scalars(select(Invitation)).one()
        details = turn.session.scalars(select(Delivery.details)).one()
    token = tokens.derive(runtime.key, "rsvp", invitation.id)
    assert token not in str(details)
    assert token in sent(runtime)[0].text


def test_a_group_that_rests_on_yield_is_refused_at_the_door(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    frozen = group_of(turn, cast.raman, from_yield=True)
    asking = Group(
        name="Top referrers",
        rules={"all": [{"fact": "referred", "op": "within-days", "value": 90}]},
        created_at=turn.now,
        updated_at=turn.now,
    )
    turn.session.add(asking)
    turn.session.flush()
    around = Group(
        name="Around it",
        rules={"all": [{"not": {"fact": "group", "op": "is", "value": [str(asking.id)]}}]},
        created_at=turn.now,
        updated_at=turn.now,
    )
    turn.session.add(around)
    turn.session.flush()
    for group in (frozen, asking, around):
        refused = try_inviting(turn, runtime, event, group_id=group.id)
        assert isinstance(refused, Refusal)
        assert refused.reason == "from-yield"
    offered = choosing.offered_groups(turn.session, runtime.group_facts)
    assert {frozen.id, asking.id, around.id}.isdisjoint(one.id for one in offered)
    assert turn.session.scalars(select(Invitation)).all() == []


def test_a_group_by_kind_is_kept_as_evidence(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    rules = {"all": [{"fact": "kind", "op": "is", "value": ["physician"]}]}
    group = Group(name="Physicians", rules=rules, created_at=turn.now, updated_at=turn.now)
    turn.session.add(group)
    turn.session.flush()
    made = try_inviting(turn, runtime, event, group_id=group.id)
    assert made == inviting.Invited(2, {}, {"no-email": 1})
    [kept] = event.criteria
    assert (kept["group"], kept["rules"], kept["matched"], kept["invited"]) == ("Physicians", rules, 3, 2)


def test_each_person_left_out_has_a_reason(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    hashed = address_hash(runtime.key, "front@lakeside.example")
    suppress(turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="page", topic="events")
    invite(turn, runtime, event, cast.raman)
    everyone = (cast.raman, cast.okafor, cast.denise, cast.silent, cast.marisol)
    made = try_inviting(turn, runtime, event, contact_ids=everyone)
    assert made == inviting.Invited(
        1, {}, {"already-invited": 1, "not-for-clients": 1, "no-email": 1, "unsubscribed": 1}
    )


def test_a_client_is_invited_to_a_community_talk_without_a_calendar_answer(
    turn: Turn, cast: Cast, runtime: Runtime
) -> None:
    talk = plan(turn, cast, type="community-talk", meal=False)
    invite(turn, runtime, talk, cast.marisol)
    turn.session.commit()
    from tests.events.lunches import send

    send(runtime)
    [mail] = sent(runtime, to="marisol")
    assert mail.calendar is None


def test_the_number_on_the_button_is_kept(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    changed = try_inviting(turn, runtime, event, contact_ids=[cast.raman], expected=12)
    assert isinstance(changed, Refusal)
    assert changed.reason == "changed"
    assert turn.session.scalars(select(Invitation)).all() == []


def test_nobody_is_invited_to_an_idea_or_to_yesterday(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    idea = try_inviting(turn, runtime, plan(turn, cast, None), contact_ids=[cast.raman])
    event = plan(turn, cast)
    assert event.ends_at is not None
    over = inviting.invite(turn.session, event, now=event.ends_at, world=runtime, by_id=None, contact_ids=[cast.raman])
    assert isinstance(idea, Refusal)
    assert isinstance(over, Refusal)
    assert (idea.reason, over.reason) == ("not-booked", "past")


def test_the_invitation_is_told_on_the_timeline_once(runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    with runtime.turn(write=False) as turn:
        told = turn.session.scalars(select(Touch).where(Touch.kind == "invited")).all()
    assert [(one.contact_id, one.from_yield) for one in told] == [(cast.raman, False)]


def test_words_that_may_not_go_leave_nothing_behind(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    event.drafts = {"invitation": {"subject": "", "blocks": []}}
    refused = try_inviting(turn, runtime, event, contact_ids=[cast.raman])
    assert isinstance(refused, Refusal)
    assert turn.session.scalars(select(Invitation)).all() == []
    assert turn.session.scalars(select(Delivery)).all() == []


def test_whom_no_email_reached_counts_when_somebody_asked_them(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    raman, denise = (turn.session.get_one(Contact, each) for each in (cast.raman, cast.denise))
    denise.email, denise.address_hash = raman.email, raman.address_hash
    event = plan(turn, cast)
    both = invite(turn, runtime, event, raman.id, denise.id)
    [shares] = [one for one in both if one.reason == "duplicate-address"]
    assert shares.state == "not-sent"
    rsvping.answer(turn.session, shares, now=turn.now, answer="yes", source="staff")
    assert shares.state == "by-phone"
    assert queries.heads(queries.guests(turn.session, event)).total == 1


@pytest.mark.parametrize("address", ["jürgen@lakeside.example", "dr,raman@lakeside.example"])
def test_an_address_that_no_calendar_can_carry_gets_mail_without_a_file(
    turn: Turn, cast: Cast, runtime: Runtime, address: str
) -> None:
    turn.session.get_one(Contact, cast.raman).email = address
    event = plan(turn, cast)
    invite(turn, runtime, event, cast.raman)
    assert planning.set_status(turn.session, event, "confirmed", now=turn.now) is None
