"""One message of an event to many people: words, answer links, calendar files, and the door outward."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts.models import Contact
from outreach.content.publishing import keep
from outreach.deliveries import outbox
from outreach.deliveries.mail.message import CalendarPart
from outreach.deliveries.models import Delivery
from outreach.deliveries.ways.way_settings import inbound_agreed_on
from outreach.errors import Refusal
from outreach.events import calendar, saying, wording
from outreach.events.models import Event, Invitation
from outreach.practice.models import Practice
from outreach.practice.queries import practice_of
from outreach.screen import World

SOURCE = "event"
NOT_REACHED = ("suppressed", "failed", "expired")
NOBODY = ("deceased", "erased", "removed")
"""Reasons for which nobody is called either."""
AWAY = ("sending", "sent", "delivered", "complained", "unconfirmed", "resend-approved", "abandoned")
"""States in which a message may have arrived: its calendar entry may stand in somebody's calendar."""


@dataclass(frozen=True)
class Posted:
    """What became of each: {contact id: (state, reason)} as the ledger has it now."""

    states: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def not_reached(self) -> list[int]:
        """Those to whom this will not go: a person has to tell them."""
        return [each for each, (state, _) in self.states.items() if state in NOT_REACHED]

    @property
    def to_call(self) -> list[int]:
        """Those of them whom somebody can call."""
        return [each for each in self.not_reached if self.states[each][1] not in NOBODY]


def words(
    session: Session,
    event: Event,
    contact_ids: Collection[int],
    *,
    now: datetime,
    world: World,
    kind: str,
    by_id: int | None,
) -> int | Refusal:
    """The id of the kept message in those words for these people. Before anything else changes: it may be refused.

    Refusals: as `content.publishing.keep`.
    """
    people = _people(session, list(contact_ids))
    kept = keep(
        session,
        now=now,
        world=world,
        draft=wording.draft_for(session, event, kind),
        kind=wording.message_kind(kind),
        by_id=by_id,
        audiences={each.audience_class for each in people.values()} or {"provider"},
    )
    return kept if isinstance(kept, Refusal) else kept.id


def post(
    session: Session,
    event: Event,
    invitations: Sequence[Invitation],
    *,
    now: datetime,
    world: World,
    message_id: int,
    kind: str,
    step: str,
    method: calendar.Method | None = None,
    occurrence: str = "",
    not_before_at: datetime | None = None,
    local_time: int | None = None,
    not_after_at: datetime | None = None,
    contact_ids: Collection[int] = (),
) -> Posted:
    """Everyone invited (and the further `contact_ids`, without links) has this message in the outbox.

    With a `method` each gets a calendar file. Idempotent by step and occurrence.
    """
    by_contact = {one.contact_id: one for one in invitations}
    ids = list(dict.fromkeys([*by_contact, *contact_ids]))
    people = _people(session, ids)
    practice = practice_of(session)
    _register_tokens(session, invitations, world)
    put = outbox.put(
        session,
        now=now,
        world=world,
        message_id=message_id,
        kind=wording.message_kind(kind),
        source=SOURCE,
        source_id=event.id,
        step=step,
        contact_ids=ids,
        occurrence=occurrence,
        not_before_at=not_before_at,
        local_time=local_time,
        not_after_at=not_after_at,
        values=_values(session, event, people, by_contact, practice, now=now, world=world),
        calendars=_files(session, event, people, by_contact, practice, method, now=now, world=world),
    )
    return Posted(_states(session, put.ids))


def calendar_invitation(
    session: Session,
    event: Event,
    invitation: Invitation,
    contact: Contact,
    practice: Practice,
    *,
    key: bytes,
    agreed: bool,
) -> calendar.Invitation:
    """The meeting as this person's calendar is to see it. `invitation` has its sequence and stamp already.

    `agreed`: our mailbox for answers is under an agreement, so that clients' calendars may answer to it.
    """
    assert event.starts_at is not None
    assert event.ends_at is not None
    assert invitation.uid is not None
    return calendar.Invitation(
        uid=invitation.uid,
        sequence=invitation.sequence,
        issued_at=invitation.issued_at,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        zone=event.time_zone,
        summary=f"{event.title}, {practice.name}",
        organizer_name=practice.name,
        organizer_email=_organizer(invitation, contact, practice, key, agreed=agreed),
        attendee_name=contact.name,
        attendee_email=contact.email or "",
        location=saying.where(session, event),
        description=_description(event, practice),
    )


def domain_of(practice: Practice) -> str:
    """What stands after the @ of a UID."""
    return practice.inbound_domain or practice.sender_email.rpartition("@")[2] or "outreach.invalid"


def reached(session: Session, event: Event) -> set[int]:
    """The contacts in whose calendar an entry of this event may stand."""
    kinds = ("invitation", "invitation-update")
    return set(
        session.scalars(
            select(Delivery.contact_id).where(
                Delivery.source == SOURCE,
                Delivery.source_id == event.id,
                Delivery.kind.in_(kinds),
                Delivery.state.in_(AWAY),
                Delivery.contact_id.is_not(None),
            )
        )
    )


