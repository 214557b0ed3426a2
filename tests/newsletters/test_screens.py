"""Maya's screens of newsletters: every page works without script."""

import re
from datetime import timedelta

from sqlalchemy import select

from jobs import runner
from outreach.audit import AuditEntry
from outreach.contacts.models import Group, GroupMember
from outreach.newsletters.models import Issue
from tests.newsletters.issues import an_issue, approve, dispatch, group, issue
from tests.people import csrf_of, post, sign_in


def made_group(runtime, name, *ids):
    with runtime.turn() as turn:
        return group(turn, name, *ids).id


def one(runtime):
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(Issue).order_by(Issue.id.desc())).first()


def fields_of(page):
    """What a browser would send back: the fields of the composer's form."""
    data = {}
    for tag in re.findall(r"<(?:input|textarea)[^>]*>", page):
        name = re.search(r'name="([^"]+)"', tag)
        if name and 'type="checkbox"' not in tag and 'type="radio"' not in tag:
            value = re.search(r'value="([^"]*)"', tag)
            data.setdefault(name[1], []).append(value[1] if value else "")
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        data[name] = [text.replace("&lt;", "<").replace("&gt;", ">")]
    for name in re.findall(r'<select[^>]*name="([^"]+)"', page):
        chosen = re.search(rf'<select[^>]*name="{name}".*?<option value="([^"]*)" selected', page, re.S)
        data.setdefault(name, [chosen[1] if chosen else ""])
    return data


def test_the_list_is_empty_first_and_shows_where_to_begin(maya):
    page = maya.get("/newsletters/").get_data(as_text=True)
    assert "keeps you in mind" in page
    assert 'href="/newsletters/new"' in page


def test_maya_starts_from_a_layout_changes_words_and_blocks_and_saves(maya, runtime, cast):
    some = made_group(runtime, "Ortho", cast.raman)
    started = post(maya, "/newsletters/new", {"layout": "physicians"})
    where = started.headers["Location"]
    page = maya.get(where).get_data(as_text=True)
    assert "Quarterly news for physicians" in page
    fields = fields_of(page)
    data = {**fields, "title": "Winter", "subject": "New with us", "groups": [str(some)], "act": "add:button"}
    answer = maya.post(where, data={**data, "csrf_token": csrf_of(page)})
    assert answer.status_code == 303
    assert "#block-" in answer.headers["Location"]
    kept = one(runtime)
    assert (kept.title, kept.draft["subject"], kept.group_ids, kept.counted) == ("Winter", "New with us", [some], 1)
    assert "button" in [block["type"] for block in kept.draft["blocks"]]
    again = maya.get(where).get_data(as_text=True)
    assert '<strong class="num">1 person</strong> would get it now' in again


def test_a_subject_is_shown_in_words_in_lists_and_headings(maya):
    where = post(maya, "/newsletters/new", {"layout": "community"}).headers["Location"]
    for path in ("/newsletters/", where.replace("/edit", "/review")):
        page = maya.get(path).get_data(as_text=True)
        assert "News from your neighbors at Cedar Lane Therapy" in page
        assert "practice_name" not in page


def test_a_stale_form_is_told_and_keeps_what_was_typed(maya, runtime, cast):
    with runtime.turn() as turn:
        made, mine = issue(turn, runtime).id, group(turn, "Mine", cast.raman).id
    where = f"/newsletters/{made}/edit"
    page = maya.get(where).get_data(as_text=True)
    data = {**fields_of(page), "csrf_token": csrf_of(page)}
    assert maya.post(where, data={**data, "subject": "Olive was first"}).status_code == 303
    beside = {"title": "My name for it", "groups": [str(mine)], "other_subject": "Or this"}
    answer = maya.post(where, data={**data, "subject": "Maya second", **beside})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Someone else saved this issue" in text
    assert 'value="Maya second"' in text
    assert 'value="My name for it"' in text
    assert f'value="{mine}" checked' in text
    assert 'value="Or this"' in text
    assert one(runtime).draft["subject"] == "Olive was first"


