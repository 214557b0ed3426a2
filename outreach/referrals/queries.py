"""Reads shaped for the screens of the referral log: pages of it, one referral, and the yield with its parts."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select, true
from sqlalchemy.orm import Session, aliased

from outreach.contacts.models import Contact, Membership, Organization
from outreach.practice.models import Participation, Payer, Service
from outreach.referrals.models import Referral
from outreach.referrals.rules import OPEN_STAGES, STAGE_DATES, STAGE_LABELS, STAGES, STARTED_STAGES

PAGE = 50
LIVE = Referral.deleted_at.is_(None)
# Written into the statement: SQLite takes an index of a part of the rows only for words that it can read.
UNMATCHED = and_(LIVE, Referral.source_type == literal_column("'unmatched'"), Referral.contact_id.is_(None))
VIEWS: dict[str, ColumnElement[bool]] = {
    "open": and_(LIVE, Referral.direction == "in", Referral.stage.in_(OPEN_STAGES)),
    "unmatched": UNMATCHED,
    "started": and_(LIVE, Referral.direction == "in", Referral.stage.in_(STARTED_STAGES)),
    "closed": and_(LIVE, Referral.direction == "in", Referral.stage == "closed"),
    "out": and_(LIVE, Referral.direction == "out"),
    "all": and_(LIVE, Referral.direction == "in"),
}


@dataclass(frozen=True)
class Filter:
    """What the list is narrowed to; every field is optional and lives in the address."""

    view: str = "open"
    contact_id: int | None = None
    organization_id: int | None = None
    discipline: str = ""
    source_kind: str = ""
    stage: str = ""
    close_reason: str = ""
    payer_id: int | None = None
    received_from: date | None = None
    received_until: date | None = None
    network: str = ""
    source_class: str = ""
    """An audience class, or "other" for sources that are no contact."""
    location_id: int | None = None
    reached: str = ""
    """A stage: referrals that got at least that far, also when they closed later."""
    barrier: str = ""
    payer_known: str = ""
    """"yes" or "no"."""

    @property
    def narrowed(self) -> str:
        """What the list is narrowed to beyond its three menus, in words; empty when it is not."""
        days = [f"{day:%B} {day.day}, {day.year}" for day in (self.received_from, self.received_until) if day]
        span = f"received from {days[0]} to {days[1]}" if len(days) == 2 else f"received by {days[0]}" if days else ""
        reached = f"got to “{STAGE_LABELS[self.reached]}”" if self.reached in STAGE_LABELS else ""
        reason = f"closed: {self.close_reason.replace('-', ' ')}" if self.close_reason else ""
        barrier = f"barrier: {self.barrier}" if self.barrier else ""
        others = any((self.contact_id, self.organization_id, self.payer_id, self.location_id, self.source_class))
        said = [words for words in (span, reached, reason, barrier, "one source, payer or place" * others) if words]
        return f"Only: {'; '.join(said)}." if said else ""

    def condition(self) -> ColumnElement[bool]:
        """The condition on Referral (with Contact outer-joined)."""
        parts = [VIEWS.get(self.view, VIEWS["open"])]
        wanted = (
            (Referral.contact_id, self.contact_id),
            (Referral.discipline, self.discipline),
            (Contact.kind, self.source_kind),
            (Referral.stage, self.stage),
            (Referral.close_reason, self.close_reason),
            (Referral.payer_id, self.payer_id),
            (Referral.location_id, self.location_id),
            (Referral.barrier, self.barrier),
        )
        parts += [column == value for column, value in wanted if value]
        if self.organization_id:
            parts.append(_from_place(self.organization_id))
        if self.received_from:
            parts.append(Referral.received_on >= self.received_from)
        if self.received_until:
            parts.append(Referral.received_on <= self.received_until)
        if self.network:
            parts.append(out_of_network() if self.network == "out" else ~out_of_network())
        if self.source_class:
            parts.append(class_of_source() == self.source_class)
        if self.reached in STAGES:
            parts.append(got_to(self.reached))
        if self.payer_known:
            parts.append(Referral.payer_id.is_not(None) if self.payer_known == "yes" else Referral.payer_id.is_(None))
        return and_(*parts)


@dataclass(frozen=True)
class Line:
    """One referral as the list shows it."""

    id: int
    client_number: str
    source_name: str
    source_kind: str
    source_id: int | None
    place: str
    service: str
    payer: str
    out_of_network: bool
    stage: str
    stage_label: str
    received_on: date
    close_reason: str | None
    unmatched: bool


def _from_place(organization_id: int) -> ColumnElement[bool]:
    """Whoever sent the client belongs there now, mainly or among other places."""
    stays = select(Membership.contact_id).where(
        Membership.organization_id == organization_id, Membership.until_on.is_(None)
    )
    return or_(Contact.organization_id == organization_id, Referral.contact_id.in_(stays))


def out_of_network() -> ColumnElement[bool]:
    """Whether the payer was not taken on the day the referral came; False without a payer."""
    status = (
        select(Participation.status)
        .where(
            Participation.payer_id == Referral.payer_id,
            Participation.since_on <= Referral.received_on,
            or_(Participation.until_on.is_(None), Participation.until_on >= Referral.received_on),
        )
        .order_by(Participation.since_on.desc())
        .limit(1)
        .correlate(Referral)
        .scalar_subquery()
    )
    return and_(Referral.payer_id.is_not(None), func.coalesce(status, "out-of-network") == "out-of-network")


def class_of_source() -> ColumnElement[str]:
    """The audience class of the source, "other" where it is no contact; needs Contact outer-joined."""
    # Written into the statement: PostgreSQL does not see that two parameters in SELECT and GROUP BY are the same.
    return func.coalesce(Contact.audience_class, literal_column("'other'"))


def got_to(stage: str) -> ColumnElement[bool]:
    """Whether a referral got at least to this stage, by where it stands or by the days on record."""
    if stage == STAGES[0]:
        return true()  # every one was received, those that were closed before anything else happened too
    later = STAGES[STAGES.index(stage) : -1] if stage != "closed" else ("closed",)
    days = (getattr(Referral, STAGE_DATES[name]) for name in later if name in STAGE_DATES)
    return or_(Referral.stage.in_(later), *(day.is_not(None) for day in days))


def lines(session: Session, wanted: Filter, *, before: tuple[date, int] | None = None) -> list[Line]:
    """A page of the log, newest first, after the row `before` (its day and id)."""
    found = _named().where(wanted.condition())
    if before is not None:
        day, last_id = before
        found = found.where(or_(Referral.received_on < day, and_(Referral.received_on == day, Referral.id < last_id)))
    rows = session.execute(found.order_by(Referral.received_on.desc(), Referral.id.desc()).limit(PAGE + 1))
    return [_line(*row) for row in rows]


def line_of(session: Session, referral_id: int) -> Line | None:
    """One referral as the list would show it."""
    row = session.execute(_named().where(Referral.id == referral_id)).first()
    return _line(*row) if row else None


def count(session: Session, wanted: Filter) -> int:
    """How many referrals the filter matches."""
    found = select(func.count(Referral.id)).outerjoin(Contact, Contact.id == Referral.contact_id)
    return session.scalar(found.where(wanted.condition())) or 0


def unmatched_count(session: Session) -> int:
    """Referrals that nobody has given a source yet."""
    return session.scalar(select(func.count(Referral.id)).where(UNMATCHED)) or 0


ADVOCATE = aliased(Contact)


def _named() -> Select[Referral, Contact, str, str, str, bool, Contact]:
    return (
        select(Referral, Contact, Organization.name, Service.name, Payer.name, out_of_network().label("out"), ADVOCATE)
        .outerjoin(Contact, Contact.id == Referral.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Service, Service.id == Referral.service_id)
        .outerjoin(Payer, Payer.id == Referral.payer_id)
        .outerjoin(ADVOCATE, ADVOCATE.id == Referral.advocate_id)
    )


def _line(
    referral: Referral,
    contact: Contact | None,
    place: str | None,
    service: str | None,
    payer: str | None,
    out: bool,
    advocate: Contact | None,
) -> Line:
    words = referral.source_type.replace("-", " ").capitalize()
    unmatched = referral.source_type == "unmatched" and contact is None
    which = advocate.name if advocate else referral.unmatched_source
    name = contact.name if contact else (which or "Not known yet") if unmatched else f"{words}: {which}".rstrip(": ")
    return Line(
        id=referral.id,
        client_number=referral.client_number,
        source_name=name,
        source_kind=contact.kind if contact else "",
        source_id=contact.id if contact else None,
        place=place or "",
        service=service or referral.discipline,
        payer=payer or "",
        out_of_network=bool(out),
        stage=referral.stage,
        stage_label=STAGE_LABELS[referral.stage],
        received_on=referral.received_on,
        close_reason=referral.close_reason,
        unmatched=unmatched,
    )
