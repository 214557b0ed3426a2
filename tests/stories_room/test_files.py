"""What belongs to a story beside its words: the picture, the scan of a signed paper, and places outside."""

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.contacts import erasing
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.content.models import Asset
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.stories import asking, outside, pictures, scanning, withdrawing
from outreach.stories.file_models import StoryFile, StoryUse
from outreach.stories.models import Story
from tests.people import Cast, post, sign_in
from tests.stories_room.permissions import ENDS, TO_PROVIDERS, asked, signed, told

TODAY = date(2026, 3, 2)
PLAIN = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
GARDEN = "Marisol in her garden"


def picture(shade: int = 0) -> bytes:
    drawn = Image.radial_gradient("L").resize((60, 40)).point(lambda grey: (grey + shade) % 256)
    out = BytesIO()
    drawn.convert("RGB").save(out, "JPEG")
    return out.getvalue()


def with_picture(turn: Turn, cast: Cast, runtime: Runtime) -> Authorization:
    """Asked for her words and the picture of her."""
    story = told(turn, cast)
    made = pictures.attach(turn.session, story, now=turn.now, content=picture(), alt=GARDEN, by_id=cast.maya)
    assert isinstance(made, StoryFile)
    wish = asking.Wish(scopes=TO_PROVIDERS, expires_on=ENDS)
    permission = asking.ask(turn.session, story, wish, now=turn.now, key=runtime.key, by_id=cast.maya)
    assert isinstance(permission, Authorization)
    return permission


@pytest.mark.parametrize("allowed", [True, False])
def test_marisol_sees_the_picture_and_allows_it_or_not(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, allowed: bool
) -> None:
    with runtime.turn() as turn:
        page = asking.link("", runtime.key, with_picture(turn, cast, runtime).id)
    shown = visitor.get(page).get_data(as_text=True)
    assert f'alt="{GARDEN}"' in shown
    assert "with the picture when it is ticked, and only these" in shown
    file = visitor.get(f"{page}/picture")
    assert (file.mimetype, file.headers["Cache-Control"]) == ("image/jpeg", "private, no-store")
    typed: dict[str, Any] = {"signer": "Marisol Vega", "scopes": ["website"], **({"picture": "1"} if allowed else {})}
    assert post(visitor, page, typed).status_code == 303
    after = visitor.get(page).get_data(as_text=True)
    assert ("My picture, shown with my words" in after) == allowed
    assert ("the words and the picture above, and only these" in after) == allowed
    assert visitor.get(f"{page}/picture").status_code == (200 if allowed else 404)
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(Asset)).all()
        assert [(one.alt, one.shows_client) for one in kept] == ([(GARDEN, True)] if allowed else [])
        path = f"/assets/{kept[0].token}.jpg" if kept else ""
    [fed] = visitor.get("/testimonials.json").json["stories"]  # type: ignore[index]
    assert (fed["picture"] is not None) == allowed
    if allowed:
        assert fed["picture"]["address"].endswith(path)
        assert f'<img src="{path}" alt="{GARDEN}"' in visitor.get("/testimonials").get_data(as_text=True)
        assert visitor.get(path).status_code == 200
        post(visitor, f"{page}/withdraw", form_at=page)
        assert [visitor.get(each).status_code for each in (path, f"{page}/picture")] == [404, 404]


def test_the_picture_is_fixed_once_she_was_asked_and_goes_when_an_unsigned_story_is_erased(
    turn: Turn, cast: Cast, runtime: Runtime
) -> None:
    def attach(story: Story, content: bytes = b"<svg>", alt: str = GARDEN) -> str:
        made = pictures.attach(turn.session, story, now=turn.now, content=content, alt=alt, by_id=None)
        return made.reason if isinstance(made, Refusal) else "kept"

    story = told(turn, cast)
    assert [attach(story), attach(story, picture(), alt=" ")] == ["not-a-picture", "no-alt"]
    assert [attach(story, picture(shade)) for shade in (0, 90)] == ["kept", "kept"]
    assert len(turn.session.scalars(select(StoryFile).where(StoryFile.removed_at.is_(None))).all()) == 1
    assert pictures.put_aside(turn.session, story, now=turn.now) is None
    assert pictures.current(turn.session, story.id) is None
    asked_now = turn.session.get_one(Story, _story_of(turn, with_picture(turn, cast, runtime)))
    assert attach(asked_now, picture(90)) == "already-asked"
    erasing.erase(turn.session, turn.session.get_one(Contact, cast.marisol), now=turn.now, by_id=cast.olive)
    assert turn.session.scalars(select(StoryFile)).all() == []


def _story_of(turn: Turn, permission: Authorization) -> int:
    return turn.session.scalars(select(Story.id).where(Story.authorization_id == permission.id)).one()


