"""Two subjects compared by clicks of people; once more to those who missed it; newsletters that draft themselves."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from jobs import runner
from outreach.contacts import merging
from outreach.contacts.consent import address_hash
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries import sending
from outreach.deliveries.models import Delivery, LinkClick
from outreach.errors import Refusal
from outreach.newsletters import again, approving, archive, comparing, queries
from outreach.newsletters.models import Issue, IssueRecipient
from outreach.newsletters.recurring import drafting
from outreach.newsletters.recurring.rhythm_rules import first_on, following
from outreach.newsletters.recurring.series_models import Series
from tests.newsletters.issues import an_issue, approve, dispatch, group, issue
from tests.people import post

MINUTE = timedelta(seconds=61)


@pytest.fixture
def forty(runtime, cast):
    """Forty physicians with addresses."""
    with runtime.turn() as turn:
        made = []
        for number in range(40):
            email = f"p{number}@clinic{number}.example"
            made.append(
                Contact(
                    kind="physician",
                    last_name=f"Number {number}",
                    sort_name=f"number {number:02}",
                    email=email,
                    address_hash=address_hash(runtime.key, email),
                    added_on=turn.now.date(),
                    created_at=turn.now,
                    updated_at=turn.now,
                )
            )
        turn.session.add_all(made)
        turn.session.flush()
        return [one.id for one in made]


@pytest.fixture
def compared(runtime, forty):
    """An approved issue to them with two subjects; half of them take part."""
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Forty", *forty))
        made.other_subject, made.compare_percent, made.compare_hours, made.in_archive = "A tip for you", 50, 4, True
        assert approve(turn, runtime, made, 40) is made
        return made.id


def sent_with(runtime):
    """{subject: how many left}."""
    subjects = [mail.subject for mail in runtime.transports["memory"].sent]
    return {subject: subjects.count(subject) for subject in set(subjects)}


def tick(runtime):
    dispatch(runtime)
    sending.send_due(runtime)
    dispatch(runtime)


def clicks(runtime, issue_id, which, many, *, machine=False):
    with runtime.turn() as turn:
        found = (
            select(Delivery.id)
            .join(IssueRecipient, IssueRecipient.contact_id == Delivery.contact_id)
            .where(IssueRecipient.issue_id == issue_id, IssueRecipient.subject == which, Delivery.source_id == issue_id)
        )
        for each in turn.session.scalars(found.limit(many)):
            turn.session.add(LinkClick(delivery_id=each, link_number=0, at=turn.now, machine=machine))


def kept(runtime, issue_id):
    with runtime.turn(write=False) as turn:
        return turn.session.get(Issue, issue_id)


def test_the_subject_that_more_people_follow_goes_to_the_rest(runtime, clock, compared):
    clock.advance(MINUTE)
    tick(runtime)
    assert sent_with(runtime) == {"Spring news": 10, "A tip for you": 10}
    clicks(runtime, compared, "a", 9, machine=True)
    clicks(runtime, compared, "b", 2)
    clock.advance(timedelta(hours=3))
    tick(runtime)
    assert kept(runtime, compared).winner == "", "not before its time"
    clock.advance(timedelta(hours=1, minutes=5))
    tick(runtime)
    done = kept(runtime, compared)
    assert (done.winner, done.compared["why"]) == ("b", "clicks")
    assert done.compared["a"]["clicked"] == 0, "scanners do not decide"
    assert sent_with(runtime) == {"Spring news": 10, "A tip for you": 30}
    assert done.status == "sent"
    with runtime.turn(write=False) as turn:
        assert [past.subject for past in archive.shown(turn.session, on=date(2026, 12, 31))] == ["A tip for you"]
        assert queries.results_of(turn.session, [compared])[compared].sent == 40


def test_the_same_number_of_clicks_keeps_the_first_subject(runtime, clock, compared):
    clock.advance(MINUTE)
    tick(runtime)
    clock.advance(timedelta(hours=5))
    tick(runtime)
    assert (kept(runtime, compared).winner, kept(runtime, compared).compared["why"]) == ("a", "tie")


def test_maya_chooses_before_the_time_is_over_and_only_once(maya, runtime, clock, compared):
    clock.advance(MINUTE)
    tick(runtime)
    here = f"/newsletters/{compared}"
    assert "Use “A tip for you” now" in maya.get(here).get_data(as_text=True)
    for which in ("b", "a"):
        post(maya, f"{here}/subject", {"which": which}, form_at=here)
    assert kept(runtime, compared).winner == "b"
    tick(runtime)
    assert sent_with(runtime)["A tip for you"] == 30


def test_take_back_forgets_the_comparison_and_a_crash_doubles_nothing(runtime, clock, compared):
    with runtime.turn() as turn:
        one = turn.session.get(Issue, compared)
        assert approving.take_back(turn.session, one, now=turn.now, by_id=None)
        assert approve(turn, runtime, one, 40) is one
    clock.advance(MINUTE)
    for _ in range(9):
        dispatch(runtime, limit=7)
    tick(runtime)
    assert sum(sent_with(runtime).values()) == 20


def blockers(turn, runtime, made):
    seen = approving.review(turn.session, made, now=turn.now, world=runtime)
    return " ".join(finding.text for finding in seen.findings if finding.level == "blocker")


def test_too_few_people_or_the_same_subject_twice_cannot_be_compared(runtime, forty):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Few", *forty[:10]))
        made.other_subject = "Another"
        assert "Too few people" in blockers(turn, runtime, made)
        made.other_subject = "Spring news"
        assert "Both subjects are the same" in blockers(turn, runtime, made)


@pytest.mark.parametrize(("people", "percent"), [(0, 50), (41, 50), (1000, 20), (7, 2)])
def test_lots_are_even_stable_and_lose_nobody(people, percent):
    part = comparing.taking_part(people, percent)
    drawn = comparing.arranged(range(people), part, seed=3, among=range(people))
    assert sorted(each for each, _ in drawn) == list(range(people))
    assert [subject for _, subject in drawn].count("a") == [subject for _, subject in drawn].count("b") == part // 2
    assert all(subject for _, subject in drawn[:part])
    assert drawn == comparing.arranged(range(people), part, seed=3, among=range(people))


def test_once_more_to_those_whose_address_was_put_right_and_to_nobody_else(maya, runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise)
    clock.advance(MINUTE)
    runner.run_everything(runtime)
    with runtime.turn() as turn:
        rows = {row.contact_id: row for row in turn.session.scalars(select(Delivery))}
        rows[cast.raman].state = rows[cast.okafor].state = "bounced"
        one = turn.session.get(Issue, made)
        one.status, one.finished_at = "sent", turn.now
        assert again.can_go_again(turn.session, one) == 0, "the same addresses would bounce again"
        raman = turn.session.get(Contact, cast.raman)
        raman.email = "priya@lakeside.example"
        raman.address_hash = address_hash(runtime.key, raman.email)
    here = f"/newsletters/{made}"
    assert "Send again to 1 person" in maya.get(here).get_data(as_text=True)
    # Taken back in time it can be sent again, and still nobody gets it twice.
    for pressed in ("again", "again/undo", "again/undo", "again", "again/undo", "again", "again"):
        post(maya, f"{here}/{pressed}", {"people": "1"}, form_at=here)
        runner.run_everything(runtime)
    assert len(runtime.transports["memory"].sent) == 3
    clock.advance(MINUTE)
    runner.run_everything(runtime)
    to = [mail.to_email for mail in runtime.transports["memory"].sent]
    assert to.count("priya@lakeside.example") == 1
    assert len(to) == 4
    with runtime.turn(write=False) as turn:
        found = queries.results_of(turn.session, [made])[made]
        assert (found.sent, found.came_back, found.not_sent) == (3, 1, {})
        assert len(queries.lines(turn.session, turn.session.get(Issue, made), "all")) == 3


def series(turn, cast, *groups, **changes):
    typed = {
        "name": "News for physicians",
        "rhythm": "quarterly",
        "day": 20,
        "lead_days": 7,
        "layout": "physicians",
        "begins_with": "last",
        "in_archive": False,
        "owner_id": cast.maya,
        "group_ids": list(groups),
        **changes,
    }
    return drafting.start(turn.session, now=turn.now, **typed)


def test_a_recurring_newsletter_drafts_itself_once_and_waits_for_a_person(maya, runtime, cast, clock):
    with runtime.turn() as turn:
        made = series(turn, cast, group(turn, "These", cast.raman).id)
        next_on = made.next_on
    clock.advance(timedelta(days=(next_on - clock.now().date()).days - 7))
    for _ in range(2):
        with runtime.turn() as turn:
            drafting.draft_due(turn.session, now=turn.now)
    with runtime.turn(write=False) as turn:
        (draft,) = turn.session.scalars(select(Issue)).all()
        assert (draft.status, draft.series_on) == ("draft", next_on)
        assert turn.session.scalars(select(Series)).one().next_on == following(next_on, "quarterly")
        assert turn.session.scalars(select(Task)).one().owner_id == cast.maya
    assert "Drafts that wait for you" in maya.get("/newsletters/recurring").get_data(as_text=True)
    assert f'value="{next_on.isoformat()}"' in maya.get(f"/newsletters/{draft.id}/review").get_data(as_text=True)
    clock.advance(timedelta(days=30))
    dispatch(runtime)
    assert runtime.transports["memory"].sent == []


def test_a_machine_that_was_off_drafts_one_issue_not_four(runtime, cast, clock):
    with runtime.turn() as turn:
        series(turn, cast, group(turn, "These", cast.raman).id, rhythm="monthly")
    clock.advance(timedelta(days=130))
    with runtime.turn() as turn:
        assert drafting.draft_due(turn.session, now=turn.now) <= 1
        assert turn.session.scalars(select(Series)).one().next_on >= turn.now.date()


def test_days_of_rhythms_exist_in_every_month():
    assert following(date(2026, 11, 28), "quarterly") == date(2027, 2, 28)
    assert first_on(5, today=date(2026, 11, 5), lead_days=1) == date(2026, 12, 5)


def test_a_series_says_what_is_missing_and_keeps_what_was_typed(maya, runtime, cast):
    answer = post(maya, "/newsletters/recurring", {"name": "Quarterly", "rhythm": "monthly", "day": "31"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "day from 1 to 28" in page
    assert 'value="Quarterly"' in page
    with runtime.turn() as turn:
        assert isinstance(series(turn, SimpleNamespace(maya=cast.maya)), Refusal)


def test_a_mailbox_that_has_the_issue_already_does_not_get_it_again(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise)
    clock.advance(MINUTE)
    runner.run_everything(runtime)
    with runtime.turn() as turn:
        rows = {row.contact_id: row for row in turn.session.scalars(select(Delivery))}
        rows[cast.raman].state = "bounced"
        one = turn.session.get(Issue, made)
        one.status, one.finished_at = "sent", turn.now
        raman, okafor = (turn.session.get(Contact, each) for each in (cast.raman, cast.okafor))
        raman.email, raman.address_hash = okafor.email, okafor.address_hash
        turn.session.flush()
        assert again.can_go_again(turn.session, one) == 0
        raman.email, raman.address_hash = "new@lakeside.example", address_hash(runtime.key, "new@lakeside.example")
        turn.session.flush()
        assert again.can_go_again(turn.session, one) == 1
        merging.merge(turn.session, raman, okafor, from_gone={}, now=turn.now, by_id=None)
        assert again.can_go_again(turn.session, one) == 0, "they have it by the other record"
