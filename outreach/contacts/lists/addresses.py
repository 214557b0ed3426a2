"""The list of contacts and its address: what is asked for, and which columns are shown. Pure."""

from collections.abc import Mapping
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from outreach.contacts.browsing import SORTS, VIEWS, Wanted
from outreach.contacts.kinds import KIND_LABELS

COLUMNS = {
    "kind": "Kind",
    "place": "Place",
    "role": "Title or specialty",
    "city": "City",
    "phone": "Phone",
    "email": "Email",
    "owner": "Looked after by",
    "tags": "Tags",
    "touch": "Last touch",
    "yield": "Yield",
}
LONGEST = 200
LONGEST_CURSOR = 450
"""A name that the list is sorted by has 400 at most."""


def wanted_of(args: "MultiDict[str, str]") -> Wanted:
    """What the address asks for; what it cannot mean is left out."""
    view, kind, sort = args.get("view", "all"), args.get("kind", ""), args.get("sort", "yield")
    return Wanted(
        view=view if view in VIEWS else "all",
        text=args.get("q", "")[:LONGEST],
        kind=kind if kind in KIND_LABELS else "",
        owner=_digits(args.get("owner", "")),
        tag=args.get("tag", "")[:LONGEST],
        group=_digits(args.get("group", "")),
        status=args.get("status", "")[:40],
        sort=sort if sort in SORTS else "yield",
        after=args.get("after", "")[:LONGEST_CURSOR].replace("\0", ""),
    )


def columns_of(args: "MultiDict[str, str]") -> list[str]:
    """The columns that are asked for, in their order; none means the rows with the pulse."""
    asked = {name for text in args.getlist("cols") for name in text.split(",")}
    return [name for name in COLUMNS if name in asked]


def fields_of(wanted: Wanted, columns: list[str]) -> dict[str, str]:
    """What stands in the address of the list (without its page), and in a saved view."""
    said = {
        "view": wanted.view,
        "q": wanted.text,
        "kind": wanted.kind,
        "owner": wanted.owner,
        "tag": wanted.tag,
        "group": wanted.group,
        "status": wanted.status,
        "sort": "" if wanted.sort == "yield" else wanted.sort,
        "cols": ",".join(columns),
    }
    return {name: value for name, value in said.items() if value}


def address(fields: Mapping[str, str], *, path: str = "/contacts/", **more: str) -> str:
    """The list under this address; empty values are left out."""
    said = {**fields, **more}
    return f"{path}?{urlencode({name: value for name, value in said.items() if value})}"


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 10 else ""
