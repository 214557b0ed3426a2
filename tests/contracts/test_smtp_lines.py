"""SMTP over lines that hang, break and lie: which messages were handed over, which were not, which nobody knows."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports import smtp
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
)
from outreach.deliveries.transports.smtp import SmtpTransport
from outreach.deliveries.transports.smtp_session import Mail, dotted
from tests.contracts.smtp_scripts import CUT, HANG, Scripted, Standing
from tests.deliveries.messages import a_message


@pytest.fixture(params=["pipelined", "step by step"])
def server(request: pytest.FixtureRequest) -> Iterator[Scripted]:
    made = Scripted(*(["PIPELINING"] if request.param == "pipelined" else []))
    yield made
    made.close()


@pytest.fixture
def way(server: Scripted) -> Iterator[SmtpTransport]:
    made = SmtpTransport(f"smtp://127.0.0.1:{server.port}")
    yield made
    made.close()


def hurried(server: Scripted) -> SmtpTransport:
    """Its patience ends soon after the server begins to hang, and never before."""
    return SmtpTransport(f"smtp://127.0.0.1:{server.port}", answer_seconds=0.1, clock=Standing(server))


def messages(count: int, **changes: Any) -> list[OutgoingMessage]:
    return [a_message(to_email=f"p{index}@pediatrics.example", delivery_id=index, **changes) for index in range(count)]


def all_of(way: SmtpTransport, count: int, go_on: Callable[[], bool] = lambda: True) -> list[Outcome]:
    return way.send_many(messages(count), go_on=go_on)


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def taken(server: Scripted) -> list[str]:
    return [recipient.partition("@")[0] for recipient, _ in server.mails]


def test_a_group_goes_over_one_line_in_order(server: Scripted, way: SmtpTransport) -> None:
    assert kinds(all_of(way, 20)) == [Accepted] * 20
    assert taken(server) == [f"p{index}" for index in range(20)]
    assert server.connections == 1


def test_envelopes_are_grouped_only_where_it_is_offered() -> None:
    for offers, grouped in ((("PIPELINING",), True), ((), False)):
        server = Scripted(*offers)
        way = SmtpTransport(f"smtp://127.0.0.1:{server.port}")
        all_of(way, 3)
        assert (server.most_waiting > 1) is grouped
        way.close()
        server.close()


@pytest.mark.parametrize(
    ("step", "first"), [("MAIL", NotHandedOver), ("RCPT", NotHandedOver), ("DATA", NotHandedOver), ("BODY", Unknown)]
)
@pytest.mark.parametrize("how", [CUT, HANG, "<html>502 Bad Gateway</html>", "25", "999 what", "250" + "x" * 9000])
def test_a_line_that_ends_leaves_at_most_one_message_unknown(
    server: Scripted, step: str, first: type, how: str
) -> None:
    way = hurried(server)
    server.script[step].append(how)
    assert kinds(all_of(way, 5)) == [first, *[NotHandedOver] * 4]
    assert taken(server) == (["p0"] if step == "BODY" else [])
    assert kinds(all_of(way, 2)) == [Accepted] * 2
    way.close()


@pytest.mark.parametrize("how", [CUT, "garbage", HANG])
def test_in_mid_group_one_message_is_unknown_and_the_next_was_not_begun(server: Scripted, how: str) -> None:
    way = hurried(server)
    server.script["BODY"].extend(["250 kept", "250 kept", how])
    assert kinds(all_of(way, 6)) == [Accepted, Accepted, Unknown, *[NotHandedOver] * 3]
    assert taken(server) == ["p0", "p1", "p2"]
    assert server.connections == 1
    way.close()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [CUT, "421 4.3.2 enough for today"])
def test_a_server_that_ends_a_used_session_gets_the_message_on_a_new_one(
    server: Scripted, way: SmtpTransport, step: str, how: str
) -> None:
    usual = {"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 go on"}[step]
    server.script[step].extend([usual, usual, how])
    assert kinds(all_of(way, 5)) == [Accepted] * 5
    assert taken(server) == [f"p{index}" for index in range(5)]
    assert server.connections == 2


@pytest.mark.parametrize("step", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
def test_a_fresh_session_that_is_closed_with_421_stops_the_group(
    server: Scripted, way: SmtpTransport, step: str
) -> None:
    server.script[step].extend(["421 4.7.0 too busy"] * 9)
    if step == "EHLO":
        server.script["HELO"].extend(["421 4.7.0 too busy"] * 9)
    outcomes = all_of(way, 5)
    assert kinds(outcomes) == [RefusedForNow] * 5
    assert all(outcome.busy for outcome in outcomes if isinstance(outcome, RefusedForNow))
    assert server.connections == 1


def test_a_refused_recipient_among_ten_concerns_nobody_else(server: Scripted, way: SmtpTransport) -> None:
    server.script["RCPT"].extend(["250 OK", "250 OK", "550 5.1.1 <p2@pediatrics.example> unknown"])
    outcomes = all_of(way, 10)
    assert kinds(outcomes) == [Accepted, Accepted, Permanent, *[Accepted] * 7]
    assert outcomes[2] == Permanent("550 5.1.1 (address) unknown", bad_address=True)
    assert taken(server)[2 if len(server.mails) == 9 else 3] == "p3"
    assert server.connections == 1


def test_no_mail_is_handed_over_where_the_recipient_was_refused_but_the_body_awaited(
    server: Scripted, way: SmtpTransport
) -> None:
    """RFC 2920 section 3.1: a lone dot, whatever the server thinks of it."""
    server.script["RCPT"].append("550 5.1.1 unknown")
    if server.offers:
        server.script["BODY"].append("554 no valid recipients")
    assert kinds(all_of(way, 2)) == [Permanent, Accepted]
    bodies = [body for recipient, body in server.mails if recipient.startswith("p0")]
    assert bodies == ([b"\r\n"] if server.offers else [])


def test_a_server_that_refuses_the_sender_but_waits_for_a_body_gets_no_dot(
    way: SmtpTransport, server: Scripted
) -> None:
    """A dot would hand over an empty mail to the recipient that it took."""
    server.script["MAIL"].append("550 5.7.1 not you")
    assert kinds(all_of(way, 1)) == [AccountProblem]
    assert server.mails == []


@pytest.mark.parametrize(
    ("step", "answer", "meaning"),
    [
        (
            "RCPT",
            "451 4.7.1 Greylisted, come back in five minutes",
            RefusedForNow("451 4.7.1 Greylisted, come back in five minutes"),
        ),
        ("RCPT", "452 4.2.2 mailbox full", RefusedForNow("452 4.2.2 mailbox full")),
        ("RCPT", "550 5.7.1 policy", Permanent("550 5.7.1 policy")),
        ("RCPT", "553 no such name", Permanent("553 no such name", bad_address=True)),
        ("DATA", "451 4.3.0 later", RefusedForNow("451 4.3.0 later")),
        ("DATA", "554 5.7.1 no", Permanent("554 5.7.1 no")),
        ("BODY", "451 4.3.0 later", RefusedForNow("451 4.3.0 later")),
        ("BODY", "552 5.3.4 too big", Permanent("552 5.3.4 too big")),
        ("BODY", "251 taken, elsewhere", Accepted(text="251 taken, elsewhere")),
        ("MAIL", "451 4.3.2 not now", RefusedForNow("451 4.3.2 not now", busy=True)),
    ],
)
def test_each_no_has_its_meaning_and_the_session_goes_on(
    server: Scripted, way: SmtpTransport, step: str, answer: str, meaning: Outcome
) -> None:
    server.script[step].append(answer)
    outcomes = all_of(way, 3)
    assert outcomes[0] == meaning
    assert kinds(outcomes[1:]) == [Accepted] * 2


def test_a_refused_sender_stops_the_group(server: Scripted, way: SmtpTransport) -> None:
    server.script["MAIL"].append("550 5.7.60 not your address")
    assert kinds(all_of(way, 4)) == [AccountProblem] * 4
    assert server.mails == []


def test_a_reply_may_come_in_pieces_and_in_several_lines(server: Scripted, way: SmtpTransport) -> None:
    def slowly(sock: Any) -> None:
        for piece in (b"2", b"50-2.0.0 kept\r", b"\n250-as\r\n25", b"0 asked\r\n"):
            sock.sendall(piece)
            threading.Event().wait(0.01)

    server.script["BODY"].append(slowly)
    assert all_of(way, 2)[0] == Accepted(text="250 2.0.0 kept as asked")


def test_codes_that_change_within_a_reply_are_no_reply(server: Scripted, way: SmtpTransport) -> None:
    server.script["BODY"].append("250-kept\r\n550 or not")
    assert kinds(all_of(way, 2)) == [Unknown, NotHandedOver]


def test_a_reply_without_end_is_not_read_for_ever(server: Scripted, way: SmtpTransport) -> None:
    server.script["RCPT"].append("\r\n".join(["250-more"] * 5000))
    assert kinds(all_of(way, 2)) == [NotHandedOver] * 2


def test_a_reply_that_nobody_asked_for_never_counts_for_a_message(server: Scripted, way: SmtpTransport) -> None:
    """One "kept" too many would be taken for the next message's answer."""
    server.script["DATA"].append("354 go on\r\n250 kept already")
    outcomes = all_of(way, 3)
    assert Accepted not in kinds(outcomes)
    server.script["BODY"].append("250 kept\r\n250 kept twice")
    again = all_of(way, 3)
    assert len([outcome for outcome in again if isinstance(outcome, Accepted)]) <= len(taken(server))


