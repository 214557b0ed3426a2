"""A person asked to be erased: what names them goes from every room, and what the law requires stays.

Stays: that the address is never written to again (by its keyed hash alone), signed permissions (45 CFR 164.530(j):
six years), what was given to a physician (42 CFR 411.357(k): to show that the yearly limit was kept), and counts.
Tables of other rooms are known here by name only; a test asserts that every table that points to a contact is listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Table, delete, exists, null, or_, select, update
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import MergeRecord
from outreach.db import Base
from outreach.errors import Refusal
from outreach.practice.models import Practice

GOES = (
    *("touch", "contact_tag", "contact_payer", "contact_group_member", "membership", "family_link", "snooze"),
    *("source_alias", "day_done", "contact_search", "contact_unsearched", "peer_relation", "yield_score"),
    *("standing", "source_status", "lapse_alert", "card_wish", "friend_card"),
)
"""Rows that say only what is about the person: deleted."""
BLANKED: dict[str, dict[str, Any]] = {
    "consent": {"words": ""},
    "task": {"title": "Erased on request", "script": ""},
    "delivery": {"email": "", "to_name": "", "details": null(), "last_error": ""},
    "import_line": {"cells": {}, "changes": {}},
    "attendance": {"name": ""},
    "loss_fix": {"what": "Erased on request"},
}
"""Rows that are counted or prove something: what names the person in them goes."""
STAYS_AS_IT_IS = (
    *("referral", "authorization", "value_entry", "invitation", "card_recipient", "newsletter_recipient"),
    *("campaign_enrollment", "story", "enquiry", "value_payback", "limit_pass"),
)
"""Rows that name nobody by themselves, or that the law requires. A story's words go unless somebody signed them."""
OF_A_DELIVERY: dict[str, dict[str, Any]] = {
    "inbound_mail": {"raw": b""},
    "delivery_calendar": {"ics": b""},
    "delivery_receipt": {"text": ""},
    "delivery_attempt": {"text": ""},
    "delivery_link_click": {"user_agent": ""},
}
PROOF = ("prefix", "first_name", "last_name", "credentials", "npi", "taxonomy", "stark_physician", "kind")
"""What stays of a person to whom something of value was given: whose line in the ledger it is."""
DESK = ("front_desk", "referral_coordinator", "channel_contact")
"""Where the profile of an office names somebody."""
KEPT_COLUMNS = (
    "id",
    "added_on",
    "created_at",
    "updated_at",
    "version",
    "deleted_at",
    "merged_into_id",
    "audience_class",
)
AT_A_TIME = 400


@dataclass(frozen=True)
class Stays:
    """What the law keeps of this person."""

    permissions: int
    gifts: int

    @property
    def lines(self) -> list[str]:
        """One sentence for each."""
        said = ["That their email address is never written to again, as a code that cannot be read back."]
        if self.permissions:
            said.append("Signed permissions for their story, for six years.")
        if self.gifts:
            said.append("Their name in the value ledger, to show that the yearly limit was kept.")
        return said


def what_stays(session: Session, contact: Contact) -> Stays:
    """What of this person is kept after an erasure."""
    ids = _all_ids(session, contact)
    signed = select(Authorization.id).where(Authorization.contact_id.in_(ids), Authorization.signed_at.is_not(None))
    gifts = _table("value_entry")
    given = session.scalars(select(gifts.c.id).where(gifts.c.contact_id.in_(ids))).all()
    return Stays(len(session.scalars(signed).all()), len(given))


