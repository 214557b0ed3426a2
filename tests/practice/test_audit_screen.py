"""The record of changes on screen: filtered, saved as a file, and checked in turns."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from jobs import runner
from jobs.catalog import job_named
from outreach import audit
from outreach.audit import GENESIS, AuditEntry, AuditHead, Walk, chained
from outreach.clock import FrozenClock
from outreach.practice import audit_checking, audit_reading
from outreach.referrals.models import Referral
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, sign_in

PAGE = "/settings/audit/"


@pytest.fixture
def olive(app: Flask, runtime: Runtime) -> FlaskClient:
    """The administrator."""
    return sign_in(app, runtime, "olive@cedarlane.example")


@pytest.fixture
def acts(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    """One act a day for three days, before now: Maya views 7, Olive views 8, a stranger answers 7."""
    with runtime.turn() as turn:
        turn.session.execute(delete(AuditEntry))
        for days, who, what, about, number in (
            (3, cast.maya, "viewed", "contact", 7),
            (2, cast.olive, "viewed", "contact", 8),
            (1, None, "answered", "event", 7),
        ):
            audit.record(
                turn.session, now=turn.now - timedelta(days=days), actor_id=who, action=what,
                subject_type=about, subject_id=number, note="=1+1",
            )  # fmt: skip
        turn.session.flush()
        audit.seal(turn.session, now=turn.now)


def shown(client: FlaskClient, query: str) -> list[list[str]]:
    """The filtered file without its header: person, act, about, number."""
    answer = client.get(f"{PAGE}export.csv?{query}")
    assert answer.status_code == 200, answer.headers
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    return [row[2:6] for row in rows[1:]]


MAYA, OLIVE = ["Maya Jensen", "viewed", "contact", "7"], ["Olive Stone", "viewed", "contact", "8"]
STRANGER = ["Somebody outside", "answered", "event", "7"]


@pytest.mark.usefixtures("acts")
def test_the_record_is_filtered_by_person_act_subject_and_days(olive: FlaskClient, cast: Cast) -> None:
    mine = f"who={cast.maya}"
    assert shown(olive, mine) == [MAYA]
    assert shown(olive, "who=0") == [STRANGER]
    assert shown(olive, "what=viewed&to=2026-03-01") == [MAYA, OLIVE]
    assert shown(olive, "about=contact&number=8") == [OLIVE]
    assert shown(olive, "from=2026-02-28&to=2026-02-28") == [OLIVE]
    assert shown(olive, "from=2026-02-28&to=2026-03-01") == [OLIVE, STRANGER]
    page = olive.get(f"{PAGE}?from=2026-02-28&to=2026-02-28").get_data(as_text=True)
    assert "Olive Stone</td><td>viewed" in page
    assert "Maya Jensen</td><td>viewed" not in page
    assert f'href="{PAGE}export.csv?from=2026-02-28&amp;to=2026-02-28"' in page


def test_a_filter_that_cannot_be_meant_says_so(olive: FlaskClient) -> None:
    for query, said in (
        ("from=yesterday", "is no day"),
        ("to=9999-12-31", "for 9999"),
        ("from=2026-03-02&to=2026-03-01", "lies after the last"),
        ("number=7", "Choose too what"),
        ("about=contact&number=seven", "is no number"),
    ):
        answer = olive.get(f"{PAGE}?{query}")
        assert answer.status_code == 422, query
        assert said in answer.get_data(as_text=True)
        assert olive.get(f"{PAGE}export.csv?{query}").status_code == 303, query


@pytest.mark.usefixtures("acts")
def test_a_file_of_the_record_is_safe_whole_and_an_entry_itself(
    olive: FlaskClient, maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    assert maya.get(f"{PAGE}export.csv").status_code == 403
    text = olive.get(f"{PAGE}export.csv?to=2026-03-01").get_data(as_text=True).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Number"] for row in rows] == ["1", "2", "3"]
    seal = GENESIS
    for row in rows:
        facts, about = json.loads(row["Details"]), int(row["About number"])
        entry = AuditEntry(id=int(row["Entry"]), action=row["Act"], subject_type=row["About"], subject_id=about)
        entry.at, entry.facts = audit.datetime.fromisoformat(row["When (UTC)"]), facts
        entry.actor_id = int(row["Person number"]) if row["Person number"] else None
        seal = chained(seal, entry)
        assert row["Seal"] == seal, "the file is enough to check the chain"
    with runtime.turn(write=False) as turn:
        last = turn.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last is not None
        assert (last.action, last.subject_type, last.actor_id) == ("exported", "audit", cast.olive)
        assert last.facts == {"entries": 3, "for_to": "2026-03-01"}


def test_no_cell_of_the_file_is_one_that_a_spreadsheet_runs() -> None:
    assert audit_reading.line_of(("=1+1", "@x", None, 7)) == "'=1+1,'@x,,7\r\n"


def test_pages_follow_each_other_without_gap_or_repeat(
    olive: FlaskClient, runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outreach.practice.audit_views.PAGE", 3)
    with runtime.turn() as turn:
        turn.session.execute(delete(AuditEntry))
        for number in range(1, 8):
            audit.record(turn.session, now=turn.now, actor_id=None, action="x", subject_type="y", subject_id=number)
    for asked in ("", "&from=2026-03-02"):
        seen: list[int] = []
        href: str | None = f"{PAGE}?what=x{asked}"
        while href:
            page = olive.get(href).get_data(as_text=True)
            seen += [int(one.partition('"')[0]) for one in page.split("about=y&amp;number=")[1:]]
            older = page.rpartition("before=")
            href = f"{PAGE}?what=x{asked}&before={older[2].partition(chr(34))[0]}" if 'rel="next"' in page else None
        assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_the_record_is_checked_and_an_altered_entry_is_named(
    olive: FlaskClient, maya: FlaskClient, runtime: Runtime
) -> None:
    check, nightly = f"{PAGE}check", job_named(audit_checking.NIGHTLY)
    with runtime.turn() as turn:
        turn.session.execute(delete(AuditEntry))
        audit.record(turn.session, now=turn.now, actor_id=None, action="x", subject_type="y")
        turn.session.flush()
        audit.seal(turn.session, now=turn.now)
    assert b"The record is whole" in olive.get(check).data
    with runtime.turn() as turn:
        turn.session.execute(update(AuditEntry).where(AuditEntry.number == 1).values(action="nothing"))
    page = olive.get(check).get_data(as_text=True)
    assert "Something was altered" in page
    assert "Entry 1 does not fit the one before" in page
    assert b"Something was altered" not in olive.get(PAGE).data, "nobody looked at all of it yet"
    runner.tick(runtime, nightly)
    assert b"Something was altered" in olive.get(PAGE).data
    assert b"The record of changes was altered" in olive.get("/").data
    assert b"The record of changes was altered" not in maya.get("/").data


@pytest.fixture
def long(turn: Turn) -> Session:
    """Seven sealed entries."""
    turn.session.execute(delete(AuditEntry))
    turn.session.execute(delete(AuditHead))
    for number in range(7):
        audit.record(turn.session, now=turn.now, actor_id=None, action="x", subject_type="y", subject_id=number)
    turn.session.flush()
    audit.seal(turn.session, now=turn.now)
    return turn.session


def cut_off(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.number > 5))


def taken_out(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.number == 6))


@pytest.mark.parametrize(("tamper", "found"), [(None, None), (cut_off, ("cut", 6)), (taken_out, ("missing", 6))])
def test_a_long_record_is_checked_piece_by_piece(
    long: Session, tamper: Callable[[Session], None] | None, found: tuple[str, int] | None
) -> None:
    walk = Walk()
    assert not audit_checking.go_on(long, walk, limit=3)
    assert walk.number == 3
    if tamper:
        tamper(long)
    while not audit_checking.go_on(long, walk, limit=3):
        pass
    assert (walk.fault and (walk.fault.kind, walk.fault.number)) == found


def test_a_long_record_is_checked_page_by_page(
    olive: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audit_checking.go_on
    monkeypatch.setattr(audit_checking, "go_on", lambda session, walk: whole(session, walk, limit=2))
    with runtime.turn() as turn:
        for _ in range(3):
            audit.record(turn.session, now=turn.now, actor_id=None, action="x", subject_type="y")
        turn.session.flush()
        number = audit.seal(turn.session, now=turn.now)
    href, pages = f"{PAGE}check", 0
    while "Go on with the next" in (page := olive.get(href).get_data(as_text=True)):
        href, pages = page.partition(f'href="{PAGE}check?')[2].partition('"')[0].replace("&amp;", "&"), pages + 1
        href = f"{PAGE}check?{href}"
    assert pages == number // 2
    assert "The record is whole" in page


def test_a_view_of_what_belongs_to_a_client_is_an_entry(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        referral = Referral(contact_id=cast.raman, discipline="PT", received_on=turn.now.date(), created_at=turn.now)
        turn.session.add(referral)
        turn.session.flush()
        number = referral.id
    pages = {
        f"/referrals/{number}": ("referral", number),
        f"/sources/value/{number}": ("referral", number),
        f"/cards/wishes/{cast.marisol}": ("contact", cast.marisol),
        f"/today/reach/{cast.marisol}/snooze": ("contact", cast.marisol),
        "/events/answers": ("calendar-answer", None),
    }
    for page, about in pages.items():
        assert maya.get(page).status_code == 200, page
        with runtime.turn(write=False) as turn:
            last = turn.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (last.action, last.subject_type, last.subject_id, last.actor_id) == ("viewed", *about, cast.maya), page