def test_a_server_that_drips_is_left_when_the_time_is_over(server: Scripted) -> None:
    way = hurried(server)

    def drip(sock: Any) -> None:
        for number in range(90):
            sock.sendall(b"250-still here\r\n")
            server.hangs = min(number, 1)
            threading.Event().wait(0.02)
        server.hang()

    server.script["RCPT"].append(drip)
    outcome = way.send(a_message())
    assert outcome == NotHandedOver("The mail server did not answer in time.")
    way.close()


def test_what_was_not_begun_is_said_so(server: Scripted, way: SmtpTransport) -> None:
    asked = iter([True, True, False, True, True])
    assert all_of(way, 5, go_on=lambda: next(asked)) == [
        Accepted(text="250 2.0.0 kept"),
        Accepted(text="250 2.0.0 kept"),
        *[NOT_BEGUN] * 3,
    ]
    assert taken(server) == ["p0", "p1"]


def test_a_message_that_must_not_leave_is_passed_over(server: Scripted, way: SmtpTransport) -> None:
    mixed = [*messages(1), a_message(to_email="a@b@c"), *messages(1)]
    assert kinds(way.send_many(mixed, go_on=lambda: True)) == [Accepted, Permanent, Accepted]


def test_a_session_ends_after_so_many_messages(server: Scripted) -> None:
    way = SmtpTransport(f"smtp://127.0.0.1:{server.port}", most_per_session=3)
    assert kinds(all_of(way, 7)) == [Accepted] * 7
    assert server.connections == 3
    assert kinds(all_of(way, 2)) == [Accepted] * 2
    assert server.connections == 3
    way.close()
    assert server.commands.count("QUIT") == 3