def in_the_ledger(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of the contacts to whom something of value was given: their names stay, for the ledger."""
    gifts = _table("value_entry")
    return set(session.scalars(select(gifts.c.contact_id).where(gifts.c.contact_id.in_(ids))))


def erase(session: Session, contact: Contact, *, now: datetime, by_id: int | None) -> Stays | Refusal:
    """Nothing here names the person any more but what the law requires; no mail ever goes to the address again.

    Cannot be undone. Records merged into this one are erased with it. Copies outside (backups, files that somebody
    saved) are not reached. Refusals: merged (erase the record it lives on in), story-live, erased-already.
    """
    if contact.merged_into_id is not None:
        return Refusal("merged", "This record was merged into another. Erase that one.")
    if contact.deleted_at is not None and contact.sort_name == "":
        return Refusal("erased-already", "This person is erased already.")
    ids = _all_ids(session, contact)
    today = now.astimezone(ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")).date()
    live = exists().where(
        Authorization.contact_id.in_(ids),
        Authorization.state == "signed",
        Authorization.revoked_at.is_(None),
        Authorization.expires_on >= today,
    )
    if session.scalar(select(live)):
        return Refusal(
            "story-live", "Their story may still be in use. Withdraw their permission under Testimonials first."
        )
    kept = what_stays(session, contact)
    hashes = session.scalars(select(Contact.address_hash).where(Contact.id.in_(ids), Contact.address_hash.is_not(None)))
    for hashed in set(hashes):
        consent.suppress(session, now=now, hashed=str(hashed), reason="erased", source="staff", by_id=by_id)
    _of_desks(session, ids)
    _of_deliveries(session, ids)
    for name, values in BLANKED.items():
        _each(session, _table(name), _whose(_table(name), ids), values)
    for name in GOES:
        session.execute(delete(_table(name)).where(_whose(_table(name), ids)))
    _of_stories(session, ids, now=now)
    _each(
        session,
        Base.metadata.tables["task"],
        _table("task").c.contact_id.in_(ids) & _table("task").c.closed_at.is_(None),
        {"closed_at": now, "outcome": "dropped"},
    )
    merges = or_(MergeRecord.kept_id.in_(ids), MergeRecord.gone_id.in_(ids))
    session.execute(
        update(MergeRecord)
        .where(MergeRecord.kind == "contact", merges)
        .values(before={}, gone={}, moved=[], undone_at=now)
    )
    spared = PROOF if kept.gifts else ()
    session.execute(update(Contact).where(Contact.id.in_(ids)).values(**_blank(spared), version=Contact.version + 1))
    session.execute(update(Contact).where(Contact.id == contact.id).values(deleted_at=now, updated_at=now))
    session.expire_all()
    return kept


def _blank(spared: Sequence[str]) -> dict[str, Any]:
    """Every column of a contact as it is when nothing is known."""
    values: dict[str, Any] = {}
    for column in Contact.__table__.columns:
        if column.name in KEPT_COLUMNS or column.name in spared or column.name == "kind":
            continue
        default = column.default.arg if column.default is not None and column.default.is_scalar else ""
        values[column.name] = None if column.nullable else default
    return values


def _of_desks(session: Session, ids: Sequence[int]) -> None:
    """No place to which they belonged names them as who is at its desk."""
    stays = select(Membership.organization_id).where(Membership.contact_id.in_(ids))
    people = session.scalars(select(Contact).where(Contact.id.in_(ids))).all()
    called = {f"{one.first_name} {one.last_name}".strip().casefold() for one in people} - {""}
    mainly = {one.organization_id for one in people if one.organization_id is not None}
    for place in session.scalars(
        select(Organization).where(or_(Organization.id.in_(mainly), Organization.id.in_(stays)))
    ):
        for name in DESK:
            if " ".join(getattr(place, name).split()).casefold() in called:
                setattr(place, name, "")
    session.flush()


def _of_deliveries(session: Session, ids: Sequence[int]) -> None:
    sent = _table("delivery")
    mine = select(sent.c.id).where(sent.c.contact_id.in_(ids))
    receipts, events = _table("delivery_receipt"), _table("provider_event")
    told = select(receipts.c.provider_event_id).where(receipts.c.delivery_id.in_(mine))
    _each(session, events, events.c.id.in_(told), {"payload": {}})
    for name, values in OF_A_DELIVERY.items():
        _each(session, _table(name), _table(name).c.delivery_id.in_(mine), values)


def _of_stories(session: Session, ids: Sequence[int], *, now: datetime) -> None:
    """What nobody signed goes, and its page is closed; what was signed stays."""
    story, permission = _table("story"), _table("authorization")
    signed = select(permission.c.id).where(permission.c.contact_id.in_(ids), permission.c.signed_at.is_not(None))
    never = story.c.contact_id.in_(ids) & or_(
        story.c.authorization_id.is_(None), story.c.authorization_id.not_in(signed)
    )
    files = _table("story_file")
    session.execute(delete(files).where(files.c.story_id.in_(select(story.c.id).where(never))))
    _each(session, story, never, {"words": "", "title": "Erased"})
    open_ones = permission.c.contact_id.in_(ids) & permission.c.signed_at.is_(None)
    _each(session, permission, open_ones, {"wording": "", "state": "revoked", "revoked_at": now, "revoked_by": "staff"})


def _each(session: Session, table: Table, which: ColumnElement[bool], values: dict[str, Any]) -> None:
    session.execute(update(table).where(which).values(**values))


def _whose(table: Table, ids: Sequence[int]) -> ColumnElement[bool]:
    aims = [
        column for column in table.columns if any(key.column.table.name == "contact" for key in column.foreign_keys)
    ]
    return or_(*(column.in_(ids) for column in aims))


def _all_ids(session: Session, contact: Contact) -> list[int]:
    """The record and all that were merged into it, through any number of merges."""
    found, fresh = [contact.id], [contact.id]
    while fresh:
        fresh = list(
            session.scalars(select(Contact.id).where(Contact.merged_into_id.in_(fresh), Contact.id.not_in(found)))
        )
        found += fresh
    return found


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
