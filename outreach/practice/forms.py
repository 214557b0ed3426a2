"""Forms of signing in: Flask-Security's own, behind the throttle and without "remember me"."""

from typing import Any

from flask_security.forms import (
    ChangePasswordForm,
    LoginForm,
    TwoFactorRescueForm,
    TwoFactorSetupForm,
    TwoFactorVerifyCodeForm,
    VerifyForm,
)
from flask_security.recovery_codes import MfRecoveryForm
from wtforms import HiddenField, RadioField, SelectChoice

from outreach import screen
from outreach.practice import rules, throttle

TOO_MANY = "Too many wrong tries. Wait 15 minutes, then try again."


class _Throttled:
    """Asks the throttle before a secret is looked at, and tells it when the secret was wrong."""

    def validate(self, **kwargs: Any) -> bool:
        where = {"account": self._account(), "address": screen.who_asks()}
        if throttle.is_closed(screen.session(), now=screen.now(), **where):
            self.form_errors.append(TOO_MANY)  # type: ignore[attr-defined]
            return False
        if super().validate(**kwargs):  # type: ignore[misc]
            return True
        throttle.note_failure(screen.session(), now=screen.now(), **where)
        return False

    def _account(self) -> str:
        user = getattr(self, "user", None)
        return user.email if user else ""


class SignInForm(_Throttled, LoginForm):
    """Address and password."""

    remember = None  # WTForms' way of leaving a field out

    def _account(self) -> str:
        # The spelling under which the person is looked up: otherwise each other spelling would get tries of its own.
        address = rules.address_or_refusal(self.email.data or "")
        return address if isinstance(address, str) else ""


class CodeForm(_Throttled, TwoFactorVerifyCodeForm):
    """The six digits of the authenticator."""


class SetUpForm(TwoFactorSetupForm):
    """Which second factor: there is one, the authenticator."""

    setup = HiddenField()
    phone = HiddenField()


class RescueForm(TwoFactorRescueForm):
    """What to do without the phone; our pages offer the recovery code directly."""

    help_setup = RadioField(choices=[SelectChoice("help", "Ask an administrator")])


class RecoveryForm(_Throttled, MfRecoveryForm):
    """One of the codes on paper."""


class AgainForm(_Throttled, VerifyForm):
    """The password again, before something that matters."""

    def _account(self) -> str:
        return str(screen.actor_id())


class NewPasswordForm(_Throttled, ChangePasswordForm):
    """The present password and a new one."""

    def _account(self) -> str:
        return str(screen.actor_id())
