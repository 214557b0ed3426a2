"""Which transport a message takes, the same job through real servers, and a clock that cannot be trusted."""

from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr

import pytest
from sqlalchemy import select

from outreach import jobruns
from outreach.deliveries import outbox
from outreach.deliveries.models import Attempt, TransportState
from outreach.deliveries.transports.registry import open_transports
from outreach.runtime import open_runtime
from tests.contracts.servers import SendGridStub, SmtpServer, free_port
from tests.deliveries.posting import delivery, memory, put, send, states

KEY = "SG." + "x" * 22 + "." + "y" * 43


def chosen(settings, kind, audience, *, agreement=None, on=None):
    transports = open_transports(settings)
    return transports.choose(kind=kind, audience_class=audience, agreements={"smtp": agreement}, on=on)


def test_each_mode_has_its_own_ways(settings):
    assert open_transports(settings).names == ("memory",)
    assert open_transports(replace(settings, mode="demo")).names == ("folder",)
    assert open_transports(replace(settings, mode="run", preview_inbox=False)).names == ()
    assert open_transports(replace(settings, mode="run", preview_inbox=True)).names == ("folder",)
    assert open_transports(replace(settings, mode="demo", smtp_url="smtp://127.0.0.1")).names == ("smtp",)


def test_with_both_invitations_and_clients_go_by_the_mail_server(settings, clock):
    both = replace(settings, smtp_url="smtp://127.0.0.1", sendgrid_api_key=KEY)
    today = clock.now().date()
    assert chosen(both, "drip", "provider", on=today) == "sendgrid"
    assert chosen(both, "newsletter", "peer", on=today) == "sendgrid"
    assert chosen(both, "invitation", "provider", on=today) == "smtp"
    assert chosen(both, "drip", "client", on=today) is None
    assert chosen(both, "drip", "client", agreement=today, on=today) == "smtp"
    assert chosen(both, "drip", "client", agreement=today + timedelta(days=1), on=today) is None
    assert chosen(replace(both, smtp_url=None), "invitation", "provider", on=today) == "sendgrid"


@pytest.fixture
def smtp():
    server = SmtpServer()
    yield server
    server.close()


@pytest.fixture
def sendgrid():
    stub = SendGridStub()
    yield stub
    stub.close()


def test_mail_goes_through_a_real_mail_server(settings, clock, cast, smtp):
    runtime = open_runtime(replace(settings, smtp_url=f"smtp://127.0.0.1:{smtp.port}"), clock=clock)
    put(runtime, cast.raman, cast.denise, cast.marisol)
    send(runtime)
    assert states(runtime) == {"held": 1, "sent": 2}
    assert {parseaddr(str(mail["To"]))[1] for mail in smtp.mailbox.mails()} == {
        "p.raman@lakeside.example",
        "front@lakeside.example",
    }
    first = smtp.mailbox.mails()[0]
    assert str(first["List-Unsubscribe"]).startswith("<https://outreach.cedarlane.example/u/")
    assert first["Message-ID"].endswith("@cedarlane.example>")
    runtime.close()


def test_mail_goes_through_the_api_and_nothing_about_clients_does(settings, clock, cast, sendgrid):
    with_key = replace(settings, sendgrid_api_key=KEY, sendgrid_base_url=sendgrid.url)
    runtime = open_runtime(with_key, clock=clock)
    planned = put(runtime, cast.raman, cast.marisol)
    send(runtime)
    assert sendgrid.broken == []
    [request] = sendgrid.requests
    assert request["personalizations"][0]["to"] == [{"email": "p.raman@lakeside.example", "name": "Dr. Priya Raman"}]
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.provider_message_id) == ("sent", "sg-1")
    assert delivery(runtime, planned.ids[cast.marisol]).state == "held"
    runtime.close()


def test_a_server_that_is_away_keeps_everything_and_is_left_alone_for_a_while(settings, clock, cast):
    runtime = open_runtime(replace(settings, smtp_url=f"smtp://127.0.0.1:{free_port()}"), clock=clock)
    put(runtime, cast.raman, cast.denise, cast.okafor, cast.greta, cast.tom)
    send(runtime)
    assert states(runtime) == {"scheduled": 5}
    put(runtime, cast.raman, step="2")
    send(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(TransportState, "smtp").not_before_at is not None
        assert len(turn.session.scalars(select(Attempt)).all()) == 5
    runtime.close()


@pytest.mark.parametrize(
    ("last", "word"), [(timedelta(hours=3), "ahead"), (timedelta(days=-31), "30 days"), (timedelta(days=-3), None)]
)
def test_at_start_a_last_tick_in_the_future_or_long_ago_holds_everything(runtime, cast, clock, last, word):
    with runtime.turn() as turn:
        jobruns.win(turn.session, "send", now=turn.now + last, every=timedelta(minutes=1))
    put(runtime, cast.raman)
    send(runtime)
    with runtime.turn(write=False) as turn:
        held = outbox.held_scopes(turn.session)
    assert len(memory(runtime).sent) == (0 if word else 1)
    assert (word in held["all"].why) if word else (held == {})
