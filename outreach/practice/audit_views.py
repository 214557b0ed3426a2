"""Settings: who did what, a file of it, and whether the record is whole."""

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.audit import AuditEntry, AuditHead, Walk
from outreach.errors import Refusal
from outreach.practice import audit_checking, audit_reading
from outreach.practice.audit_reading import OUTSIDE, Wanted
from outreach.practice.models import Person

audit_log = Blueprint("audit_log", __name__, url_prefix="/audit")

PAGE = 50
MOST_IN_A_FILE = 100_000
FILTERS = ("who", "what", "about", "number", "from", "to")
HERE = "/settings/audit/"
SEAL = re.compile("[0-9a-f]{64}")


@audit_log.get("/")
@screen.needs(*screen.ADMINISTRATORS)
def entries() -> ResponseReturnValue:
    session, wanted, before = screen.session(), _wanted(), request.args.get("before", type=int)
    refusal = wanted if isinstance(wanted, Refusal) else None
    found = (
        []
        if isinstance(wanted, Refusal)
        else audit_reading.page(session, wanted, zone=screen.zone(), before_id=before, limit=PAGE + 1)
    )
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    older = {**asked, "before": found[PAGE - 1].id} if len(found) > PAGE else None
    return screen.page(
        "practice/audit.html",
        422 if refusal is not None else 200,
        entries=found[:PAGE],
        people=_people(),
        outside=OUTSIDE,
        acts=[(name, name.replace("-", " ")) for name in audit_reading.acts(session)],
        subjects=[(name, name.replace("-", " ")) for name in audit_reading.subjects(session)],
        wanted=request.args,
        refusal=refusal,
        altered=audit_checking.altered(session),
        older=f"{HERE}?{urlencode(older)}" if older else None,
        newest=f"{HERE}?{urlencode(asked)}" if before else None,
        file=f"{HERE}export.csv?{urlencode(asked)}" if found else None,
        now=screen.now().astimezone(screen.zone()),
    )


@audit_log.get("/export.csv")
@screen.needs(*screen.ADMINISTRATORS)
@screen.writes_on_get
def export() -> ResponseReturnValue:
    """What the filters show as a file; that it was made is an entry too, which the next file holds."""
    session, wanted = screen.session(), _wanted()
    if isinstance(wanted, Refusal):
        return screen.refused(wanted, HERE)
    many = audit_reading.many(session, wanted, zone=screen.zone(), most=MOST_IN_A_FILE + 1)
    if many > MOST_IN_A_FILE:
        asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
        text = f"More than {MOST_IN_A_FILE:,} entries fit. Choose fewer days and save them one after the other."
        return screen.refused(Refusal("too-many", text), f"{HERE}?{urlencode(asked)}")
    lines = list(audit_reading.file_of(session, wanted, _people(), zone=screen.zone()))
    kept: dict[str, Any] = {f"for_{name}": request.args[name][:60] for name in FILTERS if request.args.get(name)}
    screen.record("exported", "audit", entries=len(lines) - 1, **kept)
    named = {"Content-Disposition": f'attachment; filename="record-of-changes-{screen.today()}.csv"'}
    # The mark at the start tells spreadsheets that the text is UTF-8.
    return Response("\ufeff" + "".join(lines), mimetype="text/csv", headers=named)


@audit_log.get("/check")
@screen.needs(*screen.ADMINISTRATORS)
def check() -> ResponseReturnValue:
    """Whether the record holds, from its first entry on or from where the piece before ended; a piece a page."""
    session, walk = screen.session(), Walk()
    after, seal = request.args.get("after", 0, type=int), request.args.get("seal", "")
    if after > 0 and SEAL.fullmatch(seal):
        walk = Walk(after, seal)
    ended = audit_checking.go_on(session, walk)
    waiting = session.scalar(select(AuditEntry.id).where(AuditEntry.seal.is_(None)).limit(1)) is not None
    return screen.page(
        "practice/audit_check.html",
        walk=walk,
        ended=ended,
        nightly=audit_checking.last(session),
        altered=audit_checking.altered(session),
        head=session.get(AuditHead, 1),
        waiting=waiting,
        now=screen.now().astimezone(screen.zone()),
    )


def _people() -> dict[int, str]:
    rows = screen.session().scalars(select(Person).order_by(Person.name, Person.id))
    return {person.id: person.name for person in rows}


def _wanted() -> Wanted | Refusal:
    args = request.args
    first, last = _day(args.get("from", "").strip()), _day(args.get("to", "").strip())
    if isinstance(first, Refusal):
        return first
    if isinstance(last, Refusal):
        return last
    if first and last and first > last:
        return Refusal("turned-round", "The first day lies after the last. Nothing can fit.")
    about, number = args.get("about", ""), args.get("number", "").strip().removeprefix("#")
    if number and screen.row_id(number) is None:
        return Refusal("no-number", f"“{number[:40]}” is no number. It stands behind the thing, as in “contact 12”.")
    if number and not about:
        return Refusal("no-subject", "Choose too what the number belongs to, for example contact.")
    return Wanted(
        who=args.get("who", type=int),
        act=args.get("what", ""),
        about=about,
        about_id=screen.row_id(number),
        from_on=first,
        to_on=last,
    )


def _day(typed: str) -> date | Refusal | None:
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return Refusal("no-day", f"“{typed[:40]}” is no day. Write it like 2026-03-02.")
    if not 2000 <= day.year < 2200:
        return Refusal("no-day", f"Nothing can stand in the record for {day.year}. Write the day like 2026-03-02.")
    return day
