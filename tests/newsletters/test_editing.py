"""Writing an issue: nothing typed is lost, and nobody overwrites anybody unseen."""

from datetime import timedelta

from outreach.content.drafts import Draft
from outreach.errors import Refusal
from outreach.newsletters import editing
from outreach.newsletters.layouts import LAYOUTS
from outreach.newsletters.models import Issue
from tests.newsletters.issues import SPRING, approve, group, issue


def saved(turn, runtime, made, draft=SPRING, **more):
    more = {"version": made.version, "title": made.title, "group_ids": made.group_ids, "by_id": None, **more}
    return editing.save(turn.session, made, now=turn.now, world=runtime, draft=draft, **more)


def test_a_new_issue_starts_from_a_layout_or_from_an_earlier_one(turn, runtime):
    community = editing.start(turn.session, now=turn.now, by_id=None, layout="community")
    assert community.title == "Community update"
    following = editing.start(turn.session, now=turn.now, by_id=None, like=community)
    assert following.title == "Community update (next)"
    assert following.draft == community.draft
    assert following.id != community.id


def test_every_layout_is_a_clean_draft(runtime):
    for layout in LAYOUTS.values():
        assert Draft.from_json(layout.to_json()).to_json() == layout.to_json()


def test_two_people_at_one_issue_the_later_one_is_told(turn, runtime, cast):
    made = issue(turn, runtime)
    seen_by_olive = made.version
    assert isinstance(saved(turn, runtime, made, Draft(subject="Maya was here"), by_id=cast.maya), Issue)
    refused = saved(turn, runtime, made, Draft(subject="Olive too"), version=seen_by_olive, by_id=cast.olive)
    assert isinstance(refused, Refusal)
    assert refused.reason == "changed-meanwhile"
    assert made.draft["subject"] == "Maya was here"
    undone = editing.undo(turn.session, made, now=turn.now, by_id=cast.olive)
    assert isinstance(undone, Refusal), "Olive's Undo takes nothing of Maya's away"
    assert made.draft["subject"] == "Maya was here"


def test_edits_are_taken_back_one_by_one(turn, runtime):
    made = issue(turn, runtime)
    for word in ("one", "two", "three"):
        saved(turn, runtime, made, Draft(subject=word))
    assert editing.undo(turn.session, made, now=turn.now, by_id=None)
    assert made.draft["subject"] == "two"
    assert editing.undo(turn.session, made, now=turn.now, by_id=None)
    assert made.draft["subject"] == "one"


def test_a_second_subject_is_an_edit_that_can_be_taken_back(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "All", cast.raman))
    seen, made.tested_at = made.version, turn.now
    saved(turn, runtime, made, other_subject="  A tip ", compare=(99, 24))
    assert (made.other_subject, made.compare_percent, made.compare_hours) == ("A tip", 50, 24)
    refused = approve(turn, runtime, made, 1, version=seen)
    assert refused.reason == "changed-meanwhile", "whoever reviewed it before saw one subject"
    assert editing.undo(turn.session, made, now=turn.now, by_id=None)
    assert (made.other_subject, made.compare_percent, made.compare_hours) == ("", 20, 4)


def test_saving_by_itself_while_typing_is_one_step_of_undo(turn, runtime, cast):
    made = issue(turn, runtime)
    saved(turn, runtime, made, Draft(subject="begun"), by_id=cast.maya)
    for word in ("a", "ab", "abc"):
        saved(turn, runtime, made, Draft(subject=word), by_id=cast.maya, by_itself=True)
    editing.undo(turn.session, made, now=turn.now, by_id=cast.maya)
    assert made.draft["subject"] == "Spring news"


def test_saving_what_is_there_already_changes_nothing(turn, runtime):
    made = issue(turn, runtime)
    before = made.version
    saved(turn, runtime, made, SPRING)
    assert made.version == before


def test_an_approved_issue_is_not_edited(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "Two", cast.raman, cast.okafor))
    approve(turn, runtime, made, 2)
    refused = saved(turn, runtime, made, Draft(subject="late"))
    assert isinstance(refused, Refusal)
    assert refused.reason == "not-a-draft"


def test_a_group_that_does_not_exist_is_not_chosen(turn, runtime):
    made = issue(turn, runtime)
    saved(turn, runtime, made, group_ids=[4711])
    assert made.group_ids == []


def test_the_trash_keeps_a_draft_for_thirty_days(turn, runtime):
    made = issue(turn, runtime)
    assert editing.put_away(turn.session, made, now=turn.now)
    turn.session.flush()
    assert editing.purge(turn.session, now=turn.now + timedelta(days=29)) == 0
    assert editing.purge(turn.session, now=turn.now + timedelta(days=31)) == 1


def test_what_goes_out_is_never_trashed(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "One", cast.raman))
    approve(turn, runtime, made, 1)
    assert not editing.put_away(turn.session, made, now=turn.now)
    assert turn.session.get(Issue, made.id).deleted_at is None
