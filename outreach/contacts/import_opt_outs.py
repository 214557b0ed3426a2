"""Opt-outs that a file brings: added, never lifted, whatever else the file says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.consent import EVERYTHING, LIFTABLE, Suppression, told
from outreach.contacts.import_batch import Batch, new_ids
from outreach.contacts.import_matching import Person, among
from outreach.contacts.models import Contact


def stop(session: Session, batch: Batch, people: Sequence[Person]) -> None:
    """The addresses get no more mail, and the timeline of whoever has one of them says so. Idempotent.

    An opt-out that is older than the person's own return to the list is left alone. A bounce or complaint, which nobody
    can lift, replaces a reason that the person could: as `consent.suppress` has it.
    """
    wanted = {person.hashed: person for person in reversed(people) if person.hashed}
    if not wanted:
        return
    known, returned = _known(session, list(wanted))
    holders = _holders(session, list(wanted))
    fresh: list[dict[str, Any]] = []
    harder: dict[str, str] = {}
    for person in people:
        row, hashed = person.row, person.hashed
        assert hashed is not None
        contact_id = holders.get(hashed, [None])[0]
        since, back = row.suppressed_at or batch.now, returned.get(hashed)
        if is_harder(row.suppression_reason, known.get(hashed)):
            known[hashed] = harder[hashed] = row.suppression_reason
            reason = row.suppression_reason.capitalize()
            batch.line(row.row_number, "stopped", reason=reason, contact_id=contact_id)
        elif hashed in known:
            batch.line(row.row_number, "unchanged", reason="This address is stopped already.", contact_id=contact_id)
        elif back is not None and row.suppressed_at is not None and row.suppressed_at < back:
            batch.line(row.row_number, "unchanged", reason="They signed up again since.", contact_id=contact_id)
        else:
            reason = row.suppression_reason or "unsubscribed"
            known[hashed] = reason
            base = {"topic": EVERYTHING, "source": "import", "by_id": batch.run.by_id}
            fresh.append({**base, "address_hash": hashed, "reason": reason, "since_at": min(since, batch.now)})
            batch.line(row.row_number, "stopped", reason=reason.capitalize(), contact_id=contact_id)
    if fresh:
        _write(session, batch, fresh, holders)
    _harden(session, harder)


def is_harder(said: str, known: str | None) -> bool:
    """Whether a stop that a file tells of outlives the one that is known (None: nothing is)."""
    return known in LIFTABLE and said not in ("", *LIFTABLE)


def _harden(session: Session, harder: dict[str, str]) -> None:
    for reason in sorted(set(harder.values())):
        whose = among(session, Suppression.address_hash, [hashed for hashed, said in harder.items() if said == reason])
        liftable = (Suppression.lifted_at.is_(None), Suppression.reason.in_(LIFTABLE))
        session.execute(
            update(Suppression)
            .where(whose, Suppression.topic == EVERYTHING, *liftable)
            .values(reason=reason, source="import")
            .execution_options(synchronize_session=False)
        )


def _write(session: Session, batch: Batch, fresh: list[dict[str, Any]], holders: dict[str, list[int]]) -> None:
    for made, id_ in zip(fresh, new_ids(session, Suppression), strict=False):
        made["id"] = id_
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # Somebody may unsubscribe while the file is read: theirs stands, and tells its own story.
    session.execute(build(Suppression).on_conflict_do_nothing(), fresh)
    ids = [made["id"] for made in fresh]
    written = set(session.scalars(select(Suppression.id).where(among(session, Suppression.id, ids))))
    touches: list[dict[str, object]] = [
        {
            "contact_id": contact_id,
            "kind": "unsubscribed",
            "at": batch.now,
            "text": told(EVERYTHING, made["reason"], "import"),
            "minutes": None,
            "by_id": batch.run.by_id,
            "origin": f"suppression:{made['id']}",
            "from_yield": False,
        }
        for made in fresh
        if made["id"] in written
        for contact_id in holders.get(made["address_hash"], ())
    ]
    timeline.add_many(session, touches)


def _known(session: Session, hashes: list[str]) -> tuple[dict[str, str], dict[str, datetime]]:
    live: dict[str, str] = {}
    returned: dict[str, datetime] = {}
    rows = session.execute(
        select(Suppression.address_hash, Suppression.reason, Suppression.lifted_at).where(
            among(session, Suppression.address_hash, hashes), Suppression.topic == EVERYTHING
        )
    )
    for hashed, reason, lifted_at in rows:
        if lifted_at is None:
            live[hashed] = reason
        else:
            returned[hashed] = max(lifted_at, returned.get(hashed, lifted_at))
    return live, returned


def _holders(session: Session, hashes: list[str]) -> dict[str, list[int]]:
    holders: dict[str, list[int]] = {}
    for id_, hashed in session.execute(
        select(Contact.id, Contact.address_hash).where(
            among(session, Contact.address_hash, hashes), Contact.deleted_at.is_(None)
        )
    ):
        holders.setdefault(str(hashed), []).append(id_)
    return holders
