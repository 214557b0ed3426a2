"""Signing: on the consent page or on paper. What was signed is kept word for word."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import tasks, timeline
from outreach.contacts.consent import SCOPES, Authorization
from outreach.contacts.models import Contact
from outreach.content.drafts import Draft
from outreach.content.publishing import keep
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.screen import World
from outreach.stories import asking, locking, pictures, rules
from outreach.stories.asking import PURPOSE, SOURCE, STORY_CLASSES, Wish
from outreach.stories.models import Story


def sign(
    session: Session,
    authorization: Authorization,
    *,
    now: datetime,
    signer: str,
    authority: str = "",
    scopes: Collection[str],
    picture: bool = False,
) -> Refusal | None:
    """The permission is signed for the ticked places; the exact text is kept. Only what was asked can be ticked.

    `picture`: the picture on the page may be shown too; it comes into the library then.

    Refusals: withdrawn, already-signed, request-over, no-name, unknown-authority, no-scope, closed.
    """
    locking.hold_permission(session, authorization)
    today = _today(session, now)
    if (no := refuse_signing(session, authorization, today=today)) is not None:
        return no
    name = " ".join(signer.split())[:200]
    if len(name) < 2:
        return Refusal("no-name", "Type your full name: it is your signature.")
    if authority not in rules.AUTHORITIES:
        return Refusal("unknown-authority", "Choose for whom you sign.")
    ticked = [scope for scope in authorization.scopes if scope in scopes]
    if not ticked:
        return Refusal("no-scope", "Tick at least one place, or close the page without signing.")
    _seal(session, authorization, now=now, on=today, signer=name, authority=authority, scopes=ticked, picture=picture)
    authorization.facts = {**authorization.facts, "way": "page"}
    _tell(session, authorization, now=now, by_id=None, what="Signed the permission to tell their story, on our page")
    tasks.add(
        session,
        now=now,
        kind="thank",
        title="A story was signed: say thank you, then use it",
        due_on=today,
        owner_id=authorization.facts.get("asked_by_id"),
        contact_id=authorization.contact_id,
        origin=f"authorization:{authorization.id}:signed",
    )
    return None


def record_paper(
    session: Session,
    story: Story,
    wish: Wish,
    *,
    now: datetime,
    signed_on: date,
    signer: str,
    authority: str = "",
    document: str,
    by_id: int | None,
    picture: bool = False,
) -> Authorization | Refusal:
    """A signature on paper counts like one on the page; `document` says where the paper is kept.

    `picture`: the paper allows the picture of the story too.

    Refusals: closed, already-signed, no-name, no-document, bad-date, unknown-authority, and those of a wish.
    """
    locking.hold(session, story)
    today = _today(session, now)
    if story.closed_at is not None:
        return Refusal("closed", "This story is closed.")
    known = session.get(Authorization, story.authorization_id) if story.authorization_id else None
    if known is not None and rules.state_of(known.state, known.expires_on, on=today) == "live":
        return Refusal("already-signed", "There is a live permission for this story already.")
    if (no := asking.refuse_wish(wish, today=today)) is not None:
        return no
    if len(" ".join(signer.split())) < 2:
        return Refusal("no-name", "Type the name that stands on the paper.")
    if not document.strip():
        return Refusal("no-document", "Say where the signed paper is kept.")
    if authority not in rules.AUTHORITIES:
        return Refusal("unknown-authority", "Choose for whom the person signed.")
    if not signed_on <= today or wish.expires_on > rules.latest_end(signed_on):
        return Refusal("bad-date", "The paper was signed today or earlier, and ends within five years of that day.")
    authorization = _asked_for(session, story, known)
    authorization.identity, authorization.expires_on = wish.identity, wish.expires_on
    authorization.purpose = wish.purpose.strip()[:500] or rules.DEFAULT_PURPOSE
    scopes = [scope for scope in SCOPES if scope in wish.scopes]
    name = " ".join(signer.split())[:200]
    _seal(
        session, authorization, now=now, on=signed_on, signer=name, authority=authority, scopes=scopes, picture=picture
    )
    authorization.facts = {
        **authorization.facts,
        "way": "paper",
        "document": document.strip()[:500],
        "recorded_by_id": by_id,
        "story_id": story.id,
    }
    session.flush()
    story.authorization_id, story.updated_at = authorization.id, now
    _tell(session, authorization, now=now, by_id=by_id, what="Signed the permission to tell their story, on paper")
    return authorization


def mail_copy(session: Session, authorization: Authorization, *, now: datetime, world: World) -> int | Refusal:
    """The signer gets a link to their signed copy by email, where client mail may leave; answers the delivery's id.

    Refusals: not-signed, and whatever stops mail to this person: the page itself offers the copy to print then.
    """
    if authorization.state != "signed":
        return Refusal("not-signed", "Nothing is signed yet.")
    contact = session.get_one(Contact, authorization.contact_id)
    if not contact.email:
        return Refusal("no-email", "There is no email address; the page can be printed.")
    kept = keep(
        session,
        now=now,
        world=world,
        draft=_copy_words(),
        kind="story-copy",
        by_id=None,
        audiences=STORY_CLASSES,
    )
    if isinstance(kept, Refusal):
        return kept
    base = (world.settings.public_url or practice_of(session).public_url).rstrip("/")
    page = f"{base}/a/{{token:{PURPOSE}:{authorization.id}}}"
    put = outbox.put(
        session,
        now=now,
        world=world,
        message_id=kept.id,
        kind="story-copy",
        source=SOURCE,
        source_id=authorization.id,
        step="copy",
        contact_ids=[authorization.contact_id],
        values={authorization.contact_id: {"consent_url": page}},
    )
    stopped = [reason for reason in put.counts if reason not in ("scheduled", "already")]
    if stopped:
        outbox.cancel(session, now=now, source=SOURCE, source_id=authorization.id, step="copy", why="handed-over")
        return Refusal(stopped[0], "The copy could not be mailed; the page can be printed.")
    return put.ids[authorization.contact_id]


def found(session: Session, token: str) -> Authorization | None:
    """The permission that a page's token stands for, or None when it was cut short, guessed or revoked."""
    known = tokens.look_up(session, PURPOSE, token)
    return session.get(Authorization, known.subject_id) if known else None


