"""The same mail in three readers: the standard library's, a mail server's, and a strict one written from the RFCs."""

import base64
import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.deliveries.mail import mime
from outreach.deliveries.mail.message import Attachment
from outreach.deliveries.transports.smtp import SmtpTransport
from tests.contracts.servers import SmtpServer
from tests.deliveries.messages import INVITE, a_message

TOKEN = r"[!#-'*+\-.0-9A-Z^-~]+"
WORD = re.compile(r"=\?([\w-]+)\?([qQbB])\?([!->@-~]*)\?=")
HEX = re.compile(rb"=([0-9A-F]{2})")


class Strict:
    """RFC 5322, 2045 to 2047 without any kindness: whatever is not allowed there is an assertion."""

    def __init__(self, raw: bytes, *, top: bool = True) -> None:
        head, found, body = raw.partition(b"\r\n\r\n")
        assert found, "no empty line"
        assert head.isascii()
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", head)
        self.lines = head.decode("ascii").split("\r\n")
        self.fields: dict[str, str] = {}
        for line in "\n".join(self.lines).replace("\n ", " ").replace("\n\t", " ").split("\n"):
            matched = re.fullmatch(r"([!-9;-~]+): ?(.*)", line)
            assert matched, f"no header field: {line!r}"
            assert matched[1].lower() not in self.fields, f"{matched[1]} stands twice"
            self.fields[matched[1].lower()] = matched[2]
        assert all(len(line) <= 998 for line in self.lines)
        assert not any(line.strip(" \t") == "" for line in self.lines)
        self.kind, self.parameters = self._content_type()
        self.parts = self._parts(body) if self.kind.startswith("multipart/") else []
        self.content = b"" if self.parts else self._content(body, top=top)

    def _content_type(self) -> tuple[str, dict[str, str]]:
        value = self.fields["content-type"]
        shape = rf"({TOKEN}/{TOKEN})((?:; ?{TOKEN}=(?:{TOKEN}|\"[^\"\\\r\n]*\"))*)"
        matched = re.fullmatch(shape, value)
        assert matched, value
        pairs = re.findall(rf"; ?({TOKEN})=({TOKEN}|\"[^\"]*\")", matched[2])
        return matched[1].lower(), {name.lower(): found.strip('"') for name, found in pairs}

    def _parts(self, body: bytes) -> list["Strict"]:
        assert self.fields.get("content-transfer-encoding", "7bit") == "7bit"
        boundary = self.parameters["boundary"].encode()
        assert 0 < len(boundary) <= 70
        pieces = re.split(rb"(?:^|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|$)", body)
        assert pieces[-2] == b"--", "no closing boundary"
        assert pieces[0].strip() == b""
        assert pieces[-1].strip() == b""
        return [Strict(piece.removeprefix(b"\r\n"), top=False) for piece in pieces[2:-2:2]]

    def _content(self, body: bytes, *, top: bool) -> bytes:
        if top:
            body = body.removesuffix(b"\r\n")
        assert all(len(line) <= 76 for line in body.split(b"\r\n"))
        encoding = self.fields["content-transfer-encoding"].lower()
        if encoding == "base64":
            assert re.fullmatch(rb"[A-Za-z0-9+/=\r\n]*", body)
            return base64.b64decode(body.replace(b"\r\n", b""), validate=True)
        assert encoding == "quoted-printable"
        for line in body.split(b"\r\n"):
            assert not line.endswith((b" ", b"\t")), "blanks at a line's end are lost on the way"
            assert re.fullmatch(rb"(?:[\t !-<>-~]|=[0-9A-F]{2})*=?", line), line
        return HEX.sub(lambda found: bytes([int(found[1], 16)]), body.replace(b"=\r\n", b""))

    def words(self, name: str) -> str:
        """An unstructured value with its encoded words read (RFC 2047 section 6.2)."""
        value = re.sub(r"(\?=)[ \t]+(?==\?)", r"\1", self.fields[name])
        assert all(len(word) <= 75 for word in value.split(" ") if word.startswith("=?") and word.count("=?") == 1)
        return WORD.sub(lambda found: _word(found[1], found[2], found[3]), value)

    def leaves(self) -> list["Strict"]:
        return [leaf for part in self.parts for leaf in part.leaves()] if self.parts else [self]


def _word(charset: str, encoding: str, text: str) -> str:
    if encoding in "bB":
        return base64.b64decode(text, validate=True).decode(charset)
    data = HEX.sub(lambda found: bytes([int(found[1], 16)]), text.replace("_", " ").encode())
    return data.decode(charset)


