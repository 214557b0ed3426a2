"""The outbox as a person steers it: finding, paging, trying again, settling, choosing what is done by itself."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.audit import AuditEntry
from outreach.deliveries import outbox, queries, settling
from outreach.deliveries.guards import disk_guard, high_water
from outreach.deliveries.models import LEDGER, Delivery
from outreach.deliveries.queries import PAGE
from outreach.deliveries.transports.protocol import Permanent, Unknown
from tests.deliveries.posting import crowd, delivery, memory, put, send, states
from tests.deliveries.test_screens import text
from tests.people import post, sign_in


@pytest.fixture
def olive(app, runtime):
    """The administrator's browser."""
    return sign_in(app, runtime, "olive@cedarlane.example")


def numbers(page):
    return [int(each) for each in re.findall(r'href="/outbox/(\d+)"', page)]


@pytest.mark.parametrize("tab", ["scheduled", "sent", "failed"])
def test_pages_follow_each_other_without_gap_or_repetition(runtime, maya, tab):
    everybody = crowd(runtime, 2 * PAGE + 7)
    if tab == "failed":
        memory(runtime).answers.extend([Permanent("No such user")] * len(everybody))
    ids = put(runtime, *everybody).ids.values()
    if tab != "scheduled":
        send(runtime)
    seen, at = [], f"/outbox/?tab={tab}"
    while at:
        page = text(maya.get(at))
        seen += numbers(page)
        further = re.search(r'href="(/outbox/\?[^"]*after=[^"]*)"', page)
        at = further and further[1]
    assert len(seen) == len(set(seen)) == len(everybody)
    assert set(seen) == set(ids)


@pytest.mark.parametrize("after", ["x", "1-", "-1", "99999999999999999999-1", "1-99999999999", "1-1-1", "٣-١"])
def test_a_garbled_place_is_the_first_page(runtime, cast, maya, after):
    put(runtime, cast.raman)
    assert len(numbers(text(maya.get("/outbox/", query_string={"after": after})))) == 1


@pytest.mark.parametrize(("person", "found"), [
    ("raman", 1), ("priya raman", 1), ("front@lakeside.example", 1), ("lakeside.example", 2), ("nobody", 0), ("%", 0),
])  # fmt: skip
def test_mail_to_a_person_is_found(runtime, cast, maya, person, found):
    put(runtime, cast.raman, cast.denise, cast.okafor)
    page = text(maya.get("/outbox/", query_string={"person": person}))
    assert len(numbers(page)) == found


def test_those_that_failed_for_one_reason_are_tried_again(runtime, cast, maya):
    memory(runtime).answers.extend([Permanent("No such user")] * 3)
    ids = put(runtime, cast.raman, cast.denise, cast.okafor).ids
    send(runtime)
    with runtime.turn() as turn:
        turn.session.execute(update(LEDGER).where(LEDGER.c.id == ids[cast.denise]).values(reason="gave-up"))
    page = text(maya.get("/outbox/?tab=failed&reason=gave-up"))
    assert numbers(page) == [ids[cast.denise]]
    assert "Try these again" in page
    post(maya, "/outbox/retry-failed", {"reason": "gave-up"}, form_at="/outbox/?tab=failed&reason=gave-up")
    assert states(runtime) == {"failed": 2, "scheduled": 1}


def test_all_doubts_are_settled_at_once(runtime, cast, maya):
    memory(runtime).answers.extend([Unknown("cut")] * 2)
    put(runtime, cast.raman, cast.denise)
    send(runtime)
    assert "settle all at once" in text(maya.get("/outbox/?tab=unconfirmed"))
    post(maya, "/outbox/settle-all", {"how": "nonsense"}, form_at="/outbox/?tab=unconfirmed")
    assert states(runtime) == {"unconfirmed": 2}
    post(maya, "/outbox/settle-all", {"how": "sent"}, form_at="/outbox/?tab=unconfirmed")
    assert states(runtime) == {"sent": 2}
    with runtime.turn(write=False) as turn:
        assert turn.session.query(AuditEntry).filter_by(action="settle-unconfirmed").count() == 1


