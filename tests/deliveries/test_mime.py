"""Mails as other programs read them: the standard library's parser, and a reader written here from the RFCs."""

import base64
import quopri
import re
from datetime import datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from outreach.deliveries.mail import mime
from outreach.deliveries.mail.message import Attachment, CalendarPart
from tests.deliveries.messages import ICS, INVITE, a_message


class Part:
    """A tolerant reader of one part: headers unfolded, body decoded, children split at the boundary."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head).decode("ascii")
        self.headers = [tuple(line.split(": ", 1)) for line in unfolded.split("\r\n")]
        self.type = self["content-type"]
        boundary = re.search(r'boundary="([^"]+)"', self.type)
        self.children = []
        if boundary:
            pieces = body.split(b"--" + boundary[1].encode())
            assert pieces[-1].startswith(b"--"), "the closing boundary is missing"
            self.children = [Part(piece.removeprefix(b"\r\n").removesuffix(b"\r\n")) for piece in pieces[1:-1]]
        decode = {"base64": base64.b64decode, "quoted-printable": quopri.decodestring}.get(
            self["content-transfer-encoding"]
        )
        self.body = decode(body) if decode else body

    def __getitem__(self, name: str) -> str:
        found = [value for key, value in self.headers if key.lower() == name]
        assert len(found) <= 1, f"{name} stands twice"
        return found[0] if found else ""

    def tree(self):
        return [self.type.split(";")[0], *[child.tree() for child in self.children]]


def lines_of(raw: bytes) -> list[bytes]:
    return raw.split(b"\r\n")


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def test_plain_text_comes_first_and_both_bodies_come_back():
    message = a_message()
    mail = Part(mime.build(message))
    assert mail.tree() == ["multipart/alternative", ["text/plain"], ["text/html"]]
    assert [child.body.decode() for child in mail.children] == [canonical(message.text), canonical(message.html)]


def test_the_standard_parser_finds_no_defect_and_reads_the_same():
    message = a_message(calendar=INVITE, attachments=(Attachment("Übersicht.pdf", "application/pdf", b"%PDF" * 99),))
    mail = message_from_bytes(mime.build(message), policy=policy.default)
    assert [part.defects for part in mail.walk()] == [[]] * 7
    assert mail["To"].addresses[0].display_name == "Dr. Ana Müller"
    assert mail["Subject"] == message.subject
    assert mail["Date"].datetime == message.date
    assert mail["Message-ID"] == "<d7001.k3v9@practice.example>"
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == message.text
    assert [part.get_filename() for part in mail.iter_attachments()] == ["invite.ics", "Übersicht.pdf"]
    assert mail.get_body(("html",)).get_content().replace("\r\n", "\n") == message.html


def test_an_invitation_has_the_shape_that_outlook_and_gmail_want():
    mail = Part(mime.build(a_message(calendar=INVITE)))
    alternative = ["multipart/alternative", ["text/plain"], ["text/html"], ["text/calendar"]]
    assert mail.tree() == ["multipart/mixed", alternative, ["application/ics"]]
    shown, attached = mail.children[0].children[2], mail.children[1]
    assert shown.type == "text/calendar; charset=utf-8; method=REQUEST"
    assert shown["content-transfer-encoding"] == "base64"
    assert attached["content-disposition"] == 'attachment; filename="invite.ics"'
    assert shown.body == attached.body == ICS
    assert vobject.readOne(shown.body.decode()).vevent.summary.value == "Lunch – früh"


def test_a_part_whose_method_is_not_the_files_is_refused():
    for part in (CalendarPart("CANCEL", ICS), CalendarPart("PUBLISH", ICS.replace(b"REQUEST", b"PUBLISH"))):
        with pytest.raises(ValueError, match="METHOD"):
            mime.build(a_message(calendar=part))


def test_lines_end_in_crlf_are_seven_bit_and_short():
    raw = mime.build(a_message(calendar=INVITE, subject="ü" * 300, to_name="Ø" * 200, html="é" * 5000 + "<p>" * 5000))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in lines_of(raw) if not line.startswith(b"List-Unsubscribe:")) <= 78
    _, _, body = raw.partition(b"\r\n\r\n")
    assert max(len(line) for line in lines_of(body)) <= 76


def test_the_same_message_gives_the_same_bytes_and_another_its_own_boundaries():
    assert mime.build(a_message(calendar=INVITE)) == mime.build(a_message(calendar=INVITE))
    one, other = (mime.build(a_message(message_id=f"{name}@practice.example")) for name in ("a", "b"))
    boundaries = [re.search(rb'boundary="([^"]+)"', raw)[1] for raw in (one, other)]
    assert boundaries[0] != boundaries[1]


def test_the_unsubscribe_headers_stand_on_one_line_each_and_are_never_encoded():
    host = "https://practice.example/u/"
    longest = host + "t" * (74 - len(host))
    raw = mime.build(a_message(list_unsubscribe_url=longest))
    assert f"List-Unsubscribe: <{longest}>, <{a_message().list_unsubscribe_mailto}>".encode() in lines_of(raw)
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines_of(raw)
    assert b"List-Id: <newsletter.practice.example>" in lines_of(raw)
    assert f"<{longest}>" in message_from_bytes(raw)["List-Unsubscribe"]


@pytest.mark.parametrize(
    "changes",
    [
        {"list_unsubscribe_url": "https://practice.example/" + "u" * 50},
        {"list_unsubscribe_mailto": "mailto:" + "u" * 60 + "@practice.example"},
        {"list_unsubscribe_url": "javascript:alert(1)"},
        {"list_unsubscribe_url": "https://practice.example/u>, <https://evil.example"},
        {"list_unsubscribe_url": "https://practice.example/u\r\nBcc: spy@evil.example"},
        {"list_unsubscribe_url": None},
        {"list_unsubscribe_url": "http://practice.example/u/1"},
        {"list_id": "Our list <x>"},
    ],
)
def test_an_unsafe_list_header_is_refused(changes):
    with pytest.raises(ValueError, match=r"URI|https|List-Id"):
        mime.build(a_message(**changes))


def test_without_one_click_there_is_no_post_header():
    mail = Part(mime.build(a_message(one_click=False, list_unsubscribe_url=None, list_id=None)))
    assert mail["list-unsubscribe"].startswith("<mailto:")
    assert not mail["list-unsubscribe-post"]
    plain = Part(mime.build(a_message(one_click=False, list_unsubscribe_url=None, list_unsubscribe_mailto=None)))
    assert not plain["list-unsubscribe"]


HOSTILE = (
    "Ana\r\nBcc: spy@evil.example",
    "Ana\nX: 1\n\n<script>",
    "Ana\x00\x07\x1b[31m\x85\u2028\u2029 Müller",
    'Ana "the \\ <boss>" Müller, MD; (peds)',
    'O\'Brien, "Pat" <x@evil.example>',
    "=?utf-8?q?Boss?= <boss@practice.example>",
    "\ud800",
    "name " * 60,
    "ü" * 300,
    "x" * 3000,
    "<>",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_in_their_header(value):
    raw = mime.build(a_message(to_name=value, from_name=value, subject=value, extra_headers=(("X-Note", value),)))
    mail = Part(raw)
    usual = [name for name, _ in Part(mime.build(a_message())).headers]
    assert [name for name, _ in mail.headers] == [*usual[:-1], "X-Note", "Content-Type"]
    wanted = " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800]", " ", value).split())
    assert decoded(mail["subject"]) == decoded(mail["x-note"]) == wanted
    for name, email in (("to", "ana@pediatrics.example"), ("from", "hello@practice.example")):
        ((shown, found),) = getaddresses([mail[name]])
        assert found == email
        assert decoded(shown) == wanted
    assert max(len(line) for line in lines_of(raw)) <= 998


def test_a_name_that_is_empty_leaves_the_bare_address():
    assert Part(mime.build(a_message(to_name=" \r\n ")))["to"] == "ana@pediatrics.example"


NOT_AN_ADDRESS = [
    "",
    "ana",
    "a@b@c",
    "a b@x.example",
    "<a@x.example>",
    "ä@x.example",
    "a@bücher.example",
    "a.@x.example",
    "a@x.example,b@x.example",
    "a@x.example\r\nBcc: b@x.example",
    "a@x.example\n",
    "a" * 250 + "@x.example",
]


@pytest.mark.parametrize("email", NOT_AN_ADDRESS)
def test_what_is_not_one_plain_address_is_refused(email):
    for field in ("to_email", "from_email", "reply_to"):
        with pytest.raises(ValueError, match="address"):
            mime.build(a_message(**{field: email}))


@pytest.mark.parametrize("value", ["", "<a@b>", "a", "a@b\r\nX: 1", "a b@c", "x" * 300 + "@b"])
def test_a_message_id_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="Message-ID"):
        mime.build(a_message(message_id=value))


@pytest.mark.parametrize(
    "name", ["Bcc", "content-type", "Content-Foo", "To", "X:Y", "X Y", "X\r\nBcc", "", "List-Unsubscribe"]
)
def test_extra_headers_cannot_take_the_place_of_ours(name):
    with pytest.raises(ValueError, match="extra header"):
        mime.build(a_message(extra_headers=((name, "1"),)))


def test_a_naive_date_is_refused():
    with pytest.raises(ValueError, match="aware"):
        mime.build(a_message(date=a_message().date.replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("flyer.pdf", "flyer.pdf"),
        ("../../etc/pass\r\nwd", "etc pass wd"),
        ('a"b;c.pdf', "a b c.pdf"),
        ("Übersicht – März.pdf", "Übersicht – März.pdf"),
        ("x" * 300 + ".pdf", "x" * 76 + ".pdf"),
        ("早" * 300 + ".pdf", "早" * 76 + ".pdf"),
        ("", "attachment"),
    ],
)
def test_attachments_come_back_byte_for_byte_under_a_harmless_name(filename, shown):
    data = bytes(range(256)) * 40
    raw = mime.build(a_message(attachments=(Attachment(filename, "application/pdf", data),)))
    (attached,) = message_from_bytes(raw, policy=policy.default).iter_attachments()
    assert attached.get_content() == data
    assert attached.get_filename() == shown
    assert max(len(line) for line in lines_of(raw)) <= 998


@pytest.mark.parametrize("content_type", ["application/pdf; name=x", "text", "a/b\r\nX: 1", "", "a/b/c"])
def test_an_attachment_type_with_parameters_is_refused(content_type):
    with pytest.raises(ValueError, match="bare"):
        mime.build(a_message(attachments=(Attachment("x", content_type, b"1"),)))


@given(text=st.text(max_size=400), html=st.text(alphabet="ab =.\t\r\n-é\U0001f600", max_size=400))
def test_any_body_comes_back_whole_in_short_lines(text, html):
    raw = mime.build(a_message(text=text, html=html))
    mail = Part(raw)
    assert [child.body.decode() for child in mail.children] == [canonical(text), canonical(html)]
    assert max(len(line) for line in lines_of(raw.partition(b"\r\n\r\n")[2])) <= 76
    assert b"\n" not in raw.replace(b"\r\n", b"")


@given(st.text(max_size=300))
def test_any_subject_comes_back_as_one_line(subject):
    mail = Part(mime.build(a_message(subject=subject)))
    assert decoded(mail["subject"]).split() == mime.headers.clean(subject).split()
    assert isinstance(
        message_from_bytes(mime.build(a_message(subject=subject)), policy=policy.default)["date"].datetime, datetime
    )
