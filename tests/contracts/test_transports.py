"""One suite over every way out: the same message, the same six answers."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as policy
from pathlib import Path
from typing import Any

import pytest

from outreach.deliveries.mail import mime
from outreach.deliveries.transports.folder import FolderTransport
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.protocol import (
    Accepted,
    AccountProblem,
    NotHandedOver,
    Permanent,
    RefusedForNow,
    Transport,
    Unknown,
)
from outreach.deliveries.transports.sendgrid_api import SendGridTransport
from outreach.deliveries.transports.smtp import SmtpTransport
from tests.contracts.servers import SendGridStub, SmtpServer, free_port
from tests.deliveries.messages import ICS, INVITE, a_message

KEY = "SG." + "x" * 22 + "." + "y" * 43


class TransportContract:
    """What every transport promises. A subclass gives `rig`."""

    @pytest.fixture
    def rig(self) -> Iterator[Any]:
        """(transport, …) with `subjects()`, `parts()`, `unreachable()`."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, rig: Any) -> None:
        transport: Transport = rig.transport
        assert transport.name
        assert transport.kind
        assert transport.lanes >= 1

    def test_an_accepted_message_is_there_as_it_was_meant(self, rig: Any) -> None:
        assert isinstance(rig.transport.send(a_message()), Accepted)
        assert rig.subjects() == ["Early signs of tongue-tie: what to look for"]

    def test_letters_of_all_kinds_arrive(self, rig: Any) -> None:
        message = a_message(
            subject="Früh übt sich – 日本", to_name="Dr. Ana Müller", text="grüße 日本\n", html="<p>ñ</p>"
        )
        assert isinstance(rig.transport.send(message), Accepted)
        assert rig.subjects() == ["Früh übt sich – 日本"]
        assert "grüße 日本" in rig.text()

    def test_an_invitation_carries_its_method_and_the_same_file_twice(self, rig: Any) -> None:
        assert isinstance(rig.transport.send(a_message(calendar=INVITE)), Accepted)
        method, inline, attached = rig.calendar()
        assert method == "REQUEST"
        assert inline.replace("\r\n", "\n").strip() == ICS.decode().replace("\r\n", "\n").strip()
        assert attached == ICS

    def test_what_cannot_be_written_out_is_refused_for_good(self, rig: Any) -> None:
        assert isinstance(rig.transport.send(a_message(to_email="a, b@pediatrics.example")), Permanent)
        assert rig.subjects() == []

    def test_when_nobody_answers_nothing_was_handed_over(self, rig: Any) -> None:
        assert isinstance(rig.unreachable().send(a_message()), NotHandedOver)

    def test_closing_keeps_it_usable(self, rig: Any) -> None:
        rig.transport.close()
        assert isinstance(rig.transport.send(a_message()), Accepted)
        rig.transport.close()


class ServerContract(TransportContract):
    """What a transport with another side promises besides."""

    def test_a_refused_recipient_is_permanent_and_names_the_address_as_the_cause(self, rig: Any) -> None:
        rig.refuse_recipient()
        outcome = rig.transport.send(a_message())
        assert isinstance(outcome, Permanent)
        assert outcome.bad_address
        assert "@" not in outcome.text
        assert isinstance(rig.transport.send(a_message()), Accepted)

    def test_a_temporary_no_may_be_tried_again(self, rig: Any) -> None:
        rig.refuse_for_now()
        assert isinstance(rig.transport.send(a_message()), RefusedForNow)
        assert isinstance(rig.transport.send(a_message()), Accepted)
        assert len(rig.subjects()) == 1

    def test_a_lost_answer_is_unknown(self, rig: Any) -> None:
        rig.lose_answer()
        assert isinstance(rig.transport.send(a_message()), Unknown)
        assert isinstance(rig.transport.send(a_message()), Accepted)