def _people(session: Session, ids: Sequence[int]) -> dict[int, Contact]:
    found: dict[int, Contact] = {}
    for start in range(0, len(ids), 500):
        rows = session.scalars(select(Contact).where(Contact.id.in_(ids[start : start + 500])))
        found.update({contact.id: contact for contact in rows})
    return found


def _values(
    session: Session,
    event: Event,
    people: dict[int, Contact],
    invited: dict[int, Invitation],
    practice: Practice,
    *,
    now: datetime,
    world: World,
) -> dict[int, dict[str, str]]:
    base = (world.settings.public_url or practice.public_url).rstrip("/")
    place, host = saying.where(session, event), saying.host(session, event)
    facts = {"event_title": event.title, "event_where": place, "event_host": host}
    found = {}
    for contact_id, contact in people.items():
        values = {**facts, "event_when": saying.when(event, now=now, reader_zone=contact.time_zone)}
        if contact_id in invited:
            values |= _links(base, invited[contact_id])
        found[contact_id] = values
    return found


def _links(base: str, invitation: Invitation) -> dict[str, str]:
    """Addresses with a place for the token: the token itself is filled in when the message leaves, never stored."""
    page = f"{base}/r/{{token:rsvp:{invitation.id}::{invitation.rsvp_generation}}}"
    answers = {f"rsvp_{answer}_url": f"{page}?answer={answer}" for answer in ("yes", "no", "maybe")}
    return {**answers, "rsvp_url": page, "calendar_url": f"{page}/event.ics"}


def _files(
    session: Session,
    event: Event,
    people: dict[int, Contact],
    invited: dict[int, Invitation],
    practice: Practice,
    method: calendar.Method | None,
    *,
    now: datetime,
    world: World,
) -> dict[int, CalendarPart]:
    if method is None:
        return {}
    write = calendar.request if method == "REQUEST" else calendar.cancel
    ascii_only = _by_api(world, practice, now)
    agreed = inbound_agreed_on(session, world.settings) is not None
    found = {}
    for contact_id, invitation in invited.items():
        contact = people.get(contact_id)
        # An answer by calendar would come back to a mailbox that no agreement covers: clients answer on the page.
        if contact is None or not contact.email or contact.audience_class == "client":
            continue
        if not calendar.ADDRESS.fullmatch(contact.email):
            continue
        one = calendar_invitation(session, event, invitation, contact, practice, key=world.key, agreed=agreed)
        found[contact_id] = CalendarPart(method, write(one, ascii_only=ascii_only))
    return found


def _by_api(world: World, practice: Practice, now: datetime) -> bool:
    """Whether invitations leave by the API that cannot say its charset (standards C2)."""
    today = now.astimezone(ZoneInfo(practice.time_zone)).date()
    chosen = world.transports.choose(kind="invitation", audience_class="provider", agreements={}, on=today)
    return bool(chosen == "sendgrid")


def _register_tokens(session: Session, invitations: Sequence[Invitation], world: World) -> None:
    rows = []
    for one in invitations:
        page = tokens.derive(world.key, "rsvp", one.id, "", one.rsvp_generation)
        rows.append((page, "rsvp", one.id, "", one.rsvp_generation))
        rows.append((_reply_token(world.key, one), "reply", one.id, "rsvp", one.rsvp_generation))
    tokens.register(session.connection(), rows)


def _organizer(invitation: Invitation, contact: Contact, practice: Practice, key: bytes, *, agreed: bool) -> str:
    """Where calendars answer: for clients our mailbox for incoming mail only while it is under an agreement."""
    if contact.audience_class == "client" and not agreed:
        return practice.sender_email
    if not practice.inbound_domain:
        return practice.reply_to_email or practice.sender_email
    return f"rsvp+{_reply_token(key, invitation)}@{practice.inbound_domain}"


def _reply_token(key: bytes, invitation: Invitation) -> str:
    """Another token than the page's: it stands in calendars that others can see, and may only bring an answer."""
    return tokens.derive(key, "reply", invitation.id, "rsvp", invitation.rsvp_generation)


def _description(event: Event, practice: Practice) -> str:
    lines = [event.topic, event.learning_points, f"Questions? {practice.name}, {practice.phone}".rstrip(", ")]
    return "\n\n".join(line for line in lines if line.strip())


def _states(session: Session, ids: dict[int, int]) -> dict[int, tuple[str, str]]:
    wanted, found = list(ids.values()), {}
    for start in range(0, len(wanted), 500):
        rows = session.execute(
            select(Delivery.contact_id, Delivery.state, Delivery.reason).where(
                Delivery.id.in_(wanted[start : start + 500])
            )
        )
        found.update({row.contact_id: (row.state, row.reason) for row in rows})
    return found
