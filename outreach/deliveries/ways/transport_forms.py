"""Forms of the ways out: what is typed is checked for shape here; keys are taken and never given back."""

from collections.abc import Collection
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FloatField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms import SelectChoice as Choice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.transports.dkim_signing import DkimSigner
from outreach.deliveries.ways import way_rules

REQUIRED = "This is needed."
PORT = NumberRange(1, 65535, "A port is a number from 1 to 65535.")
SIGN_IN_CHOICES = [
    Choice("password", "With a password"),
    Choice("token", "With an access token (OAuth)"),
    Choice("none", "Not at all"),
]


class WayForm(FlaskForm):
    """What all have: the state that it was made from, and whether only this machine may be named."""

    revision = HiddenField()
    secret_name = ""

    def __init__(self, *, only_here: bool = False, kept: Collection[str] = (), kept_for: str = "", **more: Any) -> None:
        """`kept`: names of secrets that are there already, so that an empty field keeps them; `kept_for`: for which
        server."""
        super().__init__(**more)
        self.kept_for = kept_for
        self.only_here = only_here
        self.kept = kept
        self.has_secret = self.secret_name in kept

    def facts(self) -> dict[str, Any]:
        """What is stored in the open."""
        raise NotImplementedError

    def secrets(self) -> dict[str, str]:
        """New secrets by name; empty fields are left out."""
        raise NotImplementedError


class SendGridForm(WayForm):
    """The key, the region of the account, the public key of its webhook, and the sandbox."""

    secret_name = "sendgrid.key"  # noqa: S105 - the name of a secret, not one

    key = PasswordField("API key", [Length(max=200)])
    region = SelectField(
        "Region of your account", choices=[Choice("us", "United States (global)"), Choice("eu", "European Union")]
    )
    webhook_key = StringField("Verification key of the event webhook", [Length(max=1000)])
    sandbox = BooleanField("Sandbox: SendGrid checks every email and delivers none")

    def validate_key(self, field: PasswordField) -> None:
        """SG.…; needed once."""
        typed = (field.data or "").strip()
        if not typed and not self.has_secret:
            raise ValidationError(REQUIRED)
        if typed and (problem := way_rules.sendgrid_key_problem(typed)):
            raise ValidationError(problem)

    def validate_webhook_key(self, field: StringField) -> None:
        """A public key, when there is one."""
        if field.data and field.data.strip() and (problem := sendgrid_events.key_problem(field.data)):
            raise ValidationError(problem)

    def facts(self) -> dict[str, Any]:
        """Region, sandbox, and the public key of the webhook."""
        key = "".join((self.webhook_key.data or "").split())
        return {"region": self.region.data, "sandbox": bool(self.sandbox.data), "webhook_key": key}

    def secrets(self) -> dict[str, str]:
        """The key."""
        typed = (self.key.data or "").strip()
        return {"sendgrid.key": typed} if typed else {}


class ServerForm(WayForm):
    """A mail server, for sending or for reading."""

    host = StringField("Server", [Length(max=253)])
    port = IntegerField("Port", [InputRequired("A port is a number from 1 to 65535."), PORT])
    tls = SelectField("Encryption")
    sign_in = SelectField("Sign in", choices=SIGN_IN_CHOICES)
    user = StringField("User", [Length(max=320)])
    password = PasswordField("Password or token", [Length(max=4000)])

    def validate_host(self, field: StringField) -> None:
        """A name or an address, nothing around it."""
        if problem := way_rules.host_problem(field.data or "", only_here=self.only_here):
            raise ValidationError(problem)

    def validate_tls(self, field: SelectField) -> None:
        """Without encryption only on this machine."""
        if field.data == "plain" and (self.host.data or "").strip().lower() not in way_rules.THIS_MACHINE:
            raise ValidationError("Without encryption only a server on this machine can be used.")

    def validate_user(self, field: StringField) -> None:
        """Needed to sign in."""
        if self.sign_in.data != "none" and not (field.data or "").strip():
            raise ValidationError(REQUIRED)
        if problem := way_rules.secret_problem(field.data or ""):
            raise ValidationError(problem)

    def validate_password(self, field: PasswordField) -> None:
        """Needed once, to sign in."""
        if self.sign_in.data != "none" and not field.data and not self.has_secret:
            raise ValidationError(REQUIRED)
        if self.sign_in.data != "none" and not field.data and self.facts()["host"] != self.kept_for:
            raise ValidationError("This is another server: type the password for it.")
        if problem := way_rules.secret_problem(field.data or ""):
            raise ValidationError(problem)

    def facts(self) -> dict[str, Any]:
        """Everything but the password."""
        return {
            "host": (self.host.data or "").strip().lower(),
            "port": self.port.data,
            "tls": self.tls.data,
            "sign_in": self.sign_in.data,
            "user": (self.user.data or "").strip() if self.sign_in.data != "none" else "",
        }

    def secrets(self) -> dict[str, str]:
        """The password or token."""
        return {self.secret_name: self.password.data} if self.password.data and self.sign_in.data != "none" else {}