class MailRig:
    """Reads raw mails with the standard library's parser."""

    transport: Transport

    def raws(self) -> list[bytes]:
        raise NotImplementedError

    def subjects(self) -> list[str]:
        return [str(message_from_bytes(raw, policy=policy)["Subject"]) for raw in self.raws()]

    def text(self) -> str:
        body = message_from_bytes(self.raws()[-1], policy=policy).get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def calendar(self) -> tuple[str, str, bytes]:
        parts = list(message_from_bytes(self.raws()[-1], policy=policy).walk())
        [inline] = [part for part in parts if part.get_content_type() == "text/calendar"]
        [file] = [part for part in parts if part.get_content_type() == "application/ics"]
        return str(inline.get_param("method")), inline.get_content(), file.get_payload(decode=True)


class MemoryRig(MailRig):
    def __init__(self) -> None:
        self.transport = self.memory = MemoryTransport()

    def raws(self) -> list[bytes]:
        return [mime.build(message) for message in self.memory.sent]

    def unreachable(self) -> Transport:
        self.memory.answers.append(NotHandedOver("nobody there"))
        return self.memory

    def refuse_recipient(self) -> None:
        self.memory.answers.append(Permanent("550 no such user", bad_address=True))

    def refuse_for_now(self) -> None:
        self.memory.answers.append(RefusedForNow("451 later"))

    def lose_answer(self) -> None:
        self.memory.answers.append(Unknown("cut"))


class FolderRig(MailRig):
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "outbox"
        self.transport = FolderTransport(self.folder)

    def raws(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.glob("*.eml"))]

    def unreachable(self) -> Transport:
        (self.folder.parent / "taken").write_text("a file, not a folder")
        return FolderTransport(self.folder.parent / "taken")


class SmtpRig(MailRig):
    def __init__(self, *offers: str) -> None:
        self.server = SmtpServer(*offers)
        self.transport = SmtpTransport(f"smtp://127.0.0.1:{self.server.port}")

    def raws(self) -> list[bytes]:
        return self.server.mailbox.received

    def unreachable(self) -> Transport:
        return SmtpTransport(f"smtp://127.0.0.1:{free_port()}")

    def refuse_recipient(self) -> None:
        self.server.mailbox.answers["RCPT"].append("550 5.1.1 <ana@pediatrics.example> no such user")

    def refuse_for_now(self) -> None:
        self.server.mailbox.answers["DATA"].append("451 4.3.0 try again")

    def lose_answer(self) -> None:
        self.server.mailbox.answers["DATA"].append("cut")

    def close(self) -> None:
        self.transport.close()
        self.server.close()


class SendGridRig:
    def __init__(self) -> None:
        self.stub = SendGridStub()
        self.transport = SendGridTransport(KEY, base_url=self.stub.url)

    def subjects(self) -> list[str]:
        return [request["personalizations"][0]["subject"] for request in self.stub.requests]

    def text(self) -> str:
        return str(self.stub.requests[-1]["content"][0]["value"])

    def calendar(self) -> tuple[str, str, bytes]:
        content = self.stub.requests[-1]["content"][2]
        return content["type"].partition("method=")[2], content["value"], self.stub.attachment(-1)

    def unreachable(self) -> Transport:
        return SendGridTransport(KEY, base_url=f"http://127.0.0.1:{free_port()}")

    def refuse_recipient(self) -> None:
        body = b'{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email"}]}'
        self.stub.answers.append((400, {}, body))

    def refuse_for_now(self) -> None:
        self.stub.answers.append((503, {"Retry-After": "7"}, b"<html>busy</html>"))

    def lose_answer(self) -> None:
        self.stub.answers.append("cut")

    def close(self) -> None:
        self.transport.close()
        self.stub.close()


class TestMemory(ServerContract):
    @pytest.fixture
    def rig(self) -> Any:
        return MemoryRig()


