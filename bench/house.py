"""The practice of the benchmarks: any number of contacts, one newsletter of nine stories, approved and ready to go.

Everything is made through the product's own verbs where there is one: the issue is drafted, saved, reviewed and
approved as a person does it.
"""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.contacts.consent import Suppression, address_hash
from outreach.contacts.models import Contact, Group, GroupMember, Organization
from outreach.contacts.standing import Standing
from outreach.content.drafts import Draft
from outreach.content.models import Message
from outreach.db import Base
from outreach.newsletters import approving, editing
from outreach.practice.models import Practice
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all

KEY = b"k" * 64
SITE = "https://outreach.harborstreet.example"
MADE_AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday: the office makes the issue, and sends it half an hour later, when all zones of the crowd are open."""
SENT_AT = MADE_AT + timedelta(minutes=90)
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", None)
FIRST_NAMES = ("Priya", "Samuel", "Elena", "Tom", "Greta", "Denise", "Noor", "Hiro", "Ana", "Wes")
LAST_NAMES = ("Raman", "Okafor", "Marsh", "Brandt", "Lindqvist", "Ortiz", "Haddad", "Tanaka", "Silva", "Young")
MAILBOX = "news@harborstreet.example"
OFFICE = {
    **dict.fromkeys(("name", "sender_name"), "Harbor Street Rehab"),
    **dict.fromkeys(("sender_email", "reply_to_email"), MAILBOX),
    "street": "5 Harbor Street",
    "city": "Portside",
    "state": "NY",
    "zip5": "11777",
    "phone": "(555) 010-2030",
    "time_zone": ZONES[0],
    "inbound_domain": "in.harborstreet.example",
    "public_url": SITE,
}
CHUNK = 5000
STORIES = 9
"""Makes 15 kB of HTML, after the style sheet was written into the tags."""
SUPPRESSED = 10_000
"""Other people's opt-outs: the check has a table to search."""


class RunningClock:
    """Starts at SENT_AT and runs as the machine does."""

    def __init__(self, start: datetime = SENT_AT) -> None:
        """From now on."""
        self._start, self._began = start, time.monotonic()

    def now(self) -> datetime:
        """The present instant."""
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


def settings_for(home: Path, database_url: str | None = None, **more: Any) -> Settings:
    """An installation in `home`; `more` names its way out."""
    return Settings(
        mode="run",
        home=home,
        database_url=database_url or f"sqlite:///{home / 'outreach.db'}",
        secret_key=KEY,
        public_url=SITE,
        **more,
    )


def build(
    home: Path, many: int, *, database_url: str | None = None, issue: bool = True, way: dict[str, str] | None = None
) -> Path:
    """A database with so many contacts and (with `issue`) a newsletter to all of them, approved; answers the home."""
    home.mkdir(parents=True, exist_ok=True)
    settings = settings_for(home, database_url, **(way or {"smtp_url": "smtp://127.0.0.1:9"}))
    runtime = open_runtime(settings, clock=RunningClock(MADE_AT))
    load_all().metadata.create_all(runtime.engine)
    with runtime.turn() as turn:
        _furnish(turn.session, turn.now)
        _people(turn.session, turn.now, many)
    if issue:
        approve(runtime, home / "letter.json")
    with runtime.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    runtime.close()
    return home


def approve(runtime: Runtime, letter: Path) -> int:
    """The issue is made, approved and frozen; its compiled HTML is written to `letter` for the floor."""
    with runtime.turn() as turn:
        made = editing.start(turn.session, now=turn.now, by_id=None, title="Spring")
        saved = editing.save(
            turn.session,
            made,
            now=turn.now,
            world=runtime,
            by_id=None,
            version=made.version,
            title="Spring",
            draft=draft(),
            group_ids=[1],
        )
        assert saved is made, saved
    with runtime.turn() as turn:
        made = turn.session.merge(made)
        people = approving.review(turn.session, made, now=turn.now, world=runtime).reckoning.people
        done = approving.approve(
            turn.session, made, now=turn.now, world=runtime, by_id=None, version=made.version, people=people
        )
        assert done is made, done
        message = turn.session.get_one(Message, made.message_id)
        letter.write_text(json.dumps({"html": message.segments["html"], "size": len(json.dumps(message.segments))}))
        return made.id


