"""The service area in ZIPs, and distances from our clinics, from ZIP centroids kept here: nobody outside is asked."""

import io
import math
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from outreach.db import Base
from outreach.errors import Refusal
from outreach.practice.area_models import ServiceZip, ZipDistance, ZipPlace
from outreach.practice.models import Location

EARTH_MILES = 3958.8
"""Mean radius of the Earth (IUGG), in miles."""
KEPT_MILES = 250.0
"""Distances beyond this are not kept: nobody drives there for a visit."""
AT_A_TIME = 5_000
MOST_BYTES = 20_000_000
MOST_ZIPS = 5_000
_ZIP = re.compile(r"\b\d{5}\b", re.ASCII)
GAZETTEER = (
    "This is not the ZIP file of the US Census (2024_Gaz_zcta_national.txt). It needs the columns GEOID, INTPTLAT "
    "and INTPTLONG. Nothing was changed."
)


@dataclass(frozen=True)
class Reach:
    """How far a ZIP is from the nearest open clinic, and whether it belongs to the service area."""

    zip5: str
    miles: float | None
    location: str
    served: bool | None
    """None when the practice has named no service area."""


def miles_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The great-circle distance of two (latitude, longitude) pairs in degrees, in miles: the haversine formula."""
    lat1, lat2 = math.radians(one[0]), math.radians(other[0])
    turn = math.radians(other[1] - one[1])
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(turn / 2) ** 2
    return 2 * EARTH_MILES * math.asin(min(1.0, math.sqrt(chord)))


def read_gazetteer(lines: Iterable[str]) -> Iterator[tuple[str, float, float]]:
    """(ZIP, latitude, longitude) of every row of a Census gazetteer of ZIP Code Tabulation Areas.

    Tabs (until 2024) or bars (since) separate the columns. Errors: ValueError when the heading or a row is no such.
    Source: census.gov, "Gazetteer Files", record layout of ZCTA; a work of the US government, in the public domain.
    """
    rows = iter(lines)
    head = next(rows, "").lstrip("\ufeff")
    between = "|" if "|" in head else "\t"
    names = [name.strip().upper() for name in head.split(between)]
    at = [names.index(name) for name in ("GEOID", "INTPTLAT", "INTPTLONG")]
    for row in rows:
        cells = row.split(between)
        if len(cells) > max(at) and _ZIP.fullmatch(cells[at[0]].strip()):
            latitude, longitude = float(cells[at[1]]), float(cells[at[2]])
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise ValueError("This place is not on Earth")
            yield cells[at[0]].strip(), latitude, longitude
        elif row.strip():
            raise ValueError("This row has no ZIP")


def load_places(session: Session, data: bytes) -> int | Refusal:
    """The centroids are those of the file, and every distance is reckoned anew; answers how many. Idempotent.

    Refusals: not-a-gazetteer (what was loaded before stays).
    """
    try:
        text = _unpacked(data).decode("utf-8-sig")
        places = {zip5: (latitude, longitude) for zip5, latitude, longitude in read_gazetteer(text.splitlines())}
    except (ValueError, zipfile.BadZipFile):
        return Refusal("not-a-gazetteer", GAZETTEER)
    if not places:
        return Refusal("not-a-gazetteer", GAZETTEER)
    session.execute(delete(ZipPlace))
    _insert(session, ZipPlace, [{"zip5": z, "latitude": p[0], "longitude": p[1]} for z, p in places.items()])
    measure(session, session.scalars(select(Location)).all())
    return len(places)


def _unpacked(data: bytes) -> bytes:
    """The file itself: the Census gives it packed in a ZIP archive. Errors: ValueError for one that is no such."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = [one for one in archive.infolist() if one.filename.endswith(".txt")]
        if len(inside) != 1 or inside[0].file_size > MOST_BYTES:
            raise ValueError("Not one text file of a sensible size")
        return archive.read(inside[0])


def measure(session: Session, locations: Collection[Location]) -> None:
    """Every ZIP within 250 miles of these clinics has its distance on record. Idempotent."""
    for location in locations:
        session.execute(delete(ZipDistance).where(ZipDistance.location_id == location.id))
        near = zips_near(session, location.zip5, KEPT_MILES)
        rows: list[dict[str, object]] = [
            {"zip5": z, "location_id": location.id, "miles": round(miles, 1)} for z, miles in near.items()
        ]
        _insert(session, ZipDistance, rows)


def _insert(session: Session, table: type[Base], rows: list[dict[str, object]]) -> None:
    for start in range(0, len(rows), AT_A_TIME):
        session.execute(insert(table), rows[start : start + AT_A_TIME])


