"""Signatures as two strangers read them: dkimpy, and a verification written here from RFC 6376."""

import base64
import hashlib
import re
from pathlib import Path

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from outreach.config import settings_from
from outreach.deliveries.mail import mime
from outreach.deliveries.transports.dkim_signing import DkimSigner, signer_from
from outreach.deliveries.transports.protocol import Accepted
from outreach.deliveries.transports.registry import open_transports
from outreach.deliveries.transports.smtp import SmtpTransport
from outreach.errors import SettingsError
from tests.contracts.servers import SmtpServer
from tests.deliveries.messages import INVITE, a_message

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
MUST_COVER = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"} | {
    *("list-unsubscribe", "list-unsubscribe-post")
}
SIGNER = DkimSigner("spring", "practice.example", PEM)


def dns(name: bytes, timeout: int = 5) -> bytes:
    assert name == b"spring._domainkey.practice.example."
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(PUBLIC)


def signed(**changes: object) -> bytes:
    message = a_message(**changes)
    return SIGNER(mime.build(message), message)


def relaxed(name: str, value: str) -> str:
    """RFC 6376 section 3.4.2."""
    words = re.sub("[ \t]+", " ", value.replace("\r\n", "")).strip()
    return f"{name.lower().strip()}:{words}"


def verified(raw: bytes) -> bool:
    """RFC 6376 section 6.1, by hand."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = [line.split(":", 1) for line in re.split("\r\n(?![ \t])", head.decode("ascii"))]
    [value] = [value for name, value in fields if name.lower() == "dkim-signature"]
    tags = {tag.split("=", 1)[0].strip(): re.sub(r"\s", "", tag.split("=", 1)[1]) for tag in value.split(";")}
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(line + b"\r\n" for line in lines)
    if base64.b64encode(hashlib.sha256(canonical).digest()).decode() != tags["bh"]:
        return False
    left = list(fields)
    hashed = []
    for wanted in tags["h"].split(":"):
        last = next((field for field in reversed(left) if field[0].lower() == wanted.lower()), None)
        if last is not None:
            left.remove(last)
            hashed.append(relaxed(*last) + "\r\n")
    hashed.append(relaxed("DKIM-Signature", re.sub(r"(\bb=)[^;]*$", r"\1", value)))
    try:
        KEY.public_key().verify(
            base64.b64decode(tags["b"]), "".join(hashed).encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature:
        return False
    assert set(tags["h"].lower().split(":")) >= MUST_COVER
    return True


def good(raw: bytes) -> list[bool]:
    return [dkim.verify(raw, dnsfunc=dns), verified(raw)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"calendar": INVITE},
        {"subject": "Früh übt sich – 日本 " * 20, "to_name": 'Dr. Ana  Müller, "Peds"'},
        {"text": ".\n..\n. three dots  \t and   spaces \n\n\n", "html": ""},
        {"list_unsubscribe_url": None, "list_unsubscribe_mailto": None, "one_click": False, "list_id": None},
        {"reply_to": None, "to_name": ""},
    ],
)
def test_two_strangers_find_the_signature_good(changes: dict[str, object]) -> None:
    raw = signed(**changes)
    assert good(raw) == [True, True]
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[:12]) <= 998
    assert raw.startswith(b"DKIM-Signature: v=1;")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello@practice.example", b"hallo@practice.example"),
        (b"/u/q7Zk", b"/u/q7Zz"),
        (b"One-Click", b"Two-Click"),
        (b"Subject: Early", b"Subject: Late "),
        (b"long line", b"lang line"),
        (b"multipart/alternative", b"multipart/mixed"),
        (b"d7001.k3v9", b"d7002.k3v9"),
        (b"ana@pediatrics", b"bob@pediatrics"),
    ],
)
def test_any_change_is_noticed(old: bytes, new: bytes) -> None:
    raw = signed()
    assert old in raw
    assert good(raw.replace(old, new, 1)) == [False, False]


@pytest.mark.parametrize("line", [b"List-Unsubscribe: <https://evil.example>", b"Reply-To: spy@evil.example"])
def test_a_header_that_was_not_there_cannot_be_added(line: bytes) -> None:
    raw = signed(list_unsubscribe_url=None, list_unsubscribe_mailto=None, one_click=False, reply_to=None)
    assert good(raw.replace(b"\r\nSubject:", b"\r\n" + line + b"\r\nSubject:", 1)) == [False, False]


@how(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(subject=st.text(max_size=120), text=st.text(alphabet=" \t\r\n.=aé", max_size=300))
def test_any_words_are_signed_well(subject: str, text: str) -> None:
    assert good(signed(subject=subject, text=text)) == [True, True]


def test_the_signature_survives_the_way() -> None:
    server = SmtpServer("PIPELINING")
    way = SmtpTransport(f"smtp://127.0.0.1:{server.port}", sign=SIGNER)
    outcomes = way.send_many([a_message(text=".\n.hidden\n..\n"), a_message()], go_on=lambda: True)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 2
    assert [good(raw) for raw in server.mailbox.received] == [[True, True]] * 2
    way.close()
    server.close()


def test_without_a_domain_the_senders_own_signs() -> None:
    message = a_message()
    raw = DkimSigner("spring", None, PEM)(mime.build(message), message)
    assert b"d=practice.example;" in raw
    assert good(raw) == [True, True]


def test_a_key_that_will_not_do_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for key in (b"", b"no key", other):
        with pytest.raises(ValueError, match="DKIM key"):
            DkimSigner("spring", "practice.example", key)
    with pytest.raises(ValueError, match="selector"):
        DkimSigner("spring; d=evil", "practice.example", PEM)
    with pytest.raises(ValueError, match="cannot be read"):
        signer_from("spring", None, tmp_path / "missing.pem")


def test_the_key_is_a_setting_and_a_wrong_one_is_said_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    file.write_bytes(PEM)
    env = {
        "OUTREACH_HOME": str(tmp_path / "home"),
        "OUTREACH_SMTP_URL": "smtp://127.0.0.1:25",
        "OUTREACH_DKIM_SELECTOR": "spring",
        "OUTREACH_DKIM_KEY": str(file),
    }
    message = a_message()
    way = open_transports(settings_from(env))["smtp"]
    assert good(way.written(message)) == [True, True]
    for wrong in ({"OUTREACH_DKIM_SELECTOR": ""}, {"OUTREACH_DKIM_KEY": str(tmp_path / "none")}):
        with pytest.raises(SettingsError, match="OUTREACH_DKIM"):
            settings_from(env | wrong)
    file.write_bytes(b"no key")
    with pytest.raises(SettingsError, match="OUTREACH_DKIM_KEY"):
        open_transports(settings_from(env))
