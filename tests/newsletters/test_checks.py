"""What is checked before an issue, cards or a campaign go: each line that does not pass leads to its fix."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from outreach.contacts.models import Contact
from outreach.deliveries.models import TransportState
from outreach.deliveries.sender_checks import sender_is_known
from outreach.newsletters import approving, checking, comparing
from outreach.newsletters.timing import Intention
from outreach.practice.models import Practice, QuietDay
from outreach.runtime import open_runtime
from tests.campaigns.drips import drafted, email
from tests.cards.runs import run
from tests.content.letters import text_draft
from tests.newsletters.issues import SPRING, group, issue

WRONG = replace(
    SPRING,
    subject="RE: {{ first_name }} and many more words than any phone would ever show of a subject",
    preview_line="",
    blocks=[
        {"type": "text", "html": "<p>All well.</p>"},
        {"type": "divider"},
        {"type": "text", "html": "<p>Mr. Vega: M25.551 {{ shoe_size }}</p>"},
        {"type": "button", "label": "Go", "url": "http://x.example"},
    ],
)


def followed(client, href, page):
    """The page that a line links to, with the place in it."""
    assert href, "a line without a link"
    path, _, anchor = href.partition("#")
    answer = client.get(path or page)
    assert answer.status_code == 200, href
    text = answer.get_data(as_text=True)
    if anchor:
        assert f'id="{anchor}"' in text, href
    if anchor.startswith("block-"):
        block = text.partition(f'id="{anchor}"')[2]
        assert '<details class="block-edit" open>' in block[: block.find("</fieldset>")], href


def test_every_line_that_does_not_pass_opens_the_place_where_it_is_put_right(runtime, cast, maya):
    with runtime.turn() as turn:
        practice = turn.session.get_one(Practice, 1)
        practice.street = practice.sender_email = ""
        wrong = issue(turn, runtime, group(turn, "Doctors", cast.raman, cast.marisol), draft=WRONG)
        wrong.other_subject = "RE: the same"
        cards = run(turn, runtime, cast.raman, cast.marisol, draft=WRONG.to_json(), inside="")
        pages = [f"/newsletters/{wrong.id}/review", f"/cards/{cards.id}/list"]
    step = {**email("Welcome"), "draft": WRONG.to_json()}
    pages.append(f"/campaigns/{drafted(runtime, [step])}/publish")
    for page in pages:
        shown = maya.get(page).get_data(as_text=True)
        lines = re.findall(r'<li class="check-(?:warning|blocker)">(.*?)</li>', shown, re.DOTALL)
        assert len(lines) > 7, page
        for line in lines:
            link = re.search(r'<a href="([^"]*)"', line)
            assert link, f"{page}: {line}"
            followed(maya, link[1].replace("&amp;", "&"), page)


def test_a_time_without_mail_says_why_and_when_it_leaves(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "Doctors", cast.raman))
    turn.session.add(QuietDay(on=date(2026, 7, 3), name="Independence Day (observed)"))
    turn.session.flush()
    at = Intention(date(2026, 7, 3), 9 * 60, "America/New_York")
    seen = approving.review(turn.session, made, now=turn.now, world=runtime, intention=at)
    moved = [finding.text for finding in seen.findings if finding.fix == "#when"]
    assert moved == [
        "Friday, July 3 is a quiet day (Independence Day (observed)): the first mail leaves Monday, July 6 at 8:00 am."
    ]


def test_what_is_quoted_must_be_permitted_as_long_as_somebody_waits(turn, runtime, cast):
    made = issue(turn, runtime)
    assert checking.last_at(made, turn.now, 0) == turn.now
    assert checking.last_at(made, turn.now, 1) == turn.now + timedelta(days=30)
    made.other_subject, made.compare_hours = "Another", 24
    assert checking.last_at(made, turn.now, 0) == turn.now + timedelta(days=1)


def test_readers_of_another_language_do_not_decide_between_subjects(turn, runtime, cast):
    spanish = replace(SPRING, subject="Noticias")
    draft = replace(SPRING, variants={"es": spanish})
    people = [cast.raman, cast.okafor, cast.denise]
    turn.session.get_one(Contact, cast.denise).language = "es"
    made = issue(turn, runtime, group(turn, "Doctors", *people), draft=draft)
    made.other_subject, made.compare_percent = "A tip", 50
    turn.session.flush()
    lines = approving.review(turn.session, made, now=turn.now, world=runtime).findings
    said = "Too few people to compare two subjects: 0 would take part, 20 are needed. Leave the second subject empty."
    assert said in [line.text for line in lines]
    assert "Spanish: the text is still that of the main language." in [line.text for line in lines]
    assert checking.who_decides(turn.session, made, people) == [cast.raman, cast.okafor]
    drawn = comparing.arranged(people, 2, seed=1, among=[cast.raman, cast.okafor])
    assert drawn[2] == (cast.denise, "")
    assert [each.subject for each in checking.drafts_of(made)] == ["Spring news", "A tip"]
    assert [each.variants["es"].subject for each in checking.drafts_of(made)] == ["Noticias", "Noticias"]


@pytest.fixture
def outward(settings, clock):
    opened = open_runtime(replace(settings, smtp_url="smtp://127.0.0.1:9", sendgrid_api_key=None), clock=clock)
    yield opened
    opened.close()


def test_a_sender_whose_domain_is_not_verified_is_a_blocker(outward):
    def levels():
        asked = {"draft": text_draft("<p>x</p>"), "kind": "newsletter", "audiences": ["provider"]}
        when = {"now": turn.now, "first_send_at": turn.now, "last_send_on": turn.now.date()}
        return [(f.level, f.fix) for f in sender_is_known(turn.session, world=outward, **asked, **when)]

    with outward.turn() as turn:
        assert levels() == [("warning", "/outbox/transports")], "nothing left by it yet"
        state = TransportState(name="smtp", last_sent_at=turn.now)
        turn.session.add(state)
        turn.session.flush()
        assert levels() == [("pass", "")]
        state.paused_at, state.paused_why = turn.now, "550 5.7.1 Sender identity not verified"
        assert levels() == [("blocker", "/outbox/transports")]
        state.paused_why = "535 Authentication failed"
        assert levels() == [("warning", "/outbox/transports")]
        state.paused_at = None
        turn.session.get_one(Practice, 1).sender_email = "cedarlane@gmail.com"
        turn.session.flush()
        assert levels() == [("blocker", "/settings/sender")]
