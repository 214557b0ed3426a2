"""What of the national provider file is wanted: by specialty, by ZIP, by distance from the practice."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.imports import ImportRun
from outreach.contacts.specialties import GROUPS
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.practice.service_area import zips_near

MOST_MILES = 250
_ZIP_OR_START = re.compile(r"\d{2,5}", re.ASCII)


def narrow(
    session: Session, run: ImportRun, *, groups: Sequence[str], zips: str, miles: str, people_only: bool
) -> Refusal | None:
    """Only such rows of the file will be taken; nothing chosen means all of them. Idempotent.

    `zips` are ZIP codes or their beginnings ("125" for all that begin so); `miles` reach from the practice's own ZIP.
    Refusals: bad-zip, bad-distance, no-centroids (the distances of ZIPs are not loaded).
    """
    said = re.split(r"[\s,;]+", zips.strip()) if zips.strip() else []
    if any(not _ZIP_OR_START.fullmatch(one) for one in said):
        return Refusal("bad-zip", "Write ZIP codes like 12545, or their beginnings like 125, with commas between them.")
    near: set[str] = set()
    if miles.strip():
        if not miles.strip().isascii() or not miles.strip().isdigit() or not 0 < int(miles) <= MOST_MILES:
            return Refusal("bad-distance", f"The distance is a whole number of miles from 1 to {MOST_MILES}.")
        own = session.scalar(select(Practice.zip5)) or ""
        near = set(zips_near(session, own, float(miles)))
        if not near:
            text = "Distances need the middle of each ZIP: load them under Settings, Service area, or name ZIP codes."
            return Refusal("no-centroids", text)
    only: dict[str, Any] = {
        "groups": [group for group in groups if group in GROUPS],
        "zips": sorted(near | {one for one in said if len(one) == 5}),
        "starts": sorted(one for one in said if len(one) < 5),
        "people": people_only,
        "said": {"zips": zips.strip(), "miles": miles.strip()},
    }
    chosen = any(only[name] for name in ("groups", "zips", "starts", "people"))
    left = {name: value for name, value in run.options.items() if name != "only"}
    run.options = {**left, "only": only} if chosen else left
    return None
