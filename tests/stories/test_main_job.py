"""The main job through real servers: a file, a group, a published campaign, the bytes that arrive, what comes back."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.contacts.consent import Suppression
from outreach.contacts.models import Contact
from outreach.deliveries.models import Delivery
from outreach.events import rescheduling
from outreach.events.models import Event
from outreach.events.planning import When
from outreach.runtime import Runtime, open_runtime
from tests.campaigns.drips import tick
from tests.contracts.servers import SendGridStub, SmtpServer
from tests.deliveries.test_coming_home import PUBLIC, hook
from tests.events.lunches import THE_DAY, lunch_with
from tests.people import Cast
from tests.stories.test_drip_imported_contacts import imported, published

ANA, BEN = "ana.li@hillside.example", "ben.ode@hillside.example"
RAMAN, OKAFOR = "p.raman@lakeside.example", "s.okafor@northgate.example"
EVERYBODY = {ANA, BEN, RAMAN, OKAFOR}
FIRST, SECOND = "A therapy team near you", "How to send someone to us, on one page"
HERE = "https://outreach.cedarlane.example"


def fortnight(clock: FrozenClock, runtime: Runtime) -> None:
    """The wait between the first two emails passes."""
    clock.advance(timedelta(days=15))
    tick(runtime, rounds=3)


def states(runtime: Runtime) -> dict[str, list[str]]:
    """Each address with the states of its mails, in their order."""
    found: dict[str, list[str]] = {}
    with runtime.turn(write=False) as turn:
        for email, state in turn.session.execute(select(Delivery.email, Delivery.state).order_by(Delivery.id)):
            found.setdefault(email, []).append(state)
    return found


def profile(maya: FlaskClient, runtime: Runtime, email: str) -> str:
    """The page of the contact with that address."""
    with runtime.turn(write=False) as turn:
        found = turn.session.scalars(select(Contact.id).where(Contact.email == email)).one()
    return maya.get(f"/contacts/{found}").get_data(as_text=True)


class TestByMailServer:
    """OUTREACH_SMTP_URL names a real mail server."""

    @pytest.fixture
    def smtp(self) -> Iterator[SmtpServer]:
        server = SmtpServer()
        yield server
        server.close()

    @pytest.fixture
    def settings(self, settings: Settings, smtp: SmtpServer) -> Settings:
        return replace(settings, smtp_url=f"smtp://127.0.0.1:{smtp.port}")

    @staticmethod
    def arrived(smtp: SmtpServer) -> Counter[tuple[str, str]]:
        """How often each (address, subject) arrived."""
        return Counter((parseaddr(str(mail["To"]))[1], str(mail["Subject"])) for mail in smtp.mailbox.mails())

    @staticmethod
    def to(smtp: SmtpServer, email: str) -> list[EmailMessage]:
        return [mail for mail in smtp.mailbox.mails() if parseaddr(str(mail["To"]))[1] == email]

    def test_from_a_file_to_the_unsubscribe_button(
        self, maya: FlaskClient, visitor: FlaskClient, runtime: Runtime, clock: FrozenClock, smtp: SmtpServer
    ) -> None:
        imported(maya, runtime)
        published(maya, runtime)
        tick(runtime)
        assert smtp.mailbox.received == [], "nothing leaves within the first minute"
        clock.advance(timedelta(minutes=2))
        tick(runtime)
        assert self.arrived(smtp) == {(each, FIRST): 1 for each in EVERYBODY}
        [mail] = self.to(smtp, ANA)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert text is not None
        assert html is not None
        assert "Dear Dr. Li," in text.get_content()
        assert "Dear Dr. Li," in html.get_content()
        link = re.search(rf"{HERE}(/u/[\w./-]+)", text.get_content())
        assert link
        assert link[1] in html.get_content()
        assert f"<{HERE}{link[1]}>" in str(mail["List-Unsubscribe"])

        visitor.get(link[1])
        assert "Unsubscribed" not in profile(maya, runtime, ANA), "a GET changes nothing"
        assert "You will get no more email" in visitor.post(link[1], follow_redirects=True).get_data(as_text=True)
        fortnight(clock, runtime)
        assert self.arrived(smtp) == {
            **{(each, FIRST): 1 for each in EVERYBODY},
            **{(each, SECOND): 1 for each in EVERYBODY - {ANA}},
        }
        page = profile(maya, runtime, ANA)
        assert "No more mail: they unsubscribed on our page" in page
        assert "stopped early: they unsubscribed" in page

    def test_a_stopped_worker_and_two_new_ones_at_once_send_each_mail_once(
        self, maya: FlaskClient, runtime: Runtime, clock: FrozenClock, settings: Settings, smtp: SmtpServer
    ) -> None:
        imported(maya, runtime)
        published(maya, runtime)
        clock.advance(timedelta(minutes=2))
        for name in ("enroll", "advance"):
            work(runtime, job_named(name))
        assert smtp.mailbox.received == [], "this worker stops between planning and sending"

        workers = [open_runtime(settings, clock=clock) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda one: tick(one, rounds=2), workers))
        for one in workers:
            one.close()
        assert self.arrived(smtp) == {(each, FIRST): 1 for each in EVERYBODY}
        assert states(runtime) == {each: ["sent"] for each in EVERYBODY}

    def test_a_line_cut_after_the_last_dot_is_listed_and_never_sent_again(
        self, maya: FlaskClient, runtime: Runtime, clock: FrozenClock, smtp: SmtpServer
    ) -> None:
        imported(maya, runtime)
        published(maya, runtime)
        smtp.mailbox.answers["DATA"].append("cut")
        clock.advance(timedelta(minutes=2))
        tick(runtime)
        clock.advance(timedelta(hours=2))
        tick(runtime, rounds=3)
        assert self.arrived(smtp) == {(each, FIRST): 1 for each in EVERYBODY}
        assert Counter(state for [state] in states(runtime).values()) == {"sent": 3, "unconfirmed": 1}
        assert "Not confirmed" in maya.get("/outbox/?tab=unconfirmed").get_data(as_text=True)

    def test_an_invitation_its_change_and_its_end_arrive_for_the_calendar(
        self, runtime: Runtime, cast: Cast, clock: FrozenClock, smtp: SmtpServer
    ) -> None:
        event_id = lunch_with(runtime, cast, cast.raman)
        later = When(THE_DAY + timedelta(days=5), 12 * 60, 60, "America/New_York", "Library")
        for verb in (partial(rescheduling.move, when=later), rescheduling.cancel):
            clock.advance(timedelta(hours=1))
            with runtime.turn() as turn:
                event = turn.session.get_one(Event, event_id)
                made = verb(turn.session, event, now=turn.now, world=runtime, by_id=None)
                assert isinstance(made, rescheduling.Changed)
            work(runtime, job_named("send"))
        entries = [
            (part.get_param("method"), part.get_content())
            for mail in self.to(smtp, RAMAN)
            for part in mail.walk()
            if part.get_content_type() == "text/calendar"
        ]
        assert [method for method, _ in entries] == ["REQUEST", "REQUEST", "CANCEL"]
        assert [re.findall(r"SEQUENCE:(\d+)", entry) for _, entry in entries] == [["0"], ["1"], ["2"]]
        assert len({re.search(r"BEGIN:VEVENT.*?UID:(\S+)", entry, re.DOTALL)[1] for _, entry in entries}) == 1  # type: ignore[index]
        assert "20260331T120000" in entries[1][1]


class TestBySendGrid:
    """SENDGRID_API_KEY and a base URL name the API; a key for signed facts is set."""

    @pytest.fixture
    def api(self) -> Iterator[SendGridStub]:
        stub = SendGridStub()
        yield stub
        stub.close()

    @pytest.fixture
    def settings(self, settings: Settings, api: SendGridStub) -> Settings:
        key = "SG." + "x" * 22 + "." + "y" * 43
        return replace(settings, sendgrid_api_key=key, sendgrid_base_url=api.url, sendgrid_webhook_key=PUBLIC)

    @staticmethod
    def people(request: dict[str, Any]) -> list[tuple[str, str]]:
        """(address, our number) of everybody in one request."""
        return [(one["to"][0]["email"], one["custom_args"]["om_mid"]) for one in request["personalizations"]]

    def test_from_a_file_to_signed_facts_that_come_back(
        self, maya: FlaskClient, visitor: FlaskClient, runtime: Runtime, clock: FrozenClock, api: SendGridStub
    ) -> None:
        imported(maya, runtime)
        published(maya, runtime)
        clock.advance(timedelta(minutes=2))
        tick(runtime)
        assert api.broken == []
        numbers = dict(person for request in api.requests for person in self.people(request))
        assert set(numbers) == EVERYBODY
        assert sum(len(request["personalizations"]) for request in api.requests) == len(EVERYBODY)
        headers = api.requests[0]["personalizations"][0]["headers"]
        assert headers["List-Unsubscribe"].startswith(f"<{HERE}/u/")
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

        def fact(name: str, email: str, **more: Any) -> dict[str, Any]:
            stamp = int(clock.now().timestamp())
            known = {"email": email, "om_mid": numbers[email], "sg_event_id": f"{name}-{numbers[email]}"}
            return {**known, "event": name, "timestamp": stamp, **more}

        facts = [
            *(fact("delivered", each) for each in (ANA, RAMAN)),
            fact("spamreport", ANA),
            fact("bounce", BEN, type="bounce", reason="550 no such person", status="5.1.1"),
        ]
        raw = json.dumps(facts).encode()
        assert visitor.post("/hooks/sendgrid", data=raw).status_code == 403
        assert hook(visitor, raw.replace(b"5.1.1", b"5.1.2"), signed=raw).status_code == 403
        assert states(runtime) == {each: ["sent"] for each in EVERYBODY}
        for _ in range(2):  # SendGrid repeats itself.
            assert hook(visitor, raw).status_code == 204
        assert states(runtime)[BEN] == ["bounced"]
        assert states(runtime)[RAMAN] == ["delivered"]
        with runtime.turn(write=False) as turn:
            assert sorted(turn.session.scalars(select(Suppression.reason))) == ["bounced", "complained"]

        before = len(api.requests)
        fortnight(clock, runtime)
        later = [email for request in api.requests[before:] for email, _ in self.people(request)]
        assert sorted(later) == [RAMAN, OKAFOR]
        assert "No more mail: they reported a mail as spam" in profile(maya, runtime, ANA)
        assert "No more mail: mail to the address came back" in profile(maya, runtime, BEN)
