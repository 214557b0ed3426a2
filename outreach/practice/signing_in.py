"""Signing in: Flask-Security over the turn's session, the gate before every screen, and CSRF on every unsafe method."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, session, url_for
from flask_login import current_user, user_logged_in
from flask_security import Security
from flask_security.datastore import SQLAlchemySessionUserDatastore
from flask_security.mail_util import MailUtil
from flask_security.password_util import PasswordUtil
from flask_security.signals import password_changed, tf_disabled, tf_profile_changed
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from outreach import audit, screen
from outreach.practice import forms, passwords, queries, second_factor, sessions, throttle
from outreach.practice.models import Person, Role

OPEN_SCREENS = (
    "static",
    "security.login",
    "security.logout",
    "security.two_factor_setup",
    "security.two_factor_token_validation",
    "security.two_factor_rescue",
    "security.tf_select",
    "security.mf_recovery",
)
"""What may be seen without being signed in, beside the blueprints named `..._public`."""
WITHOUT_TOKEN = (
    "deliveries_public.one_click",
    "deliveries_public.sendgrid_events",
    "deliveries_public.inbound_parse",
)
"""Unsafe requests that no page of ours sends: they prove themselves otherwise (RFC 8058 token, signature)."""

SendMail = Callable[[str, str, str], None]
"""(address, subject, plain text): how a sign-in notice leaves. Given by `web`, which may import deliveries."""


class TurnDatastore(SQLAlchemySessionUserDatastore):
    """People and roles over the session of this request's turn, which alone commits."""

    def commit(self) -> None:
        """Only flush: the turn commits."""
        self.db.session.flush()


class Passwords(PasswordUtil):
    """Our rules in the place of Flask-Security's."""

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        """The objections, if any, and the password as it is hashed."""
        plain = self.normalize(password)
        user = kwargs.get("user")
        objection = passwords.objection(plain, about=queries.about(screen.session(), user))
        return ([objection] if objection else None), plain


def install(app: Flask, runtime: Any, *, send: SendMail | None = None) -> None:
    """The sign-in gate stands before every route that is not public; `send` carries notices once it is given."""
    settings = runtime.settings
    app.session_interface = sessions.TableSessions(runtime, always_secure=settings.https)
    if settings.https:
        # https ends at a proxy before us; the throttle counts the address that the proxy names.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    app.config.update(_settings(runtime.key, settings.second_factor_required, mail=send is not None))
    csrf = CSRFProtect(app)
    security = Security(
        app,
        TurnDatastore(LocalProxy(screen.session), Person, Role),  # type: ignore[arg-type]
        login_form=forms.SignInForm,
        verify_form=forms.AgainForm,
        change_password_form=forms.NewPasswordForm,
        two_factor_setup_form=forms.SetUpForm,
        two_factor_rescue_form=forms.RescueForm,
        two_factor_verify_code_form=forms.CodeForm,
        mf_recovery_form=forms.RecoveryForm,
        password_util_cls=Passwords,
        mail_util_cls=_mail_through(send),
        totp_cls=second_factor.Codes,
        mf_recovery_codes_util_cls=second_factor.RecoveryCodes,
    )
    security.want_json(lambda _request: False)
    app.login_manager.session_protection = None  # type: ignore[attr-defined]
    # Only the cookie signs in: tokens in headers or addresses are not a way into this application.
    app.login_manager._request_callback = None  # type: ignore[attr-defined]
    app.before_request(_gate)
    app.before_request(_check_origin(csrf, settings.public_url))
    _remember_acts(app)


