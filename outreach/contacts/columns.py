"""Which column of a file holds what: chosen by a person, or guessed from names and values. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from outreach.contacts import clinical
from outreach.contacts.addresses import Address, parse_address
from outreach.contacts.cells import ALSO_ELSEWHERE, SAYS_WHETHER_WE_WRITE
from outreach.contacts.clinical import words
from outreach.contacts.npi import is_taxonomy, is_valid_npi
from outreach.errors import Refusal

FIELDS = {
    "name": "Full name",
    "prefix": "Prefix (Dr., Ms. …)",
    "first_name": "First name",
    "middle_name": "Middle name",
    "last_name": "Last name",
    "suffix": "Suffix (Jr., III)",
    "credentials": "Credentials (MD, NP …)",
    "organization": "Organization",
    "title": "Job title",
    "kind": "Kind of contact",
    "email": "Email address",
    "phone": "Phone",
    "street": "Street",
    "city": "City",
    "state": "State",
    "zip": "ZIP code",
    "home_street": "Street at home (if there is no other)",
    "home_city": "City at home",
    "home_state": "State at home",
    "home_zip": "ZIP at home",
    "npi": "NPI",
    "taxonomy": "Taxonomy code",
    "specialty": "Specialty",
    "tags": "Tags",
    "birthday": "Birthday (day and month are kept)",
    "notes": "Notes",
    "permission_at": "Permission given on",
    "unsubscribed": "Unsubscribed (yes or no)",
    "bounced": "Bounced (yes or no)",
    "complained": "Reported as spam (yes or no)",
    "subscribed": "Subscribed (yes or no)",
    "suppressed_at": "Unsubscribed on",
}
MANY = frozenset(
    {
        "email",
        "phone",
        "street",
        "home_street",
        "tags",
        "notes",
        "permission_at",
        "unsubscribed",
        "bounced",
        "complained",
        "suppressed_at",
    }
)
"""Fields that may be read from several columns, in the order of the columns."""

_ALIASES = {
    "name": "name|full name|contact name|contact|provider name|physician name|display name",
    "prefix": "prefix|name prefix|salutation|honorific",
    "first_name": "first name|first|given name|fname|forename",
    "middle_name": "middle name|middle|middle initial|additional name|mi",
    "last_name": "last name|last|family name|surname|lname",
    "suffix": "suffix|name suffix",
    "credentials": "credentials|credential|degree|degrees|designation",
    "organization": "organization|organisation|organization name|company|company name|practice|practice name|clinic|"
    "clinic name|facility|employer|associated company|office|agency|school",
    "title": "title|job title|position|role|organization title",
    "kind": "kind|contact kind|contact type",
    "email": "email|e mail|email address|e mail address|mail|work email|office email|other email|secondary email|"
    "email 2|email 3|e mail 2 address|e mail 3 address|e mail 1 value|e mail 2 value|e mail 3 value",
    "phone": "phone|phone number|telephone|telephone number|tel|business phone|business phone 2|work phone|"
    "office phone|mobile phone|mobile phone number|mobile|cell|cell phone|home phone|primary phone|phone 2|"
    "phone 1 value|phone 2 value",
    "street": "street|street address|address|address 1|address 2|address line 1|address line 2|business street|"
    "business street 2|mailing address|work address|suite",
    "city": "city|town|business city",
    "state": "state|province|state region|business state|region",
    "zip": "zip|zip code|postal code|zip postal code|zipcode|postcode|business postal code",
    "home_street": "home street|home address",
    "home_city": "home city",
    "home_state": "home state",
    "home_zip": "home zip|home postal code|home zip code",
    "npi": "npi|npi number|provider npi|source npi|individual npi",
    "taxonomy": "taxonomy|taxonomy code|primary taxonomy",
    "specialty": "specialty|speciality|specialization|primary specialty",
    "tags": "tags|tag|labels|categories|groups|email lists|list",
    "birthday": "birthday",
    "notes": "notes|note|comments|comment|remarks",
    "permission_at": "permission at|opt in date|optin time|opted in at|subscribed at|consent date",
    "unsubscribed": "unsubscribed|opted out|opt out|email opt out|is unsubscribed|portal unsubscribe|"
    "email status|email permission status|email marketing status|do not email|"
    "subscription status|unsubscribe|do not contact|do not e mail|donotemail|optout|has opted out of email|suppressed|"
    "unsubscribed from all email|global unsubscribe|email blocklisted|email blacklisted",
    "bounced": "bounced|bounce|hard bounced|portal bounce|global bounce|cleaned",
    "complained": "complained|spam report|portal spam report|reported as spam|complaint",
    "subscribed": "subscribed|opted in|opt in|email opt in|accepts marketing|email consent|accepts email marketing",
    "suppressed_at": "unsubscribed at|unsubscribe date|opt out date|opted out at|unsub time|clean time|bounced at",
}
_STATUS = re.compile(r"^(?:(?:subscriber|contact|member|marketing|mailing|mail|list) )?status$")
_FIELD_OF = {alias: field for field, aliases in _ALIASES.items() for alias in aliases.split("|")}


@dataclass(frozen=True)
class ColumnMapping:
    """Field by field, the positions it is read from; `suppression` says that every row of the file is an opt-out."""

    columns: Mapping[str, tuple[int, ...]]
    suppression: Literal["", "unsubscribed", "bounced"] = ""
    opt_outs_only: bool = False


def column_mapping(header: Sequence[str], choices: Iterable[tuple[int, str]]) -> ColumnMapping | Refusal:
    """The mapping a person chose, as (position, field) pairs; columns without a field are ignored.

    Refusals: unknown-column, unknown-field, column-twice (one column for two fields), field-twice (two columns for a
    field that takes one), forbidden-column (client data, see `clinical`), nothing-mapped. `details` name the columns.
    """
    columns: dict[str, tuple[int, ...]] = {}
    taken: set[int] = set()
    forbidden = clinical.forbidden_columns(header)
    for position, field in choices:
        refusal = _choice_refusal(header, position, field, taken, columns, forbidden)
        if refusal is not None:
            return refusal
        taken.add(position)
        columns[field] = (*columns.get(field, ()), position)
    if not columns:
        return Refusal("nothing-mapped", "Choose what at least one column holds.")
    return ColumnMapping(columns)


def _choice_refusal(
    header: Sequence[str],
    position: int,
    field: str,
    taken: set[int],
    columns: Mapping[str, tuple[int, ...]],
    forbidden: Mapping[int, str],
) -> Refusal | None:
    if not 0 <= position < len(header):
        return Refusal("unknown-column", f"The file has no column {position + 1}.")
    name = header[position] or f"Column {position + 1}"
    if field not in FIELDS:
        return Refusal("unknown-field", f"“{name}” was given a meaning that does not exist.", (name,))
    if position in taken:
        return Refusal("column-twice", f"“{name}” is used twice. Choose one meaning for it.", (name,))
    if position in forbidden:
        text = f"“{name}” looks like a client's {forbidden[position]}, which is never imported."
        return Refusal("forbidden-column", text, (name,))
    if field in columns and field not in MANY:
        first = header[columns[field][0]]
        text = f"“{first}” and “{name}” are both {FIELDS[field]}. Choose one of them."
        return Refusal("field-twice", text, (first, name))
    return None


def guess_mapping(header: Sequence[str], samples: Sequence[Sequence[str]]) -> ColumnMapping:
    """The best guess for an unknown file, from column names first and values second; may be empty.

    A column that looks like client data is never guessed. Of two columns for a field that takes one, the first is
    taken. Meant to be shown to a person with sample values before anything is read.
    """
    forbidden = clinical.forbidden_columns(header)
    plain = [words(name) for name in header]
    columns: dict[str, tuple[int, ...]] = {}
    for position, name in enumerate(plain):
        if position in forbidden:
            continue
        field = _FIELD_OF.get(name) or _field_by_values(name, [row[position] for row in samples])
        if name == "title" and "job title" in plain:
            field = "prefix"  # Outlook: "Title" is "Dr.", "Job Title" is the title
        if field and (field not in columns or field in MANY):
            columns[field] = (*columns.get(field, ()), position)
    if "first_name" in columns and "last_name" in columns:
        columns.pop("name", None)
    return ColumnMapping(columns)


def _field_by_values(name: str, values: Sequence[str]) -> str:
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return ""
    said = {value.casefold() for value in filled}
    if said <= SAYS_WHETHER_WE_WRITE and (said - ALSO_ELSEWHERE or _STATUS.search(name)):
        return "unsubscribed"  # nobody who opted out is written to because their list calls it otherwise
    if all(isinstance(parse_address(value), Address) for value in filled):
        return "email"
    if all(map(is_valid_npi, filled)):
        return "npi"
    if all(map(is_taxonomy, filled)):
        return "taxonomy"
    if all(re.fullmatch(r"(\+1 ?)?\(\d{3}\) ?\d{3}-\d{4}", value) for value in filled):
        return "phone"
    return ""
