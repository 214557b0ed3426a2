"""Pictures: checked, decoded and written anew by us, so that nothing but a picture is ever stored or served. PDF files
stand beside them. Whatever shows or quotes a client needs a signed permission, however it got here."""

import hashlib
import secrets
import warnings
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.content import pdfs
from outreach.content.holding import hold_kept
from outreach.content.likeness import alike, fingerprint
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
PDF = "application/pdf"

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

STILL_NEEDS_PERMISSION = Refusal(
    "no-authorization", "A picture that shows or quotes a client needs a signed story permission. Nothing was changed."
)


@dataclass(frozen=True)
class Made:
    """What is stored of an uploaded file."""

    data: bytes
    media_type: str
    size: tuple[int, int] = (0, 0)
    fingerprint: str = ""


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
    replaces_id: int | None = None,
) -> Asset | Refusal:
    """The picture is in the library, re-encoded, without metadata, at most 200 kB; or the PDF, as it is. Idempotent
    for the same file. With `replaces_id` it is the next version of that one, which mail that was sent keeps showing.

    Refusals: not-a-picture (SVG, damaged, something else), picture-too-large, not-a-pdf, file-too-large, active-file,
    no-authorization, known-client (a copy of a picture that shows a client, though it is said to show none).
    """
    story = session.get(Authorization, authorization_id) if shows_client and authorization_id else None
    if shows_client and (story is None or story.state != "signed"):
        return NEEDS_PERMISSION
    made = _made(content)
    if isinstance(made, Refusal):
        return made
    digest = hashlib.sha256(made.data).hexdigest()
    if not shows_client and (known := _of_client(session, digest, made.fingerprint)) is not None:
        text = f"This looks like “{known.title}”, which shows or quotes a client. Say so and choose the permission."
        return Refusal("known-client", f"{text} Nothing was stored.")
    asset = _stored(session, digest, shows_client, replaces_id, now=now, by_id=by_id)
    asset.title, asset.alt = title.strip()[:200] or "Picture", alt.strip()[:300]
    asset.media_type, (asset.width, asset.height) = made.media_type, made.size
    asset.data, asset.size_bytes, asset.fingerprint = made.data, len(made.data), made.fingerprint
    asset.shows_client, asset.authorization_id = shows_client, story.id if story else None
    session.flush()
    if story is not None:
        _also(session, asset, story.id)
    if replaces_id is not None and asset.id != replaces_id:
        session.execute(update(Asset).where(Asset.id == replaces_id).values(replaced_by_id=asset.id))
    return asset


def _made(content: bytes) -> Made | Refusal:
    if content.startswith(b"%PDF-"):
        checked = pdfs.checked(content)
        return checked if isinstance(checked, Refusal) else Made(checked, PDF)
    encoded = re_encoded(content)
    if isinstance(encoded, Refusal):
        return encoded
    data, media_type, size = encoded
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        return Made(data, media_type, size, fingerprint(picture))


def _of_client(session: Session, digest: str, looks: str) -> Asset | None:
    """A picture or file known to show a client, of which this is a copy. Those in the trash count too."""
    shown = session.execute(select(Asset.id, Asset.digest, Asset.fingerprint).where(Asset.shows_client))
    found = next((row.id for row in shown if row.digest == digest or alike(row.fingerprint, looks)), None)
    return session.get(Asset, found) if found is not None else None


def _stored(
    session: Session, digest: str, shows_client: bool, replaces_id: int | None, *, now: datetime, by_id: int | None
) -> Asset:
    known = select(Asset).where(
        Asset.digest == digest,
        Asset.deleted_at.is_(None),
        Asset.replaced_by_id.is_(None),
        Asset.shows_client == shows_client,
    )
    asset = session.scalar(known.limit(1))
    if asset is None:
        before = session.get(Asset, replaces_id) if replaces_id is not None else None
        version = before.version + 1 if before else 1
        token = secrets.token_urlsafe(TOKEN_BYTES)
        asset = Asset(token=token, digest=digest, version=version, added_at=now, added_by_id=by_id)
        session.add(asset)
    return asset


def _also(session: Session, asset: Asset, authorization_id: int) -> None:
    """Once we know that a picture shows a client, every copy of it in the library is held to the permission."""
    others = session.execute(select(Asset.id, Asset.digest, Asset.fingerprint).where(Asset.shows_client.is_(False)))
    copies = [row.id for row in others if row.digest == asset.digest or alike(row.fingerprint, asset.fingerprint)]
    held = {"shows_client": True, "authorization_id": authorization_id}
    session.execute(update(Asset).where(Asset.id.in_(copies)).values(held))
    shown = session.scalars(select(Asset).where(Asset.id.in_([asset.id, *copies])).order_by(Asset.id)).all()
    hold_kept(session, shown, authorization_id=authorization_id)


def tell_client(session: Session, asset: Asset, *, authorization_id: int | None) -> Asset | Refusal:
    """The picture is known to show or quote a client, under that permission; it never goes back to showing none.

    Refusals: no-authorization.
    """
    story = session.get(Authorization, authorization_id) if authorization_id else None
    if story is None or story.state != "signed":
        return STILL_NEEDS_PERMISSION
    asset.shows_client, asset.authorization_id = True, story.id
    session.flush()
    _also(session, asset, story.id)
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
    """(pictures and files in their latest version, newest first, without their bytes; how many there are in all)."""
    here = and_(Asset.deleted_at.is_(None), Asset.replaced_by_id.is_(None))
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