def refuse_signing(session: Session, authorization: Authorization, *, today: date) -> Refusal | None:
    """Why this page cannot be signed any more, or None."""
    if authorization.state == "revoked":
        return Refusal("withdrawn", "This permission was withdrawn. Your words are no longer used.")
    if authorization.state == "signed":
        return Refusal("already-signed", "You have signed this already.")
    if authorization.expires_on is None or authorization.expires_on <= today:
        return Refusal("request-over", "This request is too old. Nothing was signed; please ask us for a new page.")
    closed = select(Story.closed_at).where(Story.authorization_id == authorization.id)
    if authorization.state != "requested" or session.scalar(closed) is not None:
        return Refusal("closed", "This request was taken back. Nothing was signed.")
    return None


def _asked_for(session: Session, story: Story, known: Authorization | None) -> Authorization:
    """The open request that the paper answers, else a permission for the words and picture as they are now."""
    if known is not None and known.state == "requested":
        return known
    file = pictures.current(session, story.id)
    facts = {pictures.ASKED: file.id} if file is not None else {}
    made = Authorization(contact_id=story.contact_id, wording=story.words, scopes=[], facts=facts)
    session.add(made)
    session.flush()
    return made


def _seal(
    session: Session,
    authorization: Authorization,
    *,
    now: datetime,
    on: date,
    signer: str,
    authority: str,
    scopes: list[str],
    picture: bool,
) -> None:
    file = pictures.asked_about(session, authorization) if picture else None
    practice = practice_of(session)
    assert authorization.expires_on is not None
    authorization.scopes, authorization.signer, authorization.authority = scopes, signer, authority
    authorization.form_text = rules.form_text(
        practice=practice.name,
        phone=practice.phone,
        wording=authorization.wording,
        identity=authorization.identity,
        scopes=scopes,
        purpose=authorization.purpose,
        expires_on=authorization.expires_on,
        signer=signer,
        authority=authority,
        signed_on=on,
        picture=pictures.words_of(file),
    )
    authorization.state, authorization.signed_at = "signed", now
    authorization.facts = {**authorization.facts, "signed_on": on.isoformat(), pictures.SIGNED: file is not None}
    if file is not None:
        session.flush()
        title = session.get_one(Story, file.story_id).title
        pictures.into_library(session, authorization, file, title=title, now=now)


def _tell(session: Session, authorization: Authorization, *, now: datetime, by_id: int | None, what: str) -> None:
    session.flush()
    timeline.add(
        session,
        now=now,
        contact_id=authorization.contact_id,
        kind="permission",
        by_id=by_id,
        origin=f"authorization:{authorization.id}:signed",
        text=what,
    )


def _copy_words() -> Draft:
    return Draft(
        subject="Your copy of the permission you signed",
        preview_line="Keep it; you can take the permission back there at any time.",
        layout="plain",
        blocks=[
            {"type": "greeting", "word": "Dear", "fallback": "friend"},
            {"type": "text", "html": "<p>Thank you. Here is your copy of what you signed, to read or print.</p>"},
            {"type": "button", "label": "My signed copy", "url": "{{ consent_url }}"},
            {"type": "signature"},
        ],
    )


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(practice_of(session).time_zone)).date()
