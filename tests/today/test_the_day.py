"""What goes out today and what waits for a person, each from the rooms' own tables."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.cards.models import CardRun
from outreach.contacts import tasks
from outreach.contacts.consent import Authorization
from outreach.contacts.imports import ImportRun
from outreach.content.models import Message
from outreach.deliveries.models import Delivery, Hold, LinkClick
from outreach.events.models import Event
from outreach.newsletters.models import Issue
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.stories.models import Story
from outreach.today.going_out import Leaving, going_out, plain_subject, still_to_leave
from outreach.today.waiting import waiting
from tests.people import Cast
from tests.today.believable import TODAY

ZONE = ZoneInfo("America/New_York")


def message(session: Session, turn: Turn, subject: str, kind: str = "drip") -> int:
    made = Message(
        digest=f"{subject}-{kind}", kind=kind, mail_class="commercial", topic="education", audiences=["provider"],
        subject=subject, segments={}, links=[], details=[], groups=[], draft={}, made_at=turn.now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def deliver(turn: Turn, contact_id: int, message_id: int, *, hours: float = 1, **facts: Any) -> Delivery:
    due_at = turn.now + timedelta(hours=hours)
    row = Delivery(
        **{
            "source": "campaign", "source_id": 1, "step": "s1", "contact_id": contact_id, "message_id": message_id,
            "kind": "drip", "mail_class": "commercial", "topic": "education", "audience_class": "provider",
            "state": "scheduled", "zone": "America/New_York", "not_before_at": due_at, "due_at": due_at,
            "created_at": turn.now, "updated_at": turn.now, **facts,
        }
    )  # fmt: skip
    turn.session.add(row)
    turn.session.flush()
    return row


def leaving(turn: Turn) -> list[Leaving]:
    return going_out(turn.session, now=turn.now, today=TODAY, zone=ZONE)


def said(turn: Turn) -> list[str]:
    return [line.text for line in waiting(turn.session, now=turn.now, today=TODAY)]


@pytest.fixture
def welcome(turn: Turn) -> int:
    campaign = Campaign(name="New physician welcome", seed=1, created_at=turn.now)
    turn.session.add(campaign)
    turn.session.flush()
    return message(turn.session, turn, "Hello {{ first_name | colleague }}")


def test_a_send_names_its_campaign_its_people_and_the_clicks_of_people(turn: Turn, cast: Cast, welcome: int) -> None:
    for contact_id in (cast.raman, cast.okafor):
        row = deliver(turn, contact_id, welcome, hours=-1, state="sent", sent_at=turn.now - timedelta(hours=1))
        for machine in (True, contact_id == cast.okafor):
            turn.session.add(LinkClick(delivery_id=row.id, link_number=0, at=turn.now, machine=machine))
    turn.session.flush()
    [line] = leaving(turn)
    assert line.title == "New physician welcome: Hello colleague"
    assert line.sub == "2 people. Sent, 1 clicked so far."
    assert line.done
    assert still_to_leave([line]) == 0


def test_half_a_send_says_how_far_it_is(turn: Turn, cast: Cast, welcome: int) -> None:
    deliver(turn, cast.raman, welcome, hours=-1, state="delivered", sent_at=turn.now)
    deliver(turn, cast.okafor, welcome, hours=2)
    assert [(line.sub, line.done) for line in leaving(turn)] == [("1 of 2 people sent.", False)]


def test_what_is_held_today_is_gold_and_what_was_held_before_only_waits(turn: Turn, cast: Cast, welcome: int) -> None:
    deliver(turn, cast.raman, welcome, hours=-48, step="s0", state="held")
    assert leaving(turn) == []
    deliver(turn, cast.okafor, welcome, hours=1, state="held")
    [line] = leaving(turn)
    assert line.alert
    assert line.sub == "1 person. 1 is held back and needs a look."
    assert "2 emails held back" in said(turn)


def test_a_backlog_leaves_now_not_at_midnight(turn: Turn, cast: Cast, welcome: int) -> None:
    deliver(turn, cast.raman, welcome, hours=-30)
    assert [line.at for line in leaving(turn)] == [turn.now]


def test_tomorrows_mail_and_test_mail_are_not_todays(turn: Turn, cast: Cast, welcome: int) -> None:
    deliver(turn, cast.raman, welcome, hours=20)
    deliver(turn, cast.okafor, welcome, hours=1, source="campaign-test")
    assert leaving(turn) == []


def test_an_issue_without_ok_is_gold_with_its_deadline(turn: Turn) -> None:
    turn.session.add(
        Issue(
            title="March newsletter", draft={}, send_on=TODAY, send_minute=630, send_zone="America/New_York",
            counted=312, created_at=turn.now, edited_at=turn.now,
        )
    )  # fmt: skip
    turn.session.flush()
    [line] = leaving(turn)
    assert (line.sub, line.alert) == ("312 people. Needs your OK by 10:15.", True)
    assert line.at.astimezone(ZONE).strftime("%H:%M") == "10:30"


def test_cards_of_the_day_need_an_ok_too(turn: Turn) -> None:
    turn.session.add(
        CardRun(
            occasion="new-year", year=2026, title="Spring cards", draft={}, send_on=TODAY,
            last_on=TODAY + timedelta(days=5), created_at=turn.now, edited_at=turn.now,
        )
    )  # fmt: skip
    turn.session.flush()
    assert [(line.title, line.alert) for line in leaving(turn)] == [("Spring cards", True)]


@pytest.mark.parametrize(
    ("subject", "plain"),
    [("Are you coming? {{ event_title | Our event }}", "Are you coming? Our event"), ("{{ x }} and you", "… and you"),
     ("100 {% percent", "100 {% percent")],
)  # fmt: skip
def test_subjects_are_shown_as_a_stranger_would_read_them(subject: str, plain: str) -> None:
    assert plain_subject(subject) == plain


def test_a_campaign_that_stopped_itself_waits_and_one_held_by_maya_does_not(
    turn: Turn, cast: Cast, welcome: int
) -> None:
    turn.session.add(Hold(scope="campaign:1", why="too many bounces", since_at=turn.now))
    turn.session.add(Hold(scope="campaign:2", why="I changed my mind", since_at=turn.now, by_id=cast.maya))
    turn.session.flush()
    assert said(turn) == ["“New physician welcome” stopped itself: too many bounces"]


def test_mail_that_nobody_can_be_sure_of_waits_for_a_decision(turn: Turn, cast: Cast, welcome: int) -> None:
    deliver(turn, cast.raman, welcome, state="unconfirmed")
    deliver(turn, cast.okafor, welcome, state="failed")
    lines = waiting(turn.session, now=turn.now, today=TODAY)
    assert [(line.text, line.href) for line in lines] == [
        ("1 email may or may not have arrived", "/outbox?tab=unconfirmed"),
        ("1 email could not be sent", "/outbox?tab=failed"),
    ]


def test_an_import_with_problems_waits_for_a_week(turn: Turn) -> None:
    run = ImportRun(
        file_name="a.csv", digest="x", size_bytes=1, header=[], samples=[], status="done", rows_total=214,
        counts={"problem": 3}, created_at=turn.now,
    )  # fmt: skip
    turn.session.add(run)
    turn.session.flush()
    assert said(turn) == ["Import: 3 of 214 rows need a look"]
    run.created_at = turn.now - timedelta(days=8)
    turn.session.flush()
    assert said(turn) == []


def test_a_permission_is_told_when_it_is_signed_and_before_it_ends(turn: Turn, cast: Cast) -> None:
    signed = Authorization(
        contact_id=cast.marisol, state="signed", wording="They listened.", scopes=["website"], signed_at=turn.now,
        expires_on=TODAY + timedelta(days=300),
    )  # fmt: skip
    turn.session.add(signed)
    turn.session.flush()
    turn.session.add(
        Story(
            contact_id=cast.marisol, title="Shoulder", words="They listened.", authorization_id=signed.id,
            created_at=turn.now, updated_at=turn.now,
        )
    )  # fmt: skip
    turn.session.flush()
    assert said(turn) == ["Marisol signed the testimonial permission"]
    signed.signed_at, signed.expires_on = turn.now - timedelta(days=200), TODAY + timedelta(days=30)
    turn.session.flush()
    assert said(turn) == ["Marisol’s testimonial permission ends Apr 1"]


def test_duties_of_one_event_are_one_line(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = Event(
        type="lunch-and-learn", title="Lakeside lunch", time_zone="America/New_York", created_at=turn.now,
        updated_at=turn.now,
    )  # fmt: skip
    turn.session.add(event)
    turn.session.flush()
    for title in ("Order the food", "Print the sheet"):
        tasks.add(turn.session, now=turn.now, kind="prepare", title=title, due_on=TODAY, event_id=event.id)
    tasks.add(turn.session, now=turn.now, kind="other", title="Renew the phone plan", due_on=TODAY, owner_id=cast.maya)
    assert said(turn) == ["2 duties for “Lakeside lunch”", "Renew the phone plan (Maya Jensen)"]
