"""What this room offers to the rooms below it: facts for groups and kinds on the timeline. All rest on referrals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, not_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import TouchKind
from outreach.referrals.judging.status_facts import STATUS_FACTS
from outreach.referrals.models import LapseAlert, Referral


@dataclass(frozen=True)
class ReferralFact:
    """A question that a group can ask about a contact's referrals; see contacts.groups.GroupFact."""

    name: str
    label: str
    operators: tuple[str, ...]
    ask: Callable[[str, Any, datetime, ZoneInfo], ColumnElement[bool]]
    options: tuple[tuple[str, str], ...] = ()
    from_yield: bool = True

    def choices(self, session: Session) -> Sequence[tuple[str, str]]:
        """The values to choose from; empty for a number."""
        return self.options

    def clause(self, operator: str, value: Any, *, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        """The condition on Contact."""
        return self.ask(operator, value, now, zone)


def _referred_within(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    since = now.astimezone(zone).date() - timedelta(days=int(value))
    found = exists(
        select(Referral.id).where(
            Referral.contact_id == Contact.id,
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on >= since,
        )
    )
    return not_(found) if operator == "not-within-days" else found


def _ever_referred(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists(
        select(Referral.id).where(
            Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None)
        )
    )
    return found if _first(value) == "yes" else not_(found)


def _first_referred(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    since = now.astimezone(zone).date() - timedelta(days=int(value))
    mine = (Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None))
    recent, older = (exists(select(Referral.id).where(*mine, part)) for part in _around(since))
    return and_(recent, not_(older))


def _around(since: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Referral.received_on >= since, Referral.received_on < since


def _tier(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    wanted = value if isinstance(value, list) else [value]
    return exists(select(Standing.contact_id).where(Standing.contact_id == Contact.id, Standing.tier.in_(wanted)))


def _lapsing(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    found = exists(select(LapseAlert.id).where(LapseAlert.contact_id == Contact.id, LapseAlert.ended_on.is_(None)))
    return found if _first(value) == "yes" else not_(found)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


YES_NO = (("yes", "Yes"), ("no", "No"))
GROUP_FACTS = (
    ReferralFact("referred", "Referred a client", ("within-days", "not-within-days"), _referred_within),
    ReferralFact("first-referred", "Sent their first client ever", ("within-days",), _first_referred),
    ReferralFact("ever-referred", "Has ever referred", ("is",), _ever_referred, YES_NO),
    ReferralFact("tier", "Yield tier", ("is",), _tier, (("A", "A"), ("B", "B"), ("C", "C"))),
    ReferralFact("lapsing", "Lapsing (unusually quiet)", ("is",), _lapsing, YES_NO),
    *STATUS_FACTS,
)
TIMELINE_KINDS = (
    TouchKind("referred", "Referral", "user-plus", from_yield=True),
    TouchKind("referred-to", "We referred", "user-plus", from_yield=True),
    TouchKind("recommended", "Recommended us", "user-plus", from_yield=True),
    TouchKind("report-sent", "Report sent", "file-text", from_yield=True),
)
