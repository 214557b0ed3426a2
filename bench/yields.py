"""Yields for 2,000 and for 1,000,000 contacts: the model alone, and the whole refresh from database to database.

python -m bench.yields model CONTACTS        one measured run, figures as JSON
python -m bench.yields refresh HOME
python -m bench.yields one HOME              one referral more, one contact scored anew
"""

import json
import sqlite3
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench.measuring import Goal, Report, Series, Span, child, interleaved

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
FEW, MANY = 2_000, 1_000_000
REFERRALS_EACH = 3
REPEATS = 5
"""Runs within one process at 2,000 contacts, the quickest counts: the first one warms up the libraries."""
KINDS = ("physician", "provider", "office", "community-organization", "peer-therapist", "former-client")
SHARES = (0.45, 0.15, 0.1, 0.1, 0.1, 0.1)
SPECIALTIES = 40
MOST_MS, MOST_SECONDS, MOST_MB = 50.0, 15.0, 1536.0


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Model and refresh at both sizes, in turn, each in a process of its own."""
    many = 100_000 if small else MANY
    homes = {size: made_home(folder / f"made-{size}", size) for size in (FEW, many)}
    model = {size: Series(f"model, {size:,} contacts") for size in homes}
    whole = {size: Series(f"refresh with its database, {size:,} contacts") for size in homes}
    one = Series(f"one referral more among {many:,}")
    contestants = [
        *((model[size], lambda size=size: child("bench.yields", "model", size)) for size in homes),
        *((whole[size], lambda size=size: child("bench.yields", "refresh", homes[size])) for size in homes),
        (one, lambda: child("bench.yields", "one", homes[many])),
    ]
    interleaved(rounds, contestants)
    goals = [
        Goal(f"ms for {FEW:,} contacts, model", 1000 * model[FEW].median("seconds"), MOST_MS),
        Goal(f"seconds for {many:,} contacts, model", model[many].median("seconds"), MOST_SECONDS),
        Goal(f"MB for {many:,} contacts, model", model[many].median("rss_mb"), MOST_MB),
        Goal(f"ms for {FEW:,} contacts, with database", 1000 * whole[FEW].median("seconds"), MOST_MS),
        Goal(f"seconds for {many:,} contacts, with database", whole[many].median("seconds"), MOST_SECONDS),
        Goal(f"MB for {many:,} contacts, with database", whole[many].median("rss_mb"), MOST_MB),
        Goal("ms for one referral more", 1000 * one.median("seconds"), MOST_MS),
    ]
    what = f"{FEW:,} and {many:,} contacts, {REFERRALS_EACH} referrals each; scores, ranges, ranks, tiers, lapse alerts"
    return Report("yields", what, [*model.values(), *whole.values(), one], goals)


def crowd(many: int) -> dict[str, Any]:
    """A practice as columns: who there is, and who sent whom when. The same for the same size."""
    import numpy as np

    chance = np.random.default_rng(20260302)
    today = np.datetime64(TODAY, "D")
    kind = chance.choice(len(KINDS), many, p=SHARES)
    age = chance.integers(1, 1095, many)
    # A few send a lot, most send little: the spread that the model assumes.
    weight = chance.gamma(0.35, 1.0, many)
    who = chance.choice(many, REFERRALS_EACH * many, p=weight / weight.sum())
    ago = (chance.random(len(who)) * (age[who] + 1)).astype(np.int64)
    outcome = np.where(ago < 10, 0, chance.choice(3, len(who), p=(0.1, 0.6, 0.3)))
    return {
        "id": np.arange(1, many + 1),
        "kind": kind,
        "added_on": today - age,
        "specialty": chance.integers(-1, SPECIALTIES, many),
        "contact_id": who + 1,
        "received_on": today - ago,
        "outcome": outcome,
        "outcome_on": np.where(outcome > 0, today - ago + np.timedelta64(9, "D"), np.datetime64("NaT")),
    }


def made_home(home: Path, many: int) -> Path:
    """A database with the crowd in it; every contact is a copy of one made by the product's own table."""
    from sqlalchemy import insert

    from bench import house
    from outreach.contacts.models import Contact
    from outreach.db import make_engine
    from outreach.referrals.models import Referral

    house.build(home, 1, issue=False)
    engine = make_engine(f"sqlite:///{home / 'outreach.db'}")
    with engine.begin() as connection:
        first = {"received_on": TODAY, "discipline": "PT", "created_at": NOW, "contact_id": 1}
        connection.execute(insert(Referral), [first])
    engine.dispose()
    made = crowd(many)
    base = sqlite3.connect(home / "outreach.db", isolation_level=None)
    base.execute("BEGIN")
    base.execute("CREATE TEMP TABLE c (id INTEGER PRIMARY KEY, kind TEXT, added_on TEXT, specialty TEXT)")
    kinds = [KINDS[code] for code in made["kind"].tolist()]
    special = [f"Specialty {code:02}" if code >= 0 else "" for code in made["specialty"].tolist()]
    base.executemany(
        "INSERT INTO c VALUES (?, ?, ?, ?)",
        zip(made["id"].tolist(), kinds, made["added_on"].astype(str).tolist(), special, strict=True),
    )
    _copied(base, Contact.__table__, {"id": "c.id + 1", "kind": "c.kind", "added_on": "c.added_on",
            "specialty": "c.specialty", "email": "NULL", "address_hash": "NULL"}, "c")  # fmt: skip
    base.execute("CREATE TEMP TABLE r (id INTEGER PRIMARY KEY, who INT, day TEXT, stage TEXT, why TEXT, done TEXT)")
    words = [("received", None), ("started", None), ("closed", "other")]
    stages = [words[code] for code in made["outcome"].tolist()]
    done = [day if day != "NaT" else None for day in made["outcome_on"].astype(str).tolist()]
    days = made["received_on"].astype(str).tolist()
    who = (made["contact_id"] + 1).tolist()
    base.executemany(
        "INSERT INTO r (who, day, stage, why, done) VALUES (?, ?, ?, ?, ?)",
        ((w, day, stage, why, end) for w, day, (stage, why), end in zip(who, days, stages, done, strict=True)),
    )
    _copied(base, Referral.__table__, {"id": "r.id + 1", "contact_id": "r.who", "received_on": "r.day",
            "stage": "r.stage", "close_reason": "r.why", "started_on": "CASE WHEN r.stage = 'started' THEN r.done END",
            "closed_on": "CASE WHEN r.stage = 'closed' THEN r.done END"}, "r")  # fmt: skip
    base.execute("COMMIT")
    base.execute("ANALYZE")
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    return home