def test_saving_by_itself_answers_with_the_pieces_that_changed(maya, runtime):
    with runtime.turn() as turn:
        made = issue(turn, runtime).id
    where = f"/newsletters/{made}/edit"
    page = maya.get(where).get_data(as_text=True)
    data = {**fields_of(page), "subject": "Typed", "csrf_token": csrf_of(page)}
    answer = maya.post(where, data=data, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert 'id="saved"' in answer
    assert 'id="issue-version" value="3" hx-swap-oob="true"' in answer
    assert "<h1" not in answer
    assert "Typed" in answer


def test_the_preview_frame_shows_a_contact_and_somebody_without_a_name(maya, runtime, cast):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "One", cast.raman)).id
    as_raman = maya.get(f"/newsletters/{made}/preview?as={cast.raman}")
    assert "Dear Dr. Raman," in as_raman.get_data(as_text=True)
    assert "sandbox" in as_raman.headers["Content-Security-Policy"]
    assert "Dear colleague," in maya.get(f"/newsletters/{made}/preview?as=nobody").get_data(as_text=True)
    text = maya.get(f"/newsletters/{made}/preview?as=nobody&part=text").get_data(as_text=True)
    assert "Dear colleague," in text
    assert "Unsubscribe:\n(a link of their own)" in text


def test_the_review_names_the_number_the_left_out_and_the_first_people(maya, runtime, cast):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Doctors", cast.raman, cast.okafor, cast.silent)).id
    page = maya.get(f"/newsletters/{made}/review").get_data(as_text=True)
    assert "Send to 2 people" in page
    assert "no email address" in page
    assert "Dr. Samuel Okafor" in page
    assert "No test was sent since the last edit." in page
    assert f"/newsletters/{made}/edit#" in page or "Every detail has a fallback" in page
    later = maya.get(f"/newsletters/{made}/review?when=later&send_on=2026-03-07&send_time=09:00").get_data(as_text=True)
    assert "outside your sending hours" in later
    assert "Schedule for 2 people" in later
    asked = {
        "version": one(runtime).version,
        "people": 2,
        "when": "later",
        "send_on": "2026-03-07",
        "send_time": "09:00",
    }
    sent = post(maya, f"/newsletters/{made}/approve", asked, form_at=f"/newsletters/{made}/review")
    page = maya.get(sent.headers["Location"]).get_data(as_text=True)
    assert "Scheduled for Mar 9 at 8:00 am, to 2 people." in page
    assert "about a minute" not in page
    post(maya, f"/newsletters/{made}/take-back", form_at=f"/newsletters/{made}")
    wrong = maya.get(f"/newsletters/{made}/review?when=later&send_on=x&send_time=9").get_data(as_text=True)
    assert "Choose a day and a time" in wrong


def test_maya_sends_undoes_and_sends_again(maya, runtime, cast, clock):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Doctors", cast.raman, cast.okafor)).id
    review = f"/newsletters/{made}/review"
    data = {"version": one(runtime).version, "people": 2, "when": "now"}
    sent = post(maya, f"/newsletters/{made}/approve", data, form_at=review)
    page = maya.get(sent.headers["Location"]).get_data(as_text=True)
    assert "It leaves in 60 seconds, to 2 people." in page
    assert f'action="/newsletters/{made}/take-back"' in page
    post(maya, f"/newsletters/{made}/take-back", form_at=f"/newsletters/{made}")
    assert one(runtime).status == "draft"
    post(maya, f"/newsletters/{made}/approve", data, form_at=review)
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime)
    runner.run_everything(runtime)
    assert one(runtime).status == "sent"
    assert len(runtime.transports["memory"].sent) == 2
    page = maya.get(f"/newsletters/{made}").get_data(as_text=True)
    assert "2 of 2 people" in page
    with runtime.turn(write=False) as turn:
        done = select(AuditEntry.action).where(AuditEntry.subject_type == "newsletter").order_by(AuditEntry.id)
        actions = turn.session.scalars(done).all()
    assert actions == ["approved", "taken back", "approved"]


