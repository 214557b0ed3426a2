"""One row of the NPPES main file (V.2, 330 columns) as a provider or an organization. Pure.

Source: NPPES Data Dissemination Readme. Rules: reference/domain.md 4.1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outreach.contacts import names, specialties
from outreach.contacts.clinical import words
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.imported import ImportedRow
from outreach.contacts.npi import is_physician, is_valid_npi, suggested_kind
from outreach.contacts.phones import parse_phone
from outreach.contacts.postal import state_code, zip5

_NPI = "NPI"
_ENTITY = "Entity Type Code"
_LEGAL_NAME = "Provider Organization Name (Legal Business Name)"
_LAST = "Provider Last Name (Legal Name)"
_FIRST = "Provider First Name"
_MIDDLE = "Provider Middle Name"
_PREFIX = "Provider Name Prefix Text"
_SUFFIX = "Provider Name Suffix Text"
_CREDENTIALS = "Provider Credential Text"
_OTHER_NAME = "Provider Other Organization Name"
_OTHER_NAME_TYPE = "Provider Other Organization Name Type Code"
_STREET = "Provider First Line Business Practice Location Address"
_STREET_2 = "Provider Second Line Business Practice Location Address"
_CITY = "Provider Business Practice Location Address City Name"
_STATE = "Provider Business Practice Location Address State Name"
_ZIP = "Provider Business Practice Location Address Postal Code"
_COUNTRY = "Provider Business Practice Location Address Country Code (If outside U.S.)"
_PHONE = "Provider Business Practice Location Address Telephone Number"
_DEACTIVATED = "NPI Deactivation Date"
_REACTIVATED = "NPI Reactivation Date"
_TAXONOMY = "Healthcare Provider Taxonomy Code_{}"
_PRIMARY = "Healthcare Provider Primary Taxonomy Switch_{}"

REQUIRED = (
    *(_NPI, _ENTITY, _LEGAL_NAME, _LAST, _FIRST, _MIDDLE, _PREFIX, _SUFFIX, _CREDENTIALS, _OTHER_NAME),
    *(_OTHER_NAME_TYPE, _STREET, _STREET_2, _CITY, _STATE, _ZIP, _COUNTRY, _PHONE, _DEACTIVATED, _REACTIVATED),
    _TAXONOMY.format(1),
)
"""Without these columns a file is not NPPES, or was cut down too far to be used."""

_DOING_BUSINESS_AS = "3"
_UNITED_STATES = ("", "US")

Cell = Callable[[str], str]


@dataclass(frozen=True)
class Only:
    """What of the national file is wanted: specialties by code or "any", and places by ZIP; all of them when empty."""

    taxonomies: frozenset[str] = frozenset()
    zips: frozenset[str] = frozenset()
    zip_starts: tuple[str, ...] = ()
    people_only: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> "Only | None":
        """From the stored form {"groups": [...], "zips": [...], "starts": [...], "people": bool}; None for all rows."""
        if not said:
            return None
        groups = set(said.get("groups", ()))
        codes = frozenset(code for code, entry in specialties.SPECIALTIES.items() if entry.group in groups)
        return cls(codes, frozenset(said.get("zips", ())), tuple(said.get("starts", ())), bool(said.get("people")))


def wanted(header: Sequence[str], only: Only) -> Callable[[list[str]], bool]:
    """Whether a row of the file is asked for, by any of its specialties and the ZIP of its practice. Quick."""
    at = {words(name): position for position, name in enumerate(header)}
    code_at, entity_at = at[words(_ZIP)], at[words(_ENTITY)]
    codes_at = [at[name] for number in range(1, 16) if (name := words(_TAXONOMY.format(number))) in at]
    near, starts, codes = only.zips, only.zip_starts, only.taxonomies

    def ask(cells: list[str]) -> bool:
        if only.people_only and cells[entity_at] != "1":
            return False
        if near or starts:
            code = cells[code_at][:5]
            if code not in near and not (starts and code.startswith(starts)):
                return False
        return not codes or any(cells[position] in codes for position in codes_at)

    return ask


def row_reader(header: Sequence[str]) -> Callable[[int, list[str]], ImportedRow | RefusedRow]:
    """A function from (row number, cells) to a person or organization, or the reason why not.

    Deactivated numbers that were not reactivated are refused. Errors: KeyError without the REQUIRED columns.
    """
    at = {words(name): position for position, name in enumerate(header)}
    place = {name: at[words(name)] for name in REQUIRED}
    taxonomies = [
        (at[words(_TAXONOMY.format(number))], at.get(words(_PRIMARY.format(number))))
        for number in range(1, 16)
        if words(_TAXONOMY.format(number)) in at
    ]

    def read(row_number: int, cells: list[str]) -> ImportedRow | RefusedRow:
        def cell(name: str) -> str:
            return names.clean(cells[place[name]])

        if cell(_DEACTIVATED) and not cell(_REACTIVATED):
            return RefusedRow(row_number, f"This NPI was deactivated on {cell(_DEACTIVATED)}.", _DEACTIVATED)
        if not is_valid_npi(cell(_NPI)):
            return RefusedRow(row_number, "The check digit of this NPI is wrong.", _NPI)
        if cell(_ENTITY) == "1":
            return _person(row_number, cell, _primary(cells, taxonomies))
        if cell(_ENTITY) == "2":
            return _organization(row_number, cell, _primary(cells, taxonomies))
        return RefusedRow(row_number, "The entity type is neither 1 (person) nor 2 (organization).", _ENTITY)

    return read


def _primary(cells: list[str], taxonomies: list[tuple[int, int | None]]) -> str:
    for code, switch in taxonomies:
        if switch is not None and cells[switch] == "Y":
            return cells[code]
    return cells[taxonomies[0][0]]


def _person(row_number: int, cell: Cell, taxonomy: str) -> ImportedRow | RefusedRow:
    last = cell(_LAST)
    if not last:
        return RefusedRow(row_number, "The provider has no last name.", _LAST)
    earned = names.credentials(cell(_CREDENTIALS))
    physician = is_physician(taxonomy, earned)
    city, state, postal_code = cell(_CITY), state_code(cell(_STATE)), cell(_ZIP)
    phone = parse_phone(cell(_PHONE))
    return ImportedRow(
        row_number,
        "person",
        first_name=names.personal(cell(_FIRST)),
        middle_name=names.personal(cell(_MIDDLE)),
        last_name=names.personal(last),
        prefix=names.personal(cell(_PREFIX)),
        suffix=names.personal(cell(_SUFFIX)),
        credentials=earned,
        phone=phone.display,
        phone_e164=phone.e164,
        street=_street(cell),
        city=names.personal(city),
        state=state,
        zip5=_zip5(cell),
        postal_code=postal_code,
        npi=cell(_NPI),
        taxonomy=taxonomy,
        specialty=specialties.label(taxonomy),
        is_physician=physician,
        suggested_kind=suggested_kind(taxonomy, earned, physician),
    )


def _organization(row_number: int, cell: Cell, taxonomy: str) -> ImportedRow | RefusedRow:
    trading = cell(_OTHER_NAME) if cell(_OTHER_NAME_TYPE) == _DOING_BUSINESS_AS else ""
    name = trading or cell(_LEGAL_NAME)
    if not name:
        return RefusedRow(row_number, "The organization has no name.", _LEGAL_NAME)
    phone = parse_phone(cell(_PHONE))
    return ImportedRow(
        row_number,
        "organization",
        organization=names.organizational(name),
        phone=phone.display,
        phone_e164=phone.e164,
        street=_street(cell),
        city=names.personal(cell(_CITY)),
        state=state_code(cell(_STATE)),
        zip5=_zip5(cell),
        postal_code=cell(_ZIP),
        npi=cell(_NPI),
        taxonomy=taxonomy,
        specialty=specialties.label(taxonomy),
        suggested_kind="office",
    )


def _street(cell: Cell) -> str:
    return ", ".join(names.street(line) for line in (cell(_STREET), cell(_STREET_2)) if line)


def _zip5(cell: Cell) -> str:
    return zip5(cell(_ZIP), cell(_STATE)) if cell(_COUNTRY) in _UNITED_STATES else ""