def test_a_scanned_paper_counts_when_somebody_vouches_for_it(
    app: Flask, maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        here = f"/stories/{told(turn, cast).id}"
    form = {"signer": "Marisol Vega", "signed_on": "2026-03-01", "expires_on": "2027-03-01", "scopes": ["print"]}
    form |= {"identity": "first-name", "purpose": "To tell others", "authority": ""}

    def record(content: bytes | None, **more: str) -> Any:
        scan = {"scan": (BytesIO(content), "paper.pdf")} if content else {}
        return post(maya, f"{here}/paper", {**form, **scan, **more})

    for content, more, said in (
        (None, {}, "Say where the signed paper is kept"),
        (PLAIN, {}, "tick that it shows what is entered"),
        (b"MZ\x90", {"vouched": "y"}, "neither a PDF nor a picture"),
        (PLAIN + b"more", {"vouched": "y"}, "neither a PDF nor a picture"),
    ):
        no = record(content, **more)
        assert no.status_code == 422
        assert said in no.get_data(as_text=True)
        assert 'value="Marisol Vega"' in no.get_data(as_text=True)
    assert record(PLAIN, vouched="y").status_code == 303
    with runtime.turn(write=False) as turn:
        scan = turn.session.scalars(select(StoryFile)).one()
        assert (scan.data, scan.verified_by_id, scan.media_type) == (PLAIN, cast.maya, "application/pdf")
        path = f"{here}/files/{scan.id}"
    assert path in maya.get(here).get_data(as_text=True)
    answer = maya.get(path)
    assert answer.data == PLAIN
    assert answer.headers["Content-Disposition"].startswith("attachment")
    page = {"scan": (BytesIO(picture()), "two.jpg"), "vouched": "y"}
    assert post(maya, f"{here}/scan", page).status_code == 303
    assert "The signed paper, page 2" in maya.get(here).get_data(as_text=True)
    assert maya.get(f"/stories/9999/files/{scan.id}").status_code == 404
    assert sign_in(app, runtime, "rita@cedarlane.example").get(path).status_code == 403
    with runtime.turn(write=False) as turn:
        looked = select(AuditEntry.facts).where(AuditEntry.action == "viewed-scan")
        assert list(turn.session.scalars(looked)) == [{"file_id": scan.id}]


def test_a_scan_proves_nothing_that_was_signed_on_the_page(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    scan = scanning.read(PLAIN, vouched=True)
    assert isinstance(scan, scanning.Scan)
    no = scanning.keep(turn.session, signed(turn, cast, runtime), scan, now=turn.now, by_id=cast.maya)
    assert isinstance(no, Refusal)
    assert no.reason == "not-on-paper"


def test_places_outside_are_noted_within_the_permission_and_listed_until_taken_down(
    turn: Turn, cast: Cast, runtime: Runtime
) -> None:
    def note(permission: Authorization, scope: str = "website", place: str = "Blog", on: date = TODAY) -> str:
        made = outside.note(
            turn.session, permission, now=turn.now, scope=scope, place=place, used_on=on, by_id=cast.maya
        )
        return made.reason if isinstance(made, Refusal) else "noted"

    permission = signed(turn, cast, runtime)
    story = turn.session.get_one(Story, _story_of(turn, permission))
    assert note(permission, "print", "Poster") == "other-scope"
    assert note(permission, place=" ") == "no-place"
    assert [note(permission, on=date(2026, 3, day)) for day in (1, 3)] == ["bad-date", "bad-date"]
    assert [note(permission, place=place) for place in ("Blog", "Slides", "Blog ")] == ["noted"] * 3
    assert outside.still_standing(turn.session, [permission.id]) == 2, "the same place is noted once"
    outside.take_down(outside.places(turn.session, story)[0], now=turn.now, by_id=cast.maya)
    turn.session.flush()
    assert [one.place for one in outside.places(turn.session, story)] == ["Slides", "Blog"]
    gone = withdrawing.withdraw(turn.session, permission, now=turn.now, world=runtime, channel="phone")
    assert gone.outside == 1
    task = turn.session.scalars(select(Task.title).where(Task.origin.endswith(":withdrawn"))).one()
    assert "1 place outside" in task
    assert note(permission) == "not-live"


def test_maya_notes_a_poster_and_takes_it_down_after_the_withdrawal(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        permission = signed(turn, cast, runtime, "print", scopes=("print",))
        here = f"/stories/{_story_of(turn, permission)}"
    typed = {"scope": "website", "place": "Poster in the waiting room", "used_on": "2026-03-02"}
    wrong = post(maya, f"{here}/places", typed, form_at=here)
    assert wrong.status_code == 422
    assert "does not include “Our website”" in wrong.get_data(as_text=True)
    assert 'value="Poster in the waiting room"' in wrong.get_data(as_text=True)
    assert post(maya, f"{here}/places", {**typed, "scope": "print"}, form_at=here).status_code == 303
    assert "Poster in the waiting room" in maya.get(f"{here}/withdraw").get_data(as_text=True)
    post(maya, f"{here}/withdraw", {"channel": "phone"})
    assert "Take them down in 1 place" in maya.get(here).get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        number = turn.session.scalars(select(StoryUse.id)).one()
    post(maya, f"{here}/places/{number}/taken-down", form_at=here)
    page = maya.get(here).get_data(as_text=True)
    assert "Take them down in" not in page
    assert "Taken down" in page


def test_nobody_is_asked_about_a_picture_that_is_not_there(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    permission = asked(turn, cast, runtime)
    assert pictures.shown_on_page(turn.session, permission) is None
