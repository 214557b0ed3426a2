"""Pictures: checked, decoded and written anew by us, so that nothing but a picture is ever stored or served."""

import hashlib
import secrets
import warnings
from datetime import date, datetime
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.content.models import Asset
from outreach.errors import Refusal

MAX_FILE_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_STORED_BYTES = 200_000
MAX_WIDTH = 1200
"""Twice the 600 px column, for sharp screens."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
QUALITIES = (85, 78, 70, 60, 50)
SMALLER = (1.0, 0.75, 0.5, 0.35)
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"RIFF")
TOKEN_BYTES = 18

NOT_A_PICTURE = Refusal(
    "not-a-picture", "This file is not a picture we can use. Choose a JPEG, PNG, GIF or WebP file. Nothing was stored."
)
TOO_LARGE = Refusal(
    "picture-too-large",
    "The picture is too large (over 40 megapixels or 25 MB). Make it smaller first. Nothing was stored.",
)
NEEDS_PERMISSION = Refusal(
    "no-authorization", "A picture that shows or quotes a client needs a signed story permission. Nothing was stored."
)


def upload(
    session: Session,
    *,
    now: datetime,
    content: bytes,
    title: str,
    alt: str,
    shows_client: bool,
    by_id: int | None,
    authorization_id: int | None = None,
) -> Asset | Refusal:
    """The picture is in the library, re-encoded, without metadata, at most 200 kB. Idempotent for the same picture.

    Refusals: not-a-picture (SVG, damaged, something else), picture-too-large, no-authorization.
    """
    story = session.get(Authorization, authorization_id) if shows_client and authorization_id else None
    if shows_client and (story is None or story.state != "signed"):
        return NEEDS_PERMISSION
    made = re_encoded(content)
    if isinstance(made, Refusal):
        return made
    data, media_type, (width, height) = made
    digest = hashlib.sha256(data).hexdigest()
    known = select(Asset).where(Asset.digest == digest, Asset.deleted_at.is_(None), Asset.shows_client == shows_client)
    asset = session.scalar(known.limit(1))
    if asset is None:
        asset = Asset(token=secrets.token_urlsafe(TOKEN_BYTES), digest=digest, added_at=now, added_by_id=by_id)
        session.add(asset)
    asset.title, asset.alt = title.strip()[:200] or "Picture", alt.strip()[:300]
    asset.media_type, asset.width, asset.height = media_type, width, height
    asset.data, asset.size_bytes = data, len(data)
    asset.shows_client, asset.authorization_id = shows_client, story.id if story else None
    session.flush()
    return asset


def re_encoded(content: bytes) -> tuple[bytes, str, tuple[int, int]] | Refusal:
    """(bytes, media type, (width, height)) of the picture written anew. Only pixels survive: what else hides in the
    file (scripts, places, comments) is gone. Refusals: not-a-picture, picture-too-large."""
    if len(content) > MAX_FILE_BYTES:
        return TOO_LARGE
    if not content.startswith(SIGNATURES):
        return NOT_A_PICTURE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    return TOO_LARGE
                picture.load()
                upright = ImageOps.exif_transpose(picture)
                return _encoded(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return TOO_LARGE
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, MemoryError):
        return NOT_A_PICTURE


def _encoded(picture: Image.Image) -> tuple[bytes, str, tuple[int, int]]:
    see_through = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    pixels = picture.convert("RGBA" if see_through else "RGB")
    if pixels.width > MAX_WIDTH:
        pixels = pixels.resize((MAX_WIDTH, max(1, round(pixels.height * MAX_WIDTH / pixels.width))))
    # Pillow would write comments and profiles of the old file into the new one.
    pixels.info.clear()
    small = _as_png(pixels)
    if small is not None and (see_through or picture.mode in ("P", "1", "L")):
        return small, "image/png", pixels.size
    return _as_jpeg(_on_white(pixels))


def _as_png(pixels: Image.Image) -> bytes | None:
    out = BytesIO()
    pixels.save(out, "PNG", optimize=True)
    return out.getvalue() if out.tell() <= MAX_STORED_BYTES else None


def _as_jpeg(pixels: Image.Image) -> tuple[bytes, str, tuple[int, int]]:
    """The best quality that fits; a picture that fits nowhere (noise) becomes smaller."""
    for factor in SMALLER:
        size = (max(1, round(pixels.width * factor)), max(1, round(pixels.height * factor)))
        scaled = pixels if factor == SMALLER[0] else pixels.resize(size)
        for quality in QUALITIES:
            out = BytesIO()
            scaled.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
            if out.tell() <= MAX_STORED_BYTES:
                return out.getvalue(), "image/jpeg", scaled.size
    raise ValueError("The picture cannot be made small enough")


def _on_white(pixels: Image.Image) -> Image.Image:
    if pixels.mode != "RGBA":
        return pixels
    ground = Image.new("RGB", pixels.size, "white")
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground


def served(session: Session, token: str, *, on: date) -> Asset | None:
    """The picture served under that name. One in the trash is still served: mail that was sent shows it. One that
    shows a client is not, once the permission was withdrawn or is over."""
    asset = session.scalar(select(Asset).where(Asset.token == token))
    if asset is None or asset.authorization_id is None:
        return asset
    story = session.get_one(Authorization, asset.authorization_id)
    return asset if any(is_live(story, scope, on=on) for scope in story.scopes) else None


def library(session: Session, *, limit: int = 50, offset: int = 0) -> tuple[list[Asset], int]:
    """(pictures, newest first, without their bytes; how many there are in all)."""
    here = Asset.deleted_at.is_(None)
    found = session.scalars(select(Asset).where(here).order_by(Asset.id.desc()).limit(limit).offset(offset))
    return list(found), session.scalar(select(func.count()).select_from(Asset).where(here)) or 0


def describe(session: Session, *, asset_id: int, title: str, alt: str) -> Asset | None:
    """The picture has that title and description; None when there is no such picture."""
    asset = session.get(Asset, asset_id)
    if asset is not None and asset.deleted_at is None:
        asset.title, asset.alt = title.strip()[:200] or asset.title, alt.strip()[:300]
        return asset
    return None


def put_away(session: Session, *, now: datetime, asset_id: int) -> Asset | None:
    """The picture is in the trash and no longer offered; mail that shows it keeps showing it."""
    asset = session.get(Asset, asset_id)
    if asset is not None:
        asset.deleted_at = asset.deleted_at or now
    return asset


def bring_back(session: Session, *, asset_id: int) -> Asset | None:
    """The picture is out of the trash again."""
    asset = session.get(Asset, asset_id)
    if asset is not None:
        asset.deleted_at = None
    return asset
