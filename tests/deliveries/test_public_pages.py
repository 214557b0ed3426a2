"""What recipients can do without signing in: stop mail, choose topics, read in a browser, follow a link."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts import profile
from outreach.contacts.consent import TOPICS, Authorization, Suppression
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries import links
from outreach.deliveries.models import LinkClick
from tests.deliveries.posting import delivery, memory, put, send, states, story, without_limits
from tests.people import post

BROWSER = {"User-Agent": "Mozilla/5.0 (Macintosh) Safari/605"}


@pytest.fixture
def mail(runtime, cast):
    """What Dr. Raman got."""
    put(runtime, cast.raman)
    send(runtime)
    return memory(runtime).sent[0]


def path(url):
    return url.removeprefix("https://outreach.cedarlane.example")


def link_in(mail, name):
    return path(re.search(rf"https://outreach\.cedarlane\.example/{name}/\S+", mail.text)[0])


def suppressions(runtime):
    with runtime.turn(write=False) as turn:
        return {s.topic: s for s in turn.session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None)))}


def clicked(runtime, contact_id):
    with runtime.turn(write=False) as turn:
        found = select(Touch).where(Touch.contact_id == contact_id, Touch.kind == "clicked")
        return len(turn.session.scalars(found).all())


def test_the_header_is_short_https_and_one_click(mail):
    assert mail.one_click
    assert len(mail.list_unsubscribe_url) + 2 <= 76
    assert mail.list_unsubscribe_mailto.startswith("mailto:unsub+")


def test_looking_at_the_page_changes_nothing_and_the_button_stops_everything(runtime, cast, visitor, mail):
    url = link_in(mail, "u")
    assert visitor.head(url).status_code == 200
    page = visitor.get(url).get_data(as_text=True)
    assert "Stop all email" in page
    assert suppressions(runtime) == {}
    answer = visitor.post(url)
    assert answer.status_code == 303
    assert suppressions(runtime)["all"].source == "page"
    assert "You will get no more email from us" in visitor.get(url).get_data(as_text=True)
    assert put(runtime, cast.raman, step="2").counts == {"unsubscribed": 1}


def test_one_click_of_a_mail_program_needs_no_session_and_no_token(runtime, visitor, mail):
    url = path(mail.list_unsubscribe_url)
    for _ in range(2):
        answer = visitor.post(url, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
    assert suppressions(runtime)["all"].source == "one-click"


def test_one_click_as_multipart_works_too(runtime, visitor, mail):
    url = path(mail.list_unsubscribe_url)
    answer = visitor.post(url, data={"List-Unsubscribe": "One-Click"}, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert "all" in suppressions(runtime)


def test_undo_is_the_persons_own(runtime, cast, visitor, mail):
    url = link_in(mail, "u")
    visitor.post(url)
    assert post(visitor, url + "/undo", form_at=url).status_code == 303
    assert suppressions(runtime) == {}
    assert put(runtime, cast.raman, step="2").counts == {"scheduled": 1}


def test_a_bounce_is_not_undone_by_a_press(runtime, visitor, mail):
    from outreach.contacts import consent

    with runtime.turn() as turn:
        hashed = consent.address_hash(runtime.key, mail.to_email)
        consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="bounced", source="webhook")
    url = link_in(mail, "u")
    post(visitor, url + "/undo", form_at=url)
    assert suppressions(runtime)["all"].reason == "bounced"


def test_a_complaint_after_an_unsubscribe_is_not_undone_by_a_press(runtime, visitor, mail):
    from outreach.contacts import consent

    url = link_in(mail, "u")
    visitor.post(url)
    with runtime.turn() as turn:
        hashed = consent.address_hash(runtime.key, mail.to_email)
        new = consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="complained", source="webhook")
        assert not new
    post(visitor, url + "/undo", form_at=url)
    assert suppressions(runtime)["all"].reason == "complained"


def test_a_guessed_or_shortened_token_is_not_found(runtime, visitor, mail):
    url = link_in(mail, "u")
    for wrong in (url[:-1], url + "x", "/u/1/x", "/p/x", "/v/1/x", "/l/x", "/l/1-0-AAAAAAAAAAAAAAAAAAAAAA"):
        assert visitor.get(wrong).status_code == 404, wrong
    assert visitor.post(url[:-1], data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert suppressions(runtime) == {}


def test_preferences_switch_single_topics_and_all(runtime, cast, visitor, mail):
    from outreach import tokens

    url = "/p/" + tokens.derive(runtime.key, "unsubscribe", cast.raman)
    assert visitor.get(url).status_code == 200
    post(visitor, url, {"topic": ["education", "cards"]})
    assert set(suppressions(runtime)) == {*TOPICS} - {"education", "cards"}
    assert "Between therapists" in [one.label for one in told(runtime, cast.raman)]
    post(visitor, url, {"stop": "1"})
    assert "all" in suppressions(runtime)
    assert [one.state for one in told(runtime, cast.raman)] == ["stopped"] * 5
    post(visitor, url, {"topic": [*TOPICS]})
    assert suppressions(runtime) == {}


def told(runtime, contact_id):
    """What the contact's page says of their permissions."""
    with runtime.turn(write=False) as turn:
        return profile.permissions_of(turn.session, turn.session.get_one(Contact, contact_id))


