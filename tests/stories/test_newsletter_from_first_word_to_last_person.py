"""An issue to a group, as Maya does it: preview, approve, undo, approve again; sent once whatever happens."""

import re
from datetime import timedelta

import pytest

from jobs import runner
from jobs.catalog import job_named
from outreach.contacts.models import Contact
from outreach.deliveries.caps import limiting
from outreach.newsletters import dispatching
from outreach.newsletters.models import Issue
from tests.newsletters.issues import dispatch, group
from tests.newsletters.test_screens import fields_of
from tests.people import csrf_of, post


def sent(runtime):
    return [mail.to_email for mail in runtime.transports["memory"].sent]


def crash_in_the_middle(runtime):
    with runtime.turn() as turn:
        dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=1)
        raise RuntimeError("the machine stopped")


def write(maya, group_id):
    """Maya starts from the peers' layout and writes her own words; answers the issue's id."""
    where = post(maya, "/newsletters/new", {"layout": "peers"}).headers["Location"]
    page = maya.get(where).get_data(as_text=True)
    data = {**fields_of(page), "title": "March", "subject": "Openings in March", "preview_line": "Two places"}
    for name in data:
        if name.endswith("-html"):
            data[name] = "<p>We have two openings in hand therapy.</p>"
    maya.post(where, data={**data, "groups": str(group_id), "act": "review", "csrf_token": csrf_of(page)})
    return int(re.findall(r"\d+", where)[0])


def approve(maya, issue_id, people):
    review = f"/newsletters/{issue_id}/review"
    page = maya.get(review).get_data(as_text=True)
    assert f"Send to {people} people" in page, page
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    return post(maya, f"/newsletters/{issue_id}/approve", {"version": version, "people": people}, form_at=review)


def test_an_issue_is_previewed_approved_undone_approved_and_sent_once(maya, visitor, runtime, cast, clock):
    with runtime.turn() as turn:
        readers = group(turn, "Readers", cast.raman, cast.okafor, cast.denise, cast.greta, cast.tom, cast.silent).id
    issue = write(maya, readers)
    assert "Hi Dr. Raman," in maya.get(f"/newsletters/{issue}/preview?as={cast.raman}").get_data(as_text=True)
    assert "Hi colleague," in maya.get(f"/newsletters/{issue}/preview?as=nobody").get_data(as_text=True)

    approve(maya, issue, 5)
    clock.advance(timedelta(seconds=30))
    runner.run_everything(runtime)
    post(maya, f"/newsletters/{issue}/take-back", form_at=f"/newsletters/{issue}")
    clock.advance(timedelta(minutes=5))
    runner.run_everything(runtime)
    assert sent(runtime) == []

    approve(maya, issue, 5)
    clock.advance(timedelta(seconds=61))
    assert dispatch(runtime, limit=2) == 2
    with pytest.raises(RuntimeError):
        crash_in_the_middle(runtime)
    for _ in range(3):
        runner.work(runtime, job_named("dispatch-newsletters"))
        runner.work(runtime, job_named("send"))
    assert sorted(sent(runtime)) == sorted(
        [
            "p.raman@lakeside.example",
            "s.okafor@northgate.example",
            "front@lakeside.example",
            "greta@elmpark.example",
            "tom@handworks.example",
        ]
    )
    with runtime.turn(write=False) as turn:
        assert turn.session.get(Issue, issue).status == "sent"
    page = maya.get(f"/newsletters/{issue}").get_data(as_text=True)
    assert "5 of 5 people" in page
    assert "no email address" in page


def test_a_click_on_unsubscribe_between_approval_and_sending_counts(maya, visitor, runtime, cast, clock):
    with runtime.turn() as turn:
        limiting.choose(turn.session, now=turn.now, gap_days=0, per_quarter=6, with_touches=True, by_id=None)
        readers = group(turn, "Readers", cast.raman, cast.okafor).id
    first = write(maya, readers)
    approve(maya, first, 2)
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime, rounds=2)
    mail = next(one for one in runtime.transports["memory"].sent if one.to_email.startswith("p.raman"))

    second = write(maya, readers)
    approve(maya, second, 2)
    path = mail.list_unsubscribe_url.partition(".example")[2]
    assert visitor.get(path).status_code == 200
    visitor.post(path, data={"List-Unsubscribe": "One-Click"})
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime, rounds=2)
    assert sent(runtime).count("p.raman@lakeside.example") == 1
    assert sent(runtime).count("s.okafor@northgate.example") == 2
    assert "they unsubscribed" in maya.get(f"/newsletters/{second}").get_data(as_text=True)


def test_a_contact_who_died_between_approval_and_sending_gets_nothing(maya, runtime, cast, clock):
    with runtime.turn() as turn:
        readers = group(turn, "Readers", cast.raman, cast.okafor).id
    issue = write(maya, readers)
    approve(maya, issue, 2)
    with runtime.turn() as turn:
        turn.session.get(Contact, cast.okafor).deceased_on = turn.now.date()
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime, rounds=2)
    assert sent(runtime) == ["p.raman@lakeside.example"]


def test_hold_in_the_middle_and_resume_with_those_who_are_left(maya, runtime, cast, clock):
    with runtime.turn() as turn:
        readers = group(turn, "Readers", cast.raman, cast.okafor, cast.denise).id
    issue = write(maya, readers)
    approve(maya, issue, 3)
    clock.advance(timedelta(seconds=61))
    dispatch(runtime, limit=1)
    runner.work(runtime, job_named("send"))
    post(maya, f"/newsletters/{issue}/hold", form_at=f"/newsletters/{issue}")
    runner.run_everything(runtime, rounds=2)
    assert len(sent(runtime)) == 1
    assert "Resume with the 2 who are left" in maya.get(f"/newsletters/{issue}").get_data(as_text=True)
    post(maya, f"/newsletters/{issue}/resume", form_at=f"/newsletters/{issue}")
    runner.run_everything(runtime, rounds=2)
    assert len(sent(runtime)) == len(set(sent(runtime))) == 3
