"""A mail joined from encoded pieces reads exactly as the one that is encoded whole."""

import email
import email.policy
import quopri
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.content import segments
from outreach.content.segments import HTML, TEXT, detail, link, only_for
from outreach.deliveries import links
from outreach.deliveries.mail import letters, mime
from outreach.deliveries.mail.letters import quoted
from outreach.deliveries.mail.message import Letter, Merged, OutgoingMessage, Shared
from outreach.deliveries.mail.usual import Form

PLAIN = [
    "Dear ",
    detail("first_name", "colleague", TEXT),
    ",\n\nthis line is long enough that a long name makes it too long for ",
    detail("organization", "your office", TEXT),
    " and then some\nRead more:\n",
    link(0, "https://cedarlane.example/hands", TEXT),
    "\nOr here: ",
    link(1, "https://o.cedarlane.example/x?a=1", TEXT),
    only_for(3, ["\nOnly for you, ", detail("first_name", "you", TEXT), "\nBye"]),
    segments.given("view_url", ["\nView: ", detail("view_url", "", TEXT), " \n"]),
    "\n" + "word " * 40 + "\n-- \nÜbung = \n",
]
HYPERTEXT = [
    "<p>" + "literal = text, " * 30,
    detail("first_name", "colleague", HTML),
    detail("organization", "", HTML),
    '\n<a href="',
    link(0, "https://cedarlane.example/hands", HTML),
    '">x</a><a href="',
    link(1, "https://o.cedarlane.example/x?a=1&b=2", HTML),
    '">\n',
    only_for(3, ["<b>", detail("first_name", "you", HTML), "</b> "]),
    segments.given("view_url", [detail("view_url", "", HTML)]),
    "\n.\nFrom here\n",
]
LETTER = Letter(
    {"subject": ["News for ", detail("organization", "us", TEXT)], "html": HYPERTEXT, "text": PLAIN},
    "d" * 64,
    "https://o.cedarlane.example/l/",
    frozenset({0}),
)
VIEW = "https://o.example/v/2s/" + "t" * 60
WORDS = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="ab =.é\u2028 \t", max_size=120),
    st.just("x" * 80),
    st.just("a" * 75),
    st.just(" ends with a space "),
)


def merged(details, letter=LETTER, number="2s", **own):
    shared = Shared(
        letter=letter,
        from_name="Cedar Lane",
        from_email="hello@cedarlane.example",
        reply_to="front@cedarlane.example",
        list_id="newsletter.cedarlane.example",
        https=True,
        date=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        kind="newsletter",
    )
    values = {
        "delivery_id": 100,
        "message_id": f"{number}.abcdefghijklmnop@cedarlane.example",
        "to_name": "Dr. Ana Müller",
        "to_email": "ana@pediatrics.example",
        "list_unsubscribe_url": "https://o.cedarlane.example/u/2s/abcdefghijklmnopqrstuv",
        "list_unsubscribe_mailto": None,
        "calendar": None,
        "return_path": None,
    }
    return Merged(shared, details, number, "s" * 22, **(values | own))


def whole(message):
    """The same message with finished bodies, which are encoded in one go."""
    names = [name for name in OutgoingMessage.__slots__ if name not in ("letter", "values")]
    return OutgoingMessage(**{name: getattr(message, name) for name in names})


