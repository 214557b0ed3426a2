"""Collecting a story and asking for the permission to tell it."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import timeline
from outreach.contacts.consent import SCOPES, Authorization
from outreach.contacts.models import Contact
from outreach.content.drafts import Draft
from outreach.content.publishing import keep
from outreach.deliveries import outbox
from outreach.deliveries.house import house_of
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.screen import World
from outreach.stories import locking, pictures, rules
from outreach.stories.models import Story

PURPOSE = "authorization"
SOURCE = "story"
STORY_CLASSES = ("client",)
NO_WAY = (
    "No way out here may carry mail to clients: none has a recorded business associate agreement. "
    "Print the page or hand over the link instead; nothing was sent."
)


@dataclass(frozen=True)
class Wish:
    """What the client is asked to allow."""

    scopes: tuple[str, ...]
    expires_on: date
    identity: str = "first-name"
    purpose: str = rules.DEFAULT_PURPOSE


def start(
    session: Session, *, now: datetime, contact_id: int, title: str, words: str, by_id: int | None
) -> Story | Refusal:
    """The words are kept as a draft that nobody may use yet. Refusals: no-contact, not-a-client, no-words, too-long."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.deleted_at is not None:
        return Refusal("no-contact", "Choose whose story it is.")
    if contact.audience_class not in STORY_CLASSES:
        return Refusal("not-a-client", "Stories are told by clients, former clients and families.")
    if (no := _words(words)) is not None:
        return no
    story = Story(
        contact_id=contact_id,
        title=title.strip()[:200] or "Story",
        words=words.strip(),
        made_by_id=by_id,
        created_at=now,
        updated_at=now,
    )
    session.add(story)
    session.flush()
    return story


def reword(session: Session, story: Story, *, now: datetime, title: str, words: str) -> Refusal | None:
    """The draft is changed. Words that somebody was asked about or signed are theirs: `already-asked`."""
    locking.hold(session, story)
    if story.authorization_id is not None and words.strip() != story.words:
        standing = session.get_one(Authorization, story.authorization_id)
        if standing.state in ("requested", "signed"):
            return Refusal("already-asked", "These words were sent for signing or are signed. Start a new story.")
    if (no := _words(words)) is not None:
        return no
    story.title, story.words, story.updated_at = title.strip()[:200] or "Story", words.strip(), now
    return None


def ask(
    session: Session, story: Story, wish: Wish, *, now: datetime, key: bytes, by_id: int | None
) -> Authorization | Refusal:
    """A consent page is open for these exact words and their picture; its link can be mailed, handed over or printed.

    Refusals: closed, recovery-hold, already-asked, no-scope, unknown-scope, unknown-identity, bad-end.
    """
    locking.hold(session, story)
    if story.closed_at is not None:
        return Refusal("closed", "This story is closed.")
    contact = session.get_one(Contact, story.contact_id)
    if any((contact.recovery_hold_at, contact.do_not_contact_at, contact.deceased_on)):
        return Refusal("recovery-hold", "Outreach to this person is on hold: nothing is asked now.")
    today = _today(session, now)
    known = session.get(Authorization, story.authorization_id) if story.authorization_id else None
    if known is not None and known.state == "requested":
        return Refusal("already-asked", "The page for these words is open already.")
    if known is not None and rules.state_of(known.state, known.expires_on, on=today) == "live":
        return Refusal("already-asked", "There is a live permission for these words.")
    if (no := refuse_wish(wish, today=today)) is not None:
        return no
    authorization = Authorization(
        contact_id=story.contact_id,
        state="requested",
        wording=story.words,
        identity=wish.identity,
        scopes=[scope for scope in SCOPES if scope in wish.scopes],
        purpose=wish.purpose.strip()[:500] or rules.DEFAULT_PURPOSE,
        expires_on=wish.expires_on,
        facts={"asked_at": now.isoformat(), "asked_by_id": by_id, "story_id": story.id},
    )
    picture = pictures.current(session, story.id)
    if picture is not None:
        authorization.facts = {**authorization.facts, pictures.ASKED: picture.id}
    session.add(authorization)
    session.flush()
    story.authorization_id, story.updated_at = authorization.id, now
    tokens.issue(session, key, PURPOSE, authorization.id)
    timeline.add(
        session,
        now=now,
        contact_id=story.contact_id,
        kind="permission",
        by_id=by_id,
        origin=f"authorization:{authorization.id}:asked",
        text="Asked for the permission to tell their story",
    )
    return authorization


