"""Bounces and other reports by mail: believed only with what nobody else can make."""

import pytest
from sqlalchemy import select

from outreach.contacts.consent import Suppression
from outreach.contacts.timeline import Touch
from outreach.deliveries import links
from outreach.deliveries.models import InboundMail
from outreach.deliveries.returns import bounces, inbound
from outreach.deliveries.transports.protocol import Unknown
from tests.deliveries.posting import delivery, memory, put, send


@pytest.fixture
def sent(runtime, cast):
    """The number of a delivery to Dr. Raman that left."""
    planned = put(runtime, cast.raman)
    send(runtime)
    return planned.ids[cast.raman]


def dsn(*recipients, returned="", to="maya@cedarlane.example", envelope="", kind="delivery-status", text="Sorry."):
    """A report with one block of fields per recipient."""
    blocks = "\r\n".join(recipients)
    envelope = f"Original-Envelope-Id: {envelope}\r\n" if envelope else ""
    return (
        f"From: Mail Delivery <mailer-daemon@mx.example>\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\nReporting-MTA: dns; mx.example\r\n{envelope}\r\n{blocks}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hands\r\n{returned}\r\n--b--\r\n"
    ).encode()


def fields(action, status, recipient="p.raman@lakeside.example", more=""):
    return f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n{more}"


def read(runtime, raw):
    """The mail came and was worked on; its kind."""
    with runtime.turn() as turn:
        inbound.receive(turn.session, now=turn.now, key=runtime.key, raw=raw)
    with runtime.turn() as turn:
        inbound.work(turn.session, now=turn.now, key=runtime.key)
        last = select(InboundMail).order_by(InboundMail.id.desc()).limit(1)
        return turn.session.scalars(last).one().kind


def suppressed(runtime):
    with runtime.turn(write=False) as turn:
        return [row.reason for row in turn.session.scalars(select(Suppression).order_by(Suppression.id))]


def ours(runtime, sent):
    return f"Message-ID: <{delivery(runtime, sent).message_id_header}>\r\n"


@pytest.mark.parametrize(
    ("action", "status", "more", "state", "reasons"),
    [
        ("failed", "5.1.1", "", "bounced", ["bounced"]),
        ("Failed", "5.1.10", "", "bounced", ["bounced"]),
        ("failed", "5.0.0", "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n", "bounced", ["bounced"]),
        ("failed", "5.0.0", "Diagnostic-Code: smtp; 550 no such user\r\n", "bounced", ["bounced"]),
        ("failed", "5.2.2", "", "bounced", []),
        ("failed", "5.7.1", "", "bounced", []),
        ("failed", "4.4.7", "", "bounced", []),
        ("delayed", "4.4.1", "", "sent", []),
        ("delayed", "5.1.1", "", "sent", []),
        ("delivered", "2.0.0", "", "delivered", []),
        ("relayed", "2.0.0", "", "sent", []),
        ("expanded", "2.0.0", "", "sent", []),
        ("nonsense", "x.y", "", "sent", []),
    ],
)
def test_each_report_means_one_thing(runtime, cast, sent, action, status, more, state, reasons):
    raw = dsn(fields(action, status, more=more), returned=ours(runtime, sent))
    assert read(runtime, raw) == "bounce"
    assert delivery(runtime, sent).state == state
    assert suppressed(runtime) == reasons


def test_a_report_is_known_by_the_return_path_or_the_envelope_too(runtime, cast, sent):
    path = links.bounce_address(links.signs(runtime.key, sent), "in.cedarlane.example")
    token = path.removeprefix("bounce+").partition("@")[0]
    read(runtime, dsn(fields("delayed", "4.4.1"), envelope=token))
    read(runtime, dsn(fields("failed", "5.2.2"), to=path.upper()))
    assert delivery(runtime, sent).state == "bounced"


def test_a_report_that_comes_before_our_own_record_waits_for_it(runtime, cast):
    number = put(runtime, cast.raman).ids[cast.raman]
    path = links.bounce_address(links.signs(runtime.key, number), "in.cedarlane.example")

    def overtake(point):
        if point == "answered":
            read(runtime, dsn(fields("failed", "5.1.1"), to=path))
            assert delivery(runtime, number).state == "sending"

    send(runtime, reached=overtake)
    assert delivery(runtime, number).state == "sent"
    with runtime.turn() as turn:
        assert inbound.work(turn.session, now=turn.now, key=runtime.key) == 1
    assert delivery(runtime, number).state == "bounced"
    assert suppressed(runtime) == ["bounced"]


def test_a_report_settles_what_was_unconfirmed(runtime, cast):
    memory(runtime).answers.append(Unknown("cut"))
    number = put(runtime, cast.raman).ids[cast.raman]
    send(runtime)
    path = links.bounce_address(links.signs(runtime.key, number), "in.cedarlane.example")
    read(runtime, dsn(fields("delayed", "4.4.1"), to=path))
    assert delivery(runtime, number).state == "sent"


