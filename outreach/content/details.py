"""Details about the contact: a fixed lookup with a fallback. What a person types is never run as a template.

Written `{{ first_name }}` or `{{ first_name | colleague }}`; anything else with braces is plain text.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.content.languages import LANGUAGES, READS
from outreach.content.segments import HTML, Segments, detail
from outreach.practice.models import Person, Practice

DETAIL = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*(?:\|([^{}|\r\n]{0,80}))?\}\}")


@dataclass(frozen=True)
class Detail:
    """One thing that can be filled in. `fixed` ones are the practice's own and are filled when a message is kept."""

    name: str
    label: str
    client: bool = False
    """May stand in mail to clients and families: only name, practice and clinician may (domain 3.1)."""
    fixed: bool = False
    always: bool = False
    """Always has a value, so it needs no fallback."""


DETAILS = {
    known.name: known
    for known in (
        Detail("first_name", "First name", client=True),
        Detail("last_name", "Last name", client=True),
        Detail("full_name", "Full name", client=True),
        Detail("greeting_name", "Name in a greeting", client=True),
        Detail("clinician_name", "Their clinician", client=True),
        Detail("organization", "Organization"),
        Detail("specialty", "Specialty"),
        Detail("city", "City"),
        Detail("practice_name", "Our name", client=True, fixed=True, always=True),
        Detail("practice_phone", "Our phone", client=True, fixed=True, always=True),
        Detail("practice_address", "Our address", client=True, fixed=True, always=True),
        Detail("practice_website", "Our website", client=True, fixed=True, always=True),
        Detail("sender_name", "Sender's name", client=True, fixed=True, always=True),
        Detail("sender_phone", "Sender's phone", client=True, fixed=True, always=True),
    )
}
USUAL_FALLBACKS = {
    "first_name": "there",
    "last_name": "colleague",
    "full_name": "colleague",
    "greeting_name": "colleague",
    "clinician_name": "our team",
    "organization": "your office",
    "specialty": "your field",
    "city": "your area",
}
URL_DETAILS = (
    "unsubscribe_url",
    "preferences_url",
    "view_url",
    "rsvp_url",
    "rsvp_yes_url",
    "rsvp_no_url",
    "rsvp_maybe_url",
    "calendar_url",
    "consent_url",
    "action_url",
    "friend_url",
)
"""Addresses of one person's own pages: filled by deliveries, events, stories and sign-in, never typed by a user."""
EVENT_DETAILS = ("event_title", "event_when", "event_where", "event_host")
"""What an event is and when, filled by events."""


def parsed(text: str, mode: str, fixed: Mapping[str, str] | None = None) -> Segments:
    """The text as segments: literals (escaped when mode is HTML) and details; fixed details are filled at once."""
    fixed = fixed or {}
    result: Segments = []
    last = 0
    for found in DETAIL.finditer(text):
        result.append(_literal(text[last : found.start()], mode))
        name, fallback = found[1], (found[2] or "").strip()
        if name in fixed:
            result.append(_literal(fixed[name] or fallback, mode))
        else:
            result.append(detail(name, fallback, mode))
        last = found.end()
    result.append(_literal(text[last:], mode))
    return result


def _literal(text: str, mode: str) -> str:
    return escape(text) if mode == HTML else text


def used(text: str) -> list[tuple[str, str]]:
    """(name, fallback) of every detail in the text, in order."""
    return [(found[1], (found[2] or "").strip()) for found in DETAIL.finditer(text)]


def with_fallbacks(text: str) -> str:
    """The text as someone reads it about whom nothing is known: what lengths are measured on."""
    return DETAIL.sub(lambda found: (found[2] or "").strip(), text)


def with_labels(text: str) -> str:
    """The text for a list of blocks, where each detail is said by its name: “close to Organization”."""
    return DETAIL.sub(lambda found: DETAILS[found[1]].label if found[1] in DETAILS else found[1], text)


def is_url_detail(text: str) -> bool:
    """Whether the whole text is one of a person's own addresses, as `{{ rsvp_url }}`."""
    found = DETAIL.fullmatch(text.strip())
    return bool(found and found[1] in URL_DETAILS)


def choices(audiences: Collection[str]) -> list[tuple[str, str, str]]:
    """(name, label, usual fallback) of the details a person may insert in mail to these audience classes."""
    return [
        (known.name, known.label, "" if known.always else USUAL_FALLBACKS[known.name])
        for known in DETAILS.values()
        if known.client or "client" not in audiences
    ]


