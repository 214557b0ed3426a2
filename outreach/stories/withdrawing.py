"""Taking a permission back: at once, everywhere that is still in our hands."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import tasks, timeline
from outreach.contacts.consent import Authorization
from outreach.content.models import MessageAuthorization
from outreach.deliveries import outbox
from outreach.deliveries.house import house_of
from outreach.deliveries.stopping import hold_whole_messages
from outreach.practice.queries import practice_of
from outreach.screen import World
from outreach.stories import locking, outside
from outreach.stories.asking import SOURCE

CHANNELS = ("page", "phone", "letter", "in person")


@dataclass(frozen=True)
class Withdrawn:
    """How many messages quote the words, how many deliveries were held because of it, and in how many places outside
    the words still stand."""

    messages: int = 0
    held: int = 0
    outside: int = 0


def withdraw(
    session: Session,
    authorization: Authorization,
    *,
    now: datetime,
    world: World,
    channel: str,
    by_id: int | None = None,
) -> Withdrawn:
    """The words are used no more: every message that quotes them is held whole, and somebody looks where they went.

    Idempotent. A request that was not signed yet is taken back too.
    """
    locking.hold_permission(session, authorization)
    if authorization.state == "revoked":
        return Withdrawn()
    signed = authorization.state == "signed"
    authorization.state, authorization.revoked_at = "revoked", now
    authorization.revoked_by = channel if channel in CHANNELS else "staff"
    authorization.facts = {**authorization.facts, "withdrawn_by_id": by_id}
    session.flush()
    outbox.cancel(session, now=now, source=SOURCE, source_id=authorization.id, why="permission-withdrawn")
    used_in = list(
        session.scalars(
            select(MessageAuthorization.message_id)
            .where(MessageAuthorization.authorization_id == authorization.id)
            .distinct()
        )
    )
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    held = hold_whole_messages(session, used_in, now=now, house=house)
    _tell(session, authorization, now=now, by_id=by_id, signed=signed)
    standing = outside.still_standing(session, [authorization.id])
    if used_in or standing:
        _task(session, authorization, now=now, messages=len(used_in), standing=standing)
    return Withdrawn(len(used_in), held, standing)


def _task(session: Session, authorization: Authorization, *, now: datetime, messages: int, standing: int) -> None:
    where = [f"{messages} message quotes it" if messages == 1 else f"{messages} messages quote it"] if messages else []
    where += [f"{standing} place outside" if standing == 1 else f"{standing} places outside"] if standing else []
    tasks.add(
        session,
        now=now,
        kind="other",
        title=f"A story was withdrawn: take it out wherever it stands ({', '.join(where)})",
        due_on=now.astimezone(ZoneInfo(practice_of(session).time_zone)).date(),
        owner_id=authorization.facts.get("asked_by_id") or authorization.facts.get("recorded_by_id"),
        contact_id=authorization.contact_id,
        origin=f"authorization:{authorization.id}:withdrawn",
    )


def _tell(session: Session, authorization: Authorization, *, now: datetime, by_id: int | None, signed: bool) -> None:
    what = "Withdrew the permission to tell their story" if signed else "The request for their story was taken back"
    timeline.add(
        session,
        now=now,
        contact_id=authorization.contact_id,
        kind="permission",
        by_id=by_id,
        origin=f"authorization:{authorization.id}:withdrawn",
        text=what,
    )