def test_of_several_recipients_the_one_we_wrote_to_counts(runtime, cast, sent):
    others = [fields("failed", "5.1.1", "a@forward.example"), fields("failed", "5.1.1", "b@forward.example")]
    read(runtime, dsn(*others, returned=ours(runtime, sent)))
    assert delivery(runtime, sent).state == "sent"
    assert suppressed(runtime) == []
    read(runtime, dsn(*others, fields("failed", "5.1.1", "P.Raman@lakeside.example"), returned=ours(runtime, sent)))
    assert delivery(runtime, sent).state == "bounced"


@pytest.mark.parametrize(
    "returned",
    ["", "Message-ID: <1.AAAAAAAAAAAAAAAA@cedarlane.example>\r\n", "Message-ID: <noise>\r\n", "X-Om-Mid: 1\r\n"],
)
@pytest.mark.parametrize("to", ["maya@cedarlane.example", "bounce+1.aaaaaaaaaaaaaaaaaaaaaaaaaa@in.cedarlane.example"])
def test_a_report_without_our_signature_changes_nothing(runtime, cast, sent, returned, to):
    assert read(runtime, dsn(fields("failed", "5.1.1"), returned=returned, to=to, envelope=str(sent))) == "bounce"
    assert delivery(runtime, sent).state == "sent"
    assert suppressed(runtime) == []


def test_a_report_inside_a_returned_mail_does_not_stand_for_the_report(runtime, cast, sent):
    whole = dsn(fields("failed", "5.1.1"), returned=ours(runtime, sent)).replace(
        b"Content-Type: text/rfc822-headers\r\n", b"Content-Type: message/rfc822\r\n"
    )
    read(runtime, whole)
    assert delivery(runtime, sent).state == "bounced"


def test_prose_of_an_old_server_is_understood(runtime, cast, sent):
    head = "From: MAILER-DAEMON@old.example\r\nReturn-Path: <>\r\nTo: maya@cedarlane.example\r\n\r\n"
    text = f"Hi. I could not deliver it: 550 5.1.1 unknown user.\r\n--- Below is a copy.\r\n{ours(runtime, sent)}"
    assert read(runtime, (head + text).encode()) == "bounce"
    assert delivery(runtime, sent).state == "bounced"
    assert suppressed(runtime) == ["bounced"]


def test_a_spam_report_of_a_feedback_loop_is_a_complaint(runtime, cast, sent):
    raw = dsn("Feedback-Type: abuse\r\n", kind="feedback-report", returned=ours(runtime, sent))
    assert read(runtime, raw) == "bounce"
    assert delivery(runtime, sent).state == "complained"
    assert suppressed(runtime) == ["complained"]


def test_a_read_receipt_and_a_holiday_note_are_no_reports_and_no_replies(runtime, cast, sent):
    header = delivery(runtime, sent).message_id_header
    assert read(runtime, dsn("x: y\r\n", kind="disposition-notification", returned=ours(runtime, sent))) == "auto-reply"
    path = links.bounce_address(links.signs(runtime.key, sent), "in.cedarlane.example")
    for number, line in enumerate(("Auto-Submitted: auto-replied; x=1", "Precedence: auto_reply", "X-Autorespond: 1")):
        raw = f"From: a{number}@x.example\r\nTo: {path}\r\n{line}\r\nIn-Reply-To: <{header}>\r\n\r\n550 5.1.1\r\n"
        assert read(runtime, raw.encode()) == "auto-reply"
    with runtime.turn(write=False) as turn:
        assert "replied" not in set(turn.session.scalars(select(Touch.kind)))
    assert delivery(runtime, sent).state == "sent"


def test_five_copies_and_noise_are_harmless(runtime, cast, sent):
    raw = dsn(fields("failed", "5.1.1"), returned=ours(runtime, sent))
    for cut in (*[len(raw)] * 5, 300, 450, 600, 20):
        read(runtime, raw[:cut])
    deep = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' * 3000
    assert read(runtime, deep) in ("unknown", "bounce")
    assert delivery(runtime, sent).state == "bounced"
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(Touch).where(Touch.kind == "bounced")).all()) == 1


def test_the_words_of_a_reply_stay_in_the_mail(runtime, cast, sent):
    header = delivery(runtime, sent).message_id_header
    raw = f"From: p.raman@lakeside.example\r\nIn-Reply-To: <{header}>\r\nSubject: Secret\r\n\r\nSecret words\r\n"
    assert read(runtime, raw.encode()) == "reply"
    with runtime.turn(write=False) as turn:
        assert not any("Secret" in text for text in turn.session.scalars(select(Touch.text)))
        assert all(mail.handled_at for mail in turn.session.scalars(select(InboundMail)))


def test_a_report_of_one_recipient_counts_whatever_it_is_called():
    one, two = bounces.Report("failed", "5.1.1", "x@y.example"), bounces.Report("failed", "5.2.2", "a@b.example")
    assert bounces.about([one], "other@z.example") == one
    assert bounces.about([one, two], "A@b.example") == two
    assert bounces.about([one, two], "other@z.example") is None
    assert bounces.about([], "a@b.example") is None
