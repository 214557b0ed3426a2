"""The screens of campaigns, as Maya uses them: without script."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.campaigns.recipes import RECIPES
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact
from outreach.runtime import Runtime
from tests.campaigns.drips import asks, call, drafted, email, keys, live, tick, wait, way_of
from tests.people import Cast, post, sign_in


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


def rev_of(page: str) -> str:
    found = re.search(r'name="rev" value="(\d+)"', page)
    assert found
    return found.group(1)


def page_mark(page: str) -> str:
    found = re.search(r'name="page" value="([^"]+)"', page)
    assert found
    return found.group(1)


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_every_recipe_opens_in_the_builder_with_its_group_and_texts(
    maya: FlaskClient, runtime: Runtime, recipe: str
) -> None:
    answer = post(maya, "/campaigns/new", {"recipe": recipe, "group_id": ""})
    assert answer.status_code == 303
    page = text_of(maya, answer.headers["Location"])
    assert RECIPES[recipe].name in page
    assert RECIPES[recipe].group[0] in page
    review = text_of(maya, answer.headers["Location"].replace("/edit", "/publish"))
    assert "so it will wait" not in review
    with runtime.turn(write=False) as turn:
        wrong = re.findall(r"Must be fixed: </span>([^<]*)", review)
        # Whether anybody pays for mail to clients is for a person to say.
        assert all("Nobody in" in line or "postal" in line or "outside pays" in line for line in wrong), wrong
        assert turn.session.scalar(select(CampaignVersion.state)) == "draft"


def test_a_second_campaign_of_a_recipe_can_be_told_from_the_first(maya: FlaskClient) -> None:
    for _ in range(3):
        post(maya, "/campaigns/new", {"recipe": "welcome", "group_id": ""})
    page = text_of(maya, "/campaigns/")
    assert [name for name in ("welcome 2", "welcome 3", "welcome 4") if f"New physician {name}" in page] == [
        "welcome 2",
        "welcome 3",
    ]


def test_maya_builds_a_campaign_step_by_step_and_publishes_it(
    maya: FlaskClient, runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    base = f"/campaigns/{campaign_id}"
    for kind in ("condition", "wait"):
        page = text_of(maya, f"{base}/edit/new?after=s1")
        answer = post(maya, f"{base}/steps", {"kind": kind, "after": "s1", "rev": rev_of(page)}, form_at=f"{base}/edit")
        assert answer.status_code == 303
    assert keys(runtime, campaign_id) == ["s1", "s3", "s2"]
    page = text_of(maya, f"{base}/edit/s3")
    days = {"days": "4", "weekdays": ["1", "2", "3"], "at": "09:30", "rev": rev_of(page)}
    assert post(maya, f"{base}/steps/s3", days, form_at=f"{base}/edit/s3").status_code == 303
    assert "Wait 4 days, then Tue to Thu" in text_of(maya, f"{base}/edit")
    page = text_of(maya, f"{base}/edit/new?parent=s2&lane=yes")
    post(
        maya,
        f"{base}/steps",
        {"kind": "task", "parent": "s2", "lane": "yes", "rev": rev_of(page)},
        form_at=f"{base}/edit",
    )
    page = text_of(maya, f"{base}/publish")
    assert "Publish to 2 physicians" in page
    assert "1 no email address" in page
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen
    answer = post(maya, f"{base}/publish", {"rev": rev_of(page), "seen": seen.group(1), "halfway": "finish"})
    assert answer.headers["Location"] == base
    tick(runtime)
    assert way_of(runtime, campaign_id, cast.raman).state == "active"
    assert "Dr. Priya Raman" in text_of(maya, f"{base}/people")
    for path in (
        base,
        "/campaigns/",
        f"{base}/try",
        f"{base}/enroll?who=raman",
        f"{base}/end",
        f"/campaigns/of/{cast.raman}",
    ):
        text_of(maya, path)


def test_who_saves_later_is_told_and_keeps_what_was_typed(maya: FlaskClient, runtime: Runtime, app: object) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    where = f"/campaigns/{campaign_id}/steps/s1"
    at = f"/campaigns/{campaign_id}/edit/s1"
    olive = sign_in(app, runtime, "olive@cedarlane.example")  # type: ignore[arg-type]
    rev = rev_of(text_of(maya, at))
    assert post(olive, where, {"rev": rev, "subject": "Olive was first", "act": "save"}, form_at=at).status_code == 303
    answer = post(maya, where, {"rev": rev, "subject": "Maya typed this", "act": "save"}, form_at=at)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "Somebody else changed this campaign" in page
    assert "Maya typed this" in page
    again = post(maya, where, {"rev": rev_of(page), "subject": "Maya typed this", "act": "save"}, form_at=at)
    assert again.status_code == 303


def test_a_second_window_of_ones_own_is_told_and_typing_in_one_is_not_in_its_own_way(
    maya: FlaskClient, runtime: Runtime
) -> None:
    base = f"/campaigns/{drafted(runtime, [email('Hello')])}"
    where, at = f"{base}/steps/s1", f"{base}/edit/s1"
    first, second = ({"rev": rev_of(page), "page": page_mark(page)} for page in (text_of(maya, at), text_of(maya, at)))

    def typed(window: dict[str, str], words: str) -> str:
        fields = {**window, "subject": words, "title": "Hello"}
        return post(maya, where, fields, form_at=at, headers={"HX-Request": "true"}).get_data(as_text=True)

    assert "Saved just now" in typed(first, "One")
    assert "Saved just now" in typed(first, "One and two")
    assert "you changed this step in another window" in typed(second, "Three")
    page = text_of(maya, at)
    assert 'value="One and two"' in page
    answer = post(maya, where, {**second, "subject": "Three", "act": "save"}, form_at=at).get_data(as_text=True)
    assert "You changed this step in another window" in answer
    assert 'value="Three"' in answer
    again = {"rev": rev_of(answer), "page": page_mark(answer)}
    assert "Saved just now" in typed(again, "Three")


def test_edits_are_undone_one_by_one(maya: FlaskClient, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, [email("Hello"), wait(14), email("Again")])
    base = f"/campaigns/{campaign_id}"
    for key in ("s3", "s2"):
        rev = rev_of(text_of(maya, f"{base}/edit/{key}"))
        post(maya, f"{base}/steps/{key}/remove", {"rev": rev}, form_at=f"{base}/edit")
    assert keys(runtime, campaign_id) == ["s1"]
    post(maya, f"{base}/undo", form_at=f"{base}/edit")
    assert keys(runtime, campaign_id) == ["s1", "s2"]
    post(maya, f"{base}/undo", form_at=f"{base}/edit")
    assert keys(runtime, campaign_id) == ["s1", "s2", "s3"]


def test_the_review_says_who_waits_for_a_step_that_is_gone(
    maya: FlaskClient, runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(14), email("Again"), wait(14), call("Ask")])
    base = f"/campaigns/{campaign_id}"
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    rev = rev_of(text_of(maya, f"{base}/edit"))
    post(maya, f"{base}/steps/s3/remove", {"rev": rev}, form_at=f"{base}/edit")
    page = text_of(maya, f"{base}/publish")
    assert "2 people wait for “Email 2: Again”, which is gone: moved, they go on at “Wait 14 days”." in page
    post(maya, f"{base}/publish", {"rev": rev_of(page), "seen": "0", "halfway": "move"}, form_at=f"{base}/publish")
    assert way_of(runtime, campaign_id, cast.raman).step_key == "s4"


def test_what_somebody_else_did_last_is_not_undone(maya: FlaskClient, runtime: Runtime, app: object) -> None:
    campaign_id = drafted(runtime, [email("Hello"), wait(14), email("Again")])
    base = f"/campaigns/{campaign_id}"
    olive = sign_in(app, runtime, "olive@cedarlane.example")  # type: ignore[arg-type]
    post(olive, f"{base}/steps/s3/remove", {"rev": rev_of(text_of(olive, f"{base}/edit"))}, form_at=f"{base}/edit")
    post(maya, f"{base}/undo", form_at=f"{base}/edit")
    assert "somebody else’s: remove email 2: again" in text_of(maya, f"{base}/edit")
    assert keys(runtime, campaign_id) == ["s1", "s2"]


def test_a_step_is_dropped_at_any_plus_and_never_inside_itself(maya: FlaskClient, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, [email("Hello"), asks("replied", [call()], []), email("Again"), wait(3)])
    base = f"/campaigns/{campaign_id}"

    def dropped(key: str, **place: str) -> list[str]:
        given = {"rev": rev_of(text_of(maya, f"{base}/edit/group")), **place}
        assert post(maya, f"{base}/steps/{key}/to", given, form_at=f"{base}/edit").status_code == 303
        return keys(runtime, campaign_id)

    assert keys(runtime, campaign_id) == ["s1", "s2", "s4", "s5"]
    assert dropped("s4") == ["s4", "s1", "s2", "s5"]
    assert dropped("s5", parent="s2", lane="no") == ["s4", "s1", "s2"]
    assert dropped("s3") == ["s3", "s4", "s1", "s2"]
    for place in ({"after": "s5"}, {"parent": "s2", "lane": "yes"}, {"after": "gone"}):
        assert dropped("s2", **place) == ["s3", "s4", "s1", "s2"]
    assert dropped("s2") == ["s2", "s3", "s4", "s1"]


def test_a_question_about_a_field_is_built_and_a_broken_one_blocks(maya: FlaskClient, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, [email("Hello"), asks("replied", [call()], [])])
    base = f"/campaigns/{campaign_id}"

    def saved(**fields: str) -> str:
        given = {"rev": rev_of(text_of(maya, f"{base}/edit/s2")), "question": "field", **fields}
        assert post(maya, f"{base}/steps/s2", given, form_at=f"{base}/edit/s2").status_code == 303
        return text_of(maya, f"{base}/edit/s2")

    assert 'name="fact"' in saved()
    assert "choose what it asks about" in text_of(maya, f"{base}/publish")
    assert '<option value="is-not"' in saved(fact="kind")
    assert "Kind is Physician" in saved(fact="kind", op="is", value="physician")
    assert "cannot be read" not in text_of(maya, f"{base}/publish")
    assert '<option value="left-message"' in saved(question="outcome")
    assert "no call or visit stands above it" in text_of(maya, f"{base}/publish")


def test_a_test_goes_to_any_address_and_enrolls_nobody(maya: FlaskClient, runtime: Runtime, clock: FrozenClock) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    at = f"/campaigns/{campaign_id}/edit/s1"
    assert post(maya, f"/campaigns/{campaign_id}/test/s1", {"email": "no address"}, form_at=at).status_code == 303
    post(maya, f"/campaigns/{campaign_id}/test/s1", {"email": "anybody@mail.example"}, form_at=at)
    tick(runtime)
    sent = runtime.transports["memory"].to("anybody@mail.example")
    assert [message.subject for message in sent] == ["[Test] Hello"]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(Enrollment.id)) is None


def test_hold_resume_and_end_say_how_many(maya: FlaskClient, runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(14), asks("replied", [call()], [])])
    base = f"/campaigns/{campaign_id}"
    tick(runtime)
    post(maya, f"{base}/hold", form_at=base)
    assert "Resume with the 2 who are left" in text_of(maya, base)
    post(maya, f"{base}/resume", form_at=base)
    assert "End it for 2 people" in text_of(maya, f"{base}/end")
    post(maya, f"{base}/end")
    assert way_of(runtime, campaign_id, cast.raman).stop_reason == "campaign-ended"
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Campaign, campaign_id).status == "ended"


def test_a_reader_sees_everything_and_changes_nothing(app: object, runtime: Runtime) -> None:
    campaign_id = live(runtime, [email("Hello")])
    rita = sign_in(app, runtime, "rita@cedarlane.example")  # type: ignore[arg-type]
    for path in ("/campaigns/", f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/edit"):
        assert "Publish" not in text_of(rita, path)
    assert rita.get(f"/campaigns/{campaign_id}/publish").status_code == 403


def test_what_is_typed_is_saved_by_itself_and_undone_as_one_edit(maya: FlaskClient, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    at, where = f"/campaigns/{campaign_id}/edit/s1", f"/campaigns/{campaign_id}/steps/s1"
    rev = rev_of(text_of(maya, at))
    for words in ("A th", "A therapy", "A therapy team"):
        headers = {"HX-Request": "true", "HX-Target": "saved"}
        answer = post(maya, where, {"rev": rev, "subject": words, "title": "Hello"}, form_at=at, headers=headers)
        assert "Saved just now" in answer.get_data(as_text=True)
        assert "<html" not in answer.get_data(as_text=True)
    assert 'value="A therapy team"' in text_of(maya, at)
    post(maya, f"/campaigns/{campaign_id}/undo", form_at=at)
    assert 'value="Hello"' in text_of(maya, at)


def test_a_live_campaign_is_not_deleted_and_maya_is_told_why(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    campaign_id = live(runtime, [email("Welcome")])
    answer = post(maya, f"/campaigns/{campaign_id}/delete", form_at=f"/campaigns/{campaign_id}")
    assert answer.status_code == 303
    assert "End it instead" in text_of(maya, f"/campaigns/{campaign_id}")


def test_a_campaign_of_ones_own_begins_with_one_email(maya: FlaskClient, runtime: Runtime) -> None:
    made = post(maya, "/campaigns/new", {"recipe": "own", "name": "Hello doctors", "group_id": ""})
    assert made.headers["Location"].endswith("/edit/group?pane=edit")
    page = text_of(maya, made.headers["Location"])
    assert "Hello doctors" in page
    assert "Email 1: new" in page
    assert "It says nothing yet: write its text." in page
    assert "Stop early if they refer someone or reply" in page


def test_what_is_wrong_with_a_step_is_said_while_it_is_typed(maya: FlaskClient, runtime: Runtime) -> None:
    where = f"/campaigns/{drafted(runtime, [email('One'), wait(14), email('Two')])}"
    fields = {"rev": "1", "weekdays": ["1"], "at": "09:00"}
    told = post(
        maya,
        f"{where}/steps/s2",
        {**fields, "days": "9999"},
        headers={"HX-Request": "true"},
        form_at=f"{where}/edit/s2",
    )
    assert told.status_code == 422
    assert "Not saved: Between 0 and 730 days." in told.get_data(as_text=True)
    saved = post(
        maya, f"{where}/steps/s2", {**fields, "days": "20"}, headers={"HX-Request": "true"}, form_at=f"{where}/edit/s2"
    )
    assert "Saved just now" in saved.get_data(as_text=True)
    assert "Wait 20 days, then Tue" in saved.get_data(as_text=True)


def test_the_review_dates_the_first_people_by_what_they_had_from_us(
    maya: FlaskClient, runtime: Runtime, clock: FrozenClock
) -> None:
    live(runtime, [email("One")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    review = text_of(maya, f"/campaigns/{drafted(runtime, [email('Two')])}/publish")
    assert review.count("Later than planned: too much mail from us otherwise") == 2


def test_a_trial_says_what_keeps_somebody_from_entering(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"/campaigns/{drafted(runtime, [email('Hello')])}/try?contact="
    assert "would not enter now" not in text_of(maya, f"{where}{cast.raman}")
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).time_zone = "Nowhere/Land"
        okafor = turn.session.get_one(Contact, cast.okafor)
        okafor.do_not_contact_at = turn.now
    assert "Their time zone is not known" in text_of(maya, f"{where}{cast.raman}")
    assert "would not enter now: do not contact." in text_of(maya, f"{where}{cast.okafor}")
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.okafor).deleted_at = turn.now
    for gone in (cast.okafor, -1, 10**9):
        assert "This contact is no longer there." in text_of(maya, f"{where}{gone}")
