"""Yield for everyone, nightly, and for one contact at once: computes, keeps the parts, and writes the standing."""

import json
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, and_, case, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.practice.models import Practice
from outreach.referrals.lapse_alerts import Alert, alert_threshold, lapse_alerts, past_silences
from outreach.referrals.models import LapseAlert, Referral, ScoringRun, YieldScore
from outreach.referrals.rules import STARTED_STAGES
from outreach.referrals.yield_model import (
    ContactColumns,
    PracticeMeans,
    ReferralColumns,
    YieldParams,
    YieldRow,
    YieldTable,
    kind_codes,
    score_contacts,
    settle_tiers,
)

WRITTEN_AT_ONCE = 1000
ALERT_ALPHA = 0.05


def refresh(session: Session, *, now: datetime, today: date) -> int:
    """Every contact that can refer is scored as of today; answers how many. Idempotent for a day.

    Standing, parts, tiers (with their patience) and lapse alerts are written together, so no screen mixes two runs.
    """
    params = YieldParams()
    contacts, referrals = _contact_columns(session), _referral_columns(session, today)
    table = score_contacts(contacts, referrals, as_of=today, params=params)
    silences = past_silences(contacts, referrals, table=table) if table.evidence == "full" else None
    session.add(
        ScoringRun(
            at=now,
            as_of_on=today,
            params=asdict(params),
            means=asdict(table.means),
            contacts=len(table),
            referrals=len(referrals.id),
            lapse_threshold=alert_threshold(silences, ALERT_ALPHA) if silences is not None else None,
        )
    )
    _write(session, table, _settled(session, table), today=today)
    if silences is not None:
        _raise_alerts(session, lapse_alerts(table, silences, alpha=ALERT_ALPHA), today=today)
    return len(table)


def refresh_daily(session: Session, *, now: datetime) -> int:
    """The first call of a local day refreshes everyone; later ones do nothing. Answers how many were scored."""
    zone = session.scalar(select(Practice.time_zone))
    if zone is None:
        return 0
    today = now.astimezone(ZoneInfo(zone)).date()
    last = session.scalar(select(ScoringRun.as_of_on).order_by(ScoringRun.id.desc()).limit(1))
    return refresh(session, now=now, today=today) if last is None or last < today else 0


def rescore(session: Session, contact_id: int, *, now: datetime, today: date) -> YieldRow | None:
    """One contact's yield after a new fact, with the means of the last refresh; rank and tier wait for the next one.

    Without a refresh so far, everyone is scored (a new practice's first referral). None for a kind that never refers.
    """
    run = session.scalar(select(ScoringRun).order_by(ScoringRun.id.desc()).limit(1))
    if run is None or run.means.get("evidence") != "full":
        refresh(session, now=now, today=today)
    else:
        contacts = _contact_columns(session, contact_id)
        if not len(contacts.id):
            return None
        table = score_contacts(
            contacts,
            _referral_columns(session, today, contact_id),
            as_of=today,
            params=YieldParams(**run.params),
            means=PracticeMeans(**run.means),
        )
        _write(session, table, None, today=today)
    score = session.get(YieldScore, contact_id, populate_existing=True)
    _end_alert(session, contact_id, today=today)
    return row_from(score.row) if score else None


def row_from(kept: dict[str, Any]) -> YieldRow:
    """The YieldRow that was kept as JSON."""
    days = {name: date.fromisoformat(kept[name]) if kept[name] else None for name in ("as_of", "last_on", "entry_on")}
    return YieldRow(**{**kept, **days, "parts": tuple(kept["parts"])})


def _contact_columns(session: Session, contact_id: int | None = None) -> ContactColumns:
    wanted = select(Contact.id, Contact.kind, Contact.added_on, Contact.specialty).where(
        Contact.kind.in_(REFERRING_KINDS), Contact.deleted_at.is_(None)
    )
    if contact_id is not None:
        wanted = wanted.where(Contact.id == contact_id)
    rows = session.execute(wanted.order_by(Contact.id)).all()
    names = tuple(sorted({row.specialty for row in rows if row.specialty}))
    code = {name: position for position, name in enumerate(names)}
    return ContactColumns(
        id=np.array([row.id for row in rows], dtype=np.int64),
        kind=kind_codes([row.kind for row in rows]),
        added_on=np.array([row.added_on for row in rows], dtype="datetime64[D]"),
        specialty=np.array([code.get(row.specialty, -1) for row in rows], dtype=np.int64),
        specialty_names=names,
    )