def _settings(key: bytes, second_factor_required: bool, *, mail: bool) -> dict[str, Any]:
    return {
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_CACHE_CONTROL": {"no-store": None},
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__type": "ID",
            "argon2__rounds": passwords.TIME_COST,
            "argon2__memory_cost": passwords.MEMORY_KIB,
            "argon2__parallelism": passwords.LANES,
        },
        "SECURITY_PASSWORD_LENGTH_MIN": passwords.SHORTEST,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": ("That address and password do not go together.", "error"),
        "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": ("That code is not right, or it was used already.", "error"),
        "SECURITY_MSG_INVALID_RECOVERY_CODE": ("That recovery code is not right, or it was used already.", "error"),
        "SECURITY_MSG_PASSWORD_CHANGE": ("Your password is changed. Other browsers are signed out.", "done"),
        "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("Welcome.", "done"),
        "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": ("From now on we ask for a code at sign-in.", "done"),
        "SECURITY_MSG_TWO_FACTOR_DISABLED": ("We no longer ask for a code at sign-in.", "done"),
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_CHANGEABLE": True,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": mail,
        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": "Your password was changed",
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_POST_CHANGE_VIEW": "/settings/account",
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_REQUIRED": second_factor_required,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/settings/account",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 8,
        "SECURITY_TOTP_SECRETS": {"1": _derived(key, "totp")},
        "SECURITY_TOTP_ISSUER": "Outreach",
        "SECURITY_FRESHNESS": timedelta(hours=1),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_DATETIME_FACTORY": screen.now,
    }


def _derived(key: bytes, purpose: str) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, f"outreach-{purpose}".encode(), hashlib.sha256).digest()).decode()


def _mail_through(send: SendMail | None) -> type[MailUtil]:
    class Notices(MailUtil):
        """Sign-in notices leave through the outbox, or not at all."""

        def send_mail(  # type: ignore[override]
            self, template: str, subject: str, recipient: str, sender: Any, body: str, *_: Any, **__: Any
        ) -> None:
            if send is not None:
                send(recipient, str(subject), body)

    return Notices


def _gate() -> AnyResponse | None:
    endpoint = request.endpoint
    if endpoint == "security.two_factor_token_validation" and _nothing_to_validate():
        # Flask-Security answers this with a sign-out; a link somebody planted must not be able to do that.
        return redirect("/")
    if endpoint is None or is_public(endpoint):
        if endpoint == "security.login" and not queries.has_administrator(screen.session()):
            return redirect("/setup")
        return None
    if current_user.is_authenticated:
        return None
    if not queries.has_administrator(screen.session()):
        return redirect("/setup")
    back = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    if screen.is_fragment():
        return Response(status=401, headers={"HX-Redirect": url_for("security.login")})
    return redirect(url_for("security.login", next=back))


def _nothing_to_validate() -> bool:
    looking = request.method in ("GET", "HEAD")
    return looking and bool(current_user.is_authenticated) and session.get("tf_state") != "validating_profile"


def is_public(endpoint: str) -> bool:
    """Whether an endpoint may be reached without signing in."""
    return endpoint in OPEN_SCREENS or endpoint.rpartition(".")[0].endswith("_public")


def _check_origin(csrf: CSRFProtect, public_url: str | None) -> Callable[[], None]:
    ours = urlsplit(public_url or "").netloc

    def check() -> None:
        if request.endpoint is None or request.endpoint in WITHOUT_TOKEN:
            return
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            # Browsers say "null" for forms on pages with Referrer-Policy: no-referrer, which are our public ones.
            origin = request.headers.get("Origin", "null")
            unnamed = origin == "null" and ("Origin" not in request.headers or is_public(request.endpoint))
            if not unnamed and urlsplit(origin).netloc not in (request.host, ours):
                raise CSRFError("This form was sent from another site.")
        csrf.protect()

    return check


def _remember_acts(app: Flask) -> None:
    acts = {
        "sign-in": user_logged_in,
        "change-password": password_changed,
        "set-second-factor": tf_profile_changed,
        "drop-second-factor": tf_disabled,
    }
    receivers = {action: _recorder(action) for action in acts}
    # Signals hold their receivers weakly: the application keeps them alive.
    app.extensions["outreach-receivers"] = receivers
    for action, signal in acts.items():
        signal.connect(receivers[action], app)


def _recorder(action: str) -> Callable[..., None]:
    def happened(_app: Flask, user: Person, **_: Any) -> None:
        session = screen.session()
        audit.record(
            session, now=screen.now(), actor_id=user.id, action=action, subject_type="person", subject_id=user.id
        )
        if action == "sign-in":
            throttle.forgive(session, account=user.email)

    return happened
