"""The outbox, one delivery's story, the preview inbox, the transports."""

import email
import html
import re
from datetime import timedelta
from email.policy import default as policy

import pytest
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.contacts.models import Contact
from outreach.deliveries import outbox
from outreach.deliveries.mail.message import CalendarPart
from outreach.deliveries.models import TransportState
from outreach.deliveries.naming import names_of
from outreach.deliveries.transports.folder import FolderTransport
from outreach.deliveries.transports.protocol import Permanent, Unknown
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.messages import ICS
from tests.deliveries.posting import delivery, memory, message_in, put, send, states
from tests.people import post, sign_in


@pytest.fixture
def folder(runtime):
    """Mail goes to the folder, as in the demo."""
    runtime.transports = Transports([FolderTransport(runtime.settings.outbox_folder)])
    return runtime.settings.outbox_folder


@pytest.fixture
def olive(app, runtime):
    """The administrator's browser."""
    return sign_in(app, runtime, "olive@cedarlane.example")


def text(answer):
    assert answer.status_code == 200, answer.status_code
    return html.unescape(answer.get_data(as_text=True))


def audited(runtime):
    with runtime.turn(write=False) as turn:
        return [entry.action for entry in turn.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


@pytest.mark.parametrize("path", ["/outbox", "/outbox/", "/outbox/?tab=sent", "/outbox/inbox", "/outbox/transports"])
def test_every_list_is_there_when_it_is_empty(maya, path):
    assert "<h1" in text(maya.get(path))


def test_hold_all_and_resume_say_how_many(runtime, cast, maya):
    put(runtime, cast.raman, cast.denise)
    assert "Hold all" in text(maya.get("/outbox/"))
    post(maya, "/outbox/hold", form_at="/outbox/")
    page = text(maya.get("/outbox/"))
    assert "Resume with the 2 emails left" in page
    assert "2 emails wait" in page
    send(runtime)
    assert memory(runtime).sent == []
    post(maya, "/outbox/resume", form_at="/outbox/")
    send(runtime)
    assert len(memory(runtime).sent) == 2
    assert {"hold-mail", "resume-mail"} <= set(audited(runtime))


@pytest.mark.parametrize("scope", ["campaign:", "campaign:x", "transport:smtp:1", ":1", "nonsense"])
def test_a_garbled_scope_never_means_everything(runtime, maya, scope):
    post(maya, "/outbox/hold", {"scope": "all"}, form_at="/outbox/")
    answer = post(maya, "/outbox/resume", {"scope": scope}, form_at="/outbox/")
    assert answer.status_code == 400
    with runtime.turn(write=False) as turn:
        assert "all" in outbox.held_scopes(turn.session)


def test_who_only_reads_cannot_hold(app, runtime, cast):
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    put(runtime, cast.raman)
    assert "Hold all" not in text(rita.get("/outbox/"))
    assert post(rita, "/outbox/hold", form_at="/outbox/").status_code == 403
    assert "Dear Priya" not in text(rita.get("/outbox/1"))
    assert rita.get("/outbox/1/frame").status_code == 403


def test_the_lists_say_why(runtime, cast, maya, clock):
    memory(runtime).answers.append(Permanent("552 too large"))
    put(runtime, cast.raman)
    send(runtime)
    put(runtime, cast.silent, step="2")
    page = text(maya.get("/outbox/?tab=failed"))
    assert "the address or the message was refused" in page
    assert "there is no email address" in page
    post(maya, "/outbox/retry-failed", form_at="/outbox/?tab=failed")
    send(runtime)
    assert states(runtime) == {"failed": 1, "sent": 1}


def test_a_doubt_is_settled_by_a_person_one_by_one(runtime, cast, maya):
    memory(runtime).answers.extend([Unknown("cut")] * 3)
    planned = put(runtime, cast.raman, cast.denise, cast.okafor)
    send(runtime)
    assert states(runtime) == {"unconfirmed": 3}
    for contact, how in ((cast.raman, "sent"), (cast.denise, "again"), (cast.okafor, "abandoned")):
        at = f"/outbox/{planned.ids[contact]}"
        assert "Did it arrive?" in text(maya.get(at))
        post(maya, f"{at}/settle", {"how": how}, form_at=at)
    assert states(runtime) == {"abandoned": 1, "resend-approved": 1, "sent": 1}
    send(runtime)
    assert [m.to_email for m in memory(runtime).sent] == ["front@lakeside.example"]
    at = f"/outbox/{planned.ids[cast.raman]}"
    post(maya, f"{at}/settle", {"how": "again"}, form_at=at)
    assert "settled meanwhile" in text(maya.get(at))
    assert delivery(runtime, planned.ids[cast.raman]).state == "sent"


def test_the_story_shows_the_exact_message(runtime, cast, maya):
    planned = put(runtime, cast.raman)
    send(runtime)
    at = f"/outbox/{planned.ids[cast.raman]}"
    page = text(maya.get(at))
    assert "Try 1: Handed over" in page
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in text(maya.get(f"{at}?part=headers"))
    frame = maya.get(f"{at}/frame")
    assert frame.get_data(as_text=True) == memory(runtime).sent[0].html
    assert frame.headers["Content-Security-Policy"].startswith("sandbox")


def test_looking_at_a_clients_email_is_in_the_audit_log(runtime, cast, maya):
    planned = put(runtime, cast.marisol)
    maya.get(f"/outbox/{planned.ids[cast.marisol]}")
    assert "view-delivery" in audited(runtime)


def test_one_delivery_can_be_stopped_before_it_leaves(runtime, cast, maya):
    planned = put(runtime, cast.raman)
    at = f"/outbox/{planned.ids[cast.raman]}"
    post(maya, f"{at}/stop", form_at=at)
    send(runtime)
    assert states(runtime) == {"cancelled": 1}
    post(maya, f"{at}/stop", form_at=at)
    assert "has left already" in text(maya.get(at))


def test_the_preview_inbox_shows_the_very_bytes(runtime, cast, maya, folder):
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now, kind="invitation", topic="events")
    put(runtime, cast.raman, kind="invitation", message_id=kept, calendars={cast.raman: CalendarPart("REQUEST", ICS)})
    send(runtime)
    [file] = folder.glob("*.eml")
    assert "Hand therapy opens" in text(maya.get("/outbox/inbox"))
    at = f"/outbox/inbox/{file.name}"
    page = text(maya.get(at))
    assert "invite.ics" in page
    assert "METHOD:REQUEST" in page
    assert "Dear Priya" in text(maya.get(f"{at}/frame"))
    assert "Dear Priya" in text(maya.get(f"{at}/frame?part=text"))
    assert "Message-ID" in text(maya.get(f"{at}?part=headers"))
    assert maya.get(f"{at}/raw").data == file.read_bytes()
    number = re.search(rf"{at}/part/(\d+)", page)[1]
    attached = maya.get(f"{at}/part/{number}")
    assert attached.data == ICS
    assert attached.headers["Content-Disposition"].startswith("attachment")
    parsed = email.message_from_bytes(file.read_bytes(), policy=policy)
    assert parsed["To"].addresses[0].addr_spec == "p.raman@lakeside.example"