def _referral_columns(session: Session, today: date, contact_id: int | None = None) -> ReferralColumns:
    # Only what was known on that day counts: a refresh as of last week sees last week's outcomes.
    started = and_(
        or_(Referral.stage.in_(STARTED_STAGES), Referral.started_on.is_not(None)),
        or_(Referral.started_on.is_(None), Referral.started_on <= today),
    )
    lost = and_(Referral.stage == "closed", or_(Referral.closed_on.is_(None), Referral.closed_on <= today))
    # The model's codes: 0 open, 1 started, 2 lost.
    outcome = case((started, 1), (lost, 2), else_=0)
    outcome_on = case((started, Referral.started_on), (lost, Referral.closed_on))
    wanted = select(
        Referral.id, Referral.contact_id, Referral.received_on, outcome.label("outcome"), outcome_on.label("outcome_on")
    ).where(
        Referral.contact_id.is_not(None) if contact_id is None else Referral.contact_id == contact_id,
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        Referral.received_on <= today,
    )
    rows = session.execute(wanted.order_by(Referral.id)).all()
    return ReferralColumns(
        id=np.array([row.id for row in rows], dtype=np.int64),
        contact_id=np.array([row.contact_id for row in rows], dtype=np.int64),
        received_on=np.array([row.received_on for row in rows], dtype="datetime64[D]"),
        outcome=np.array([row.outcome for row in rows], dtype=np.int64),
        outcome_on=np.array([row.outcome_on for row in rows], dtype="datetime64[D]"),
        value=np.full(len(rows), np.nan),
    )


def _settled(session: Session, table: YieldTable) -> np.ndarray[Any, Any]:
    shown = {row.contact_id: row.tier or "" for row in session.execute(select(Standing.contact_id, Standing.tier))}
    before = {
        row.contact_id: row.rank_pct for row in session.execute(select(YieldScore.contact_id, YieldScore.rank_pct))
    }
    ids = table.id.tolist()
    ranks = np.array([before.get(i) if before.get(i) is not None else np.nan for i in ids], dtype=np.float64)
    return settle_tiers(np.array([shown.get(i, "") for i in ids]), ranks, table.rank_pct)


def _write(session: Session, table: YieldTable, tiers: np.ndarray[Any, Any] | None, *, today: date) -> None:
    if not len(table):
        return
    known: dict[int, Any] = {
        score.contact_id: score
        for score in session.execute(
            select(YieldScore.contact_id, YieldScore.expected_started, YieldScore.week_started_on, YieldScore.week_ago)
        )
    }
    monday = today - timedelta(days=today.weekday())
    scores, standings = [], []
    for position, row in enumerate(table):
        tier = str(tiers[position]) or None if tiers is not None else None
        scores.append(_score_of(row, known.get(row.id), monday=monday))
        standings.append(_standing_of(row, tier))
    # One contact alone has no rank: what the last refresh said of rank and tier stays.
    alone = {"rank_pct", "tier"} if tiers is None else set()
    connection = session.connection()
    for start in range(0, len(scores), WRITTEN_AT_ONCE):
        part = slice(start, start + WRITTEN_AT_ONCE)
        _upsert(connection, YieldScore, scores[part], keep=alone)
        _upsert(connection, Standing, standings[part], keep=alone)
    session.expire_all()


def _score_of(row: YieldRow, old: Any, *, monday: date) -> dict[str, Any]:
    same_week = old is not None and old.week_started_on >= monday
    before = old.expected_started if old is not None else None
    return {
        "contact_id": row.id,
        "as_of_on": row.as_of,
        "expected_started": row.expected_started,
        "row": json.loads(json.dumps(asdict(row), default=str)),
        "week_started_on": old.week_started_on if same_week else monday,
        "week_ago": old.week_ago if same_week else before,
        "rank_pct": row.rank_pct,
    }


def _standing_of(row: YieldRow, tier: str | None) -> dict[str, Any]:
    return {
        "contact_id": row.id,
        "expected_90": row.expected_started,
        "p_active": row.p_active,
        "rank_pct": row.rank_pct or 0.0,
        "tier": tier,
        "evidence": row.evidence,
        "as_of_on": row.as_of,
    }


def _upsert(connection: Connection, table: type[Any], rows: list[dict[str, Any]], *, keep: set[str]) -> None:
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = build(table)
    changed = {name: new.excluded[name] for name in rows[0] if name != "contact_id" and name not in keep}
    connection.execute(new.on_conflict_do_update(index_elements=["contact_id"], set_=changed), rows)


def _raise_alerts(session: Session, alerts: list[Alert], *, today: date) -> None:
    told = {(row.contact_id, row.last_on) for row in session.execute(select(LapseAlert.contact_id, LapseAlert.last_on))}
    session.add_all(
        LapseAlert(
            contact_id=alert.id,
            last_on=alert.last_on,
            raised_on=today,
            usual_gap_days=alert.usual_gap_days,
            p_active=alert.p_active,
        )
        for alert in alerts
        if (alert.id, alert.last_on) not in told
    )


def _end_alert(session: Session, contact_id: int, *, today: date) -> None:
    last = session.scalar(
        select(Referral.received_on)
        .where(Referral.contact_id == contact_id, Referral.direction == "in", Referral.deleted_at.is_(None))
        .order_by(Referral.received_on.desc())
        .limit(1)
    )
    for alert in session.scalars(
        select(LapseAlert).where(LapseAlert.contact_id == contact_id, LapseAlert.ended_on.is_(None))
    ):
        if last is not None and last > alert.last_on:
            alert.ended_on = today