def _copied(base: sqlite3.Connection, table: Any, own: dict[str, str], made: str) -> None:
    """As many copies of row 1 as `made` has rows, each with its own values in these columns."""
    names = [column.name for column in table.columns if column.computed is None]
    values = [own.get(name, f"one.{name}") for name in names]
    base.execute(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)} "  # noqa: S608 - names of columns
        f"FROM {made} CROSS JOIN {table.name} one WHERE one.id = 1"
    )


def model(many: int) -> dict[str, float]:
    """Scores, ranges, ranks, tiers and lapse alerts from columns to columns."""
    import numpy as np

    from outreach.referrals.lapse_alerts import lapse_alerts, past_silences
    from outreach.referrals.yield_model import ContactColumns, ReferralColumns, kind_codes, score_contacts

    made = crowd(many)
    contacts = ContactColumns(
        made["id"],
        kind_codes(list(KINDS))[made["kind"]],
        made["added_on"],
        made["specialty"],
        tuple(f"Specialty {number:02}" for number in range(SPECIALTIES)),
    )
    ids = np.arange(1, len(made["contact_id"]) + 1)
    referrals = ReferralColumns(
        ids, made["contact_id"], made["received_on"], made["outcome"], made["outcome_on"], np.full(len(ids), np.nan)
    )
    found: list[dict[str, float]] = []
    for _ in range(REPEATS if many <= FEW else 1):
        span = Span()
        table = score_contacts(contacts, referrals, as_of=TODAY)
        lapse_alerts(table, past_silences(contacts, referrals, table=table))
        found.append({**span.figures(), "count": many})
    return min(found, key=lambda one: one["seconds"])


def refresh(home: Path) -> dict[str, float]:
    """`scoring.refresh` in a turn of its own, its commit included; the second of two days, as every night."""
    from datetime import timedelta

    from outreach.referrals import scoring

    found: list[dict[str, float]] = []
    runtime = _opened(home)
    with runtime.turn(write=False) as turn:
        again = (
            REPEATS
            if (turn.session.connection().exec_driver_sql("SELECT max(id) FROM contact").scalar() or 0) < 10 * FEW
            else 1
        )
    for number in range(again):
        span = Span()
        with runtime.turn() as turn:
            count = scoring.refresh(turn.session, now=NOW, today=TODAY + timedelta(days=number))
        found.append({**span.figures(), "count": count})
    runtime.close()
    return min(found, key=lambda one: one["seconds"])


def one_more(home: Path) -> dict[str, float]:
    """The contact with the most referrals gets one more: it is scored at once, nobody else is touched."""
    from outreach.referrals import scoring
    from outreach.referrals.models import Referral

    runtime = _opened(home)
    with runtime.turn() as turn:
        most = "SELECT contact_id FROM referral GROUP BY contact_id ORDER BY count(*) DESC LIMIT 1"
        contact_id = turn.session.connection().exec_driver_sql(most).scalar()
        turn.session.add(Referral(contact_id=contact_id, discipline="PT", received_on=TODAY, created_at=NOW))
    found = []
    for _ in range(REPEATS):
        span = Span()
        with runtime.turn() as turn:
            scoring.rescore(turn.session, contact_id, now=NOW, today=TODAY)
        found.append({**span.figures(), "count": 1})
    runtime.close()
    return min(found, key=lambda one: one["seconds"])


def _opened(home: Path) -> Any:
    from bench.house import RunningClock, settings_for
    from outreach.runtime import open_runtime

    return open_runtime(settings_for(home, smtp_url="smtp://127.0.0.1:9"), clock=RunningClock(NOW))


if __name__ == "__main__":
    what, about = sys.argv[1:3]
    print(
        json.dumps(model(int(about)) if what == "model" else {"refresh": refresh, "one": one_more}[what](Path(about)))
    )
