"""A picture or file that shows a client: known by its looks, held to a permission, in every version."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from outreach.content import pdfs
from outreach.content.assets import library, tell_client
from outreach.content.drafts import Draft
from outreach.content.models import Asset, MessageAuthorization
from outreach.content.picture_blocks import path_of
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, kept, message
from tests.content.test_assets import add, added, send
from tests.content.test_preflight import findings
from tests.content.test_story_gate import story
from tests.people import Cast

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def face(seed: int = 7) -> Image.Image:
    """A picture with something on it."""
    points = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(points).resize((480, 360), Image.Resampling.BICUBIC)


def saved(picture: Image.Image, form: str = "PNG", **more: int) -> bytes:
    """Its bytes."""
    out = BytesIO()
    picture.save(out, form, **more)
    return out.getvalue()


def packed(inner: bytes) -> bytes:
    """A PDF with something in a packed stream."""
    body = zlib.compress(inner)
    return PDF.replace(b"trailer", b"2 0 obj\n<< >>\nstream\n" + body + b"\nendstream\nendobj\ntrailer")


@pytest.mark.parametrize(
    "again",
    [
        saved(face()),
        saved(face(), "JPEG", quality=40),
        saved(face().resize((200, 150)), "WEBP"),
        saved(face().convert("L"), "GIF"),
    ],
)
def test_a_client_is_known_again_without_the_tick(turn: Turn, cast: Cast, again: bytes) -> None:
    shown = added(turn, saved(face()), title="Marisol", shows_client=True, authorization_id=story(turn, cast).id)
    shown.deleted_at = turn.now
    refused = add(turn, again)
    assert isinstance(refused, Refusal)
    assert refused.reason == "known-client"
    assert "Marisol" in refused.text
    assert isinstance(add(turn, saved(face(8))), Asset)


def test_what_is_found_to_show_a_client_is_held_everywhere(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    made = added(turn, saved(face()))
    draft = Draft(subject="x", blocks=[{"type": "picture", "asset_id": str(made.id), "alt": "Two people"}])
    before = message(runtime, turn, draft)
    permission = story(turn, cast)
    added(turn, saved(face()), shows_client=True, authorization_id=permission.id)
    turn.session.refresh(made)
    assert made.authorization_id == permission.id
    # What was kept before anybody knew waits for the same permission at the moment of sending.
    needed = select(MessageAuthorization).where(MessageAuthorization.message_id == before.id)
    assert [each.authorization_id for each in turn.session.scalars(needed)] == [permission.id]
    assert isinstance(tell_client(turn.session, made, authorization_id=None), Refusal)
    permission.state, permission.revoked_at = "revoked", turn.now
    turn.session.flush()
    refused = kept(runtime, turn, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == "no-authorization"


def test_smaller_copies_of_what_shows_a_client_are_held_too(turn: Turn, cast: Cast) -> None:
    smaller, other = added(turn, saved(face().resize((200, 150)))), added(turn, saved(face(8)))
    allowed = story(turn, cast).id
    added(turn, saved(face()), shows_client=True, authorization_id=allowed)
    for each in (smaller, other):
        turn.session.refresh(each)
    assert (smaller.shows_client, smaller.authorization_id) == (True, allowed)
    assert not other.shows_client


def test_a_new_version_takes_the_place_and_old_mail_keeps_its_picture(
    maya: FlaskClient, visitor: FlaskClient, runtime: Runtime
) -> None:
    send(maya, saved(face()))
    assert send(maya, saved(face(9)), "/content/assets/1/version").status_code == 303
    assert "version 2" in maya.get("/content/assets").get_data(as_text=True)
    assert "There is a newer version" in maya.get("/content/assets/1").get_data(as_text=True)
    assert send(maya, b"<svg/>", "/content/assets/2/version").status_code == 422
    with runtime.turn(write=False) as turn:
        assert [asset.id for asset in library(turn.session)[0]] == [2]
        old = turn.session.get_one(Asset, 1)
        draft = Draft(subject="x", preview_line="y", blocks=[{"type": "picture", "asset_id": "1", "alt": "We"}])
        assert any("newer version of “Team”" in found.text for found in findings(runtime, turn, draft))
        path = path_of(old)
    assert visitor.get(path).status_code == 200


def test_a_pdf_is_linked_with_its_size_and_never_opens_as_a_page(
    runtime: Runtime, maya: FlaskClient, visitor: FlaskClient
) -> None:
    send(maya, PDF, title="Hip guide")
    with runtime.turn() as turn:
        made = turn.session.get_one(Asset, 1)
        draft = Draft(subject="x", blocks=[{"type": "file", "asset_id": "1", "label": ""}])
        shown = render(message(runtime, turn, draft), ADDRESSES)
        path = path_of(made)
        assert isinstance(kept(runtime, turn, Draft(subject="x", blocks=[{"type": "file"}])), Refusal)
    assert "Hip guide</a> (PDF, 1 kB)" in shown.html
    assert "Hip guide (PDF, 1 kB):\nhttps://" in shown.text
    seen = visitor.get(path)
    assert (seen.mimetype, seen.data) == ("application/pdf", PDF)
    assert seen.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PDF + b"PK\x03\x04<script>", "not-a-pdf"),
        (b"<html>" + PDF, "not-a-pdf"),
        (PDF[:-8], "not-a-pdf"),
        (PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript >>"), "active-file"),
        (PDF.replace(b"/Catalog", b"/Catalog /J#61vaScript (x)"), "active-file"),
        (packed(b"<< /Type /Action /S /Launch >>"), "active-file"),
        (packed(b"\x00" * (pdfs.MAX_UNPACKED + 1)), "active-file"),
        (PDF + b" " * pdfs.MAX_BYTES, "file-too-large"),
    ],
)
def test_a_file_that_acts_or_hides_is_refused(content: bytes, reason: str) -> None:
    refused = pdfs.checked(content)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert pdfs.checked(packed(b"BT /F1 12 Tf (Hello) Tj ET")) == packed(b"BT /F1 12 Tf (Hello) Tj ET")
