"""Keeping a message: from here on it never changes. The gate for stories and for what clients may be told is here."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.content.blocks import Quoted
from outreach.content.compiling import Compiled, compile_draft, context_for, problems_of, quotes_of
from outreach.content.details import DETAILS, EVENT_DETAILS, URL_DETAILS
from outreach.content.drafts import Draft, clean
from outreach.content.kinds import MESSAGE_KINDS, PROVIDERS, story_scopes
from outreach.content.languages import LANGUAGES, READS, each_language
from outreach.content.models import Message, MessageAuthorization
from outreach.errors import Refusal
from outreach.screen import World

MAX_HTML_BYTES = 90_000
SPONSORED_TO_CLIENTS = (
    "Somebody outside pays for this message, and it goes to clients or families. Each of them would have to sign for "
    "that first (45 CFR 164.508(a)(3)). Leave clients out, or send it unpaid."
)


def keep(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    by_id: int | None,
    audiences: Collection[str] = PROVIDERS,
    topic: str | None = None,
) -> Message | Refusal:
    """The message as it will be sent is kept, with the stories it quotes. Idempotent: same content, same row.

    `audiences` are the audience classes it goes to; `topic` replaces the kind's own (an asking campaign: "asks").
    Refusals: no-subject, sponsored, unknown-block, unknown-detail, detail-not-allowed, no-authorization, too-large, and
    the blockers of the blocks (no-story, no-picture, broken-link, …).
    """
    draft, found = clean(replace(draft, shown="").to_json(), world.content_blocks)
    classes = tuple(sorted(set(audiences)))
    context = context_for(session, now=now, settings=world.settings, kind=kind, audiences=classes, layout=draft.layout)
    for version in draft.versions().values():
        found += problems_of(version, context, world.content_blocks)
        if not version.subject:
            return Refusal("no-subject", "The message has no subject.")
    if draft.sponsored == "yes" and "client" in classes:
        return Refusal("sponsored", SPONSORED_TO_CLIENTS)
    if stopped := next((problem for problem in found if problem.level == "blocker"), None):
        return Refusal(stopped.reason, stopped.text)
    quoted = [quote for _, quote in quotes_of(draft, context, world.content_blocks)]
    scopes = story_scopes(kind, classes)
    # A refusal is falsy: it is asked for by identity.
    refusal = not_live(session, quoted, scopes, on=context.today)
    if refusal is not None:
        return refusal
    compiled = compile_draft(draft, context, world.content_blocks)
    refusal = _refused(compiled, classes, _known_details(world))
    if refusal is not None:
        return refusal
    topic = MESSAGE_KINDS[kind].topic if topic is None else topic
    return _stored(session, _row(compiled, draft, classes, topic, now, by_id), quoted, scopes)


def not_live(session: Session, quoted: Collection[Quoted], scopes: Collection[str], *, on: date) -> Refusal | None:
    """The first story that may not be used for one of these scopes on that day, as a refusal that names the line."""
    for quote in quoted:
        story = session.get(Authorization, quote.authorization_id)
        if story is None or not all(is_live(story, scope, on=on) for scope in scopes):
            text = f"{quote.line} has no permission that is live on {on:%b %-d, %Y} and covers this use."
            return Refusal("no-authorization", text, (quote.line,))
    return None


def message_of(session: Session, message_id: int) -> Message:
    """The message with that id. Errors: NoResultFound."""
    return session.get_one(Message, message_id)


def _known_details(world: World) -> set[str]:
    offered = {name for block in world.content_blocks for name in block.details}
    return {*DETAILS, *URL_DETAILS, *EVENT_DETAILS, *offered, *(READS + each for each in LANGUAGES)}


def _refused(compiled: Compiled, classes: Collection[str], known: Collection[str]) -> Refusal | None:
    for name in compiled.details:
        if name not in known:
            return Refusal("unknown-detail", f"“{name}” is not a detail we know.")
        if "client" in classes and name in DETAILS and not DETAILS[name].client:
            label = DETAILS[name].label
            return Refusal("detail-not-allowed", f"“{label}” may not stand in mail to clients and families.")
    if size_bytes(compiled) > MAX_HTML_BYTES:
        return Refusal("too-large", "The message is too large: mail programs would cut it off. Remove some blocks.")
    return None


def size_bytes(compiled: Compiled) -> int:
    """The size of the HTML part in its longest language, with all fallbacks, every group's blocks included."""
    return max(len(json.dumps(each, ensure_ascii=False).encode()) for each in each_language(compiled.html))


def _row(
    compiled: Compiled, draft: Draft, classes: tuple[str, ...], topic: str, now: datetime, by_id: int | None
) -> dict[str, Any]:
    kind = MESSAGE_KINDS[compiled.kind]
    content = {
        "kind": kind.name,
        "mail_class": kind.mail_class,
        "topic": topic,
        "audiences": list(classes),
        "subject": draft.subject,
        "segments": compiled.to_json(),
        "links": list(compiled.links),
        "details": list(compiled.details),
        "groups": list(compiled.groups),
        "draft": draft.to_json(),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return {**content, "digest": digest, "made_at": now, "made_by_id": by_id}


def _stored(session: Session, row: dict[str, Any], quoted: Collection[Quoted], scopes: Collection[str]) -> Message:
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(build(Message).values(**row).on_conflict_do_nothing(index_elements=["digest"]))
    message = session.scalars(select(Message).where(Message.digest == row["digest"])).one()
    lines = {quote.authorization_id: quote.line for quote in quoted}
    if lines:
        rows = [
            {"message_id": message.id, "authorization_id": story, "scope": scope, "line": line[:500]}
            for story, line in lines.items()
            for scope in scopes
        ]
        session.execute(build(MessageAuthorization).on_conflict_do_nothing(), rows)
    return message