def test_an_administrator_chooses_what_is_done_by_itself(runtime, maya, olive):
    assert maya.get("/outbox/unconfirmed-rules").status_code == 403
    page = text(olive.get("/outbox/unconfirmed-rules"))
    assert "Hours by memory" in page
    at = "/outbox/unconfirmed-rules"
    post(olive, at, {"how-drip": "again", "hours-memory": "7"})
    with runtime.turn(write=False) as turn:
        assert settling.policy(turn.session)["drip"] == "again"
        assert settling.hours(turn.session, ["memory"]) == {"memory": 7}
    for wrong in ({"how-drip": "x"}, {"how-drip": "sent", "hours-memory": "0"}, {"hours-memory": "soon"}):
        post(olive, at, wrong)
    with runtime.turn(write=False) as turn:
        assert settling.policy(turn.session)["drip"] == "again"
        assert settling.hours(turn.session, ["memory"]) == {"memory": 7}


def test_holds_are_named_and_lead_to_where_they_are_lifted(runtime, maya):
    with runtime.turn() as turn:
        for scope in ("campaign:4", "newsletter:5", "transport:memory", "report:6"):
            outbox.hold(turn.session, now=turn.now, scope=scope, by_id=None, why=f"Because of {scope}.")
    page = text(maya.get("/outbox/"))
    assert "Campaign 4, on hold." in page
    assert 'href="/campaigns/4"' in page
    assert 'href="/newsletters/5"' in page
    assert 'href="/outbox/transports"' in page
    assert "Because of report:6." in page


def test_an_old_copy_is_resumed_only_when_its_reason_was_shown(runtime, cast, maya):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        high_water.reserve(turn.session, 1)
    high_water.write(runtime.settings.home, 900)
    post(maya, "/outbox/resume", {"scope": "all"}, form_at="/outbox/")
    page = text(maya.get("/outbox/"))
    assert high_water.WHY_BEHIND in page
    post(maya, "/outbox/resume", {"scope": "all"}, form_at="/outbox/")
    with runtime.turn(write=False) as turn:
        assert outbox.held_scopes(turn.session) == {}
    assert states(runtime) == {"unconfirmed": 1}


def test_a_full_disk_is_said_in_the_outbox(maya, monkeypatch):
    monkeypatch.setattr(disk_guard, "free_bytes", lambda settings: 0)
    assert disk_guard.WHY in text(maya.get("/outbox/"))


def test_what_is_shown_has_the_hash_of_what_was_sent_or_says_that_it_differs(runtime, cast, maya):
    ids = put(runtime, cast.raman).ids
    send(runtime)
    at = f"/outbox/{ids[cast.raman]}"
    page = text(maya.get(at))
    assert "to the letter" in page
    assert "to leave on Mar 2 between 8:00 am and 7:00 pm" in page
    with runtime.turn() as turn:
        row = turn.session.get_one(Delivery, ids[cast.raman])
        row.details = {**row.details, "first_name": "Somebody"}
    page = text(maya.get(at))
    assert "to the letter" not in page
    assert "a little different" in page
    assert delivery(runtime, ids[cast.raman]).rendered_hash


def test_what_waits_stands_in_the_order_of_leaving_whatever_its_kind(runtime, maya):
    people = crowd(runtime, 70)
    put(runtime, *people[:30], kind="newsletter")
    put(runtime, *people[30:60], step="2")
    with runtime.turn() as turn:
        for row in turn.session.scalars(select(Delivery)):
            row.due_at += timedelta(minutes=row.id % 7)
    first, further = shown(runtime)
    second, none = shown(runtime, after=further)
    got = [(line.at, line.id) for line in (*first, *second)]
    assert (len(first), len(second), none) == (50, 10, "")
    assert got == sorted(got)


def shown(runtime, **more):
    with runtime.turn(write=False) as turn:
        return queries.lines(turn.session, "scheduled", **more)