def test_the_page_of_mail_that_was_sent_with_a_token_of_its_own_still_opens(runtime, cast, visitor, mail):
    from outreach import tokens

    with runtime.turn() as turn:
        old = tokens.issue(turn.session, runtime.key, "preferences", cast.raman)
    assert visitor.get(f"/p/{old}").status_code == 200
    post(visitor, f"/p/{old}", {"stop": "1"})
    assert "all" in suppressions(runtime)
    assert visitor.post(f"/u/1/{old}", data={"List-Unsubscribe": "One-Click"}).status_code == 404


def test_the_message_can_be_read_in_a_browser_under_its_own_policy(runtime, cast, visitor, mail):
    from outreach import tokens

    answer = visitor.get(f"/v/1/{tokens.derive(runtime.key, 'view', cast.raman)}")
    assert "Dear Priya" in answer.get_data(as_text=True)
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert visitor.get(f"/v/1/{tokens.derive(runtime.key, 'view', cast.denise)}").status_code == 404


def view_of(runtime, contact_id, delivery_id):
    from outreach import tokens

    return f"/v/{links.number(delivery_id)}/{tokens.derive(runtime.key, 'view', contact_id)}"


def test_what_did_not_leave_cannot_be_read_in_a_browser(runtime, cast, visitor, mail):
    without_limits(runtime)
    waiting = put(runtime, cast.raman, step="2").ids[cast.raman]
    assert visitor.get(view_of(runtime, cast.raman, waiting)).status_code == 404
    send(runtime)
    assert visitor.get(view_of(runtime, cast.raman, waiting)).status_code == 200


def test_a_story_that_was_withdrawn_is_shown_no_more(runtime, cast, visitor, clock):
    planned = put(runtime, cast.raman)
    sent = delivery(runtime, planned.ids[cast.raman])
    permission = story(runtime, cast.marisol, sent.message_id, expires_on=clock.now().date() + timedelta(days=9))
    send(runtime)
    url = view_of(runtime, cast.raman, sent.id)
    assert visitor.get(url).status_code == 200
    with runtime.turn() as turn:
        withdrawn = turn.session.get_one(Authorization, permission)
        withdrawn.state, withdrawn.revoked_at = "revoked", turn.now
    assert visitor.get(url).status_code == 404


def test_a_link_leads_to_its_stored_address_and_a_persons_click_is_told(runtime, cast, visitor, mail, clock):
    clock.advance(timedelta(minutes=5))
    url = link_in(mail, "l")
    answer = visitor.get(url, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://cedarlane.example/hands")
    visitor.get(url, headers=BROWSER)
    assert clicked(runtime, cast.raman) == 1


def test_scanners_are_counted_apart(runtime, cast, visitor, mail, clock):
    url = link_in(mail, "l")
    assert visitor.head(url, headers=BROWSER).status_code == 302
    assert visitor.get(url, headers={"User-Agent": "python-requests/2"}).status_code == 302
    assert clicked(runtime, cast.raman) == 0
    with runtime.turn(write=False) as turn:
        assert [c.machine for c in turn.session.scalars(select(LinkClick))] == [True, True]


def test_client_mail_carries_no_tracked_links(runtime, cast):
    put(runtime, cast.marisol)
    send(runtime)
    assert states(runtime) == {"sent": 1}
    assert "/l/" not in memory(runtime).sent[0].html
    assert "https://cedarlane.example/hands" in memory(runtime).sent[0].html


def test_each_altered_letter_of_a_tracked_link_is_unknown_and_leads_nowhere(runtime, visitor, mail):
    token = re.search(r"/l/([\w-]+)", mail.html)[1]
    assert visitor.head(f"/l/{token}").status_code == 302
    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        answer = visitor.get(f"/l/{token[:place]}{other}{token[place + 1 :]}?url=https://evil.example")
        assert answer.status_code == 404
    assert visitor.get(f"/l/{token}?url=https://evil.example").location == "https://cedarlane.example/hands"


@pytest.mark.parametrize("kind", ["invitation", "invitation-update", "reminder", "cancellation", "test"])
def test_invitations_and_tests_carry_no_tracked_links(runtime, cast, kind):
    put(runtime, cast.raman, kind=kind, source="event")
    send(runtime)
    assert "/l/" not in memory(runtime).sent[0].html


def test_thousands_of_fetches_by_a_scanner_are_kept_as_rows_and_told_to_nobody(runtime, cast, visitor, mail):
    token = re.search(r"/l/([\w-]+)", mail.html)[1]
    for _ in range(40):
        visitor.get(f"/l/{token}", headers={"User-Agent": "Scanner bot"})
    with runtime.turn(write=False) as turn:
        rows = turn.session.scalars(select(LinkClick)).all()
    assert len(rows) == 40
    assert all(row.machine for row in rows)
    assert clicked(runtime, cast.raman) == 0
