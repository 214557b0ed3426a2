"""SendGrid's Mail Send request, for one person or for many who share a body: built with its own package, checked by
our own rules.

The package builds but does not validate; `check` (in `sendgrid_limits`) holds every rule that SendGrid or our contract
with it names, and runs on each payload before it is posted.
"""

import base64
from typing import Any

from sendgrid.helpers.mail import (
    Attachment,
    Category,
    ClickTracking,
    Content,
    CustomArg,
    Disposition,
    FileContent,
    FileName,
    FileType,
    From,
    Ganalytics,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    Personalization,
    ReplyTo,
    SandBoxMode,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from outreach.deliveries.mail import headers, mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports.sendgrid_limits import MID, check

__all__ = ["build", "check", "person_of", "shared"]

NAME_SEPARATORS = str.maketrans({";": " ", ",": " "})
"""Recipient names must hold neither (limitations page of Mail Send)."""


def build(message: OutgoingMessage, *, sandbox: bool) -> dict[str, Any]:
    """The JSON body of `POST /v3/mail/send` for one person; `sandbox` makes SendGrid validate and deliver nothing.

    The delivery's id travels as the custom argument `om_mid` and comes back with every event. Raises ValueError for
    what `mime.build` refuses too (addresses, list headers, calendar method) and for a text that is an API key.
    """
    mail = _mail(message, [("text/plain", message.text), ("text/html", message.html), *_calendar(message)])
    mail.add_personalization(_person(message))
    # The package puts each attachment before the earlier ones.
    for name, content_type, data in reversed(_files(message)):
        mail.add_attachment(_attachment(name, content_type, data))
    if sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    payload: dict[str, Any] = mail.get()
    return payload


def shared(message: OutgoingMessage, *, html: str, text: str, sandbox: bool) -> dict[str, Any]:
    """The body without its personalizations, for many people who get this html and text. Raises ValueError."""
    mail = _mail(message, [("text/plain", text), ("text/html", html)])
    if sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    payload: dict[str, Any] = mail.get()
    payload.pop("personalizations", None)
    return payload


def person_of(message: OutgoingMessage) -> dict[str, Any]:
    """One personalization as the package would write it, without its objects: they are too slow for many people.

    Raises ValueError for addresses and list headers that cannot stand in mail.
    """
    name = headers.clean(message.to_name.translate(NAME_SEPARATORS))
    email = headers.address(message.to_email)
    return {
        "to": [{"email": email, "name": name} if name else {"email": email}],
        "subject": headers.clean(message.subject),
        "headers": dict(_headers(message)),
        "custom_args": {MID: str(message.delivery_id)},
    }


def _mail(message: OutgoingMessage, contents: list[tuple[str, str]]) -> Mail:
    mail = Mail()
    mail.from_email = From(headers.address(message.from_email), headers.clean(message.from_name) or None)
    if message.reply_to is not None:
        mail.reply_to = ReplyTo(headers.address(message.reply_to))
    for content_type, value in contents:
        mail.add_content(_content(content_type, value))
    mail.add_category(Category(message.kind))
    mail.tracking_settings = _no_tracking()
    return mail


def _person(message: OutgoingMessage) -> Personalization:
    person = Personalization()
    name = headers.clean(message.to_name.translate(NAME_SEPARATORS))
    person.add_to(To(headers.address(message.to_email), name or None))
    person.subject = headers.clean(message.subject)
    for key, value in _headers(message):
        person.add_header(Header(key, value))
    person.add_custom_arg(CustomArg(MID, str(message.delivery_id)))
    return person


def _headers(message: OutgoingMessage) -> list[tuple[str, str]]:
    """Our Message-ID, so that answers and bounces name the delivery, and the list headers; values in ASCII."""
    further = [
        (name, value if value.isascii() else headers.encoded(value, fold=False))
        for name, value in headers.extra_headers(message)
    ]
    return [("Message-ID", headers.message_id(message.message_id)), *headers.list_headers(message), *further]


def _calendar(message: OutgoingMessage) -> list[tuple[str, str]]:
    """The invitation, whose method stands in the type (sendgrid-ruby issue 298); it comes after plain and html."""
    if message.calendar is None:
        return []
    method = mime.calendar_method(message.calendar)
    return [(f"text/calendar; method={method}", message.calendar.ics.decode("utf-8"))]


def _content(content_type: str, value: str) -> Content:
    try:
        return Content(content_type, value)
    except ApiKeyIncludedException as error:
        raise ValueError("The text starts with what looks like an API key.") from error


def _files(message: OutgoingMessage) -> list[tuple[str, str, bytes]]:
    """The invitation's file once more, under a bare type (a parameter is refused), then the message's own files."""
    invite = [(mime.INVITE_NAME, mime.INVITE_TYPE, message.calendar.ics)] if message.calendar is not None else []
    own = [(mime.attachment_name(file), mime.attachment_type(file), file.data) for file in message.attachments]
    return [*invite, *own]


def _attachment(name: str, content_type: str, data: bytes) -> Attachment:
    return Attachment(
        FileContent(base64.b64encode(data).decode("ascii")),
        FileName(name),
        FileType(content_type),
        Disposition("attachment"),
    )


def _no_tracking() -> TrackingSettings:
    """Everything off by name, whatever the account's defaults: links and the unsubscribe pair are our own."""
    return TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
        ganalytics=Ganalytics(enable=False),
    )