def wanted(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def agree(message: Any) -> Strict:
    """Both readers see the same, and what was meant."""
    raw = mime.build(message)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    strict = Strict(raw)
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    usual = message_from_bytes(raw, policy=policy.default)
    assert not any(part.defects for part in usual.walk())
    texts = [leaf for leaf in strict.leaves() if leaf.kind in ("text/plain", "text/html")]
    assert [leaf.kind for leaf in texts] == ["text/plain", "text/html"]
    for leaf, meant, kind in zip(texts, (message.text, message.html), ("plain", "html"), strict=True):
        assert leaf.content.decode("utf-8").replace("\r\n", "\n") == wanted(meant)
        body = usual.get_body((kind,))
        assert body is not None
        assert body.get_payload(decode=True) == leaf.content
    assert str(usual["Subject"]).split() == strict.words("subject").split()
    return strict


CAST = [
    "Dr. Ana Müller",
    "أ.د. ليلى الحداد",
    "ד״ר נועה כהן",
    "山田 太郎",
    "👩🏽‍⚕️ Maya",
    'O\'Brien, "Pat" (MD)',
    "Zoë " * 40,
    "x" * 120,
]


@pytest.mark.parametrize("name", CAST)
def test_names_and_subjects_of_all_scripts_are_read_alike(name: str) -> None:
    strict = agree(a_message(to_name=name, from_name=name, subject=f"{name}: a note 🎉 " * 5))
    assert strict.words("subject").split() == (f"{name}: a note 🎉 " * 5).split()
    shown, _, address = strict.words("to").rpartition(" <")
    assert address == "ana@pediatrics.example>"
    assert re.sub(r"\\(.)", r"\1", shown.strip('"') if shown.startswith('"') else shown) == " ".join(name.split())
    assert all(len(line) <= 78 for line in strict.lines if not line.startswith("List-Unsubscribe") and " " in line[1:])


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(max_size=200),
    html=st.text(alphabet=" \t\r\n.=-_<>aéß☃\U0001f600\u200f\u05d0", max_size=200),
    subject=st.text(max_size=120),
)
def test_a_thousand_messages_come_back_as_they_were_meant(text: str, html: str, subject: str) -> None:
    strict = agree(a_message(text=text, html=html, subject=subject))
    assert strict.words("subject").split() == mime.headers.clean(subject).split()


def test_an_invitation_and_files_are_read_alike() -> None:
    files = (Attachment("Übersicht.pdf", "application/pdf", bytes(range(256)) * 30),)
    strict = agree(a_message(calendar=INVITE, attachments=files))
    shape = ["text/plain", "text/html", "text/calendar", "application/ics", "application/pdf"]
    assert [leaf.kind for leaf in strict.leaves()] == shape
    assert strict.leaves()[2].content == strict.leaves()[3].content == INVITE.ics
    assert strict.leaves()[4].content == files[0].data


def test_the_unsubscribe_headers_are_read_by_any_program() -> None:
    strict = agree(a_message())
    [line] = [line for line in strict.lines if line.startswith("List-Unsubscribe:")]
    assert "=?" not in line
    entries = re.fullmatch(r"List-Unsubscribe: (<https://[^<>,\s]+>), (<mailto:[^<>,\s]+>)", line)
    assert entries
    assert all(len(entry) <= 76 for entry in entries.groups())
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in strict.lines


INJECTED = "x\r\nBcc: spy@evil.example\r\n\r\n<b>body</b>\n.\r\nMAIL FROM:<a@b>"


@pytest.mark.parametrize("field", ["from_name", "to_name", "subject"])
def test_line_breaks_in_words_start_no_header(field: str) -> None:
    strict = agree(a_message(**{field: INJECTED}))
    assert strict.fields.keys() == agree(a_message()).fields.keys()


@pytest.mark.parametrize(
    "field", ["from_email", "to_email", "reply_to", "message_id", "list_id", "list_unsubscribe_url"]
)
def test_line_breaks_in_addresses_are_refused(field: str) -> None:
    usual = str(getattr(a_message(), field))
    for broken in (f"{usual}\r\nBcc: spy@evil.example", f"{usual}\n", f"\r{usual}", f"{usual}\x00", f"{usual}\u2028"):
        with pytest.raises(ValueError):
            mime.build(a_message(**{field: broken}))


def test_a_mail_server_receives_what_was_built() -> None:
    for offers in ((), ("PIPELINING",)):
        server = SmtpServer(*offers)
        way = SmtpTransport(f"smtp://127.0.0.1:{server.port}")
        texts = [".\r\n", "..\n.\n", "a\r.\rb", "\n.\n", ".", "x" * 5000 + "\n.hidden", "é.\n" * 50, ""]
        messages = [a_message(text=text, html=text, calendar=INVITE) for text in texts]
        way.send_many(messages, go_on=lambda: True)
        assert server.mailbox.received == [mime.build(message) for message in messages]
        for raw, text in zip(server.mailbox.received, texts, strict=True):
            assert Strict(raw).leaves()[0].content.decode().replace("\r\n", "\n") == wanted(text)
        way.close()
        server.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: a\r\nSubject: b\r\nContent-Type: text/plain\r\n\r\nx",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"x" * 77,
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nblank \r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n",
        b"no header\r\n\r\n",
    ],
)
def test_the_strict_reader_is_strict(raw: bytes) -> None:
    with pytest.raises((AssertionError, KeyError)):
        Strict(raw)
