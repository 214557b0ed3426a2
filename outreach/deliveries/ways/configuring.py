"""What administrators set about the ways out: how each is reached, its limits, and how many may be under way."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.deliveries import steering
from outreach.deliveries.models import TransportState
from outreach.deliveries.ways import kept_secrets, throttling, way_rules
from outreach.deliveries.ways.transport_models import InFlight, TransportSetting, TransportThrottle
from outreach.deliveries.ways.way_settings import SECRETS, kept_inside, outside, way_of
from outreach.errors import Refusal

CHANGED_MEANWHILE = Refusal(
    "changed-meanwhile", "Somebody else changed this meanwhile. Look at it again; what you typed was not saved."
)


def configure(
    session: Session,
    settings: Settings,
    name: str,
    *,
    facts: Mapping[str, Any],
    secret: Mapping[str, str],
    revision: str,
    now: datetime,
    by_id: int | None,
) -> Refusal | list[str]:
    """The way is reached like this from its next use on, in web and worker. Answers words about what went along.

    `secret` holds new ones only; those that are not named stay, but a password is for the server it was typed for.
    `revision` is what the form was made from ("" for a new way). Refusals: changed-meanwhile, set-outside, only-here
    (the demo sends nothing outward).
    """
    if outside(settings, name):
        return Refusal("set-outside", "This is set outside, in the environment, and can only be changed there.")
    if kept_inside(settings, name):
        return Refusal("only-here", "In the demo no mail leaves this machine, so SendGrid cannot be set up.")
    row = session.get(TransportSetting, name, with_for_update=True, populate_existing=True)
    if (row.revision if row else "") != revision:
        return CHANGED_MEANWHILE
    said = _other_server(session, name, row.facts if row else {}, facts)
    row = row or TransportSetting(name=name)
    row.facts, row.revision = dict(facts), secrets.token_hex(8)
    row.changed_at, row.by_id = now, by_id
    session.add(row)
    if said is not None and f"{name}.password" not in secret:
        # Whoever may change the server must not have the password sent to one of their own.
        kept_secrets.forget(session, [f"{name}.password"])
    for which, plain in secret.items():
        kept_secrets.keep(session, settings, which, plain, now=now, by_id=by_id)
    throttling.try_anew(session, name)
    session.flush()
    return said or []


def remove(session: Session, settings: Settings, name: str, *, revision: str) -> Refusal | None:
    """The way and its secrets are gone; its mail is held, and goes on when another way may carry it.

    An agreement is with one provider: it goes too. Refusals: changed-meanwhile, set-outside.
    """
    if outside(settings, name):
        return Refusal("set-outside", "This is set outside, in the environment, and can only be changed there.")
    row = session.get(TransportSetting, name, with_for_update=True, populate_existing=True)
    if row is None or row.revision != revision:
        return CHANGED_MEANWHILE
    session.execute(delete(TransportSetting).where(TransportSetting.name == name))
    kept_secrets.forget(session, SECRETS[name])
    session.execute(delete(TransportState).where(TransportState.name == name))
    session.execute(delete(TransportThrottle).where(TransportThrottle.name == name))
    return None


def limit(
    session: Session, name: str, *, per_second: float | None, burst: int | None, per_day: int | None
) -> Refusal | None:
    """The way carries no more than that, from now on; None lifts a limit. Refusals: not-a-limit."""
    fast_enough = per_second is None or 0.01 <= per_second <= way_rules.FASTEST
    if not fast_enough or not _within(burst, 1000) or not _within(per_day, way_rules.MOST_PER_DAY):
        return Refusal("not-a-limit", "A limit is at least 0.01 a second or 1 a day, and not beyond ten million.")
    row = session.get(TransportThrottle, name, with_for_update=True) or TransportThrottle(name=name)
    row.per_second, row.burst, row.per_day = per_second, burst, per_day
    row.tokens, row.tokens_at = None, None
    session.add(row)
    session.flush()
    return None


def set_in_flight(session: Session, chosen: Mapping[str, int], *, now: datetime, by_id: int | None) -> Refusal | None:
    """So many of each kind may be under way at once. Refusals: out-of-bounds, before anything is changed."""
    if any(not 1 <= most <= throttling.most_in_flight(kind) for kind, most in chosen.items()):
        return Refusal("out-of-bounds", "Newsletters may have 1 to 500 under way, everything else 1 to 8.")
    present = throttling.in_flight(session)
    for kind, most in chosen.items():
        if present[kind] != most:
            row = session.get(InFlight, kind, with_for_update=True) or InFlight(kind=kind)
            row.most, row.changed_at, row.by_id = most, now, by_id
            session.add(row)
    session.flush()
    return None


def record_agreement(session: Session, settings: Settings, name: str, signed_on: Any, **who: Any) -> Refusal | None:
    """As `steering.record_agreement`; refused too for a mail server of SendGrid's (no-agreement-possible), and for the
    mailbox of answers before one is connected (no-mailbox)."""
    way = way_of(session, settings, name) if name in SECRETS else None
    hosts = [str(way.facts.get("host", ""))] if way else []
    outer = {"smtp": settings.smtp_url, "inbound": settings.imap_url}.get(name)
    hosts += [way_rules.host_of(outer)] if outer else []
    if signed_on is not None and any(way_rules.signs_no_agreement(host) for host in hosts):
        return Refusal("no-agreement-possible", "This server is SendGrid's, who sign no business associate agreement.")
    if name == "inbound" and signed_on is not None and not any(hosts):
        return Refusal("no-mailbox", "Connect the mailbox first: the agreement is with whoever keeps it.")
    # The environment's server wins over a typed one.
    return steering.record_agreement(session, name, signed_on, host=hosts[-1] if hosts else "", **who)


def _other_server(session: Session, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str] | None:
    """None for the same server as before; else what is to be told. One that the environment named is another one."""
    if before.get("host", "") == after.get("host", ""):
        return None
    state = session.get(TransportState, name, with_for_update=True)
    if state is None or state.baa_signed_on is None:
        return []
    state.baa_signed_on, state.baa_by_id, state.baa_for = None, None, None
    return ["The agreement on record was with the server before: record the one with the new server."]


def _within(number: int | None, most: int) -> bool:
    return number is None or 1 <= number <= most
