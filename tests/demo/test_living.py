"""The demo's last weeks, lived by its own verbs and jobs: what a person finds who opens it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from outreach.campaigns.models import Enrollment
from outreach.cards.models import CardRecipient
from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.contacts.consent import Authorization
from outreach.deliveries.models import Delivery
from outreach.demo.seeding import seed
from outreach.errors import OutreachError
from outreach.events.models import Event, Invitation
from outreach.newsletters.models import Issue
from outreach.practice.models import Practice
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from tests.conftest import KEY

SUNDAY_EVENING = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
"""The worst moment to open a demo: no weekday, no office hour, a clock change and a holiday near."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A demo installation over the folder transport, seeded once for all tests of this module."""
    home: Path = tmp_path_factory.mktemp("demo")
    settings = Settings(
        mode="demo",
        home=home,
        database_url=f"sqlite:///{home / 'outreach.db'}",
        secret_key=KEY,
        public_url="http://127.0.0.1:8000",
        preview_inbox=True,
        second_factor_required=False,
    )
    runtime = open_runtime(settings, clock=FrozenClock(SUNDAY_EVENING))
    load_all().metadata.create_all(runtime.engine)
    seed(runtime)
    yield runtime
    runtime.close()


def states(runtime: Runtime, column: object) -> dict[str, int]:
    with runtime.turn(write=False) as turn:
        found = turn.session.execute(select(column, func.count()).group_by(column))  # type: ignore[call-overload]
        return dict(found.all())


def test_a_drip_is_under_way_with_people_at_different_steps(demo: Runtime) -> None:
    assert states(demo, Enrollment.state)["active"] >= 3
    with demo.turn(write=False) as turn:
        waiting = turn.session.scalars(select(Enrollment.due_at).where(Enrollment.state == "active")).all()
    assert len(set(waiting)) >= 2


def test_the_newsletter_and_the_invitations_have_left_and_stand_in_the_preview_inbox(demo: Runtime) -> None:
    assert states(demo, Issue.status)["sent"] == 1
    with demo.turn(write=False) as turn:
        sent = turn.session.scalar(select(func.count(Delivery.id)).where(Delivery.state == "sent"))
    assert sent == len(list(demo.settings.outbox_folder.rglob("*.eml")))
    assert sent is not None
    assert sent > 80


def test_no_mail_left_outside_the_sending_hours(demo: Runtime) -> None:
    with demo.turn(write=False) as turn:
        late = turn.session.scalar(select(func.count(Delivery.id)).where(Delivery.sent_at > Delivery.window_until_at))
    assert late == 0


def test_one_lunch_took_place_and_one_is_to_come_with_answers(demo: Runtime) -> None:
    assert states(demo, Event.status) == {"took-place": 1, "confirmed": 1}
    assert {"yes", "no", "maybe"} <= set(states(demo, Invitation.answer))


def test_one_permission_lives_and_one_has_ended(demo: Runtime) -> None:
    with demo.turn(write=False) as turn:
        ends = turn.session.scalars(select(Authorization.expires_on).order_by(Authorization.expires_on)).all()
    assert len(ends) == 2
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0] < SUNDAY_EVENING.date() < ends[1]


def test_a_card_list_waits_for_approval(demo: Runtime) -> None:
    assert {"email", "print", "skip"} == set(states(demo, CardRecipient.way))


def test_a_second_start_keeps_everything(demo: Runtime) -> None:
    before = states(demo, Delivery.state)
    seed(demo)
    assert states(demo, Delivery.state) == before


def test_a_demo_that_was_left_half_way_is_made_again(demo: Runtime) -> None:
    with demo.turn() as turn:
        turn.session.get_one(Practice, 1).demo_furnished_at = None
        turn.session.flush()
    before = states(demo, Event.status)
    seed(demo)
    assert states(demo, Event.status) == before


def test_a_real_practice_is_never_touched(demo: Runtime) -> None:
    with demo.turn() as turn:
        turn.session.get_one(Practice, 1).is_demo = False
    with pytest.raises(OutreachError, match="real practice"):
        seed(demo)
