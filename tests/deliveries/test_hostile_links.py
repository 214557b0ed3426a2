"""Links and files that somebody bends: nothing breaks, and nobody's wish to stop is held up by another's."""

import pytest

from outreach import tokens
from outreach.deliveries import optouts, spooling
from tests.deliveries.posting import memory, put, send
from tests.deliveries.test_opting_out_always import ONE_CLICK, path, suppressions

BEYOND = "zzzzzzzzzzzz"
"""A delivery's number that no id column holds."""


@pytest.fixture
def mail(runtime, cast):
    """What Dr. Raman got."""
    put(runtime, cast.raman)
    send(runtime)
    return memory(runtime).sent[0]


def bent(mail):
    """The link with another number in it; the token is genuine."""
    _, _, _, token = path(mail.list_unsubscribe_url).split("/")
    return f"/u/{BEYOND}/{token}"


def test_a_number_beyond_any_row_opens_the_page_and_stops_mail_at_once(runtime, visitor, mail):
    assert visitor.get(bent(mail)).status_code == 200
    assert visitor.post(bent(mail), data=ONE_CLICK).status_code == 200
    assert "all" in suppressions(runtime)
    assert spooling.spooled(runtime.settings.home) == []


def test_a_view_of_a_number_beyond_any_row_is_no_page(runtime, cast, visitor, mail):
    token = tokens.derive(runtime.key, "view", cast.raman)
    assert visitor.get(f"/v/{BEYOND}/{token}").status_code == 404


@pytest.mark.parametrize("path", ["/l/zzzzzzzzzzzz-0-" + "A" * 22, "/u/1/%00", "/u/%00/x", "/u/1/" + "é" * 300])
def test_what_no_token_can_be_is_unknown(runtime, visitor, path):
    answer = visitor.post(path, data=ONE_CLICK) if path.startswith("/u/") else visitor.get(path)
    assert answer.status_code == 404
    assert spooling.spooled(runtime.settings.home) == []


def test_a_wish_that_cannot_be_carried_out_holds_up_no_other(runtime, visitor, mail, monkeypatch):
    home, genuine = runtime.settings.home, path(mail.list_unsubscribe_url).split("/")
    spooling.spool(home, now=runtime.clock.now(), token="poison", number="1")
    spooling.spool(home, now=runtime.clock.now(), token=genuine[3], number=genuine[2])
    recipient = optouts.recipient

    def breaks(session, purpose, token, number=""):
        if token == "poison":
            raise ValueError("nobody thought of this")
        return recipient(session, purpose, token, number)

    monkeypatch.setattr(optouts, "recipient", breaks)
    assert optouts.replay_spooled(runtime) == 1
    assert "all" in suppressions(runtime)
    assert len(spooling.spooled(home)) == 1


def test_a_file_of_nothing_but_brackets_is_put_aside(runtime):
    folder = runtime.settings.home / spooling.SPOOL
    folder.mkdir(exist_ok=True)
    (folder / "deep").write_bytes(b"[" * 4000)
    assert optouts.replay_spooled(runtime) == 0
    assert (folder / spooling.ASIDE / "deep").exists()


@pytest.mark.parametrize("tab", ["scheduled", "sent", "failed"])
def test_a_place_in_the_outbox_that_no_row_has_is_its_beginning(maya, mail, tab):
    assert maya.get(f"/outbox/?tab={tab}&after=0-9999999999").status_code == 200
