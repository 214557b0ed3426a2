"""What is known of a person: specialty and code, holds, mail that came back, effort, tasks of anybody."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts import editing, groups, profile, specialties, tasks, timeline
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.practice import service_area
from outreach.practice.models import Location
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post
from tests.practice.test_service_area import GAZETTEER


def edited(turn: Turn, contact: Contact, **fields: object) -> Contact:
    more = {"now": turn.now, "key": b"k", "by_id": None, "version": contact.version}
    saved = editing.edit_contact(turn.session, contact, **more, **fields)  # type: ignore[arg-type]
    assert isinstance(saved, Contact), saved
    return saved


def test_a_usual_specialty_brings_its_code_and_the_gift_limit_with_it(turn: Turn, cast: Cast) -> None:
    tom = turn.session.get_one(Contact, cast.tom)
    edited(turn, tom, specialty="Orthopaedic Surgery", taxonomy="")
    assert (tom.taxonomy, tom.stark_physician) == ("207X00000X", True)
    edited(turn, tom, specialty="Nurse practitioner", taxonomy="207X00000X")
    assert (tom.taxonomy, tom.stark_physician) == ("363L00000X", False)
    edited(turn, tom, specialty="Falconry", taxonomy="363L00000X")
    assert tom.taxonomy is None
    edited(turn, tom, taxonomy="261qp2000x", stark_physician=True)
    edited(turn, tom, specialty="Rehabilitation clinic", taxonomy="261QP2000X")
    assert (tom.taxonomy, tom.stark_physician) == ("261QP2000X", True)


def test_a_code_alone_brings_its_words(turn: Turn) -> None:
    more = {"now": turn.now, "key": b"k", "by_id": None}
    made = editing.add_contact(turn.session, **more, kind="physician", last_name="Ito", taxonomy="208000000X")  # type: ignore[arg-type]
    assert isinstance(made, Contact)
    assert (made.specialty, made.stark_physician) == ("Pediatrics", True)
    refused = editing.add_contact(turn.session, **more, kind="physician", last_name="Ito", taxonomy="12")  # type: ignore[arg-type]
    assert isinstance(refused, Refusal)
    assert refused.reason == "bad-taxonomy"


def test_every_label_finds_its_code() -> None:
    assert all(specialties.code_of(one.label.upper()) == code for code, one in specialties.SPECIALTIES.items())
    assert specialties.code_of("falconry") is None


def test_do_not_contact_closes_every_way_and_needs_a_reason(turn: Turn, cast: Cast) -> None:
    silent = turn.session.get_one(Contact, cast.silent)
    more = {"now": turn.now, "by_id": cast.maya}
    assert isinstance(editing.set_do_not_contact(turn.session, silent, why=" ", **more), Refusal)  # type: ignore[arg-type]
    assert editing.set_do_not_contact(turn.session, silent, why="Asked at the desk", **more) is None  # type: ignore[arg-type]
    turn.session.flush()
    barred = dict(groups.eligibility("cards"))["do-not-contact"]
    assert turn.session.scalars(select(Contact.id).where(barred)).all() == [cast.silent]
    assert isinstance(editing.set_do_not_contact(turn.session, silent, why="", stopped=False, **more), Refusal)  # type: ignore[arg-type]
    assert editing.set_do_not_contact(turn.session, silent, why="They called", stopped=False, **more) is None  # type: ignore[arg-type]
    assert silent.do_not_contact_at is None
    told = turn.session.scalars(select(Touch.text).where(Touch.contact_id == cast.silent).order_by(Touch.id)).all()
    assert told == ["Do not contact: Asked at the desk", "May be contacted again: They called"]


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        ((), ""),
        ((("emailed", 9), ("emailed", 5)), "2 sent, no answer to the last 2"),
        ((("emailed", 9), ("emailed", 5), ("replied", 4)), "2 sent"),
        ((("emailed", 9), ("bounced", 8), ("not-sent", 2)), "1 sent, 1 came back, 1 not sent"),
        ((("emailed", 500), ("emailed", 2)), "1 sent"),
    ],
)
def test_the_profile_tells_what_became_of_our_mail(
    turn: Turn, cast: Cast, story: tuple[tuple[str, int], ...], sentence: str
) -> None:
    for number, (kind, days) in enumerate(story):
        at = turn.now - timedelta(days=days)
        timeline.add(turn.session, now=turn.now, at=at, contact_id=cast.raman, kind=kind, origin=f"d:{number}")
    assert profile.mail_facts(turn.session, cast.raman, now=turn.now).sentence == sentence


def test_minutes_and_costs_of_a_year_are_told_per_touch(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    form = {"contact_id": str(cast.raman), "who": "", "kind": "visit", "text": "Pads", "on": "2026-03-02"}
    assert post(maya, "/contacts/log-touch", {**form, "minutes": "30", "cost": "12.50"}).status_code == 303
    line = {"text": "Called", "kind": "call", "minutes": "10", "next_step": "Send the guide", "next_on": "2026-03-05"}
    here = f"/contacts/{cast.raman}"
    assert post(maya, f"{here}/log", line, form_at=here).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert "40 minutes, $12.50 ($6.25 a touch) for 2 touches" in page
    assert "Send the guide" in page
    wrong = post(maya, "/contacts/log-touch", {**form, "cost": "-3"})
    assert wrong.status_code == 422
    assert "value ledger" in wrong.get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Touch.cost_cents).where(Touch.kind == "visit")).all() == [1250]


def test_a_task_is_given_to_somebody_listed_changed_and_done(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    here = f"/contacts/{cast.raman}"
    sent = {"title": "Bring the guide", "kind": "visit", "due_on": "2026-03-01", "owner_id": str(cast.theo)}
    assert post(maya, f"{here}/tasks", sent, form_at=here).status_code == 303
    assert post(maya, f"{here}/tasks", sent | {"owner_id": "999"}, form_at=here).status_code == 422
    assert "Bring the guide" not in maya.get("/contacts/tasks").get_data(as_text=True)
    theirs = maya.get(f"/contacts/tasks?of={cast.theo}").get_data(as_text=True)
    assert "Bring the guide" in theirs
    assert "overdue" in theirs
    with runtime.turn(write=False) as turn:
        task = turn.session.scalars(select(Task.id)).one()
    edit = f"/contacts/tasks/{task}/edit"
    assert "Bring the guide" in maya.get(edit).get_data(as_text=True)
    assert post(maya, edit, sent | {"title": "", "due_on": "never"}).status_code == 422
    assert post(maya, edit, sent | {"owner_id": str(cast.maya), "title": "Mail it"}).status_code == 303
    assert "Mail it" in maya.get("/contacts/tasks").get_data(as_text=True)
    done = post(maya, f"/contacts/tasks/{task}/done", {"back": "tasks"}, form_at=here)
    assert done.headers["Location"] == "/contacts/tasks"
    assert "Nothing promised" in maya.get("/contacts/tasks?of=all").get_data(as_text=True)


def test_open_tasks_are_counted_by_owner(turn: Turn, cast: Cast) -> None:
    today = turn.now.date()
    for owner, day in ((cast.maya, -1), (cast.maya, 2), (None, 0)):
        due = today + timedelta(days=day)
        tasks.add(turn.session, now=turn.now, kind="call", title="Call", due_on=due, owner_id=owner)
    assert tasks.open_counts(turn.session, today=today) == {cast.maya: (2, 1), None: (1, 0)}
    assert len(tasks.open_tasks(turn.session, owner_id=None, nobody=True, limit=9)) == 1


def test_a_person_is_described_in_full_and_barred_on_the_screen(maya: FlaskClient, cast: Cast) -> None:
    here = f"/contacts/{cast.raman}"
    page = maya.get(f"{here}/edit").get_data(as_text=True)
    version = page.split('name="version"')[1].split('value="')[1].split('"')[0]
    sent = {"kind": "physician", "first_name": "Priya", "last_name": "Raman", "version": version, "language": "es"}
    more = {"therapy_relationship": "Mostly Riverside PT", "languages": "Tamil", "specialty": "Hand surgery"}
    assert post(maya, f"{here}/edit", sent | more).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert all(word in page for word in ("Mostly Riverside PT", "Tamil", "Spanish", "2086S0105X"))
    barred = {"stopped": "yes", "why": "Asked at the desk"}
    assert post(maya, f"{here}/do-not-contact", barred, form_at=here).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert "Do not contact, since" in page
    assert "OK to email" not in page
    wrong = post(maya, f"{here}/do-not-contact", {"stopped": "no", "why": ""}, form_at=here)
    assert "Do not contact, since" in maya.get(wrong.headers["Location"]).get_data(as_text=True)


def test_distance_and_area_stand_on_the_profile(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn() as turn:
        turn.session.add(Location(name="Millbrook", zip5="12545"))
        turn.session.flush()
        service_area.load_places(turn.session, GAZETTEER.encode())
        service_area.set_service_zips(turn.session, "12545")
        turn.session.get_one(Contact, cast.raman).zip5 = "12545"
        turn.session.get_one(Contact, cast.okafor).zip5 = "12572"
    assert "Same ZIP as Millbrook, in the service area" in maya.get(f"/contacts/{cast.raman}").get_data(as_text=True)
    far = maya.get(f"/contacts/{cast.okafor}").get_data(as_text=True)
    assert "miles from Millbrook, outside the service area" in far
