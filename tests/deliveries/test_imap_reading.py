"""Mail is fetched from a mailbox: each once, committed before it is marked, whatever the server does."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from outreach.config import settings_from
from outreach.deliveries.models import InboundMail, TransportState
from outreach.deliveries.returns import imap_line, imap_reading, inbound
from outreach.deliveries.returns.imap_line import LARGEST_MAIL, Box, Trouble
from outreach.deliveries.returns.mailbox_models import MailboxMark
from outreach.errors import SettingsError
from tests.deliveries.imap_server import ImapServer


@pytest.fixture
def server():
    opened = ImapServer()
    yield opened
    opened.close()


@pytest.fixture
def settings(settings, server):
    """With the mailbox."""
    return replace(settings, imap_url=server.url)


def a_mail(number):
    return f"From: n{number}@x.example\r\nSubject: {number}\r\n\r\nwords\r\n".encode()


def kept(runtime):
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(InboundMail.raw).order_by(InboundMail.id)))


def trouble(runtime):
    with runtime.turn(write=False) as turn:
        state = turn.session.get(TransportState, "inbound")
        return state.last_trouble if state else ""


def test_new_mail_is_taken_once_and_marked(runtime, server):
    assert imap_reading.read(runtime) == 0
    server.arrives(a_mail(1), a_mail(2))
    assert imap_reading.read(runtime) == 2
    assert imap_reading.read(runtime) == 0
    assert kept(runtime) == [a_mail(1), a_mail(2)]
    assert server.seen == {1, 2}
    assert server.signed_in[0] == 'LOGIN "maya" "s@cret"'
    assert trouble(runtime) == ""


def test_new_mail_that_somebody_read_first_is_taken_too(runtime, server):
    imap_reading.read(runtime)
    server.arrives(a_mail(1))
    server.seen.add(1)
    assert imap_reading.read(runtime) == 1


def test_of_a_mailbox_met_first_only_unread_mail_is_taken(runtime, server):
    server.arrives(a_mail(1), a_mail(2), a_mail(3))
    server.seen |= {1, 3}
    assert imap_reading.read(runtime) == 1
    assert kept(runtime) == [a_mail(2)]
    assert any(command.startswith("UID SEARCH UNSEEN SINCE 16-Feb-2026") for command in server.commands)


def test_a_server_that_numbers_anew_loses_and_doubles_nothing(runtime, server):
    server.arrives(a_mail(1), a_mail(2))
    imap_reading.read(runtime)
    server.validity, server.mails, server.seen = 8, {1: a_mail(2), 2: a_mail(3)}, set()
    imap_reading.read(runtime)
    imap_reading.read(runtime)
    assert kept(runtime) == [a_mail(1), a_mail(2), a_mail(3)]


def test_a_crash_before_the_mark_brings_the_same_row(runtime, server, monkeypatch):
    server.arrives(a_mail(1))

    def crash(self, uid):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(imap_line.Line, "mark_seen", crash)
        with pytest.raises(SystemExit):
            imap_reading.read(runtime)
    assert kept(runtime) == [a_mail(1)]
    assert server.seen == set()
    imap_reading.read(runtime)
    assert kept(runtime) == [a_mail(1)]
    assert server.seen == {1}


def test_a_mail_that_could_not_be_stored_is_not_marked_and_comes_again(runtime, server, monkeypatch):
    imap_reading.read(runtime)
    server.arrives(a_mail(1), a_mail(2))

    def full(*arguments, **named):
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(inbound, "receive", full)
        assert imap_reading.read(runtime) == 0
    assert server.seen == set()
    assert trouble(runtime)
    assert imap_reading.read(runtime) == 2
    assert trouble(runtime) == ""


def test_a_tick_takes_a_bounded_number_and_ends_when_it_should(runtime, server, monkeypatch):
    monkeypatch.setattr(imap_reading, "MOST_AT_ONCE", 3)
    imap_reading.read(runtime)
    server.arrives(*[a_mail(number) for number in range(8)])
    assert [imap_reading.read(runtime) for _ in range(4)] == [3, 3, 2, 0]
    server.arrives(a_mail(99))
    assert imap_reading.read(runtime, stopping=lambda: True) == 0
    assert imap_reading.read(runtime) == 1


@pytest.mark.parametrize("bad", ["hang", "garbage", "cut", "huge", "refuse"])
def test_a_bad_server_is_told_and_the_next_tick_goes_on(runtime, server, monkeypatch, bad):
    imap_reading.read(runtime)
    server.arrives(a_mail(1))
    server.bad = bad
    with monkeypatch.context() as patch:
        # For the bad server only: a good one on a busy machine may take its time.
        patch.setattr(imap_line, "TOTAL_SECONDS", 1.0)
        patch.setattr(imap_reading, "MARGIN_SECONDS", 0.1)
        assert imap_reading.read(runtime) == 0
    assert kept(runtime) == []
    assert "s@cret" not in trouble(runtime)
    assert trouble(runtime)
    server.bad = ""
    assert imap_reading.read(runtime) == 1
    assert trouble(runtime) == ""


def test_a_mailbox_that_may_only_be_read_is_read(runtime, server):
    server.bad = "read-only"
    imap_reading.read(runtime)
    server.arrives(a_mail(1))
    assert [imap_reading.read(runtime), imap_reading.read(runtime)] == [1, 0]
    assert server.seen == set()


def test_a_server_that_does_not_say_what_comes_next_is_read_from_now_on(runtime, server):
    server.bad = "no-uidnext"
    server.arrives(a_mail(1))
    server.seen.add(1)
    assert imap_reading.read(runtime) == 0
    server.arrives(a_mail(2))
    assert imap_reading.read(runtime) == 1


def test_of_a_mail_that_is_too_large_the_head_is_kept(runtime, server, monkeypatch):
    monkeypatch.setattr(imap_line, "LARGEST_MAIL", 1000)
    imap_reading.read(runtime)
    server.arrives(a_mail(1) + b"x" * 2000)
    assert imap_reading.read(runtime) == 1
    assert kept(runtime) == [b"From: n1@x.example\r\nSubject: 1"]
    assert LARGEST_MAIL == 32 * 1024 * 1024


def test_a_token_signs_in_instead_of_a_password(runtime, server, tmp_path):
    (tmp_path / "token").write_text("ya29.abc\n")
    object.__setattr__(runtime.settings, "imap_token_file", tmp_path / "token")
    server.arrives(a_mail(1))
    assert imap_reading.read(runtime) == 1
    assert server.signed_in == ["user=maya\x01auth=Bearer ya29.abc\x01\x01"]


def test_how_far_it_is_read_is_on_record(runtime, server, clock):
    server.arrives(a_mail(1))
    imap_reading.read(runtime)
    with runtime.turn(write=False) as turn:
        [mark] = turn.session.scalars(select(MailboxMark))
        assert (mark.uid_validity, mark.last_uid, mark.read_at) == (7, 1, datetime(2026, 3, 2, 15, 0, tzinfo=UTC))


def test_without_a_mailbox_nothing_is_asked(runtime, server):
    object.__setattr__(runtime.settings, "imap_url", None)
    assert imap_reading.read(runtime) == 0
    assert server.commands == []


def test_no_password_leaves_unencrypted(tmp_path):
    with pytest.raises(Trouble, match="no encryption"), imap_line.opened(Box("mail.example", 143, "plain", "maya")):
        pass
    env = {"OUTREACH_HOME": str(tmp_path), "OUTREACH_IMAP_URL": "imap://maya:x@mail.example/INBOX"}
    with pytest.raises(SettingsError, match="imaps"):
        settings_from(env)
    secure = env | {"OUTREACH_IMAP_URL": "imaps://maya:x@mail.example/INBOX"}
    assert settings_from(secure).imap_url == secure["OUTREACH_IMAP_URL"]
    assert settings_from(secure, mode="demo").imap_url is None
