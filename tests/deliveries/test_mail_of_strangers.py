"""Anybody may write to the mailbox for answers: no mail keeps the house busy, and prose is not taken for a report."""

from time import process_time

import pytest
from sqlalchemy import select

from outreach import tokens
from outreach.contacts.consent import Suppression, address_hash
from outreach.contacts.tasks import Task
from outreach.deliveries import links
from outreach.deliveries.models import InboundMail
from outreach.deliveries.returns import bounces, inbound, mail_reading
from outreach.deliveries.returns.imap_line import Line
from tests.deliveries.posting import put
from tests.deliveries.test_reports_of_servers import delivery, read, sent, suppressed

__all__ = ["sent"]
HEADS = {
    "a crowd": b"To: " + b"a@b.example, " * 20_000,
    "a nest": b"To: " + b'"<:;@,' * 20_000,
    "quotes": b"To: " + b'"' * 100_000,
    "many heads": b"\r\n".join([b"To: " + b'"<:;@,' * 300] * 500),
    "answers": b"References: " + b"<1.abcdefghijklmnop@x.example> " * 100_000,
    "many answers": b"\r\n".join([b"References: " + b"<1.abcdefghijklmnop@x.example> " * 60] * 1_000),
    "the sender": b"From: " + b'"<:;@,' * 20_000,
    "dots": b"Reply-To: " + b"a." * 50_000 + b"@x.example",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_no_head_of_a_mail_takes_long(head):
    begun = process_time()
    assert inbound.sorted_out(b"k" * 64, head + b"\r\nSubject: x\r\n\r\nhello\r\n")[0] in ("unknown", "reply")
    assert process_time() - begun < 8


@pytest.mark.parametrize("shape", ["To: Cedar Lane <{}>", "To: a@b.example,\r\n {}", "Cc: {}", "Delivered-To: {}"])
def test_the_address_is_found_wherever_it_stands(runtime, cast, shape):
    token = tokens.derive(runtime.key, "unsubscribe", cast.raman)
    raw = shape.format(f"unsub+{token}@in.cedarlane.example").encode() + b"\r\nSubject: stop\r\n\r\n"
    assert inbound.sorted_out(runtime.key, raw) == ("unsubscribe", token, None)


@pytest.mark.parametrize(
    "words",
    ["Please call extension 550 for Ana.", "I am away until 5.12.26", "Sent by 10.5.1.1", "We run release 5.1.1.4 now"],
)
def test_a_persons_words_to_the_return_path_are_no_bounce(runtime, cast, sent, words):
    path = links.bounce_address(links.signs(runtime.key, sent), "in.cedarlane.example")
    read(runtime, f"From: p.raman@lakeside.example\r\nTo: {path}\r\nSubject: Away\r\n\r\n{words}\r\n".encode())
    assert suppressed(runtime) == []
    if "5.12.26" not in words:
        assert delivery(runtime, sent).state == "sent"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("550 no such user", "5.1.1"),
        ("550-5.1.1 no", "5.1.1"),
        ("(#5.2.2) full", "5.2.2"),
        ("status 5.4.4.", "5.4.4"),
        ("from 10.5.1.1 said", ""),
    ],
)
def test_what_a_server_writes_is_read(words, code):
    raw = f"From: MAILER-DAEMON@mx.example\r\n\r\n{words}\r\n".encode()
    assert bounces.reports(mail_reading.read(raw))[0].status == code


def test_a_mailbox_in_which_nothing_may_be_marked_is_read_on():
    class Refuses:
        asked = 0

        def uid(self, *command):
            self.asked += 1
            return "NO", [b"[NOPERM]"]

    speaker = Refuses()
    line = Line(speaker, 0)
    line.mark_seen(7)
    line.mark_seen(8)
    assert (line.may_mark, speaker.asked) == (False, 1)


@pytest.mark.parametrize(("sender", "stopped"), [("P.Raman@lakeside.example", 1), ("else@x.example", 0)])
def test_a_token_in_small_letters_still_unsubscribes_whom_it_was_given_to(runtime, cast, sender, stopped):
    put(runtime, cast.raman)
    token = tokens.derive(runtime.key, "unsubscribe", cast.raman).lower()
    raw = f"From: Dr. Raman <{sender}>\r\nTo: unsub+{token}@in.cedarlane.example\r\n\r\nstop\r\n"
    with runtime.turn() as turn:
        inbound.receive(turn.session, now=turn.now, key=runtime.key, raw=raw.encode())
        inbound.work(turn.session, now=turn.now, key=runtime.key)
        assert len(turn.session.scalars(select(Suppression)).all()) == stopped


def ask_to_stop(runtime, sender, to):
    raw = f"From: Dr. Raman <{sender}>\r\nTo: {to}\r\n\r\nstop\r\n"
    with runtime.turn() as turn:
        number = inbound.receive(turn.session, now=turn.now, key=runtime.key, raw=raw.encode())
        inbound.work(turn.session, now=turn.now, key=runtime.key)
        assert turn.session.get_one(InboundMail, number).kind == "unsubscribe"


def stopped_and_tasks(runtime):
    with runtime.turn(write=False) as turn:
        stopped = [row.address_hash for row in turn.session.scalars(select(Suppression))]
        return stopped, [row.title for row in turn.session.scalars(select(Task).order_by(Task.id))]


@pytest.mark.parametrize("to", [
    "unsub+AAAAAAAAAAAAAAAAAAAAAA@in.cedarlane.example", "unsub+q7Z@in.cedarlane.example",
    "<unsub+q7Zk=3Dx.y@in.cedarlane.example>", "unsub+@in.cedarlane.example",
])  # fmt: skip
def test_who_asks_to_stop_by_a_broken_link_is_known_by_their_address(runtime, cast, to):
    ask_to_stop(runtime, "P.Raman@lakeside.example", to)
    assert stopped_and_tasks(runtime) == ([address_hash(runtime.key, "p.raman@lakeside.example")], [])


def test_who_asks_to_stop_and_is_not_known_is_a_task_for_somebody(runtime, cast):
    for _ in range(2):
        ask_to_stop(runtime, "else@x.example", "unsub+AAAAAAAAAAAAAAAAAAAAAA@in.cedarlane.example")
        ask_to_stop(runtime, "", "unsub+AAAAAAAAAAAAAAAAAAAAAA@in.cedarlane.example")
    stopped, tasks = stopped_and_tasks(runtime)
    assert stopped == []
    assert tasks == ["else@x.example asked to stop our mail", "Somebody asked to stop our mail"]
    for number in range(40):
        ask_to_stop(runtime, f"n{number}@x.example", "unsub+AAAAAAAAAAAAAAAAAAAAAA@in.cedarlane.example")
    _, tasks = stopped_and_tasks(runtime)
    assert (len(tasks), tasks[-1]) == (21, "More people asked by mail to stop")
