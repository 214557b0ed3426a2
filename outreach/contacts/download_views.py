"""What leaves as a file: lists as CSV, contacts as vCards, and everything that is kept about one person."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen, ui
from outreach.contacts import person_file, tasks
from outreach.contacts.csvfile import write_csv
from outreach.contacts.exporting import HEADER, TASK_HEADER, cards_of, task_lines
from outreach.contacts.profile_views import contact_or_404
from outreach.contacts.vcardfile import write_vcards
from outreach.practice.models import Person

downloads = Blueprint("contact_downloads", __name__, url_prefix="/contacts")
EVERY_TASK = 10_000


@downloads.get("/<int:contact_id>/contact.vcf")
@screen.needs(*screen.LOGGERS)
@screen.writes_on_get
def one_card(contact_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    screen.record("exported", "contact", contact.id)
    return as_vcards([contact.id], f"contact-{contact.id}.vcf")


@downloads.get("/<int:contact_id>/record")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def whole_record(contact_id: int) -> ResponseReturnValue:
    """Everything that is kept about the person, to be read and printed."""
    contact = contact_or_404(contact_id)
    screen.record("viewed-record", "contact", contact.id)
    return screen.page(
        "contacts/record.html",
        contact=contact,
        parts=person_file.whole_record(screen.session(), contact),
        said=_said,
    )


@downloads.get("/<int:contact_id>/record.json")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def record_file(contact_id: int) -> ResponseReturnValue:
    contact = contact_or_404(contact_id)
    screen.record("exported-record", "contact", contact.id)
    parts = {part.title: part.rows for part in person_file.whole_record(screen.session(), contact)}
    text = json.dumps(parts, ensure_ascii=False, indent=1, default=str)
    return _file(text, "application/json", f"record-{contact.id}.json")


@downloads.get("/tasks.csv")
@screen.needs(*screen.LOGGERS)
@screen.writes_on_get
def task_file() -> ResponseReturnValue:
    found = tasks.open_tasks(screen.session(), owner_id=None, limit=EVERY_TASK)
    owners = {row[0]: row[1] for row in screen.session().execute(select(Person.id, Person.name))}
    screen.record("exported", "tasks", None, count=len(found))
    return as_file(task_lines(screen.session(), found, owners, zone=screen.zone()), "tasks.csv", TASK_HEADER)


def as_file(rows: Iterable[Iterable[object]], name: str, header: Iterable[str] = HEADER) -> Response:
    """A CSV to save, every cell safe from being run as a formula."""
    return _file("".join(write_csv(header, rows)), "text/csv", name)


def as_vcards(ids: Sequence[int], name: str) -> Response:
    """A file of vCards to save, one per contact in the order of the ids."""
    return _file("".join(write_vcards(cards_of(screen.session(), ids))), "text/vcard", name)


def _said(value: object) -> str:
    """A value of the record in words; instants are told on the practice's clock."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return ui.full(value, screen.now().astimezone(screen.zone()))
    if isinstance(value, date):
        return f"{value:%B} {value.day}, {value.year}"
    if isinstance(value, dict):
        # Links are keys to their own pages: they stand in the mail they got.
        told = ((name, one) for name, one in value.items() if one and "://" not in str(one))
        return "; ".join(f"{str(name).replace('_', ' ')}: {one}" for name, one in told)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _file(text: str, mimetype: str, name: str) -> Response:
    return Response(text, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
