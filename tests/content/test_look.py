"""The practice's logo, colour and signature."""

from dataclasses import replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from outreach.content.look import DEFAULT_COLOUR, LEAST_CONTRAST, brand, contrast, darker, lighter
from outreach.content.look_models import EmailLook
from outreach.content.looking import save
from outreach.content.picture_blocks import path_of
from outreach.content.rendering import render
from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, WELCOME, message
from tests.content.test_assets import added, picture
from tests.content.test_story_gate import story
from tests.people import Cast, csrf_of, sign_in

COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def test_contrast_is_as_measured_elsewhere() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#566970", "#ffffff"), 1) == 5.8
    assert contrast("#767676", "#ffffff") >= LEAST_CONTRAST > contrast("#777777", "#ffffff")


@given(COLOURS)
def test_the_colour_of_mail_can_always_be_read(colour: str) -> None:
    used = brand(colour)
    assert contrast(used, "#ffffff") >= LEAST_CONTRAST
    assert contrast(lighter(used), "#16262a") >= LEAST_CONTRAST


def test_nonsense_becomes_the_default() -> None:
    for colour in ("", "red", "#fff", "#12345g", "#0a5c54;}"):
        assert brand(colour) == DEFAULT_COLOUR


def test_a_colour_that_is_too_light_is_refused_with_one_that_would_do() -> None:
    assert darker("#ffee00") != "#ffee00"
    assert contrast(darker("#ffee00"), "#ffffff") >= LEAST_CONTRAST
    assert darker("#0a5c54") == "#0a5c54"
    assert darker("nonsense") == ""


def saved(runtime: Runtime, turn: Turn, **more: Any) -> EmailLook | Refusal:
    """The look set, with usual answers."""
    usual: dict[str, Any] = {"colour": "#0a5c54", "logo_id": None, "logo_width": 160, "sign_off": "", "signer_id": None}
    return save(turn.session, now=turn.now, **{**usual, **more})


def test_logo_sign_off_and_signer_stand_in_mail(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    logo = added(turn, picture((400, 100)), title="Logo")
    signer = turn.session.scalars(select(Person).order_by(Person.id).limit(1)).one()
    assert isinstance(saved(runtime, turn, logo_id=logo.id, sign_off="Warm regards,", signer_id=signer.id), EmailLook)
    shown = render(message(runtime, turn, WELCOME), ADDRESSES)
    assert f'{path_of(logo)}" alt="Cedar Lane Therapy" width="160" class="logo"' in shown.html
    assert "Warm regards,</div>" in shown.html
    assert f"Warm regards,\n{signer.name}" in shown.text
    plain = render(message(runtime, turn, replace(WELCOME, layout="plain")), ADDRESSES)
    assert "<img" not in plain.html


def test_no_unreadable_colour_no_client_as_logo(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    shown = added(turn, picture(), shows_client=True, authorization_id=story(turn, cast).id)
    for more, reason in (
        ({"colour": "#ffee00"}, "colour-not-readable"),
        ({"colour": "red;}"}, "colour-not-readable"),
        ({"logo_id": shown.id}, "no-logo"),
        ({"logo_id": 99}, "no-logo"),
        ({"logo_width": 900}, "logo-width"),
        ({"signer_id": 99}, "no-signer"),
    ):
        refused = saved(runtime, turn, **more)
        assert isinstance(refused, Refusal)
        assert refused.reason == reason


def test_olive_sets_the_look_and_maya_sees_it(app: Flask, runtime: Runtime, maya: FlaskClient) -> None:
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    token = csrf_of(olive.get("/content/look").get_data(as_text=True))
    typed = {"csrf_token": token, "colour": "#9a3424", "logo_width": "160", "sign_off": "Warmly,"}
    assert olive.post("/content/look", data=typed).status_code == 303
    seen = maya.get("/content/look/preview")
    assert "#9a3424" in seen.get_data(as_text=True)
    assert "Warmly," in seen.get_data(as_text=True)
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    refused = olive.post("/content/look", data={**typed, "colour": "#ffee00"})
    assert refused.status_code == 422
    assert "4.5 is needed" in refused.get_data(as_text=True)
