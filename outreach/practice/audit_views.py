"""Settings: who did what, and whether the record is whole."""

from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import audit, screen
from outreach.audit import AuditEntry
from outreach.practice.models import Person

audit_log = Blueprint("audit_log", __name__, url_prefix="/audit")

PAGE = 50
LARGEST = 2**63


@audit_log.get("/")
@screen.needs(*screen.ADMINISTRATORS)
def entries() -> ResponseReturnValue:
    session, wanted = screen.session(), request.args
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(PAGE + 1)
    before, who = (wanted.get(name, type=int) for name in ("before", "who"))
    if before and before < LARGEST:
        query = query.where(AuditEntry.id < before)
    if who and who < LARGEST:
        query = query.where(AuditEntry.actor_id == who)
    if wanted.get("what"):
        query = query.where(AuditEntry.action == wanted["what"])
    found = session.scalars(query).all()
    known = select(AuditEntry.action).distinct().order_by(AuditEntry.action)
    people = {person.id: person.name for person in session.scalars(select(Person).order_by(Person.name))}
    older = {**wanted.to_dict(), "before": found[PAGE - 1].id} if len(found) > PAGE else None
    return screen.page(
        "practice/audit.html",
        entries=found[:PAGE],
        people=people,
        actions=[(name, name.replace("-", " ")) for name in session.scalars(known)],
        wanted=wanted,
        older="/settings/audit/?" + urlencode(older) if older else None,
        now=screen.now().astimezone(screen.zone()),
    )


@audit_log.get("/check")
@screen.needs(*screen.ADMINISTRATORS)
def check() -> ResponseReturnValue:
    broken = audit.first_broken(screen.session())
    waiting = screen.session().scalar(select(AuditEntry.id).where(AuditEntry.seal.is_(None)).limit(1)) is not None
    return screen.page("practice/audit_check.html", broken=broken, waiting=waiting)