def read(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    bodies = [mail.get_body((sort,)).get_payload(decode=True) for sort in ("plain", "html")]
    return [(name, str(value)) for name, value in mail.items() if name != "Content-Type"], bodies


@given(
    WORDS, WORDS, st.sampled_from(["", "3", "12,3", "13"]), st.sampled_from(["", "https://o.example/v/2s/" + "t" * 60])
)
def test_joined_pieces_read_as_the_whole(first, organization, groups, view):
    details = {"first_name": first, "organization": organization, "_groups": groups, "view_url": view}
    message = merged({name: value for name, value in details.items() if value})
    raw = mime.build(message)
    assert read(raw) == read(mime.build(whole(message)))
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("literal", list(range(70, 82)))
def test_no_line_grows_over_76_whatever_stands_before_a_place(literal):
    html = ["x" * literal, detail("first_name", "", HTML), "=" * literal, detail("first_name", "", HTML), "y" * 80]
    letter = Letter({"subject": ["S"], "html": html, "text": html})
    for name in ("n", "n" * 73, "n" * 75, "n" * 76, "é" * 30):
        message = merged({"first_name": name}, letter)
        raw = mime.build(message)
        assert read(raw) == read(mime.build(whole(message)))
        assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76


def test_links_of_the_longest_numbers_stay_whole():
    message = merged({}, number=links.number(links.LARGEST_ID))
    [text, html] = read(mime.build(message))[1]
    address = b"https://o.cedarlane.example/l/" + links.number(links.LARGEST_ID).encode() + b"-0-" + b"s" * 22
    assert len(links.number(links.LARGEST_ID)) == letters.NUMBER_ROOM
    assert address in text
    assert address in html
    assert message.values["_link_0"] == address.decode()


def test_a_place_that_meets_a_very_long_address_is_still_read_whole():
    base = "https://" + "very-long-" * 9 + "name.example/l/"
    letter = Letter({"subject": ["S"], "html": HYPERTEXT, "text": PLAIN}, "", base, frozenset({0, 1}))
    message = merged({"first_name": "Ana"}, letter)
    assert read(mime.build(message)) == read(mime.build(whole(message)))
    assert f"{base}2s-1-{'s' * 22}" in message.html


DOTS = st.one_of(st.text(alphabet=".x ", max_size=160), st.integers(0, 160).map(lambda many: "." * many))


@given(DOTS, st.lists(DOTS, max_size=4), st.booleans())
def test_no_line_begins_with_a_dot_whatever_stands_in_it(value, literals, ends_line):
    parts = []
    for literal in literals:
        parts += [literal + "\n" * ends_line, detail("first_name", ".", HTML)]
    text = [part if isinstance(part, str) else detail("first_name", ".", TEXT) for part in parts]
    letter = Letter({"subject": [detail("first_name", ".", TEXT)], "html": [*parts, "."], "text": [*text, "."]})
    message = merged({"first_name": value}, letter, to_name=value)
    raw = mime.build(message)
    assert mime.dotless(message)
    assert b"\r\n." not in raw
    assert read(raw) == read(mime.build(whole(message)))
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76


USUAL = Letter(
    {
        "subject": ["News"],
        "html": [
            "<p>100 % of ",
            detail("first_name", "you", HTML),
            detail("organization", "your office", HTML),
            '</p>\n.\n<a href="',
            link(0, "https://cedarlane.example/hands", HTML),
            '">%s %(x)s %b</a> ',
            detail("view_url", "https://o.example", HTML),
        ],
        "text": [
            "At 50 % for ",
            detail("first_name", "you", TEXT),
            " and ",
            detail("organization", "your office", TEXT),
            " %d\n",
            detail("first_name", "you", TEXT),
            "\nTo ",
            detail("organization", "your office", TEXT),
            "\n",
            link(0, "https://cedarlane.example/hands", TEXT),
            "\nView: ",
            detail("view_url", "https://o.example", TEXT),
        ],
    },
    "d" * 64,
    "https://o.cedarlane.example/l/",
    frozenset({0}),
)
SHORT = st.text(alphabet="ab.%\n '&-", max_size=45)


@given(st.one_of(SHORT, WORDS), st.one_of(SHORT, WORDS))
def test_the_usual_mail_reads_as_the_whole_and_so_does_the_unusual(first, organization):
    details = {"first_name": first, "organization": organization, "view_url": VIEW}
    message = merged({name: value for name, value in details.items() if value}, USUAL)
    raw = mime.build(message)
    assert read(raw) == read(mime.build(whole(message)))
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76
    assert b"\r\n." not in raw


def test_plain_short_details_are_filled_in_one_go(monkeypatch):
    """Else the property above would be about one way only."""
    usual, filled = [], Form.filled

    def noted(form, own, values):
        usual.append(filled(form, own, values) is not None)
        return filled(form, own, values)

    monkeypatch.setattr(Form, "filled", noted)
    for first, organization in (("Ana", "Elm"), ("Zoë", "Elm"), ("n" * 40, "o" * 40), ("Ana\nB", "Elm")):
        mime.build(merged({"first_name": first, "organization": organization, "view_url": VIEW[:60]}, USUAL))
    assert usual == [True, False, False, False]


@pytest.mark.parametrize("end", [" ", "\t"])
@pytest.mark.parametrize("before", ["x", ".x", "é", "="])
def test_a_space_at_the_end_of_a_line_makes_no_line_too_long(before, end):
    for many in range(60, 90):
        text = f"{before}{'x' * many}{end}\nnext{end}"
        coded = quoted(text)
        assert max(map(len, coded.split(b"\r\n"))) <= 76
        assert quopri.decodestring(coded.replace(b"\r\n", b"\n")).decode() == text
