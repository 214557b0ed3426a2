"""Tries at the door are counted by who asks: behind a proxy the address that it names, whatever the asker wrote."""

from dataclasses import replace

import pytest

from tests.people import csrf_of

TOO_MANY = b"Too many wrong tries"
PROXIES = ("", "https://outreach.cedarlane.example")
"""Where the address stands in the environment, ProxyFix is set; one typed on the first run stands in no environment."""


@pytest.fixture(params=PROXIES, ids=["typed", "environment"])
def settings(settings, request):
    return replace(settings, public_url=request.param or None)


def wrong(visitor, number, forwarded):
    base = "https://outreach.cedarlane.example"
    token = csrf_of(visitor.get("/login", base_url=base).get_data(as_text=True))
    typed = {"email": f"n{number}@body.example", "password": "wrong wrong wrong", "csrf_token": token}
    heads = {"X-Forwarded-For": forwarded, "Referer": f"{base}/login"}
    return visitor.post("/login", data=typed, headers=heads, base_url=base)


def test_forged_forwarding_does_not_dodge_the_limit_and_others_do_not_wait(visitor):
    answers = [wrong(visitor, number, f"198.51.100.{number}, 203.0.113.9") for number in range(41)]
    assert TOO_MANY not in answers[39].data
    assert TOO_MANY in answers[40].data
    assert TOO_MANY in wrong(visitor, 50, "203.0.113.9").data
    assert TOO_MANY not in wrong(visitor, 51, "203.0.113.9, 198.51.100.7").data
