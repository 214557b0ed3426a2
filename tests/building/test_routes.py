"""Every address of the application, walked: who gets in, with which role, with which token, under which policy."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from outreach.practice.signing_in import OPEN_SCREENS, WITHOUT_TOKEN, is_public
from outreach.runtime import Runtime
from tests.people import csrf_of, sign_in

SAFE = {"GET", "HEAD", "OPTIONS"}
FOR_EVERYBODY = {
    "practice.account.shortcuts",
    "practice.account.sign_out_others",
    "today.habits.my_digest",
    "today.habits.my_morning",
    "today.dates.change_my_feed",
}
"""What also a read-only person may change: what is their own."""
SIGN_IN_SCREENS = {name for name in OPEN_SCREENS if name != "static"}

FOR_WEBSITES = ("stories_public.feed", "stories_public.embedded")
"""What websites show to everybody; it is asked for anew at each look."""


def address(rule: Rule) -> str:
    def filled(found: re.Match[str]) -> str:
        kind = found[1] or ""
        if kind.startswith("any("):
            return kind[4:-1].split(",")[0]
        return "1" if kind.startswith("int") else "2026-03-02" if kind.startswith("date") else "x"

    return re.sub(r"<(?:([^:<>]+):)?([^<>]+)>", filled, rule.rule)


def unsafe(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - SAFE)


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


@pytest.fixture
def olive(app: Flask, runtime: Runtime) -> FlaskClient:
    """The administrator: only missing tokens stop her."""
    return sign_in(app, runtime, "olive@cedarlane.example")


def test_without_signing_in_only_public_pages_answer(app: Flask, visitor: FlaskClient) -> None:
    for rule in rules(app):
        if is_public(rule.endpoint):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = visitor.open(address(rule), method=method)
            sent_away = answer.status_code == 302 and answer.headers["Location"].startswith("/login")
            assert sent_away, f"{method} {rule.rule} answers a stranger with {answer.status_code}"


def test_public_blueprints_say_so_in_their_name(app: Flask) -> None:
    for rule in rules(app):
        module = app.view_functions[rule.endpoint].__module__
        if is_public(rule.endpoint) and rule.endpoint not in SIGN_IN_SCREENS:
            assert "public" in module.rpartition(".")[2], f"{rule.endpoint} is public but lives in {module}"


def test_no_change_without_the_token_of_the_page(app: Flask, olive: FlaskClient) -> None:
    for rule in rules(app):
        for method in unsafe(rule):
            if rule.endpoint in WITHOUT_TOKEN:
                continue
            answer = olive.open(address(rule), method=method)
            assert answer.status_code == 400, f"{method} {rule.rule} took a form without token: {answer.status_code}"


def test_a_stranger_needs_the_token_of_a_public_page_too(app: Flask, visitor: FlaskClient) -> None:
    for rule in rules(app):
        for method in unsafe(rule):
            if is_public(rule.endpoint) and rule.endpoint not in WITHOUT_TOKEN:
                answer = visitor.open(address(rule), method=method)
                assert answer.status_code == 400, f"{method} {rule.rule} took a form without token"


def test_who_only_reads_changes_nothing(app: Flask, runtime: Runtime) -> None:
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    token = {"X-CSRFToken": csrf_of(rita.get("/verify").get_data(as_text=True))}
    for rule in rules(app):
        if is_public(rule.endpoint) or rule.endpoint.startswith("security.") or rule.endpoint in FOR_EVERYBODY:
            continue
        for method in unsafe(rule):
            answer = rita.open(address(rule), method=method, headers=token)
            assert answer.status_code == 403, f"{method} {rule.rule} lets a reader act: {answer.status_code}"


def test_what_needs_no_token_is_there(app: Flask) -> None:
    known = {rule.endpoint for rule in rules(app)}
    assert set(WITHOUT_TOKEN) - known == set()


def test_every_page_carries_its_policy(app: Flask, olive: FlaskClient, visitor: FlaskClient) -> None:
    for rule in rules(app):
        if "GET" not in (rule.methods or set()):
            continue
        answer = (visitor if is_public(rule.endpoint) else olive).get(address(rule))
        headers = answer.headers
        where = f"{rule.rule} ({answer.status_code})"
        assert answer.status_code < 500, where
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, where
        assert "base-uri 'none'" in policy, where
        assert "unsafe-eval" not in policy, where
        assert ("unsafe-inline" not in policy) or policy.startswith("sandbox"), where
        assert headers["X-Content-Type-Options"] == "nosniff", where
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer"), where
        kept = "public, no-cache" if rule.endpoint in FOR_WEBSITES else "no-store"
        assert headers["Cache-Control"] == kept or rule.endpoint.endswith(".static"), where
        if rule.endpoint.rpartition(".")[0].endswith("_public"):
            assert headers["Referrer-Policy"] == "no-referrer", where
            assert "noindex" in headers["X-Robots-Tag"], where


def test_https_is_remembered_by_the_browser(visitor: FlaskClient) -> None:
    answer = visitor.get("/login", base_url="https://outreach.cedarlane.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