class SmtpForm(ServerForm):
    """A server that takes our mail."""

    secret_name = "smtp.password"  # noqa: S105 - the name of a secret, not one
    tls = SelectField(
        "Encryption",
        choices=[
            Choice("starttls", "STARTTLS (port 587)"),
            Choice("tls", "TLS from the start (port 465)"),
            Choice("plain", "None (only on this machine)"),
        ],
    )
    most_per_session = IntegerField(
        "Emails per connection", [InputRequired("A number from 1 to 10,000."), NumberRange(1, 10_000)], default=100
    )

    dkim_selector = StringField("DKIM selector", [Length(max=100)])
    dkim_key = TextAreaField("DKIM private key", [Length(max=20_000)])

    def validate_dkim_selector(self, field: StringField) -> None:
        """A key needs its name."""
        if (self.dkim_key.data or "").strip() and not (field.data or "").strip():
            raise ValidationError("Under which name is the public key in your DNS? As in spring2026.")

    def validate_dkim_key(self, field: TextAreaField) -> None:
        """Needed once, when there is a selector; a key that can sign."""
        typed, selector = (field.data or "").strip(), (self.dkim_selector.data or "").strip()
        if selector and not typed and "smtp.dkim" not in self.kept:
            raise ValidationError("Put in the private key that belongs to this selector.")
        if selector and typed:
            try:
                DkimSigner(selector, None, typed.encode())
            except ValueError as broken:
                raise ValidationError(str(broken)) from broken

    def facts(self) -> dict[str, Any]:
        """With the number of emails per connection and the DKIM selector."""
        selector = (self.dkim_selector.data or "").strip()
        return {**super().facts(), "most_per_session": self.most_per_session.data, "dkim_selector": selector}

    def secrets(self) -> dict[str, str]:
        """With the DKIM key."""
        typed = (self.dkim_key.data or "").strip()
        return {**super().secrets(), **({"smtp.dkim": typed} if typed else {})}


class InboundForm(ServerForm):
    """The mailbox where answers and bounces arrive."""

    secret_name = "inbound.password"  # noqa: S105 - the name of a secret, not one
    tls = SelectField(
        "Encryption",
        choices=[
            Choice("tls", "TLS from the start (port 993)"),
            Choice("starttls", "STARTTLS (port 143)"),
            Choice("plain", "None (only on this machine)"),
        ],
    )
    sign_in = SelectField("Sign in", choices=SIGN_IN_CHOICES[:2])
    folder = StringField("Folder", [Length(max=200)], default="INBOX")

    def validate_folder(self, field: StringField) -> None:
        """Its name is sent in a line."""
        if problem := way_rules.secret_problem(field.data or ""):
            raise ValidationError(problem)

    def facts(self) -> dict[str, Any]:
        """With the folder."""
        return {**super().facts(), "folder": (self.folder.data or "").strip() or "INBOX"}


class LimitForm(FlaskForm):
    """How much may leave by one way; empty: no limit."""

    per_second = FloatField("Emails a second", [Optional()])
    burst = IntegerField("At once after a pause", [Optional()])
    per_day = IntegerField("Emails a day", [Optional()])


FORMS: dict[str, type[WayForm]] = {"sendgrid": SendGridForm, "smtp": SmtpForm, "inbound": InboundForm}
