"""Pictures: only pixels survive, small enough for mail, and no client without permission."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from outreach.contacts.consent import Authorization
from outreach.content import assets
from outreach.content.drafts import Draft
from outreach.content.models import Asset
from outreach.content.picture_blocks import path_of
from outreach.content.preflight import check
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, kept, message
from tests.content.test_story_gate import story
from tests.people import Cast, csrf_of

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(size: tuple[int, int] = (80, 60), form: str = "PNG", mode: str = "RGB", **more: Any) -> bytes:
    """The bytes of a picture."""
    out = BytesIO()
    Image.new(mode, size, "teal" if mode == "RGB" else 0).save(out, form, **more)
    return out.getvalue()


def noise(width: int, height: int) -> bytes:
    """A picture that does not compress."""
    out = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def add(turn: Turn, content: bytes, **more: Any) -> Asset | Refusal:
    """The picture put into the library."""
    usual: dict[str, Any] = {"title": "Team", "alt": "Our team", "shows_client": False, "by_id": None}
    return assets.upload(turn.session, now=turn.now, content=content, **{**usual, **more})


def added(turn: Turn, content: bytes, **more: Any) -> Asset:
    """The same, when it must not be refused."""
    made = add(turn, content, **more)
    assert isinstance(made, Asset), made
    return made


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_usual_pictures_are_written_anew(turn: Turn, form: str) -> None:
    made = added(turn, picture(form=form))
    assert (made.width, made.height) == (80, 60)
    assert made.media_type in ("image/png", "image/jpeg")
    assert Image.open(BytesIO(made.data)).size == (80, 60)


def test_a_polyglot_loses_what_hides_in_it(turn: Turn) -> None:
    made = added(turn, picture(form="JPEG") + b"<script>alert(1)</script>PK\x03\x04")
    assert b"script" not in made.data
    commented = picture(form="JPEG", comment=b"<script>alert(2)</script>")
    assert b"script" in commented
    assert b"script" not in added(turn, commented).data


def test_where_it_was_taken_is_forgotten(turn: Turn) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    content = picture(form="JPEG", exif=exif.tobytes())
    assert b"SECRET PLACE" in content
    assert b"SECRET PLACE" not in added(turn, content).data


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", SVG, b"GIF89a" + SVG, b"\x89PNG\r\n\x1a\n" + b"x" * 50, picture()[:60], b"<html>"],
)
def test_what_is_not_a_picture_is_refused(turn: Turn, content: bytes) -> None:
    refused = add(turn, content)
    assert isinstance(refused, Refusal)
    assert refused.reason == "not-a-picture"


def test_too_many_pixels_are_refused_before_they_are_read(turn: Turn) -> None:
    refused = add(turn, picture((8001, 5000), mode="1"))
    assert isinstance(refused, Refusal)
    assert refused.reason == "picture-too-large"


def test_a_large_picture_becomes_small_enough(turn: Turn) -> None:
    made = added(turn, noise(1600, 1200))
    assert made.size_bytes <= assets.MAX_STORED_BYTES
    assert made.width <= assets.MAX_WIDTH
    assert abs(made.width / made.height - 4 / 3) < 0.02


def test_see_through_pictures_stay_see_through(turn: Turn) -> None:
    made = added(turn, picture(mode="RGBA"))
    assert made.media_type == "image/png"
    assert Image.open(BytesIO(made.data)).mode == "RGBA"


def test_the_same_picture_is_stored_once(turn: Turn) -> None:
    assert added(turn, picture()).id == added(turn, picture(), title="Again").id


def test_a_client_is_shown_only_with_permission(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    refused = add(turn, picture(), shows_client=True)
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-authorization"
    permission = story(turn, cast)
    made = added(turn, picture(), shows_client=True, authorization_id=permission.id)
    draft = Draft(subject="x", blocks=[{"type": "picture", "asset_id": str(made.id), "alt": "Marisol"}])
    assert message(runtime, turn, draft)
    permission.state, permission.revoked_at = "revoked", turn.now
    turn.session.flush()
    refused = kept(runtime, turn, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-authorization"
    assert "Picture: “Team”" in refused.text


def test_a_picture_of_a_client_is_served_only_while_its_permission_lives(
    runtime: Runtime, cast: Cast, visitor: FlaskClient
) -> None:
    with runtime.turn() as turn:
        permission = story(turn, cast)
        made = added(turn, picture(), shows_client=True, authorization_id=permission.id)
    answer = visitor.get(path_of(made))
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]
    with runtime.turn() as turn:
        withdrawn = turn.session.get_one(Authorization, permission.id)
        withdrawn.state, withdrawn.revoked_at = "revoked", turn.now
    assert visitor.get(path_of(made)).status_code == 404


def test_a_picture_is_shown_with_words_width_and_our_address(runtime: Runtime, turn: Turn) -> None:
    made = added(turn, picture((1000, 500)))
    draft = Draft(
        subject="x", blocks=[{"type": "picture", "asset_id": str(made.id), "alt": 'A "team"', "width": "360"}]
    )
    shown = render(message(runtime, turn, draft), ADDRESSES)
    assert f'src="https://outreach.cedarlane.example{path_of(made)}"' in shown.html
    assert 'alt="A &quot;team&quot;"' in shown.html
    assert 'width="360"' in shown.html
    assert '[A "team"]' in shown.text


def test_a_picture_without_words_is_a_warning(runtime: Runtime, turn: Turn) -> None:
    made = added(turn, picture(), alt="")
    draft = Draft(subject="x", preview_line="y", blocks=[{"type": "picture", "asset_id": str(made.id)}])
    found = check(
        turn.session,
        now=turn.now,
        world=runtime,
        draft=draft,
        kind="drip",
        first_send_at=turn.now,
        last_send_on=turn.now.date(),
    )
    assert [(f.level, f.fix) for f in found if f.level != "pass"] == [("warning", "#block-0")]


def send(maya: FlaskClient, content: bytes, to: str = "/content/assets", **more: Any) -> Any:
    """The upload form sent by a browser."""
    token = csrf_of(maya.get("/content/assets").get_data(as_text=True))
    usual = {"title": "Team", "alt": "Our team", "shows_client": "no"}
    data = {**usual, "csrf_token": token, "file": (BytesIO(content), "team.png"), **more}
    return maya.post(to, data=data, content_type="multipart/form-data")


def test_maya_adds_a_picture_and_anyone_can_see_it(maya: FlaskClient, visitor: FlaskClient, runtime: Runtime) -> None:
    assert "No pictures yet" in maya.get("/content/assets").get_data(as_text=True)
    assert send(maya, picture()).status_code == 303
    page = maya.get("/content/assets").get_data(as_text=True)
    assert "Our team" in page
    with runtime.turn(write=False) as turn:
        made = turn.session.get_one(Asset, 1)
        path = path_of(made)
    seen = visitor.get(path)
    assert seen.status_code == 200
    assert seen.mimetype == made.media_type
    assert "immutable" in seen.headers["Cache-Control"]
    assert seen.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    assert visitor.get(path, headers={"If-None-Match": seen.headers["ETag"]}).status_code == 304
    assert visitor.get("/assets/nothing.png").status_code == 404
    assert visitor.get("/content/assets").status_code in (302, 303, 401)


def test_a_refused_picture_keeps_what_was_typed(maya: FlaskClient) -> None:
    answer = send(maya, SVG, title="Our logo")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "not a picture we can use" in page
    assert "Our logo" in page
    assert send(maya, picture(), shows_client="yes").status_code == 422
    assert send(maya, picture(), shows_client="").status_code == 422


def test_a_removed_picture_can_come_back_and_mail_still_shows_it(
    maya: FlaskClient, visitor: FlaskClient, runtime: Runtime
) -> None:
    send(maya, picture())
    with runtime.turn(write=False) as turn:
        path = path_of(turn.session.get_one(Asset, 1))
    token = csrf_of(maya.get("/content/assets").get_data(as_text=True))
    assert maya.post("/content/assets/1/remove", data={"csrf_token": token}).status_code == 303
    assert maya.get("/content/assets/1").status_code == 404
    assert visitor.get(path).status_code == 200
    assert maya.post("/content/assets/1/restore", data={"csrf_token": token}).status_code == 303
    changed = {"csrf_token": token, "title": "The whole team", "alt": "Five people", "shows_client": "no"}
    assert maya.post("/content/assets/1", data=changed).status_code == 303
    assert "The whole team" in maya.get("/content/assets/1").get_data(as_text=True)
    assert maya.post("/content/assets/1", data={"csrf_token": token, "title": ""}).status_code == 422