def zips_near(session: Session, zip5: str, miles: float) -> dict[str, float]:
    """{ZIP: miles} of all ZIPs within `miles` of the middle of this one, itself at 0; {} when it is not known."""
    middle = session.get(ZipPlace, zip5[:5]) if zip5 else None
    if middle is None:
        return {}
    here = (middle.latitude, middle.longitude)
    north = math.degrees(miles / EARTH_MILES)
    east = north / max(math.cos(math.radians(middle.latitude)), 0.01)
    box = select(ZipPlace.zip5, ZipPlace.latitude, ZipPlace.longitude).where(
        ZipPlace.latitude.between(here[0] - north, here[0] + north),
        ZipPlace.longitude.between(here[1] - east, here[1] + east),
    )
    found = {row[0]: miles_between(here, (row[1], row[2])) for row in session.execute(box)}
    return {near: far for near, far in found.items() if far <= miles}


def reaches(session: Session, zips: Collection[str]) -> Mapping[str, Reach]:
    """How far each ZIP is from the nearest open clinic, in three queries whatever their number."""
    wanted = {zip5[:5] for zip5 in zips if zip5}
    if not wanted:
        return {}
    served = set(session.scalars(select(ServiceZip.zip5).where(ServiceZip.zip5.in_(wanted))))
    named = session.scalar(select(exists(select(ServiceZip.zip5))))
    rows = session.execute(
        select(ZipDistance.zip5, ZipDistance.miles, Location.name)
        .join(Location, Location.id == ZipDistance.location_id)
        .where(ZipDistance.zip5.in_(wanted), Location.closed_on.is_(None))
        .order_by(ZipDistance.miles.desc())
    )
    nearest: dict[str, tuple[float, str]] = {row[0]: (row[1], row[2]) for row in rows}
    found = {}
    for zip5 in wanted:
        miles, location = nearest.get(zip5, (None, ""))
        found[zip5] = Reach(zip5, miles, location, zip5 in served if named else None)
    return found


def within_miles(zip5: InstrumentedAttribute[str], miles: float) -> ColumnElement[bool]:
    """A condition: the ZIP in this column lies within so many miles of an open clinic. For groups and lists."""
    near = (
        select(ZipDistance.zip5)
        .join(Location, Location.id == ZipDistance.location_id)
        .where(ZipDistance.miles <= miles, Location.closed_on.is_(None))
        .correlate(None)
    )
    return zip5.in_(near)


def in_service_area(zip5: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """A condition: the ZIP in this column belongs to the service area; nothing does while none is named."""
    return zip5.in_(select(ServiceZip.zip5).correlate(None))


def service_zips(session: Session) -> list[str]:
    """The ZIPs of the service area, in order."""
    return list(session.scalars(select(ServiceZip.zip5).order_by(ServiceZip.zip5)))


def set_service_zips(session: Session, text: str) -> int | Refusal:
    """The service area is exactly the ZIPs in the text, however they are separated; answers how many. Idempotent.

    Refusals: bad-zip (something else stands there), too-many.
    """
    left = re.sub(r"[\s,;]+", " ", _ZIP.sub(" ", re.sub(r"(\d{5})-\d{4}\b", r"\1", text))).strip()
    if left:
        return Refusal("bad-zip", f"“{left.split()[0][:40]}” is no ZIP. A ZIP has five digits.")
    wanted = sorted(set(_ZIP.findall(text)))
    if len(wanted) > MOST_ZIPS:
        return Refusal("too-many", f"A service area has at most {MOST_ZIPS} ZIPs.")
    session.execute(delete(ServiceZip))
    if wanted:
        session.execute(insert(ServiceZip), [{"zip5": zip5} for zip5 in wanted])
    return len(wanted)


def serve_around(session: Session, miles: float) -> int | Refusal:
    """The service area is every ZIP within so many miles of an open clinic; answers how many.

    Refusals: no-places (no ZIP file was loaded, or the clinics' ZIPs are not in it).
    """
    wanted = list(
        session.scalars(
            select(ZipDistance.zip5)
            .join(Location, Location.id == ZipDistance.location_id)
            .where(ZipDistance.miles <= miles, Location.closed_on.is_(None))
            .distinct()
        )
    )
    if not wanted:
        return Refusal("no-places", "No distances are known yet. Load the ZIP file below and give each clinic a ZIP.")
    return set_service_zips(session, " ".join(wanted))


def known_places(session: Session) -> int:
    """How many ZIPs have a place."""
    return session.scalar(select(func.count()).select_from(ZipPlace)) or 0
