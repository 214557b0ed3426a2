"""Files of the library that an event shows or leaves there. Always the latest version, never one of a client."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.models import Asset
from outreach.content.picture_blocks import path_of, version_said

MOST = 200
MOST_VERSIONS = 50
"""A chain of versions that is longer is followed no further."""


@dataclass(frozen=True)
class Handout:
    """One file: its id, its title with the version, and where it is served."""

    id: int
    title: str
    path: str


def offered(session: Session) -> list[Handout]:
    """The files that can be chosen, newest first."""
    usable = (Asset.media_type == "application/pdf", Asset.deleted_at.is_(None), Asset.shows_client.is_(False))
    found = select(Asset).where(*usable, Asset.replaced_by_id.is_(None)).order_by(Asset.id.desc()).limit(MOST)
    return [_handout(asset) for asset in session.scalars(found)]


def chosen(session: Session, ids: Sequence[int]) -> list[Handout]:
    """Those files in their latest version, in their order; what was put away since is left out."""
    return [_handout(asset) for asset in _latest(session, ids) if asset is not None]


def unknown(session: Session, ids: Collection[int]) -> bool:
    """Whether one of these ids is no file that can be handed out."""
    return any(asset is None for asset in _latest(session, list(ids)))


def _latest(session: Session, ids: Sequence[int]) -> list[Asset | None]:
    if not ids:
        return []
    rows = {row.id: row for row in session.scalars(select(Asset).where(Asset.id.in_(ids)))}
    found: dict[int, Asset | None] = {}
    for each in dict.fromkeys(ids):
        asset = rows.get(each)
        for _ in range(MOST_VERSIONS):
            if asset is None or asset.replaced_by_id is None:
                break
            asset = session.get(Asset, asset.replaced_by_id)
        usable = asset is not None and asset.deleted_at is None and not asset.shows_client and not asset.width
        found[asset.id if asset is not None and usable else -each] = asset if usable else None
    return list(found.values())


def _handout(asset: Asset) -> Handout:
    return Handout(asset.id, version_said(asset.title, asset.version), path_of(asset))
