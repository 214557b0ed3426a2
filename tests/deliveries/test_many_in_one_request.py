"""Newsletters as personalizations: what SendGrid makes of them is what our own renderer makes, to the byte."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outreach.deliveries.mail.message import Letter
from outreach.deliveries.transports import sendgrid_limits, sendgrid_payload
from outreach.deliveries.transports.sendgrid_batches import Batches
from tests.deliveries.letters import LETTER, a_copy, copies, filled_in, plain_values
from tests.deliveries.messages import INVITE, a_message

words = st.text(alphabet=st.sampled_from("aZ <&>\"'~^`|0123{}%-[]ü日\n\u2028\\"), max_size=90)
tokens = st.sampled_from(["~0^", "~1^", "0^~1", "^", "~", "~~0^^", "&lt;~0^", "colleague"])
values_of_one = st.fixed_dictionaries(
    {},
    optional={
        "first_name": words | tokens,
        "organization": words | tokens,
        "event_title": words,
        "_groups": st.sampled_from(["", "3", "12", "3,12", "123", "1,2"]),
        "_link_0": st.just("https://practice.example/l/a?b=1&c=<2>"),
        "unsubscribe_url": words,
        "view_url": st.sampled_from(["", "https://practice.example/v/1/x"]),
    },
)


def requests_of(messages: list[Any]) -> tuple[list[tuple[dict[str, Any], list[Any]]], list[int]]:
    """([(payload, its messages)], places that go alone)."""
    groups, alone = Batches().sorted_out(messages)
    return [(group.payload(sandbox=False), [person.message for person in group.people]) for group in groups], alone


@settings(max_examples=150, deadline=None)
@given(st.lists(values_of_one, min_size=2, max_size=12))
@example([{"first_name": "~0^"}, {"first_name": "~1^"}, {"first_name": "Ana"}, {"first_name": "Bo"}])
def test_each_person_gets_exactly_what_our_own_renderer_makes(people):
    messages = [a_copy(number, values) for number, values in enumerate(people, 1)]
    requests, alone = requests_of(messages)
    assert len(alone) + sum(len(inside) for _, inside in requests) == len(messages)
    for payload, inside in requests:
        assert sendgrid_limits.check(payload) == []
        for place, message in enumerate(inside):
            cleaned = sendgrid_payload.person_of(message)["subject"]
            assert filled_in(payload, place) == (cleaned, message.html, message.text)
            assert payload["personalizations"][place]["custom_args"] == {"om_mid": str(message.delivery_id)}


def test_ordinary_readers_share_one_request_and_each_has_their_own_headers():
    messages = copies(500)
    requests, alone = requests_of(messages)
    assert alone == []
    [(payload, inside)] = requests
    assert inside == messages
    headers = [person["headers"]["List-Unsubscribe"] for person in payload["personalizations"]]
    assert len(set(headers)) == 500
    assert headers[6].startswith(f"<{messages[6].list_unsubscribe_url}>")
    assert "Ana7" not in json.dumps(payload["content"])


def test_names_with_signs_of_html_share_it_too():
    messages = [a_copy(n, plain_values(n) | {"first_name": f"<b>A & B{n}</b>"}) for n in (1, 2)]
    [(payload, _)], alone = requests_of(messages)
    assert alone == []
    _, html, text = filled_in(payload, 1)
    assert "&lt;b&gt;A &amp; B2" in html
    assert "<b>A & B2" in text


def test_the_package_and_the_short_way_write_the_same_personalization():
    for message in (*copies(3), a_message(to_name="Müller; Ana", subject="a\r\nb", extra_headers=(("X-N", "é"),))):
        assert (
            sendgrid_payload.person_of(message) == sendgrid_payload.build(message, sandbox=False)["personalizations"][0]
        )


def test_readers_with_the_same_blocks_share_a_request():
    groups = ["", "3", "12", "3,12", "999"] * 2
    messages = [a_copy(n, plain_values(n) | {"_groups": group}) for n, group in enumerate(groups, 1)]
    requests, alone = requests_of(messages)
    assert alone == []
    assert sorted(len(inside) for _, inside in requests) == [2, 2, 2, 4]
    assert all("For pediatricians" in p["content"][1]["value"] for p, i in requests if "3" in i[0].values["_groups"])


def test_no_address_stands_twice_in_a_request_whatever_its_case():
    same = [a_copy(n, plain_values(n), to_email=email) for n, email in enumerate(["a@x.example", "A@x.example"] * 2, 1)]
    others = [a_copy(n, plain_values(n)) for n in range(10, 14)]
    requests, alone = requests_of([*same, *others])
    assert [len(inside) for _, inside in requests] == [5]
    assert len(alone) == 3


def test_more_than_five_hundred_become_further_requests():
    requests, alone = requests_of(copies(1001, letter=Letter({"subject": ["x"], "html": ["<p>x</p>"], "text": ["x"]})))
    assert [len(inside) for _, inside in requests] == [500, 500]
    assert alone == [1000]


def test_a_letter_without_a_place_needs_no_substitutions():
    letter = Letter({"subject": ["x"], "html": ["<p>x</p>"], "text": ["x"]})
    [(payload, _)], alone = requests_of(copies(3, letter=letter))
    assert not any("substitutions" in person for person in payload["personalizations"])
    assert alone == []


@pytest.mark.parametrize(
    "changes",
    [
        {"letter": None},
        {"kind": "drip"},
        {"calendar": INVITE},
        {"subject": "Up ~ and ^ away"},
        {"to_email": "no address"},
    ],
    ids=["no-letter", "personal", "invitation", "token-signs-in-the-subject", "bad-address"],
)
def test_what_does_not_fit_goes_alone(changes):
    from dataclasses import replace

    odd = replace(a_copy(9, plain_values(9)), **changes)
    _, alone = requests_of([odd, *copies(3)])
    assert alone == [0]


def test_values_over_ten_thousand_bytes_go_alone():
    long = [a_copy(n, plain_values(n) | {"organization": "ü" * 2000}) for n in (8, 9)]
    _, alone = requests_of([*long, *copies(2)])
    assert alone == [0, 1]


def test_a_body_that_holds_every_token_sign_goes_alone():
    segments = {**LETTER.segments, "html": ["<p>~^`|</p>", *LETTER.segments["html"]]}
    _, alone = requests_of(copies(3, letter=Letter(segments)))
    assert alone == [0, 1, 2]
    tilde = {**LETTER.segments, "html": ["<a href='https://x.example/~ana'>x</a>", *LETTER.segments["html"]]}
    assert requests_of(copies(3, letter=Letter(tilde)))[1] == []
