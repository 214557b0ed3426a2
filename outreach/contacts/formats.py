"""The files we know by their column names: mailing tools, address books, NPPES, our own template. Pure.

Sources of the names: reference/domain.md 4.1 and 4.3; columns are found by name, never by position.
"""

from collections.abc import Sequence

from outreach.contacts import nppes
from outreach.contacts.clinical import words
from outreach.contacts.columns import ColumnMapping
from outreach.contacts.fileformat import Format as Format
from outreach.contacts.mailing_tools import MAILING_TOOLS
from outreach.errors import Refusal

TEMPLATE_HEADER = (
    "kind",
    "prefix",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "credentials",
    "organization",
    "title",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "zip",
    "npi",
    "taxonomy",
    "specialty",
    "tags",
    "birthday",
    "notes",
    "permission_at",
    "unsubscribed",
)
"""The column names of our own template file; each is a field of `columns.FIELDS`."""

_MAILCHIMP = {
    "email": ("Email Address",),
    "name": ("Name",),
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "organization": ("Company",),
    "phone": ("Phone Number",),
    "birthday": ("Birthday",),
    "notes": ("NOTES",),
    "tags": ("TAGS",),
    "permission_at": ("OPTIN_TIME", "CONFIRM_TIME"),
}
_NUMBERS = range(1, 6)
_GOOGLE = {
    "prefix": ("Name Prefix",),
    "first_name": ("First Name",),
    "middle_name": ("Middle Name",),
    "last_name": ("Last Name",),
    "suffix": ("Name Suffix",),
    "organization": ("Organization Name",),
    "title": ("Organization Title",),
    "birthday": ("Birthday",),
    "notes": ("Notes",),
    "tags": ("Labels",),
    "email": tuple(f"E-mail {number} - Value" for number in _NUMBERS),
    "phone": tuple(f"Phone {number} - Value" for number in _NUMBERS),
    "street": ("Address 1 - Street", "Address 1 - Extended Address", "Address 1 - PO Box"),
    "city": ("Address 1 - City",),
    "state": ("Address 1 - Region",),
    "zip": ("Address 1 - Postal Code",),
}
_GOOGLE_OLDER = _GOOGLE | {
    "name": ("Name",),
    "first_name": ("Given Name",),
    "middle_name": ("Additional Name",),
    "last_name": ("Family Name",),
    "organization": ("Organization 1 - Name",),
    "title": ("Organization 1 - Title",),
    "tags": ("Group Membership",),
}

MAILCHIMP_UNSUBSCRIBED = Format(
    "mailchimp-unsubscribed",
    "Mailchimp, unsubscribed",
    ("Email Address", "UNSUB_TIME", "LEID"),
    _MAILCHIMP | {"suppressed_at": ("UNSUB_TIME", "LAST_CHANGED"), "complained": ("UNSUB_REASON",)},
    "unsubscribed",
)
MAILCHIMP_CLEANED = Format(
    "mailchimp-cleaned",
    "Mailchimp, cleaned (bounced)",
    ("Email Address", "CLEAN_TIME", "LEID"),
    _MAILCHIMP | {"suppressed_at": ("CLEAN_TIME", "LAST_CHANGED")},
    "bounced",
)
MAILCHIMP_SUBSCRIBED = Format(
    "mailchimp-subscribed",
    "Mailchimp, subscribed",
    ("Email Address", "MEMBER_RATING", "OPTIN_TIME", "LEID", "EUID"),
    _MAILCHIMP,
)
GOOGLE = Format("google", "Google Contacts", ("First Name", "Last Name", "File As", "Labels"), _GOOGLE)
GOOGLE_OLDER = Format(
    "google-older", "Google Contacts (older form)", ("Given Name", "Family Name", "Group Membership"), _GOOGLE_OLDER
)
NPPES = Format("nppes", "NPPES (national provider file, V.2)", nppes.REQUIRED, {"npi": ("NPI",)})
TEMPLATE = Format(
    "template",
    "Outreach template",
    ("kind", "first_name", "last_name", "organization", "email", "npi", "permission_at"),
    {name: (name,) for name in TEMPLATE_HEADER},
)
VCARD = Format("vcard", "vCard (address book)", TEMPLATE.signature, TEMPLATE.columns)
"""What `vcards` turns an address book into; never recognised by its columns."""
FORMATS = (
    NPPES,
    MAILCHIMP_UNSUBSCRIBED,
    MAILCHIMP_CLEANED,
    MAILCHIMP_SUBSCRIBED,
    GOOGLE,
    GOOGLE_OLDER,
    TEMPLATE,
    *MAILING_TOOLS,
)


def recognise(header: Sequence[str], file_name: str = "") -> Format | None:
    """The known format with these column names, or None.

    Mailchimp's files are told apart by name as well: a list that carries UNSUB_TIME as a merge field is still
    `subscribed_…`, and an old `cleaned_…` file without CLEAN_TIME must not be taken for subscribers.
    """
    present = set(map(words, header))
    found = next((known for known in FORMATS if present.issuperset(map(words, known.signature))), None)
    if found is None or not found.key.startswith("mailchimp"):
        return found
    by_name = {
        "subscribed": MAILCHIMP_SUBSCRIBED,
        "unsubscribed": MAILCHIMP_UNSUBSCRIBED,
        "cleaned": MAILCHIMP_CLEANED,
    }
    return by_name.get(file_name.lower().partition("_")[0], found)


def bind(known: Format, header: Sequence[str]) -> ColumnMapping | Refusal:
    """The format's fields as positions in this header; fields whose columns are missing are left out.

    Refusals: duplicate-column, when a column that is needed stands there twice (`details` names it).
    """
    positions: dict[str, list[int]] = {}
    for position, name in enumerate(header):
        positions.setdefault(words(name), []).append(position)
    columns = {}
    for field, names in known.columns.items():
        found = [positions[words(name)] for name in names if words(name) in positions]
        doubled = next((at for at in found if len(at) > 1), None)
        if doubled:
            name = header[doubled[0]]
            return Refusal("duplicate-column", f"The column “{name}” stands there twice. Remove one of them.", (name,))
        if found:
            columns[field] = tuple(at[0] for at in found)
    return ColumnMapping(columns, known.suppression, known.opt_outs_only)
