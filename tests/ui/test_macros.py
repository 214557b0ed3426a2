"""What the macros promise: they call easily, and they work without script."""

from typing import Any

import pytest
from flask import render_template_string

from tests.ui.kit import Sample, create_app


def render(text: str, **context: Any) -> str:
    app = create_app()
    with app.test_request_context("/"):
        return render_template_string('{% import "_ui.html" as ui %}' + text, **context)


def test_a_post_button_is_a_form_with_the_token() -> None:
    html = render('{{ ui.post_button("/hold", "Hold", fields={"step": 3}) }}')
    assert '<form class="post-button" method="post" action="/hold">' in html
    assert 'name="csrf_token" value="token"' in html
    assert 'name="step" value="3"' in html


def test_buttons_with_an_address_are_links_unless_disabled() -> None:
    assert render('{{ ui.button("Go", href="/x") }}').startswith("<a ")
    assert "<button" in render('{{ ui.button("Go", href="/x", disabled=True) }}')


def test_icon_buttons_keep_their_label_for_readers() -> None:
    html = render('{{ ui.button("Snooze Ana", icon="clock", hide_label=True) }}')
    assert '<span class="visually-hidden">Snooze Ana</span>' in html


def test_keywords_become_attributes() -> None:
    assert 'hx-get="/x"' in render('{{ ui.button("Go", hx_get="/x") }}')


def test_text_from_people_is_escaped_everywhere() -> None:
    bad = '<img src=x onerror="x">'
    html = render(
        "{{ ui.row(bad, sub=bad) }}{{ ui.chip(bad) }}{{ ui.contact_row(bad, '/c', reason=bad) }}{{ ui.note(bad) }}"
        "{{ ui.facts([(bad, bad)]) }}{{ ui.toast(bad) }}{{ ui.chart(bad, [bad], [[bad]], marks=[(bad, bad)]) }}",
        bad=bad,
    )
    assert "<img" not in html


def test_a_field_with_an_error_says_so_to_readers() -> None:
    form = Sample()
    form.validate()
    html = render("{{ ui.field(form.name, help='As on letters.') }}", form=form)
    assert 'aria-describedby="name-help name-error"' in html
    assert 'aria-invalid="true"' in html
    assert "Give a name" in html


def test_the_summary_of_errors_links_to_the_fields() -> None:
    form = Sample()
    form.validate()
    html = render("{{ ui.form_errors(form) }}", form=form)
    assert '<a href="#name">Name</a>' in html
    assert 'role="alert"' in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert "callout" not in render("{% call ui.form('/x', wtf=form) %}{% endcall %}", form=Sample())


def test_the_meter_of_a_contact_without_yield_says_so() -> None:
    assert "No yield yet" in render("{{ ui.yield_meter(none) }}")


@pytest.mark.parametrize("name", ["today", "contact", "components", "builder", "public", "ordinary", "toast"])
def test_the_sample_pages_render(name: str) -> None:
    assert create_app().test_client().get(f"/page/{name}").status_code == 200


def test_the_frame_needs_no_context() -> None:
    html = render('{% extends "_base.html" %}')
    assert 'aria-label="Main"' in html
    assert "Sign out" not in html


@pytest.mark.parametrize("code", [400, 403, 404, 413, 429, 500, 503, 418])
def test_errors_say_what_happened_and_what_to_do(code: int) -> None:
    html = create_app().test_client().get(f"/error/{code}").text
    assert f"Code {code}" in html
    assert "Nothing" in html or "administrator" in html


def test_a_message_with_undo_is_a_toast_with_a_form() -> None:
    html = create_app().test_client().get("/page/toast").text
    assert "3 contacts snoozed" in html
    assert 'action="/undo"' in html


def test_a_fragment_is_only_what_htmx_asked_for() -> None:
    html = create_app().test_client().get("/dev/components/dialog", headers={"HX-Target": "dialog-body"}).text
    assert "<html" not in html
    assert "Merge two contacts" in html
    assert "Choose per field." in html
