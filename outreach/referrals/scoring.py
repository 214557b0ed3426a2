"""Yield for everyone, nightly, and for one contact at once: computes, keeps the parts, and writes the standing."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from outreach.contacts.standing import Standing
from outreach.referrals.judging.settings import settings_of
from outreach.referrals.judging.settling import settle_statuses
from outreach.referrals.lapse_alerts import Alert, alert_threshold, lapse_alerts, past_silences
from outreach.referrals.models import LapseAlert, ScoringRun, YieldScore
from outreach.referrals.yield_facts import ReferralColumns
from outreach.referrals.yield_keeping import drop_stale, keep, settled_tiers
from outreach.referrals.yield_model import PracticeMeans, YieldParams, YieldRow, YieldTable, score_contacts
from outreach.referrals.yield_params import Floats, Texts
from outreach.referrals.yield_reading import contacts_of, referrals_of
from outreach.referrals.yield_record import places_among

FEW_CONTACTS = 5_000
"""Up to here a full refresh is so quick that a referral can wait for it."""


@dataclass(frozen=True)
class Reckoning:
    """A refresh that is reckoned but not written yet: everybody's yield and tier, and how surprising silences were."""

    today: date
    table: YieldTable
    tiers: Texts
    referrals: ReferralColumns
    silences: Floats | None
    """None unless the evidence is "full": then there are no alerts."""
    alert_share: float


def refresh(session: Session, *, now: datetime, today: date) -> int:
    """Every contact that can refer is scored as of today; answers how many. Idempotent for a day.

    Standing, parts, tiers (with their patience), lapse alerts and statuses are written together, so no screen mixes
    two runs. For a practice of any size, `nightly.refresh_due` does the same in many short turns.
    """
    found = reckon(session, today=today)
    keep(session, found.table, found.tiers, today=today)
    drop_stale(session, found.table, alone=False)
    tell_silences(session, found)
    settle_statuses(session, found.table, found.referrals, today=today)
    add_run(session, found, now=now)
    return len(found.table)


def reckon(session: Session, *, today: date) -> Reckoning:
    """The refresh of this day, not written. Reads only."""
    settings = settings_of(session)
    contacts, referrals = contacts_of(session, today), referrals_of(session, today, valued=settings.valued)
    table = score_contacts(contacts, referrals, as_of=today, params=YieldParams())
    silences = past_silences(contacts, referrals, table=table) if table.evidence == "full" else None
    tiers = settled_tiers(session, table)
    return Reckoning(today, table, tiers, referrals, silences, settings.alert_share)


def tell_silences(session: Session, found: Reckoning) -> None:
    """Alerts of silences that ended are over, those of new ones are there."""
    _end_alerts(session, found.table, today=found.today)
    if found.silences is not None:
        alerts = lapse_alerts(found.table, found.silences, alpha=found.alert_share)
        _raise_alerts(session, alerts, today=found.today, share=found.alert_share)


def add_run(session: Session, found: Reckoning, *, now: datetime) -> None:
    """The refresh counts as made: what similar contacts do is on record for whoever is scored alone until the next."""
    threshold = alert_threshold(found.silences, found.alert_share) if found.silences is not None else None
    session.add(
        ScoringRun(
            at=now,
            as_of_on=found.today,
            params=asdict(found.table.params),
            means=asdict(found.table.means),
            contacts=len(found.table),
            referrals=len(found.referrals.id),
            lapse_threshold=threshold,
            entry_dates_unsure=found.table.notes.entry_dates_unsure,
        )
    )
    session.flush()


def rescore(session: Session, contact_id: int, *, now: datetime, today: date) -> YieldRow | None:
    """One contact's yield after a new fact, with the means of the last refresh; rank and tier wait for the next one.

    While a small practice knows little, everyone is scored anew: each referral moves what similar contacts send.
    None for a kind that never refers.
    """
    run = _last_run(session)
    early = run is None or run.means.get("evidence") != "full"
    if run is None or (early and run.contacts <= FEW_CONTACTS):
        refresh(session, now=now, today=today)
        return row_of(session, contact_id)
    referrals = referrals_of(session, today, contact_id, valued=settings_of(session).valued)
    table = _alone(session, run, contact_id, referrals, today=today)
    if not len(table):
        return None
    keep(session, table, None, today=today)
    drop_stale(session, table, alone=True)
    _end_alerts(session, table, today=today)
    settle_statuses(session, table, referrals, today=today)
    return table.row(0)


def row_of(session: Session, contact_id: int) -> YieldRow | None:
    """The yield of a contact with its parts, as the last refresh or referral left it.

    What nobody keeps, for contacts who never referred, is computed on the spot. None for somebody who was never
    scored, or cannot refer.
    """
    kept = session.get(YieldScore, contact_id)
    if kept is not None:
        return row_from(kept.row)
    run = _last_run(session)
    if run is None or not session.scalar(select(exists().where(Standing.contact_id == contact_id))):
        return None
    table = _alone(session, run, contact_id, referrals_of(session, run.as_of_on, contact_id), today=run.as_of_on)
    return table.row(0) if len(table) else None


def row_from(kept: dict[str, Any]) -> YieldRow:
    """The YieldRow that was kept as JSON."""
    days = {name: date.fromisoformat(kept[name]) if kept[name] else None for name in ("as_of", "last_on", "entry_on")}
    return YieldRow(**{**kept, **days, "parts": tuple(kept["parts"])})


def _last_run(session: Session) -> ScoringRun | None:
    return session.scalar(select(ScoringRun).order_by(ScoringRun.id.desc()).limit(1))


def _alone(session: Session, run: ScoringRun, contact_id: int, referrals: Any, *, today: date) -> YieldTable:
    return score_contacts(
        contacts_of(session, today, contact_id),
        referrals,
        as_of=today,
        params=YieldParams(**run.params),
        means=PracticeMeans(**run.means),
    )


def _raise_alerts(session: Session, alerts: list[Alert], *, today: date, share: float) -> None:
    told = {(row.contact_id, row.last_on) for row in session.execute(select(LapseAlert.contact_id, LapseAlert.last_on))}
    session.add_all(
        LapseAlert(
            contact_id=alert.id,
            last_on=alert.last_on,
            raised_on=today,
            usual_gap_days=alert.usual_gap_days,
            p_active=alert.p_active,
            share=share,
        )
        for alert in alerts
        if (alert.id, alert.last_on) not in told
    )
    session.flush()


def _end_alerts(session: Session, table: YieldTable, *, today: date) -> None:
    """Open alerts end with the silence; those that stay open say what the chance of still referring is now."""
    wanted = select(LapseAlert).where(LapseAlert.ended_on.is_(None))
    if len(table) == 1:
        wanted = wanted.where(LapseAlert.contact_id == int(table.id[0]))
    open_now = session.scalars(wanted).all()
    place = places_among(table.id, np.array([alert.contact_id for alert in open_now], dtype=np.int64))
    there = np.flatnonzero(place >= 0)
    last, chances = table.last_on[place[there]].tolist(), table.p_active[place[there]].tolist()
    for number, last_on, p_active in zip(there.tolist(), last, chances, strict=True):
        alert = open_now[number]
        if last_on is not None and last_on > alert.last_on:
            alert.ended_on = today
        elif not np.isnan(p_active):
            alert.p_active = p_active
    session.flush()
