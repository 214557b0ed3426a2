"""The return path of one message: it names its delivery and nobody else can make one up."""

import pytest

from outreach.deliveries import links

KEY = b"k" * 32


@pytest.mark.parametrize("delivery", [1, 35, 36, 7001, 2**31 - 1])
def test_a_bounce_address_names_its_delivery(delivery):
    local, _, domain = links.bounce_address(links.signs(KEY, delivery), "in.practice.example").partition("@")
    assert domain == "in.practice.example"
    assert len(local) <= 64
    assert links.read_bounce_token(KEY, local.removeprefix("bounce+")) == delivery


def test_a_server_may_change_the_case():
    local = links.bounce_address(links.signs(KEY, 7001), "in.practice.example").partition("@")[0]
    assert local == local.lower()
    assert links.read_bounce_token(KEY, local.upper().removeprefix("BOUNCE+")) == 7001


@pytest.mark.parametrize("token", ["", ".", "5eh", "5eh.", "5eh.00000000000000000000", "é.ü", "zzzzzzzzzzzzzzz.a"])
def test_what_was_not_made_by_us_names_nothing(token):
    assert links.read_bounce_token(KEY, token) is None


def test_the_sign_of_another_delivery_or_house_does_not_do():
    other = links.bounce_address(links.signs(KEY, 7002), "x.example").partition("@")[0].partition(".")[2]
    assert links.read_bounce_token(KEY, f"{links.number(7001)}.{other}") is None
    token = links.bounce_address(links.signs(KEY, 7001), "x.example").partition("@")[0].removeprefix("bounce+")
    assert links.read_bounce_token(b"o" * 32, token) is None