class TestFolder(TransportContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Any:
        return FolderRig(tmp_path)

    def test_the_bytes_are_those_that_smtp_sends(self, rig: Any) -> None:
        smtp = SmtpRig()
        rig.transport.send(a_message(calendar=INVITE))
        smtp.transport.send(a_message(calendar=INVITE))
        assert rig.raws() == smtp.raws()
        smtp.close()


class TestSmtp(ServerContract):
    @pytest.fixture
    def rig(self) -> Iterator[Any]:
        opened = SmtpRig()
        yield opened
        opened.close()

    def test_a_session_carries_many_messages_and_outlives_a_server_that_hung_up(self, rig: Any) -> None:
        for _ in range(3):
            assert isinstance(rig.transport.send(a_message()), Accepted)
        for session in rig.transport._idle:
            session.wire.sock.shutdown(socket.SHUT_RDWR)
        assert isinstance(rig.transport.send(a_message()), Accepted)
        assert len(rig.raws()) == 4

    def test_a_policy_refusal_does_not_blame_the_address(self, rig: Any) -> None:
        rig.server.mailbox.answers["RCPT"].append("550 5.7.1 blocked by policy")
        outcome = rig.transport.send(a_message())
        assert isinstance(outcome, Permanent)
        assert not outcome.bad_address

    def test_a_password_that_nobody_asked_for_pauses_the_account(self, rig: Any) -> None:
        rig.transport = SmtpTransport(f"smtp://maya:secret@127.0.0.1:{rig.server.port}")
        assert isinstance(rig.transport.send(a_message()), AccountProblem)

    def test_dots_at_line_starts_survive(self, rig: Any) -> None:
        rig.transport.send(a_message(text=".hidden\n..twice\n"))
        assert rig.text().splitlines() == [".hidden", "..twice"]

    def test_many_messages_go_over_one_session_each_with_its_own_answer(self, rig: Any) -> None:
        rig.server.mailbox.answers["RCPT"].extend(["250 OK", "550 5.1.1 no such user", "250 OK", "451 4.2.2 later"])
        messages = [a_message(subject=f"Number {index}", delivery_id=index) for index in range(6)]
        outcomes = rig.transport.send_many(messages, go_on=lambda: True)
        assert [type(outcome) for outcome in outcomes] == [
            *(Accepted, Permanent, Accepted, RefusedForNow, Accepted, Accepted)
        ]
        assert rig.subjects() == ["Number 0", "Number 2", "Number 4", "Number 5"]
        assert len(rig.transport._idle) == 1


class TestSmtpPipelined(TestSmtp):
    """The same over a server that offers PIPELINING."""

    @pytest.fixture
    def rig(self) -> Iterator[Any]:
        opened = SmtpRig("PIPELINING")
        yield opened
        opened.close()


class TestSendGrid(ServerContract):
    @pytest.fixture
    def rig(self) -> Iterator[Any]:
        opened = SendGridRig()
        yield opened
        assert opened.stub.broken == []
        opened.close()

    def test_the_request_id_is_kept(self, rig: Any) -> None:
        assert rig.transport.send(a_message()) == Accepted("sg-1")

    @pytest.mark.parametrize(
        ("status", "meaning"),
        [
            (401, AccountProblem),
            (403, AccountProblem),
            (404, AccountProblem),
            (413, Permanent),
            (500, Unknown),
            (502, Unknown),
            (504, Unknown),
            (302, AccountProblem),
        ],
    )
    def test_each_answer_means_one_thing(self, rig: Any, status: int, meaning: type) -> None:
        rig.stub.answers.append((status, {"Location": "http://127.0.0.1:9/"}, b"<html>no JSON here</html>"))
        assert isinstance(rig.transport.send(a_message()), meaning)

    def test_a_rate_limit_says_until_when(self, rig: Any) -> None:
        rig.stub.answers.append((429, {"X-RateLimit-Reset": "1772463700"}, b""))
        outcome = rig.transport.send(a_message())
        assert isinstance(outcome, RefusedForNow)
        assert outcome.not_before_at is not None
        assert outcome.not_before_at.timestamp() == 1772463700
        assert outcome.not_before_at.utcoffset() == timedelta(0)

    def test_a_reset_that_makes_no_sense_is_not_believed(self, rig: Any) -> None:
        rig.stub.answers.append((429, {"X-RateLimit-Reset": "99999999999999"}, b""))
        outcome = rig.transport.send(a_message())
        assert isinstance(outcome, RefusedForNow)
        assert outcome.not_before_at is None

    def test_sandbox_answers_200(self, rig: Any) -> None:
        sandbox = SendGridTransport(KEY, base_url=rig.stub.url, sandbox=True)
        rig.stub.answers.append((200, {}, b""))
        assert isinstance(sandbox.send(a_message()), Accepted)
        sandbox.close()