def written(name: str) -> str:
    """The detail as it is typed, "{{ first_name | there }}" with its usual fallback; "" for one that we do not know."""
    known = DETAILS.get(name)
    if known is None:
        return ""
    return f"{{{{ {name} }}}}" if known.always else f"{{{{ {name} | {USUAL_FALLBACKS[name]} }}}}"


def fixed_values(practice: Practice, sender: Person | None = None) -> dict[str, str]:
    """The practice's own details, the same for every reader."""
    place = ", ".join(part for part in (practice.street, practice.city, practice.state) if part)
    return {
        "practice_name": practice.name,
        "practice_phone": practice.phone,
        "practice_address": f"{place} {practice.zip5}".strip(),
        "practice_website": practice.website,
        "sender_name": sender.name if sender else practice.sender_name or practice.name,
        "sender_phone": (sender.phone if sender else "") or practice.phone,
    }


def in_words(text: str, practice: Practice) -> str:
    """A subject as lists and the timeline show it: the practice's own details filled in, others by their fallback."""
    fixed = fixed_values(practice)

    def said(found: re.Match[str]) -> str:
        return fixed.get(found[1]) or (found[2] or "").strip() or with_labels(found[0])

    return DETAIL.sub(said, text)


_COLUMNS = (
    Contact.id,
    Contact.audience_class,
    Contact.language,
    Contact.kind,
    Contact.prefix,
    Contact.first_name,
    Contact.last_name,
    Contact.credentials,
    Contact.specialty,
    Contact.city,
    Organization.name.label("organization"),
    Person.name.label("clinician_name"),
)
_BATCH = 500


def values_for(
    session: Session, contact_ids: Iterable[int], *, only: Collection[str] | None = None
) -> dict[int, dict[str, str]]:
    """The details of many contacts: {contact id: {name: value}}. One query per 500, no ORM objects.

    `only` limits to these names (`Message.details`). Clients get no more than `Detail.client` allows. The language that
    somebody is written to in is the name "reads_es"; English is the rest.
    """
    ids = list(contact_ids)
    of_everybody = frozenset(known.name for known in DETAILS.values() if only is None or known.name in only)
    of_clients = frozenset(name for name in of_everybody if DETAILS[name].client)
    languages = {READS + each for each in LANGUAGES if only is None or READS + each in only}
    found: dict[int, dict[str, str]] = {}
    for start in range(0, len(ids), _BATCH):
        rows = session.execute(
            select(*_COLUMNS)
            .outerjoin(Organization, Organization.id == Contact.organization_id)
            .outerjoin(Person, Person.id == Contact.owner_id)
            .where(Contact.id.in_(ids[start : start + _BATCH]))
        )
        for contact_id, audience_class, language, *row in rows.all():
            wanted = of_clients if audience_class == "client" else of_everybody
            values = {name: value for name, value in _values(*row).items() if value and name in wanted}
            reads = READS + language
            found[contact_id] = {**values, reads: language} if languages and reads in languages else values
    return found


def _values(
    kind: str,
    prefix: str,
    first_name: str,
    last_name: str,
    credentials: str,
    specialty: str,
    city: str,
    organization: str | None,
    clinician_name: str | None,
) -> dict[str, str | None]:
    """By the columns after the first two."""
    said = " ".join([part for part in (prefix, first_name, last_name) if part])
    return {
        "first_name": first_name,
        "last_name": last_name,
        "full_name": f"{said}, {credentials}" if credentials and not prefix else said,
        "greeting_name": greeting_name(kind, prefix, first_name, last_name),
        "clinician_name": clinician_name,
        "organization": organization,
        "specialty": specialty,
        "city": city,
    }


def greeting_name(kind: str, prefix: str, first_name: str, last_name: str) -> str:
    """The name after "Dear": "Dr. Raman" for physicians and everyone with a title, the first name for the rest."""
    title = prefix or ("Dr." if kind == "physician" else "")
    if title and last_name:
        return f"{title} {last_name}"
    return first_name


NOBODY: dict[str, str] = {}
"""Someone with no first name: every detail falls back."""
INVENTED = {
    "first_name": "Jordan",
    "last_name": "Sample",
    "full_name": "Jordan Sample",
    "greeting_name": "Jordan",
    "clinician_name": "Theo Park",
}
"""A person who does not exist, for previews and tests of mail to clients."""
