"""Two people decide about one story at the same moment: the second sees what the first one did."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from outreach.contacts.consent import Authorization
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.stories import asking
from outreach.stories.models import Story
from tests.people import Cast
from tests.stories_room.permissions import ENDS, TO_PROVIDERS, told


@pytest.mark.postgresql
def test_one_client_is_asked_once_however_many_press(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        story_id = told(turn, cast).id
    both = Barrier(2, timeout=30)

    def press(_number: int) -> Authorization | Refusal:
        with runtime.turn() as turn:
            story = turn.session.get_one(Story, story_id)
            both.wait()
            wish = asking.Wish(scopes=TO_PROVIDERS, expires_on=ENDS)
            return asking.ask(turn.session, story, wish, now=turn.now, key=runtime.key, by_id=cast.maya)

    with ThreadPoolExecutor(2) as two:
        said = list(two.map(press, range(2)))
    assert [one.reason for one in said if isinstance(one, Refusal)] == ["already-asked"]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(Authorization)) == 1
