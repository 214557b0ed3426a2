"""An https address that was typed on the first run stands in no environment; the proxy is there all the same."""

from dataclasses import replace

import pytest


@pytest.fixture
def settings(settings):
    """Nothing in the environment says that a proxy stands before us."""
    return replace(settings, public_url=None)


def test_behind_a_proxy_on_this_machine_a_stranger_makes_nobody_else_wait(visitor):
    stranger = {"X-Forwarded-For": "9.9.9.9, 203.0.113.9"}
    guesses = [visitor.get("/u/1/guess", headers=stranger).status_code for _ in range(70)]
    assert guesses[-1] == 429
    assert visitor.get("/u/example", headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 200
    assert visitor.get("/u/example", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}).status_code == 429


def test_somebody_who_asks_directly_cannot_call_himself_another(visitor):
    direct = {"REMOTE_ADDR": "203.0.113.9"}
    for number in range(70):
        seen = visitor.get("/u/1/guess", headers={"X-Forwarded-For": f"198.51.100.{number}"}, environ_base=direct)
    assert seen.status_code == 429
