"""SendGrid's API when it answers badly: slowly, hugely, cut off, lying about when to come back."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from outreach.deliveries.transports import deadline
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Permanent,
    RefusedForNow,
    Unknown,
)
from outreach.deliveries.transports.sendgrid_answers import Answer, meaning
from outreach.deliveries.transports.sendgrid_api import SendGridTransport
from tests.contracts.servers import SendGridStub, free_port
from tests.deliveries.letters import copies
from tests.deliveries.messages import INVITE, a_message

KEY = "SG." + "x" * 22 + "." + "y" * 43
NOW = a_message().date


@pytest.fixture
def stub() -> Iterator[SendGridStub]:
    opened = SendGridStub()
    yield opened
    opened.close()


@pytest.fixture
def transport(stub: SendGridStub) -> Iterator[SendGridTransport]:
    opened = SendGridTransport(KEY, base_url=stub.url)
    yield opened
    opened.close()


def always() -> bool:
    return True


class Speaker:
    """Accepts connections, reads a request and says the given bytes, each after its pause in seconds."""

    def __init__(self, *said: bytes, pause: float = 0.0, close: bool = True) -> None:
        self.calls = 0
        self._said, self._pause, self._close = said, pause, close
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as request, suppress(OSError):
            length = 0
            # All of it: a line that is closed with words unread is cut under whoever still sends.
            while (head := request.readline()) not in (b"\r\n", b""):
                name, _, value = head.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            request.read(length)
            self.calls += 1
            for piece in self._said:
                self._ended.wait(self._pause)
                line.sendall(piece)
            if not self._close:
                self._ended.wait(60)

    def close(self) -> None:
        self._ended.set()
        self._listener.close()


@pytest.fixture
def speak() -> Iterator[Any]:
    opened: list[Speaker] = []

    def make(*said: bytes, **more: Any) -> Speaker:
        opened.append(Speaker(*said, **more))
        return opened[-1]

    yield make
    for speaker in opened:
        speaker.close()


def outcome_of(speaker: Speaker) -> Any:
    transport = SendGridTransport(KEY, base_url=speaker.url)
    try:
        return transport.send(a_message())
    finally:
        transport.close()


def test_an_answer_that_drips_ends_with_the_deadline(speak, monkeypatch):
    monkeypatch.setattr(deadline, "ANSWER_SECONDS", 0.4)
    drip = speak(*[bytes([each]) for each in b"HTTP/1.1 202 Accepted\r\nX-Message-Id: " + b"1" * 300], pause=0.2)
    started = deadline.monotonic()
    assert isinstance(outcome_of(drip), Unknown)
    assert deadline.monotonic() - started < 40


def test_a_server_that_says_nothing_is_left(speak, monkeypatch):
    monkeypatch.setattr(deadline, "ANSWER_SECONDS", 0.3)
    assert isinstance(outcome_of(speak(close=False)), Unknown)


def test_an_answer_that_never_ends_is_not_read_whole(speak):
    pieces = [b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 400
    endless = speak(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces)
    assert isinstance(outcome_of(endless), Unknown)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\ncut", Accepted),
        (b"HTTP/1.1 202 Acc", Accepted),
        (b"HTTP/1.1 2", Unknown),
        (b"", Unknown),
        (b"<html>hello</html>", Unknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", Unknown),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\n<html>", RefusedForNow),
        (b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", AccountProblem),
        (b"HTTP/1.1 202 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", Unknown),
        (b"HTTP/1.1 202 OK\r\nX-A: " + b"b" * 70_000 + b"\r\n\r\n", Unknown),
    ],
    ids=range(10),
)
def test_cut_and_strange_answers_mean_one_thing(speak, said, kind):
    speaker = speak(said)
    assert isinstance(outcome_of(speaker), kind)
    assert speaker.calls == 1


def test_connections_are_kept_and_old_ones_are_not_used_again(stub, transport, monkeypatch):
    for _ in range(3):
        assert isinstance(transport.send(a_message()), Accepted)
    pool = next(iter(transport._pool.pools._container.values()))
    assert pool.num_connections == 1
    later = deadline.monotonic() + deadline.LONGEST_IDLE_SECONDS + 1
    monkeypatch.setattr(deadline, "monotonic", lambda: later)
    connection = pool.pool.queue[-1]
    assert not connection.is_connected
    assert isinstance(transport.send(a_message()), Accepted)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Mon, 02 Mar 2026 15:05:00 GMT"}, 300),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 90), "Retry-After": "120"}, 120),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "99999999999999999999"}, 86400),
        ({"Retry-After": "Mon, 02 Mar 2099 15:05:00 GMT"}, 86400),
        ({"Retry-After": "Mon, 99 Mar 99999 15:05:00 GMT"}, None),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 10**8)}, 86400),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 60)}, None),
        ({"X-RateLimit-Reset": "99999999999999"}, None),
        ({"X-RateLimit-Reset": "-1"}, None),
        ({"X-RateLimit-Reset": "١٧"}, None),
        ({"Retry-After": "1.5"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_back_is_believed_within_a_day(status, headers, wait):
    outcome = meaning(Answer(status, headers), now=NOW)
    assert isinstance(outcome, RefusedForNow)
    assert outcome.busy
    assert outcome.not_before_at == (None if wait is None else NOW + timedelta(seconds=wait))


STATUSES = {
    Accepted: [202],
    RefusedForNow: [408, 425, 429, 503],
    AccountProblem: [300, 301, 302, 307, 308, 401, 402, 403, 404, 405, 406, 407, 410],
    Permanent: [400, 409, 411, 413, 415, 418, 422, 431],
    Unknown: [200, 201, 204, 500, 501, 502, 504, 505, 520, 599],
}


@pytest.mark.parametrize(("status", "kind"), [(s, kind) for kind, all_ in STATUSES.items() for s in all_])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"errors":7}', b'{"errors":[{"message":9}]}'])
def test_each_status_has_one_meaning_whatever_stands_below_it(status, kind, body):
    assert isinstance(meaning(Answer(status, {}, body), now=NOW), kind)


def test_the_field_is_shown_and_no_address():
    body = {"errors": [{"message": "ana@x.example is bad", "field": "personalizations.0.to.0.email"}]}
    refused = meaning(Answer(400, {}, json.dumps(body).encode()), now=NOW)
    assert refused == Permanent("400 The request was refused (personalizations.0.to.0.email)", bad_address=True)


def test_only_the_sandbox_is_satisfied_with_200():
    assert meaning(Answer(200), now=NOW, sandbox=True) == Accepted(text="sandbox")
    assert isinstance(meaning(Answer(200), now=NOW), Unknown)


def test_newsletters_go_in_one_request_and_all_are_accepted_with_its_id(stub, transport):
    assert (transport.at_once("newsletter"), transport.at_once("invitation")) == (500, 1)
    outcomes = transport.send_many(copies(500), go_on=always)
    assert outcomes == [Accepted("sg-1")] * 500
    assert len(stub.requests) == 1
    assert stub.broken == []


def test_a_mixed_list_is_split_and_answered_in_its_order(stub, transport):
    one, two, three = copies(3)
    mixed = [a_message(calendar=INVITE, kind="invitation"), one, a_message(to_email="no address"), two, three]
    outcomes = transport.send_many(mixed, go_on=always)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Permanent, Accepted, Accepted]
    assert outcomes[1] == outcomes[3] == outcomes[4] != outcomes[0]
    assert len(stub.requests) == 2


def refusing(stub: SendGridStub, bad: set[str], *, named: bool, status: int = 400) -> list[int]:
    """The stub refuses every request with one of these addresses; the sizes of all requests are kept."""
    sizes: list[int] = []

    def problems(path: str, headers: dict[str, str], body: dict[str, Any]) -> list[str]:
        emails = [person["to"][0]["email"] for person in body["personalizations"]]
        sizes.append(len(emails))
        found = [place for place, email in enumerate(emails) if email in bad]
        if not found:
            return []
        field = {"field": f"personalizations.{found[0]}.to.0.email"} if named else {}
        error = json.dumps({"errors": [{"message": "Does not contain a valid address.", **field}]}).encode()
        stub.answers.append((status, {}, error))
        return []

    stub.problems = problems  # type: ignore[method-assign]
    return sizes


@pytest.mark.parametrize(("named", "status"), [(True, 400), (False, 400), (False, 413)])
def test_one_bad_address_costs_nobody_else_the_newsletter(stub, transport, named, status):
    sizes = refusing(stub, {"n7@pediatrics.example", "n70@pediatrics.example"}, named=named, status=status)
    outcomes = transport.send_many(copies(100), go_on=always)
    assert [place + 1 for place, outcome in enumerate(outcomes) if not isinstance(outcome, Accepted)] == [7, 70]
    assert all(isinstance(outcomes[place], Permanent) for place in (6, 69))
    sent = [person["to"][0]["email"] for request in stub.requests for person in request["personalizations"]]
    assert len(sent) == len(set(sent)) == 98
    assert len(sizes) <= (5 if named else 27)


def test_what_is_wrong_for_everybody_is_not_asked_once_per_person(stub, transport):
    error = json.dumps({"errors": [{"message": "Bad content", "field": "content.0.value"}]}).encode()
    stub.answers.append((400, {}, error))
    outcomes = transport.send_many(copies(100), go_on=always)
    assert outcomes == [Permanent("400 Bad content (content.0.value)")] * 100
    assert stub.requests == []


@pytest.mark.parametrize(
    ("status", "kind", "rest"),
    [
        (429, RefusedForNow, RefusedForNow),
        (503, RefusedForNow, RefusedForNow),
        (401, AccountProblem, AccountProblem),
        (500, Unknown, NotHandedOver),
        (504, Unknown, NotHandedOver),
    ],
)
def test_an_answer_that_stops_the_way_is_for_the_whole_request_and_ends_the_call(stub, transport, status, kind, rest):
    stub.answers.append((status, {}, b"<html>"))
    outcomes = transport.send_many([*copies(20), a_message(to_email="alone@x.example")], go_on=always)
    assert [type(outcome) for outcome in outcomes] == [kind] * 20 + [rest]
    assert stub.requests == []


def test_a_cut_line_leaves_everybody_in_the_request_unknown(stub, transport):
    stub.answers.append("cut")
    assert [type(outcome) for outcome in transport.send_many(copies(5), go_on=always)] == [Unknown] * 5


def test_nothing_is_begun_once_it_should_stop(stub, transport):
    assert transport.send_many(copies(5), go_on=lambda: False) == [NOT_BEGUN] * 5
    asked = iter([True, False])
    refusing(stub, {"n1@pediatrics.example"}, named=False)
    outcomes = transport.send_many(copies(8), go_on=lambda: next(asked))
    assert outcomes == [NOT_BEGUN] * 8


def test_nobody_there_is_not_handed_over_for_all():
    transport = SendGridTransport(KEY, base_url=f"http://127.0.0.1:{free_port()}")
    assert {type(outcome) for outcome in transport.send_many(copies(5), go_on=always)} == {NotHandedOver}


def test_the_sandbox_takes_many_too(stub):
    sandbox = SendGridTransport(KEY, base_url=stub.url, sandbox=True)
    stub.answers.append((200, {}, b""))
    assert sandbox.send_many(copies(5), go_on=always) == [Accepted(text="sandbox")] * 5
    sandbox.close()