def test_progress_is_asked_until_it_is_over(maya, runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor)
    assert maya.get(f"/newsletters/{made}/progress").status_code == 200
    clock.advance(timedelta(seconds=61))
    dispatch(runtime, 1)
    answer = maya.get(f"/newsletters/{made}/progress")
    assert 'hx-trigger="every 2s"' in answer.get_data(as_text=True)
    post(maya, f"/newsletters/{made}/hold", form_at=f"/newsletters/{made}")
    answer = maya.get(f"/newsletters/{made}/progress")
    assert answer.status_code == 286
    assert "Resume with the 2 who are left" in answer.get_data(as_text=True)
    post(maya, f"/newsletters/{made}/cancel", form_at=f"/newsletters/{made}")
    assert one(runtime).status == "cancelled"


def test_a_test_goes_to_any_address_and_a_bad_one_is_told(maya, runtime, cast):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "One", cast.raman)).id
    post(maya, f"/newsletters/{made}/test", {"email": "owner@else.example"}, form_at=f"/newsletters/{made}/edit")
    runner.run_everything(runtime)
    [mail] = runtime.transports["memory"].sent
    assert mail.to_email == "owner@else.example"
    assert mail.subject == "[Test] Spring news"
    assert one(runtime).tested_at is not None
    with runtime.turn() as turn:
        turn.session.get(Issue, made).other_subject = "A tip"
    post(maya, f"/newsletters/{made}/test", {"email": "owner@else.example"}, form_at=f"/newsletters/{made}/edit")
    runner.run_everything(runtime)
    both = sorted(mail.subject for mail in runtime.transports["memory"].sent[1:])
    assert both == ["[Test] A tip", "[Test] Spring news"], "one with each subject"
    answer = post(maya, f"/newsletters/{made}/test", {"email": "no address"}, form_at=f"/newsletters/{made}/edit")
    assert "/edit" in answer.headers["Location"]


def test_results_person_by_person(maya, runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor)
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime)
    page = maya.get(f"/newsletters/{made}").get_data(as_text=True)
    assert f'href="/contacts/{cast.raman}"' in page
    for view in ("delivered", "clicked", "replied", "waiting", "problem", "nonsense"):
        assert maya.get(f"/newsletters/{made}?view={view}").status_code == 200
    assert "Opens are not shown" in page


def test_only_writers_write(app, runtime, cast):
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    with runtime.turn() as turn:
        made = issue(turn, runtime).id
    assert rita.get("/newsletters/").status_code == 200
    assert rita.get(f"/newsletters/{made}/edit").status_code == 200
    assert post(rita, f"/newsletters/{made}/trash", form_at=f"/newsletters/{made}/edit").status_code == 403


def test_the_public_page_shows_only_what_is_for_everybody(visitor, runtime, cast, clock):
    shown, hidden = an_issue(runtime, cast.raman, approved=False), None
    with runtime.turn() as turn:
        clients = turn.session.get(Issue, shown)
        clients.in_archive = True
        fixed = Group(name="Clients", fixed=True, created_at=turn.now, updated_at=turn.now)
        turn.session.add(fixed)
        turn.session.flush()
        turn.session.add(GroupMember(group_id=fixed.id, contact_id=cast.marisol, since_at=turn.now))
        hidden_issue = issue(turn, runtime, fixed, title="For clients")
        hidden_issue.in_archive = True
        hidden = hidden_issue.id
        assert approve(turn, runtime, clients, 1) is clients
        assert approve(turn, runtime, hidden_issue, 1) is hidden_issue
    assert visitor.get(f"/news/{shown}").status_code == 404
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime)
    runner.run_everything(runtime)
    page = visitor.get("/news").get_data(as_text=True)
    assert f"/news/{shown}" in page
    assert f"/news/{hidden}" not in page
    answer = visitor.get(f"/news/{shown}")
    assert "Dear colleague," in answer.get_data(as_text=True)
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert visitor.get(f"/news/{hidden}").status_code == 404
