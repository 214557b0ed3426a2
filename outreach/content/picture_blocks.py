"""Pictures of the library, alone or in two columns. They are served by us; one that shows a client needs permission."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.basic_blocks import link_trouble
from outreach.content.blocks import Block, Context, Data, Field, Paragraph, Quoted
from outreach.content.markup import lines_of
from outreach.content.mjml import row
from outreach.content.models import Asset
from outreach.content.problems import Problem, blocker, warning
from outreach.content.segments import TEXT
from outreach.content.writing import html_of, paragraphs_of

WIDTHS = (("544", "Full width"), ("360", "Two thirds"), ("260", "Half"), ("160", "Small"))
COLUMN_WIDTH = 260
LARGE_BYTES = 150_000
SIDES = ("left", "right")
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "application/pdf": "pdf"}


class Picture(Block):
    """One picture with a description."""

    name, label, icon = "picture", "Picture", "photo"
    fields = (
        Field("asset_id", "Picture", "asset"),
        Field("alt", "What it shows", help="Read aloud to people who cannot see it, and shown while it loads."),
        Field("width", "Size", "choice", default="544", choices=WIDTHS),
        Field("url", "Leads to (optional)", "url", max_chars=2000),
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """An image row; nothing in the plain layout."""
        asset = picture_of(data.get("asset_id"), context.session)
        if asset is None or context.plain:
            return ""
        wanted = data.get("width") or "544"
        width = min(int(wanted) if wanted in dict(WIDTHS) else 544, asset.width)
        return row("picture", c=context, picture=shown(asset, data.get("alt", ""), context), width=width, block=data)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """Its description in brackets."""
        alt = "" if context.plain else data.get("alt", "")
        paragraphs = [Paragraph(["[", *context.parsed(alt), "]"])] if alt else []
        if data.get("url"):
            paragraphs.append(Paragraph(context.link(data["url"], TEXT)))
        return paragraphs

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """No picture, no description, a large one, a client without permission."""
        if context.plain:
            return [warning("picture-left-out", "The plain layout shows no pictures; this one is left out.")]
        found = picture_problems(data.get("asset_id"), data.get("alt", ""), context.session)
        if data.get("url") and (why := link_trouble(data["url"])):
            found.append(blocker("broken-link", f"The picture's link {why}."))
        return found

    def quotes(self, data: Data, context: Context) -> list[Quoted]:
        """The permission of the client it shows."""
        return picture_quotes(data.get("asset_id"), context.session)

    def title(self, data: Data) -> str:
        """With what it shows."""
        return f"Picture: {data['alt']}" if data.get("alt") else "Picture"

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """The pictures of the library, newest first."""
        return asset_options(session)


class Columns(Block):
    """Two columns that stack on a phone: picture, heading and words on each side."""

    name, label, icon, section = "columns", "Two columns", "layout-columns", True
    fields = tuple(
        made
        for side in SIDES
        for made in (
            Field(f"{side}_asset_id", f"{side.title()}: picture", "asset"),
            Field(f"{side}_alt", f"{side.title()}: what it shows"),
            Field(f"{side}_heading", f"{side.title()}: heading", max_chars=200),
            Field(f"{side}_html", f"{side.title()}: text", "html"),
        )
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """One section with two columns; below each other in the plain layout."""
        sides = []
        for side in SIDES:
            asset = None if context.plain else picture_of(data.get(f"{side}_asset_id"), context.session)
            sides.append(
                {
                    "picture": asset and shown(asset, data.get(f"{side}_alt", ""), context),
                    "width": min(COLUMN_WIDTH, asset.width) if asset else 0,
                    "heading": context.words(data[f"{side}_heading"]) if data.get(f"{side}_heading") else "",
                    "words": context.slot(html_of(lines_of(data.get(f"{side}_html", "")), context)),
                }
            )
        return row("columns", c=context, sides=sides)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """Left, then right."""
        result = []
        for side in SIDES:
            if data.get(f"{side}_heading"):
                result.append(context.paragraph(data[f"{side}_heading"]))
            result.extend(paragraphs_of(lines_of(data.get(f"{side}_html", "")), context))
        return result

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """Those of its pictures."""
        return [
            problem
            for side in SIDES
            if data.get(f"{side}_asset_id")
            for problem in picture_problems(data.get(f"{side}_asset_id"), data.get(f"{side}_alt", ""), context.session)
        ]

    def quotes(self, data: Data, context: Context) -> list[Quoted]:
        """The permissions of the clients its pictures show."""
        return [q for side in SIDES for q in picture_quotes(data.get(f"{side}_asset_id"), context.session)]

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """The pictures of the library."""
        return asset_options(session)


def asset_of(asset_id: object, session: Session) -> Asset | None:
    """The picture with that id, or None when there is none (any more)."""
    text = str(asset_id or "")
    asset = session.get(Asset, int(text)) if text.isascii() and text.isdigit() else None
    return asset if asset and asset.deleted_at is None else None


def picture_of(asset_id: object, session: Session) -> Asset | None:
    """The same, when it is a picture and no file."""
    asset = asset_of(asset_id, session)
    return asset if asset and asset.width else None


def newer_problems(asset: Asset, session: Session) -> list[Problem]:
    """A warning where the library holds a newer version."""
    latest = asset
    while latest.replaced_by_id is not None and (after := asset_of(latest.replaced_by_id, session)) is not None:
        latest = after
    if latest is asset:
        return []
    newer = f"There is a newer version of “{asset.title}”: choose “{version_said(latest.title, latest.version)}”."
    return [warning("older-version", newer)]


def path_of(asset: Asset) -> str:
    """Where the picture is served."""
    return f"/assets/{asset.token}.{ENDINGS[asset.media_type]}"


def shown(asset: Asset, alt: str, context: Context) -> dict[str, str]:
    """Markers for the address and the description."""
    address = context.slot([context.base_url + path_of(asset)])
    return {"src": address, "alt": context.words(alt or asset.alt)}


def asset_options(session: Session, *, files: bool = False) -> Sequence[tuple[str, str]]:
    """(id, title) of the latest versions in the library: its pictures, or its files."""
    sort = Asset.media_type == "application/pdf" if files else Asset.media_type != "application/pdf"
    here = (sort, Asset.deleted_at.is_(None), Asset.replaced_by_id.is_(None))
    rows = session.execute(
        select(Asset.id, Asset.title, Asset.version).where(*here).order_by(Asset.id.desc()).limit(200)
    )
    nothing = ("", "No file" if files else "No picture")
    return [nothing, *((str(row.id), version_said(row.title, row.version)) for row in rows)]


def version_said(title: str, version: int) -> str:
    """ "Team photo (version 2)"; a first version is not mentioned."""
    return f"{title} (version {version})" if version > 1 else title


def picture_problems(asset_id: object, alt: str, session: Session) -> list[Problem]:
    """What is wrong with one picture."""
    asset = picture_of(asset_id, session)
    if asset is None:
        return [blocker("no-picture", "A picture block has no picture. Choose one or remove the block.")]
    found = newer_problems(asset, session)
    if not (alt or asset.alt):
        found.append(warning("picture-without-text", f"The picture “{asset.title}” has no description."))
    if asset.size_bytes > LARGE_BYTES:
        size = round(asset.size_bytes / 1000)
        found.append(warning("large-picture", f"The picture “{asset.title}” is large ({size} kB)."))
    return found


def picture_quotes(asset_id: object, session: Session) -> list[Quoted]:
    """The permission under which the picture may be shown."""
    asset = asset_of(asset_id, session)
    if asset is None or asset.authorization_id is None:
        return []
    return [Quoted(asset.authorization_id, f"Picture: “{asset.title}”")]
