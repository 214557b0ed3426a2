"""The preview of a message as one person gets it: a document of its own, under its own policy (ui-guide 9.1)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.groups import live
from outreach.contacts.models import Contact
from outreach.content.compiling import compile_draft, context_for
from outreach.content.details import INVENTED, NOBODY, URL_DETAILS, values_for
from outreach.content.drafts import Draft, clean
from outreach.content.group_parts import groups_for
from outreach.content.kinds import PROVIDERS
from outreach.content.languages import LANGUAGES, READS
from outreach.content.rendering import Rendered, render
from outreach.content.segments import one_line
from outreach.screen import World

POLICY = (
    "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}
SIZES = {"computer": "Computer", "phone": "Phone", "text": "Plain text"}
SIZE_ICONS = {"computer": "device-desktop", "phone": "device-mobile", "text": "file-text"}
NOBODY_KEY, INVENTED_KEY = "nobody", "invented"
OFFERED_PEOPLE = 10
MAX_NAME_CHARS = 100
MOST_ID = 2**31
NOWHERE, OWN_LINK = "#", "(a link of their own)"
"""What stands in a preview for the address of a page that is one person's: pressed, and read."""
SAMPLES = {
    **dict.fromkeys(URL_DETAILS, NOWHERE),
    "view_url": "",
    "event_title": "Lunch and learn",
    "event_when": "Thursday, May 14, 12:15 to 1:00 PM",
    "event_where": "Lakeside Orthopedics, conference room",
    "event_host": "Maya Jensen",
}


@dataclass(frozen=True)
class Preview:
    """What the `preview` macro shows: the inbox lines, the frame, and the choice of person and screen."""

    src: str
    page_url: str
    who: str
    size: str
    people: Sequence[tuple[str, str]]
    sender: str
    address: str
    subject: str
    preview_line: str
    find: str = ""
    """The name that was looked for."""
    found_nobody: bool = False

    @property
    def sizes(self) -> list[dict[str, object]]:
        """As the `segmented` macro takes it."""
        return [
            {
                "label": label,
                "icon": SIZE_ICONS[size],
                "href": with_query(self.page_url, {"as": self.who, "size": size}) + "#preview",
                "current": size == self.size,
            }
            for size, label in SIZES.items()
        ]


def preview_of(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    asked: Mapping[str, str],
    preview_url: str,
    page_url: str,
    audiences: Collection[str] = PROVIDERS,
    contact_ids: Sequence[int] = (),
    values: Mapping[str, str] | None = None,
) -> Preview:
    """The preview pane beside an editor. `asked` are the page's query arguments "as" and "size"; `contact_ids` the
    first people of the group, `preview_url` the owner's address that answers with `document`."""
    readers = [(READS + code, f"Someone who reads {LANGUAGES[code].label}") for code in draft.variants]
    find = asked.get("find", "").strip()[:MAX_NAME_CHARS]
    found = called(session, find) if find else []
    people = [*found, *people_for(session, audiences, contact_ids), *readers]
    usual = READS + draft.shown if draft.shown else ""
    who = _who(found[0][0] if found else asked.get("as", "") or usual, people)
    if who.isascii() and who.isdigit() and who not in dict(people):
        people = [*_known(session, int(who)), *people]
    size = asked.get("size", "") if asked.get("size") in SIZES else "computer"
    shown = rendered(session, now=now, world=world, draft=draft, kind=kind, who=who, audiences=audiences, values=values)
    line = render_line(
        session, now=now, world=world, draft=draft, kind=kind, who=who, audiences=audiences, values=values
    )
    context = context_for(session, now=now, settings=world.settings, kind=kind, audiences=tuple(audiences))
    return Preview(
        src=with_query(preview_url, {"as": who, "part": "text" if size == "text" else "html"}),
        page_url=page_url,
        who=who,
        size=size,
        people=people,
        sender=context.fixed["sender_name"],
        address=context.practice.sender_email,
        subject=shown.subject,
        preview_line=line,
        find=find,
        found_nobody=bool(find) and not found,
    )


def called(session: Session, name: str) -> list[tuple[str, str]]:
    """(key, name) of the first people whose name holds all these words. No clients: theirs is never shown here."""
    query = select(Contact).where(live(), Contact.audience_class != "client")
    for word in name.split():
        query = query.where(Contact.sort_name.icontains(word, autoescape=True))
    found = session.scalars(query.order_by(Contact.sort_name, Contact.id).limit(OFFERED_PEOPLE))
    return [(str(contact.id), contact.name) for contact in found]


def _known(session: Session, contact_id: int) -> list[tuple[str, str]]:
    """The person who was chosen before, so that the choice still says so."""
    contact = session.get(Contact, contact_id) if contact_id < MOST_ID else None
    return [] if contact is None or contact.audience_class == "client" else [(str(contact_id), contact.name)]