def test_from_the_preview_inbox_to_the_unsubscribe_page_and_the_next_step(runtime, cast, maya, visitor, folder, clock):
    put(runtime, cast.raman)
    send(runtime)
    [file] = folder.glob("*.eml")
    url = re.search(r"https://outreach\.cedarlane\.example(/u/\S+?)\"", text(maya.get(f"/outbox/inbox/{file.name}")))[1]
    assert "Stop all email" in text(visitor.get(url))
    visitor.post(url)
    clock.advance(timedelta(days=3))
    assert put(runtime, cast.raman, step="2").counts == {"unsubscribed": 1}


def test_no_path_leads_out_of_the_folder_and_the_inbox_can_be_off(runtime, maya, folder):
    (runtime.settings.home / "secret.eml").write_text("x")
    for name in ("..%2Fsecret.eml", "secret.eml", "20260302T150000-000001.eml"):
        assert maya.get(f"/outbox/inbox/{name}").status_code == 404
    object.__setattr__(runtime.settings, "preview_inbox", False)
    assert maya.get("/outbox/inbox").status_code == 404


def test_an_administrator_pauses_resumes_and_records_agreements(runtime, cast, olive, maya):
    at = "/outbox/transports"
    post(olive, f"{at}/memory/pause", form_at=at)
    put(runtime, cast.raman)
    send(runtime)
    assert "Paused by Olive Stone" in text(olive.get(at))
    assert memory(runtime).sent == []
    post(olive, f"{at}/memory/resume", form_at=at)
    send(runtime)
    assert len(memory(runtime).sent) == 1
    post(olive, f"{at}/memory/agreement", {"signed_on": "2026-02-01"}, form_at=at)
    post(olive, f"{at}/memory/agreement", {"signed_on": "2027-02-01"}, form_at=at)
    assert "must be signed already" in text(olive.get(at))
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(TransportState, "memory").baa_signed_on.isoformat() == "2026-02-01"
    assert post(maya, f"{at}/memory/pause", form_at=at).status_code == 403
    assert post(olive, f"{at}/pigeon/pause", form_at=at).status_code == 404


def test_a_test_mail_goes_to_who_asked(runtime, maya):
    post(maya, "/outbox/transports/memory/test", form_at="/outbox/transports")
    send(runtime)
    [mail] = memory(runtime).sent
    assert (mail.to_email, mail.subject) == ("maya@cedarlane.example", "[Test] Your mail works")


def test_what_a_mail_belongs_to_is_called_by_the_name_that_people_gave_it(runtime, cast):
    assert {sort for sort, _, _ in runtime.source_names} == {"campaign", "newsletter", "card", "event"}
    with runtime.turn() as turn:
        number = turn.session.get_one(Contact, cast.raman).id
        names = names_of(
            turn.session,
            [f"campaign:{number}", "campaign:999", "all", "transport:smtp"],
            known=(("campaign", Contact.id, Contact.last_name),),
        )
    assert names[f"campaign:{number}"] == "Campaign “Raman”"
    assert names["campaign:999"] == "Campaign 999"
    assert names["all"] == "All mail"


def test_what_is_overdue_is_not_said_to_leave_in_the_past(runtime, cast, maya, clock):
    row = put(runtime, cast.raman).ids[cast.raman]
    post(maya, "/outbox/hold", form_at="/outbox/")
    clock.advance(timedelta(hours=2))
    assert "As soon as it may" in text(maya.get("/outbox/"))
    assert "As soon as it may" in text(maya.get(f"/outbox/{row}"))
