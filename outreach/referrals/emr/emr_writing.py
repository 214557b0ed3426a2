"""Rows of an export become referrals: repeats are known by their case key, and a later export moves them on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.clinical import words
from outreach.practice.models import Location, Payer, Service
from outreach.referrals import sourcing
from outreach.referrals.duties import owing, thanking
from outreach.referrals.emr.emr_columns import Mapping
from outreach.referrals.emr.emr_models import EmrLine, EmrMapping, EmrRun
from outreach.referrals.emr.emr_reading import EmrReferral, Unusable, discipline_of, read_row
from outreach.referrals.logging import touch_of, zone_of
from outreach.referrals.models import Referral
from outreach.referrals.payers.learning import learn
from outreach.referrals.rules import STAGES

KeptRow = tuple[int, str, list[str]]
NO_SERVICE = "The service is not one of yours. Say on the check page what its word means."


@dataclass(frozen=True)
class Offer:
    """The practice's own words: services, payers and clinics by name, with what a person said that others mean."""

    services: dict[str, tuple[int, str]]
    payers: dict[str, int]
    clinics: dict[str, int]

    @classmethod
    def of(cls, session: Session, mapping: Mapping) -> "Offer":
        """Read once per batch."""
        rows = session.execute(select(Service.id, Service.name, Service.discipline)).all()
        services = {row.id: (row.id, row.discipline) for row in rows}
        named = {words(row.name): services[row.id] for row in rows}
        said = {word: services[at] for word, at in mapping.words.get("service", {}).items() if at in services}
        payers = {words(row.name): row.id for row in session.execute(select(Payer.id, Payer.name))}
        clinics = {words(row.name): row.id for row in session.execute(select(Location.id, Location.name))}
        return cls(
            named | said,
            payers | _known(mapping.words.get("payer", {}), payers),
            clinics | _known(mapping.words.get("clinic", {}), clinics),
        )

    def knows(self, field: str, word: str) -> bool:
        """Whether the word of a file has a meaning."""
        if field == "service":
            return bool(discipline_of(word)) or words(word) in self.services
        return words(word) in (self.payers if field == "payer" else self.clinics)


def own_words(session: Session) -> frozenset[str]:
    """The words by which the practice calls its services, payers and clinics, or explained those of a report."""
    names = (session.scalars(select(what.name)) for what in (Service, Payer, Location))
    said = (known for kept in session.scalars(select(EmrMapping.words)) for known in kept.values())
    return frozenset({words(name) for some in names for name in some}.union(*said))


@dataclass(frozen=True)
class Judged:
    """The rows of one batch: what each would do. Nothing is written."""

    refused: list[tuple[int, str]]
    fresh: list[tuple[int, Referral]]
    known: list[tuple[int, EmrReferral, Referral]]

    def counts(self, *, today: date) -> Counter[str]:
        """As the check shows them."""
        changed = sum(bool(changes(row, referral)) for _, row, referral in self.known)
        unmatched = sum(one.source_type == "unmatched" for _, one in self.fresh)
        return Counter(
            new=len(self.fresh),
            unmatched=unmatched,
            updated=changed,
            unchanged=len(self.known) - changed,
            refused=len(self.refused),
        )


def judge(
    session: Session, rows: Sequence[KeptRow], mapping: Mapping, *, now: datetime, today: date, key: bytes
) -> Judged:
    """What each row would do; six queries, whatever the number of rows."""
    offer = Offer.of(session, mapping)
    read, refused = _read(rows, mapping, offer, key=key, today=today)
    keys = {row.case_key for row in read}
    stored = {one.case_key: one for one in session.scalars(select(Referral).where(Referral.case_key.in_(keys)))}
    sources = _sources(session, read)
    judged = Judged(refused, [], [])
    made: dict[str, Referral] = {}
    for row in read:
        if row.case_key in stored:
            judged.known.append((row.row_number, row, stored[row.case_key]))
        elif row.case_key in made:
            _apply(made[row.case_key], row)
        else:
            made[row.case_key] = _referral(row, offer, sources.get(row.row_number), now=now)
            judged.fresh.append((row.row_number, made[row.case_key]))
    return judged


def write(
    session: Session, run: EmrRun, rows: Sequence[KeptRow], mapping: Mapping, *, now: datetime, today: date, key: bytes
) -> Counter[str]:
    """The rows are in the log; answers how many of each result. Scoring is left to the end of the file."""
    judged = judge(session, rows, mapping, now=now, today=today, key=key)
    counted = judged.counts(today=today)
    fresh = [referral for _, referral in judged.fresh]
    for referral in fresh:
        referral.logged_by_id = run.by_id
    session.add_all(fresh)
    touched = [(number, one) for number, row, one in judged.known if _apply(one, row)]
    session.flush()
    _tell(session, fresh, now=now, by_id=run.by_id)
    owing.owe(session, [*fresh, *(one for _, one in touched)], now=now, today=today)
    thanking.ask_for_thanks(session, fresh, now=now, today=today, by_id=run.by_id)
    learn(session, [(one.contact_id, one.payer_id) for one in fresh if one.direction == "in"])
    lines: list[dict[str, Any]] = [
        *(_line(run, number, "new", one.id) for number, one in judged.fresh),
        *(_line(run, number, "updated", one.id) for number, one in touched),
        *(_line(run, number, "refused", None, reason) for number, reason in judged.refused),
    ]
    if lines:
        session.execute(insert(EmrLine), lines)
    return counted


