"""The preview inbox: what the folder transport wrote, as a web page. For coordinators, where it is switched on."""

import re
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for

from outreach import screen
from outreach.content import previewing
from outreach.deliveries import preview_inbox
from outreach.deliveries.preview_inbox import Opened

deliveries = Blueprint("deliveries", __name__, url_prefix="/outbox")

CLICKABLE = "allow-popups allow-popups-to-escape-sandbox"
FRAME_HEADERS = {
    **previewing.HEADERS,
    "Content-Security-Policy": previewing.POLICY.replace("sandbox;", f"sandbox {CLICKABLE};", 1),
}
SAFE_DOWNLOAD = {"Content-Security-Policy": "sandbox; default-src 'none'; base-uri 'none'"}
HEAD_TAG = re.compile(r"<head[^>]*>", re.IGNORECASE)


@deliveries.get("/inbox")
@screen.needs(*screen.WRITERS)
def inbox() -> tuple[str, int]:
    """All mails of the folder, newest first."""
    page = max(request.args.get("page", 1, int), 1)
    mails, many = preview_inbox.listed(_folder(), page=page)
    return screen.page(
        "deliveries/inbox.html",
        mails=mails,
        many=many,
        page_number=page,
        page_size=preview_inbox.PAGE,
        now=screen.now().astimezone(screen.zone()),
        folder_in_use="folder" in screen.world().transports.names,
    )


@deliveries.get("/inbox/<name>")
@screen.needs(*screen.WRITERS)
def inbox_mail(name: str) -> tuple[str, int]:
    """One mail: as it looks, as text, its headers and what came along."""
    part = request.args.get("part", "html")
    return screen.page(
        "deliveries/mail.html",
        mail=_mail(name),
        part=part if part in ("html", "text", "headers") else "html",
        clickable=CLICKABLE,
    )


@deliveries.get("/inbox/<name>/frame")
@screen.needs(*screen.WRITERS)
def inbox_frame(name: str) -> Response:
    """The document inside the frame; links open in a tab of their own."""
    mail = _mail(name)
    if request.args.get("part") == "text":
        return Response(previewing.text_page(mail.text), headers=FRAME_HEADERS)
    public = (screen.world().settings.public_url or "").rstrip("/")
    html = mail.html.replace(f'src="{public}/', 'src="/') if public else mail.html
    return Response(HEAD_TAG.sub(lambda tag: tag[0] + '<base target="_blank">', html, count=1), headers=FRAME_HEADERS)


@deliveries.get("/inbox/<name>/part/<int:number>")
@screen.needs(*screen.WRITERS)
def inbox_part(name: str, number: int) -> Response:
    """A file that came along, as a download."""
    part, data = screen.or_404(preview_inbox.part(_folder(), name, number))
    response = Response(data, content_type=part.content_type, headers=SAFE_DOWNLOAD)
    response.headers.set("Content-Disposition", "attachment", filename=part.filename)
    return response


@deliveries.get("/inbox/<name>/raw")
@screen.needs(*screen.WRITERS)
def inbox_raw(name: str) -> Response:
    """The very bytes, as a download."""
    data = screen.or_404(preview_inbox.raw(_folder(), name))
    response = Response(data, content_type="message/rfc822", headers=SAFE_DOWNLOAD)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _folder() -> Path:
    settings = screen.world().settings
    if not settings.preview_inbox:
        abort(404)
    return settings.outbox_folder


def _mail(name: str) -> Opened:
    return screen.or_404(preview_inbox.opened(_folder(), name))


def inbox_url() -> str | None:
    """Where the preview inbox is, or None when it is switched off."""
    return url_for("deliveries.inbox") if screen.world().settings.preview_inbox else None
