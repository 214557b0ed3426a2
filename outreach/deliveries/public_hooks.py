"""Where providers post what happened. Raw bytes first; nothing here asks for a session."""

import hmac
import logging

from flask import Blueprint, abort, request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from outreach import screen, tokens
from outreach.deliveries import receipts
from outreach.deliveries.returns import inbound
from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.ways import way_settings

log = logging.getLogger(__name__)

deliveries_public = Blueprint("deliveries_public", __name__)

LARGEST_MAIL = 32 * 1024 * 1024
"""Inbound Parse posts mails of up to 30 MB as one form field; the framework's own limit is 500 kB (standards A6)."""


def inbound_token(key: bytes) -> str:
    """What stands in the address that the provider posts mail to: nobody else can guess it."""
    return tokens.derive(key, "inbound", 1)


@deliveries_public.post("/hooks/sendgrid", endpoint="sendgrid_events")
def sendgrid_events_post() -> tuple[str, int]:
    """Signed events are stored and applied; anything else gets a clear no and changes nothing."""
    key = way_settings.webhook_key(screen.session(), screen.world().settings)
    if not key:
        abort(404)
    if (request.content_length or 0) > sendgrid_events.MAX_BYTES:
        return "The post is larger than 1 MB.\n", 413
    raw = request.stream.read(sendgrid_events.MAX_BYTES + 1)
    signature = request.headers.get(sendgrid_events.SIGNATURE_HEADER)
    if not sendgrid_events.verify(key, signature, request.headers.get(sendgrid_events.TIMESTAMP_HEADER), raw):
        return "The signature does not fit.\n", 403
    facts = sendgrid_events.parse_events(raw)
    if not isinstance(facts, list):
        return f"{facts.text}\n", 413 if facts.reason == "too-large" else 400
    session, now = screen.session(), screen.now()
    receipts.store(session, facts, now=now)
    try:
        with session.begin_nested():
            receipts.apply(session, now=now, key=screen.world().key)
    except Exception:
        # The facts are stored; the tick tries again. The provider must not post them once more for that.
        log.exception("Stored events could not be applied at once")
    return "", 204


@deliveries_public.post("/hooks/inbound/<token>")
def inbound_parse(token: str) -> tuple[str, int]:
    """A mail in raw mode is stored, whatever it is; 2xx even for what we do not understand.

    Any other answer loses the mail (4xx) or brings it again for three days (5xx), so only strangers get a 4xx.
    """
    world = screen.world()
    if not hmac.compare_digest(token.encode(), inbound_token(world.key).encode()):
        abort(404)
    request.max_form_memory_size = request.max_content_length = LARGEST_MAIL
    # Before the form is read: afterwards there are no raw bytes any more (standards A6).
    posted = request.get_data(cache=True, parse_form_data=False)
    if world.settings.inbound_key and not sendgrid_events.verify(
        world.settings.inbound_key,
        request.headers.get(sendgrid_events.SIGNATURE_HEADER),
        request.headers.get(sendgrid_events.TIMESTAMP_HEADER),
        posted,
    ):
        return "The signature does not fit.\n", 403
    raw = _raw_mail(posted)
    if raw is None:
        return "There is no field “email”: switch on “send raw”.\n", 200
    inbound.receive(screen.session(), now=screen.now(), key=world.key, raw=raw)
    return "", 204


def _raw_mail(posted: bytes) -> bytes | None:
    """The field `email` byte for byte: the form parser would read it as UTF-8 and lose what is not."""
    if request.mimetype != "multipart/form-data":
        text = request.form.get("email")
        return None if text is None else text.encode("utf-8", "surrogateescape")
    boundary = request.mimetype_params.get("boundary", "").encode("ascii", "replace")
    decoder = MultipartDecoder(boundary, max_form_memory_size=None)
    decoder.receive_data(posted)
    decoder.receive_data(None)
    found: list[bytes] | None = None
    inside = False
    try:
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Field | File):
                inside = event.name == "email" and found is None
                found = [] if inside else found
            elif isinstance(event, Data) and inside and found is not None:
                found.append(event.data)
    except ValueError:
        # Cut short or no form at all: what there is of the mail is kept.
        log.warning("A post of inbound mail was no whole form")
    return None if found is None else b"".join(found)