def changes(row: EmrReferral, stored: Referral) -> dict[str, Any]:
    """What a later export adds to a referral: days that were empty, and a stage further on. Nothing goes back.

    A person's source, service and payer stay. What lies in the trash stays as it is.
    """
    if stored.deleted_at is not None:
        return {}
    found: dict[str, Any] = {name: on for name, on in row.days.items() if getattr(stored, name) is None}
    further = STAGES.index(row.stage) > STAGES.index(stored.stage) and stored.stage not in ("completed", "closed")
    if further or (stored.stage == "closed" and row.stage in ("started", "completed")):
        closed = row.stage == "closed"
        found |= {"stage": row.stage, "close_reason": row.close_reason if closed else None}
        found |= {"barrier": row.barrier if closed else None}
        if stored.stage == "closed":
            found["closed_on"] = None
    elif "closed_on" in found:
        del found["closed_on"]
    return found


def _apply(stored: Referral, row: EmrReferral) -> bool:
    found = changes(row, stored)
    for name, value in found.items():
        setattr(stored, name, value)
    return bool(found)


def _read(
    rows: Iterable[KeptRow], mapping: Mapping, offer: Offer, *, key: bytes, today: date
) -> tuple[list[EmrReferral], list[tuple[int, str]]]:
    read, refused = [], []
    for number, client, cells in rows:
        try:
            row = read_row(number, client, cells, mapping, key=key, today=today)
            if not row.discipline and not offer.knows("service", row.service):
                raise Unusable(NO_SERVICE)
        except Unusable as unusable:
            refused.append((number, str(unusable)))
        else:
            read.append(row)
    return read, refused


def _sources(session: Session, read: Sequence[EmrReferral]) -> dict[int, int]:
    """The contact of each row that names one for certain, by row number."""
    wanted = [row for row in read if row.source_type in ("contact", "word-of-mouth")]
    npis = sourcing.by_npi(session, {row.source_npi for row in wanted if row.source_npi})
    aliases = sourcing.by_alias(session, {sourcing.source_words(_said(row)) for row in wanted})
    keys = {row.row_number: sourcing.name_keys(row.source_name or row.source_practice) for row in wanted}
    named = sourcing.by_name(session, {key for several in keys.values() for key in several if key})
    found = {}
    for row in wanted:
        who = npis.get(row.source_npi) or aliases.get(sourcing.source_words(_said(row)))
        who = who or sourcing.the_one(named, keys[row.row_number], row.source_practice)
        if who:
            found[row.row_number] = who
    return found


def _said(row: EmrReferral) -> str:
    """The source as a person reads it in the inbox."""
    if row.source_name and row.source_practice:
        return f"{row.source_name} ({row.source_practice})"[:200]
    return row.source_name or row.source_practice


def _referral(row: EmrReferral, offer: Offer, contact_id: int | None, *, now: datetime) -> Referral:
    service = offer.services.get(words(row.service))
    kind, advocate = row.source_type, None
    if kind == "word-of-mouth":
        contact_id, advocate = None, contact_id
    elif kind == "contact" and contact_id is None:
        kind = "unmatched"
    return Referral(
        direction=row.direction,
        source_type=kind,
        contact_id=contact_id,
        advocate_id=advocate,
        unmatched_source=_said(row) if kind == "unmatched" else "",
        service_id=service[0] if service else None,
        discipline=row.discipline or (service[1] if service else ""),
        payer_id=offer.payers.get(words(row.payer)) if row.payer else None,
        location_id=offer.clinics.get(words(row.clinic)) if row.clinic else None,
        client_number="",
        stage=row.stage,
        received_on=row.received_on,
        close_reason=row.close_reason if row.stage == "closed" else None,
        barrier=row.barrier,
        case_key=row.case_key,
        created_at=now,
        **row.days,
    )


def _tell(session: Session, fresh: Sequence[Referral], *, now: datetime, by_id: int | None) -> None:
    names, zone = {row.id: row.name for row in session.execute(select(Service.id, Service.name))}, zone_of(session)
    timeline.add_many(
        session,
        [
            touch_of(one, names.get(one.service_id or 0, ""), now=now, zone=zone, by_id=by_id)
            for one in fresh
            if one.contact_id is not None
        ],
    )


def _known(said: Any, own: dict[str, int]) -> dict[str, int]:
    return {word: at for word, at in said.items() if at in own.values()}


def _line(run: EmrRun, number: int, result: str, referral_id: int | None, reason: str = "") -> dict[str, Any]:
    return {
        "run_id": run.id,
        "row_number": number,
        "result": result,
        "reason": reason,
        "referral_id": referral_id,
    }
