"""TLS, signing in and what the server offers: no password in the clear, no certificate unchecked."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from outreach.deliveries.transports.protocol import Accepted, AccountProblem, NotHandedOver, RefusedForNow
from outreach.deliveries.transports.smtp import SmtpTransport
from outreach.deliveries.transports.smtp_opening import may_sign_in
from tests.contracts.smtp_scripts import CUT, Scripted, a_certificate
from tests.deliveries.messages import a_message


@pytest.fixture
def servers() -> Iterator[list[Scripted]]:
    made: list[Scripted] = []
    yield made
    for server in made:
        server.close()


def plain(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_trusted_certificate_lets_mail_through_encrypted(
    tmp_path: Path, servers: list[Scripted], scheme: str
) -> None:
    pem = a_certificate(tmp_path)
    servers.append(Scripted("STARTTLS", "PIPELINING", certificate=pem, smtps=scheme == "smtps"))
    if scheme == "smtps":
        servers[0].offers.remove("STARTTLS")
    way = SmtpTransport(f"{scheme}://127.0.0.1:{servers[0].port}", ca_file=pem)
    outcomes = way.send_many([a_message(), a_message(text="x" * 200_000)], go_on=lambda: True)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 2
    assert servers[0].commands.count("STARTTLS") == (scheme == "smtp")
    assert len(servers[0].mails[1][1]) > 200_000
    assert isinstance(way.send(a_message()), Accepted)
    assert servers[0].connections == 1
    way.close()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
def test_a_certificate_that_cannot_be_trusted_gets_nothing(
    tmp_path: Path, servers: list[Scripted], scheme: str, host: str
) -> None:
    """Signed by nobody we know, or for another name."""
    pem = a_certificate(tmp_path, host=host)
    servers.append(Scripted("STARTTLS", "AUTH PLAIN", certificate=pem, smtps=scheme == "smtps"))
    known = pem if host == "other.example" else a_certificate(tmp_path, name="another.pem")
    way = SmtpTransport(f"{scheme}://maya:secret@127.0.0.1:{servers[0].port}", ca_file=known)
    outcome = way.send(a_message())
    assert isinstance(outcome, NotHandedOver)
    assert "certificate cannot be trusted" in outcome.text
    assert servers[0].mails == []
    assert not any(command.startswith(("AUTH", "MAIL")) for command in servers[0].commands)


def test_a_missing_file_of_certificates_pauses_the_way(tmp_path: Path, servers: list[Scripted]) -> None:
    servers.append(Scripted("STARTTLS", certificate=a_certificate(tmp_path)))
    way = SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}", ca_file=tmp_path / "none.pem")
    assert isinstance(way.send(a_message()), AccountProblem)


def test_encryption_that_was_there_once_must_stay(tmp_path: Path, servers: list[Scripted]) -> None:
    """Somebody in between may strip the offer."""
    pem = a_certificate(tmp_path)
    servers.append(Scripted("STARTTLS", certificate=pem))
    way = SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}", ca_file=pem)
    assert isinstance(way.send(a_message()), Accepted)
    way.close()
    servers[0].offers.remove("STARTTLS")
    outcome = way.send(a_message())
    assert isinstance(outcome, AccountProblem)
    assert "no encryption" in outcome.text
    assert len(servers[0].mails) == 1


def test_where_encryption_is_asked_for_nothing_leaves_without(servers: list[Scripted]) -> None:
    servers.append(Scripted())
    way = SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}", must_encrypt=True)
    assert isinstance(way.send(a_message()), AccountProblem)
    assert not any(command.startswith("MAIL") for command in servers[0].commands)


def test_words_slipped_in_before_the_handshake_end_the_session(tmp_path: Path, servers: list[Scripted]) -> None:
    pem = a_certificate(tmp_path)
    servers.append(Scripted("STARTTLS", certificate=pem))
    servers[0].script["STARTTLS"].append("220 go on\r\n250-evil\r\n250 AUTH PLAIN")
    way = SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}", ca_file=pem)
    assert isinstance(way.send(a_message()), NotHandedOver)
    assert servers[0].commands[1:] == ["STARTTLS"]


@pytest.mark.parametrize(("answer", "meaning"), [("454 not now", RefusedForNow), ("501 no", AccountProblem)])
def test_starttls_that_is_refused_sends_nothing_in_the_clear(
    tmp_path: Path, servers: list[Scripted], answer: str, meaning: type
) -> None:
    servers.append(Scripted("STARTTLS", certificate=a_certificate(tmp_path)))
    servers[0].script["STARTTLS"].append(answer)
    assert isinstance(SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}").send(a_message()), meaning)
    assert servers[0].mails == []


def test_a_password_is_said_over_tls_or_to_this_machine_only() -> None:
    assert not may_sign_in(secure=False, here=False)
    assert may_sign_in(secure=True, here=False)
    assert may_sign_in(secure=False, here=True)


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ("AUTH PLAIN LOGIN", ["AUTH PLAIN " + plain("\0maya\0pä:ss/@")]),
        ("AUTH LOGIN", ["AUTH LOGIN " + plain("maya"), plain("pä:ss/@")]),
    ],
)
def test_name_and_password_are_said_as_the_server_wants(servers: list[Scripted], offer: str, said: list[str]) -> None:
    servers.append(Scripted(offer))
    if len(said) == 2:
        servers[0].script["AUTH"].append("334 " + plain("Password:"))
        servers[0].script["TOKEN"].append("235 welcome")
    way = SmtpTransport(f"smtp://maya:p%C3%A4%3Ass%2F%40@127.0.0.1:{servers[0].port}")
    assert isinstance(way.send(a_message()), Accepted)
    assert servers[0].commands[1 : 1 + len(said)] == said
    way.close()


def test_a_token_is_asked_for_each_session(servers: list[Scripted]) -> None:
    tokens = iter(["first\n", "second"])
    servers.append(Scripted("AUTH PLAIN XOAUTH2"))
    way = SmtpTransport(f"smtp://maya%40practice.example@127.0.0.1:{servers[0].port}", token=lambda: next(tokens))
    for token in ("first", "second"):
        assert isinstance(way.send(a_message()), Accepted)
        way.close()
        words = plain(f"user=maya@practice.example\1auth=Bearer {token}\1\1")
        assert f"AUTH XOAUTH2 {words}" in servers[0].commands


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ("535 5.7.8 wrong", AccountProblem),
        ("454 4.7.0 later", RefusedForNow),
        ("334 eyJzdGF0dXMiOiI0MDEifQ==", AccountProblem),
        (CUT, NotHandedOver),
    ],
)
def test_a_token_that_is_refused(servers: list[Scripted], answer: str, meaning: type) -> None:
    servers.append(Scripted("AUTH XOAUTH2"))
    servers[0].script["AUTH"].append(answer)
    servers[0].script[""].append("535 5.7.8 expired")
    way = SmtpTransport(f"smtp://maya@127.0.0.1:{servers[0].port}", token=lambda: "old")
    assert isinstance(way.send(a_message()), meaning)


def test_a_token_that_cannot_be_read_pauses_the_way(servers: list[Scripted], tmp_path: Path) -> None:
    servers.append(Scripted("AUTH XOAUTH2"))
    way = SmtpTransport(f"smtp://maya@127.0.0.1:{servers[0].port}", token=(tmp_path / "none").read_text)
    assert isinstance(way.send(a_message()), AccountProblem)
    assert "secret" not in repr(SmtpTransport("smtp://maya:secret@127.0.0.1")._server)


def test_bounces_are_asked_for_by_the_message_where_the_server_can(servers: list[Scripted]) -> None:
    for offers in (("DSN", "PIPELINING"), ("PIPELINING",)):
        servers.append(Scripted(*offers))
        way = SmtpTransport(f"smtp://127.0.0.1:{servers[-1].port}")
        way.send(a_message(return_path="bounce+5eh.ab@in.practice.example"))
        way.close()
    assert servers[0].commands[1:3] == [
        "MAIL FROM:<bounce+5eh.ab@in.practice.example> RET=HDRS ENVID=d7001.k3v9",
        "RCPT TO:<ana@pediatrics.example> NOTIFY=FAILURE",
    ]
    assert servers[1].commands[1:3] == [
        "MAIL FROM:<bounce+5eh.ab@in.practice.example>",
        "RCPT TO:<ana@pediatrics.example>",
    ]


def test_a_relay_that_allows_only_our_own_sender_gets_that(servers: list[Scripted]) -> None:
    servers.append(Scripted("PIPELINING"))
    servers[0].script["MAIL"].append("550 5.7.60 not your address")
    servers[0].script["RCPT"].append("503 no")
    servers[0].script["DATA"].append("503 no")
    way = SmtpTransport(f"smtp://127.0.0.1:{servers[0].port}")
    for _ in range(2):
        assert isinstance(way.send(a_message(return_path="bounce+5eh.ab@in.practice.example")), Accepted)
    senders = [command for command in servers[0].commands if command.startswith("MAIL")]
    assert senders == ["MAIL FROM:<bounce+5eh.ab@in.practice.example>", *["MAIL FROM:<hello@practice.example>"] * 2]
    way.close()