def document(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    asked: Mapping[str, str],
    audiences: Collection[str] = PROVIDERS,
    values: Mapping[str, str] | None = None,
) -> tuple[str, dict[str, str]]:
    """(body, headers) of the frame, as a view may return them. `asked` are its query arguments "as" and "part"."""
    shown = rendered(
        session,
        now=now,
        world=world,
        draft=draft,
        kind=kind,
        who=asked.get("as", ""),
        audiences=audiences,
        values=values,
    )
    return (text_page(shown.text) if asked.get("part") == "text" else shown.html), dict(HEADERS)


def text_page(text: str) -> str:
    """The plain-text part as a page that can stand in a frame."""
    style = "margin:20px;font:14px/21px ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;color:#14262b"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Plain text</title></head>'
        f'<body style="margin:0;background:#fff"><pre style="{style}">{escape(text)}</pre></body></html>'
    )


def rendered(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    who: str,
    audiences: Collection[str] = PROVIDERS,
    values: Mapping[str, str] | None = None,
) -> Rendered:
    """The draft as `who` gets it: a contact id, "nobody" (no first name) or "invented". Clients' data is never shown:
    for them only the invented person and nobody are offered. `values` replace samples (an event's own facts)."""
    draft = clean(draft.to_json(), world.content_blocks)[0]
    context = context_for(
        session, now=now, settings=world.settings, kind=kind, audiences=tuple(audiences), layout=draft.layout
    )
    compiled = compile_draft(draft, context, world.content_blocks)
    zone = ZoneInfo(context.practice.time_zone)
    person = person_values(session, who, compiled.groups, now=now, zone=zone, world=world)
    filled = {**SAMPLES, **(values or {}), **person}
    merged = render(compiled, filled)
    plain = render(compiled, {name: OWN_LINK if value == NOWHERE else value for name, value in filled.items()})
    # The frame may only load pictures from this very address, which need not be the public one.
    html = merged.html.replace(f'src="{escape(context.base_url)}/assets/', 'src="/assets/')
    return Rendered(merged.subject, html, plain.text)


def render_line(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    who: str,
    audiences: Collection[str] = PROVIDERS,
    values: Mapping[str, str] | None = None,
) -> str:
    """The preview line as the inbox shows it."""
    lines = {code: Draft(subject=each.preview_line, layout="plain") for code, each in draft.variants.items()}
    as_subject = Draft(subject=draft.preview_line, layout="plain", variants=lines)
    shown = rendered(
        session, now=now, world=world, draft=as_subject, kind=kind, who=who, audiences=audiences, values=values
    )
    return one_line(shown.subject)


def person_values(
    session: Session, who: str, group_ids: Collection[int], *, now: datetime, zone: ZoneInfo, world: World
) -> dict[str, str]:
    """The details of the person that a preview or test is filled with."""
    if who == INVENTED_KEY:
        return dict(INVENTED)
    if who.startswith(READS):
        return {**NOBODY, who: who.removeprefix(READS)}
    contact_id = int(who) if who.isascii() and who.isdigit() and len(who) < 16 else 0
    contact = session.get(Contact, contact_id) if contact_id else None
    if contact is None or contact.audience_class == "client":
        return dict(NOBODY)
    groups = groups_for(session, [contact_id], group_ids, now=now, zone=zone, facts=world.group_facts)
    return {**values_for(session, [contact_id]).get(contact_id, {}), **groups.get(contact_id, {})}


def people_for(session: Session, audiences: Collection[str], contact_ids: Sequence[int] = ()) -> list[tuple[str, str]]:
    """(key, name) of whom to preview as: the first of the group, the invented person for clients, and nobody."""
    others = [name for name in audiences if name != "client"]
    query = select(Contact).where(live(), Contact.audience_class.in_(others))
    if contact_ids:
        query = query.where(Contact.id.in_(list(contact_ids)[:OFFERED_PEOPLE]))
    found = session.scalars(query.order_by(Contact.sort_name, Contact.id).limit(OFFERED_PEOPLE))
    people = [(str(contact.id), contact.name) for contact in found]
    if "client" in audiences:
        people.append((INVENTED_KEY, f"{INVENTED['full_name']} (an invented client)"))
    return [*people, (NOBODY_KEY, "Someone with no first name")]


def _who(asked: str, people: Sequence[tuple[str, str]]) -> str:
    if asked in (NOBODY_KEY, INVENTED_KEY) or asked in dict(people) or (asked.isascii() and asked.isdigit()):
        return asked
    return people[0][0]


def with_query(url: str, arguments: Mapping[str, str]) -> str:
    """The address with further query arguments."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(arguments)}"