def test_a_kept_session_that_the_server_closed_is_replaced_unnoticed(server: Scripted, way: SmtpTransport) -> None:
    all_of(way, 1)
    way._idle[0].wire.sock.shutdown(2)
    assert kinds(all_of(way, 2)) == [Accepted] * 2


def test_a_session_that_was_idle_for_a_minute_is_asked_first(
    server: Scripted, way: SmtpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "IDLE_SECONDS", -1.0)
    all_of(way, 1)
    all_of(way, 1)
    assert (server.connections, server.commands.count("RSET")) == (1, 1)
    server.script["RSET"].append("421 idle too long")
    assert kinds(all_of(way, 2)) == [Accepted] * 2
    assert server.connections == 2


def test_a_server_that_hangs_up_in_the_body_may_say_why(server: Scripted, way: SmtpTransport) -> None:
    def too_big(sock: Any) -> None:
        sock.sendall(b"354 go on\r\n")
        sock.recv(1000)
        sock.sendall(b"552 5.3.4 too big for us\r\n")
        threading.Event().wait(0.05)
        raise OSError

    server.script["DATA"].append(too_big)
    outcome = way.send(a_message(text="x" * 20_000_000))
    assert isinstance(outcome, Permanent | NotHandedOver)


def test_many_threads_share_the_transport(server: Scripted, way: SmtpTransport) -> None:
    found: list[Outcome] = []
    threads = [threading.Thread(target=lambda: found.extend(all_of(way, 10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds(found) == [Accepted] * 80
    assert server.connections <= 8
    assert len(way._idle) == server.connections


@pytest.mark.parametrize(("over", "meaning"), [(-1, NotHandedOver), (0, Unknown), (5, Unknown)])
def test_only_a_whole_final_dot_may_have_handed_it_over(
    server: Scripted, way: SmtpTransport, over: int, meaning: type
) -> None:
    first, second = messages(2)
    size = len(dotted(way.written(first)))
    session = way.new_session()
    ended, other_end = socket.socketpair()
    other_end.close()

    class Breaking:
        """Takes the body and so many bytes more or less, then breaks."""

        def fileno(self) -> int:
            return ended.fileno()

        def gettimeout(self) -> float:
            return 0.0

        def send(self, data: memoryview) -> int:
            if len(data) < size - 5:
                raise ConnectionResetError
            return min(len(data), size + over)

        def recv(self, count: int) -> bytes:
            raise ConnectionResetError

        def close(self) -> None: ...

    session.wire.sock.close()
    session.wire.deadline = way.deadline()
    session.wire.sock = Breaking()  # type: ignore[assignment]
    session.pipelining = True
    mails = [
        Mail(index, "a@x.example", m.to_email, "1", dotted(way.written(m)), way.deadline())
        for index, m in enumerate((first, second))
    ]
    assert isinstance(session.deliver(mails[0], mails[1]), meaning)
    assert not session.usable
    ended.close()