def copied(home: Path, to: Path) -> Path:
    """A fresh copy of a SQLite home for one round."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to)
    return to


def copied_file(path: Path, to: Path) -> Path:
    """A fresh copy of a SQLite file, without what an earlier round left beside it."""
    for old in to.parent.glob(to.name + "*"):
        old.unlink()
    shutil.copyfile(path, to)
    return to


def floor_contacts(path: Path, many: int) -> None:
    """The floor's own contacts: the same people, in the one table that it reads."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE contact (id INTEGER PRIMARY KEY, email TEXT NOT NULL, first_name TEXT, last_name TEXT, "
                "organization TEXT, city TEXT)"
            )
        )
        for rows in _chunks(many):
            connection.execute(
                text("INSERT INTO contact VALUES (:id, :email, :first_name, :last_name, :organization, :city)"),
                [
                    {
                        "id": each,
                        "email": address(each),
                        "first_name": FIRST_NAMES[each % 10],
                        "last_name": LAST_NAMES[each // 10 % 10],
                        "organization": f"Practice {each % 1000}",
                        "city": "Millbrook",
                    }
                    for each in rows
                ],
            )
    engine.dispose()


def address(number: int) -> str:
    """The address of the n-th person."""
    return f"person{number}@office{number % 997}.example"


def draft() -> Draft:
    """Stories with eight details in ten places, a dozen links."""
    stories: list[dict[str, Any]] = [
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {
            "type": "text",
            "html": "<p>{{ first_name | there }}, here is what is new for you at {{ organization | your office }} in "
            "{{ city | your area }}. If {{ full_name | you }} see people in {{ specialty | your field }}, the third "
            "story is for you.</p>",
        },
    ]
    for number in range(1, STORIES + 1):
        stories.append({"type": "heading", "text": f"Story {number}: openings and one thing worth knowing"})
        stories.append({"type": "text", "html": f"<p>{_PROSE}</p>"})
        if number % 2 == 1:
            url = f"https://cedarlane.example/stories/{number}"
            stories.append({"type": "button", "label": "Read the story", "url": url})
    last = "<p>{{ first_name | there }}, call us whenever {{ last_name | you }} is on the referral: we know you.</p>"
    stories.append({"type": "text", "html": last})
    return Draft(subject="Spring news for {{ last_name | you }}", preview_line="Openings and a tip", blocks=stories)


_PROSE = (
    "We offer a first appointment within a few working days, mornings and late afternoons. A short note after the "
    "first visit tells you what we found and what comes next, in <strong>one page</strong>."
)


def _furnish(session: Session, now: datetime) -> None:
    session.add(Practice(id=1, created_at=now, **OFFICE))
    session.add(Group(id=1, name="Everybody", fixed=True, created_at=now, updated_at=now))
    session.flush()
    session.execute(
        insert(Organization),
        [
            {"id": each + 1, "name": f"Practice {each}", "created_at": now, "type": "medical-practice"}
            for each in range(1000)
        ],
    )


def _people(session: Session, now: datetime, many: int) -> None:
    for rows in _chunks(many):
        session.connection().execute(insert(_table(Contact)), [_person(each, now) for each in rows])
        session.connection().execute(
            insert(_table(GroupMember)), [{"group_id": 1, "contact_id": each, "since_at": now} for each in rows]
        )
        session.connection().execute(insert(_table(Standing)), [_standing(each, now.date()) for each in rows[::2]])
    session.connection().execute(
        insert(_table(Suppression)),
        [
            {
                "address_hash": address_hash(KEY, f"gone{each}@elsewhere.example"),
                "topic": "all",
                "reason": "unsubscribed",
                "source": "page",
                "since_at": now,
            }
            for each in range(SUPPRESSED)
        ],
    )


def _person(each: int, now: datetime) -> dict[str, Any]:
    first, last = FIRST_NAMES[each % 10], LAST_NAMES[each // 10 % 10]
    return {
        "id": each,
        "kind": "physician",
        "prefix": "Dr.",
        "first_name": first,
        "last_name": last,
        "sort_name": f"{last} {first}".lower(),
        "organization_id": each % 1000 + 1,
        "email": address(each),
        "address_hash": address_hash(KEY, address(each)),
        "time_zone": ZONES[each % len(ZONES)],
        "specialty": "Family medicine",
        "city": "Millbrook",
        "added_on": now.date(),
        "created_at": now,
        "updated_at": now,
    }


def _standing(each: int, on: date) -> dict[str, Any]:
    return {
        "contact_id": each,
        "expected_90": (each % 97) / 50,
        "rank_pct": float(each % 100),
        "evidence": "full",
        "as_of_on": on,
    }


def _chunks(many: int) -> Iterator[range]:
    for start in range(1, many + 1, CHUNK):
        yield range(start, min(start + CHUNK, many + 1))


def _table(model: type[Base]) -> Any:
    return model.__table__
