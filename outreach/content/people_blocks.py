"""Blocks about people: who signs, and a client's story."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.content.blocks import Block, Context, Data, Field, Paragraph, Quoted
from outreach.content.markup import lines_of
from outreach.content.mjml import row
from outreach.content.problems import Problem, blocker
from outreach.content.writing import html_of, paragraphs_of
from outreach.practice.models import Person, Practice

SHOWN_WORDS = 8


class Signature(Block):
    """Initials, name, role and phone of a person of the practice."""

    name, label, icon = "signature", "Signature", "user"
    fields = (Field("person_id", "Who signs", "choice"),)

    def to_mjml(self, data: Data, context: Context) -> str:
        """A disc with initials beside three lines; plain text in the plain layout."""
        name, role, phone = signer(data, context)
        sign_off = context.look.sign_off if context.look else ""
        return row(
            "signature", c=context, sign_off=sign_off, name=name, role=role, phone=phone, initials=_initials(name)
        )

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """Name, role, phone."""
        sign_off = context.look.sign_off if context.look else ""
        return [context.paragraph("\n".join(part for part in (sign_off, *signer(data, context)) if part))]

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """Everyone who works at the practice."""
        people = session.execute(select(Person.id, Person.name).where(Person.active).order_by(Person.name))
        return [("", "The usual sender"), *((str(row.id), row.name) for row in people)]


class StaffCard(Block):
    """Introduces somebody of the practice with a few words."""

    name, label, icon = "staff", "Staff card", "address-book"
    fields = (
        Field("person_id", "Who", "choice"),
        Field("html", "A few words about them", "html"),
    )
    options = Signature.options

    def to_mjml(self, data: Data, context: Context) -> str:
        """A quiet panel."""
        name, role, phone = signer(data, context)
        words = context.slot(html_of(lines_of(data.get("html", "")), context))
        return row("staff", c=context, name=name, role=role, phone=phone, initials=_initials(name), words=words)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """Name and role, then the words."""
        name, role, phone = signer(data, context)
        head = context.paragraph(", ".join(part for part in (name, role, phone) if part))
        return [head, *paragraphs_of(lines_of(data.get("html", "")), context)]


class Quote(Block):
    """The exact approved words of a client, under a signed permission; the words cannot be edited here."""

    name, label, icon = "quote", "Quote from a story", "quote"
    fields = (Field("authorization_id", "Story", "choice", help="Only stories with a signed permission are offered."),)

    def to_mjml(self, data: Data, context: Context) -> str:
        """The words with a rule at their side."""
        story = _story(data, context.session)
        if story is None:
            return ""
        words, teller = context.words(story.wording.strip()), context.words(said_by(story, context.session))
        return row("quote", c=context, words=words, said_by=teller)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The words in quotation marks."""
        story = _story(data, context.session)
        if story is None:
            return []
        teller = said_by(story, context.session)
        return [
            Paragraph([f"“{' '.join(story.wording.split())}”"], first="  ", rest="  "),
            Paragraph([f"- {teller}"], first="  ", rest="  ", close=True),
        ]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """No story chosen, or one that does not exist any more."""
        missing = "A quote has no story. Choose one with a signed permission, or remove the block."
        return [] if _story(data, context.session) else [blocker("no-story", missing)]

    def quotes(self, data: Data, context: Context) -> list[Quoted]:
        """The story, named by its first words."""
        story = _story(data, context.session)
        return [Quoted(story.id, f"Quote: “{_shown(story)}”")] if story else []

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """Stories whose permission is live today."""
        zone = session.scalar(select(Practice.time_zone)) or "UTC"
        today = now.astimezone(ZoneInfo(zone)).date()
        live = session.scalars(
            select(Authorization)
            .where(Authorization.state == "signed", Authorization.expires_on >= today)
            .order_by(Authorization.id.desc())
        )
        return [
            ("", "Choose a story"),
            *((str(s.id), f"“{_shown(s)}” (until {s.expires_on:%b %-d, %Y})") for s in live),
        ]


def signer(data: Data, context: Context) -> tuple[str, str, str]:
    """(name, role, phone) of the chosen person, else of whom Email look names, else of the practice's sender."""
    usual = context.look.signer_id if context.look else None
    chosen = str(data.get("person_id") or usual or "")
    person = context.session.get(Person, int(chosen)) if chosen.isascii() and chosen.isdigit() else None
    if person is None:
        return context.fixed["sender_name"], "", context.fixed["sender_phone"]
    return person.name, person.title, person.phone or context.practice.phone


def _initials(name: str) -> str:
    # "Maya at Cedar Lane Therapy" is Maya.
    words = [word for word in name.split(" at ")[0].split() if word[:1].isalpha()]
    return (words[0][0] + words[-1][0]).upper() if len(words) > 1 else name[:1].upper()


def _story(data: Data, session: Session) -> Authorization | None:
    chosen = str(data.get("authorization_id") or "")
    return session.get(Authorization, int(chosen)) if chosen.isascii() and chosen.isdigit() else None


def _shown(story: Authorization) -> str:
    words = story.wording.split()
    return " ".join(words[:SHOWN_WORDS]) + ("…" if len(words) > SHOWN_WORDS else "")


def said_by(story: Authorization, session: Session) -> str:
    """Whose words they are, as far as the client allows: a name, a first name, initials, or "A former client"."""
    person = session.get(Contact, story.contact_id)
    first, last = (person.first_name, person.last_name) if person else ("", "")
    said = {
        "full-name": f"{first} {last}".strip(),
        "first-name": first,
        "initials": "".join(f"{part[0]}." for part in (first, last) if part),
    }
    return said.get(story.identity) or "A former client"