def mail(
    session: Session, authorization: Authorization, *, now: datetime, world: World, by_id: int | None
) -> int | Refusal:
    """The link to the consent page is in the outbox; answers the delivery's id. Idempotent.

    Refusals: not-asked, no-allowed-transport, no-email, no-permission … (whatever stops mail to this person).
    """
    if authorization.state != "requested":
        return Refusal("not-asked", "There is no open request.")
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    if house.transport_for("consent-request", "client") is None:
        return Refusal("no-allowed-transport", NO_WAY)
    kept = keep(
        session,
        now=now,
        world=world,
        draft=request_words(),
        kind="consent-request",
        by_id=by_id,
        audiences=STORY_CLASSES,
    )
    if isinstance(kept, Refusal):
        return kept
    page = f"{house.public_url}/a/{{token:{PURPOSE}:{authorization.id}}}"
    put = outbox.put(
        session,
        now=now,
        world=world,
        message_id=kept.id,
        kind="consent-request",
        source=SOURCE,
        source_id=authorization.id,
        step="request",
        contact_ids=[authorization.contact_id],
        values={authorization.contact_id: {"consent_url": page}},
    )
    stopped = [reason for reason in put.counts if reason not in ("scheduled", "already")]
    if stopped:
        outbox.cancel(session, now=now, source=SOURCE, source_id=authorization.id, step="request", why="handed-over")
        text = f"No email was sent: {stopped[0].replace('-', ' ')}. Print the page or hand over the link instead."
        return Refusal(stopped[0], text)
    return put.ids[authorization.contact_id]


def request_words() -> Draft:
    """The standard request, short and without pressure."""
    text = (
        "<p>Thank you for telling us about your time with us. We would like to share your words with others, and we "
        "only do so with your written permission.</p><p>On the page below you see your words exactly as they would "
        "be shown, and you choose where. Take your time; there is no need to say yes.</p>"
    )
    return Draft(
        subject="May we share your words?",
        preview_line="You decide where, and you can take it back at any time.",
        layout="plain",
        blocks=[
            {"type": "greeting", "word": "Dear", "fallback": "friend"},
            {"type": "text", "html": text},
            {"type": "button", "label": "See my words and decide", "url": "{{ consent_url }}"},
            {"type": "signature"},
        ],
    )


def refuse_wish(wish: Wish, *, today: date) -> Refusal | None:
    """Why a permission cannot be asked for or recorded like this, or None."""
    if not wish.scopes:
        return Refusal("no-scope", "Tick at least one place where the words may be used.")
    if any(scope not in rules.SCOPE_LABELS for scope in wish.scopes):
        return Refusal("unknown-scope", "One of the places is not known.")
    if wish.identity not in rules.IDENTITIES:
        return Refusal("unknown-identity", "Choose how the person is shown.")
    if not today < wish.expires_on <= rules.latest_end(today):
        return Refusal("bad-end", f"A permission ends after today and within {rules.LONGEST_YEARS} years.")
    return None


def close(story: Story, *, now: datetime) -> None:
    """The story is put away; a live permission is not touched by it. Idempotent."""
    story.closed_at = story.closed_at or now


def reopen(story: Story, *, now: datetime) -> None:
    """The story is back on the list. Idempotent."""
    story.closed_at, story.updated_at = None, now


def link(base_url: str, key: bytes, authorization_id: int, generation: int = 0) -> str:
    """The address of the consent page, to hand over or print."""
    return f"{base_url}/a/{tokens.derive(key, PURPOSE, authorization_id, '', generation)}"


def _words(words: str) -> Refusal | None:
    if not words.strip():
        return Refusal("no-words", "Write down the words, exactly as they would be shown.")
    if len(words) > rules.MOST_WORDS_CHARS:
        return Refusal("too-long", f"Words for a story have at most {rules.MOST_WORDS_CHARS} characters.")
    return None


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(practice_of(session).time_zone)).date()
