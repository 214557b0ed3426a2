"""The second factor: six digits that work once, and recovery codes of which only digests are kept."""

import hashlib
import secrets
from typing import Any

from flask_security import UserMixin
from flask_security.recovery_codes import MfRecoveryCodesUtil
from flask_security.totp import Totp


class Codes(Totp):
    """Codes of the authenticator; one that was used is not taken again (RFC 6238 section 5.2)."""

    def get_last_counter(self, user: Any) -> int | None:
        """The counter of the last code that was taken."""
        counter: int | None = user.tf_last_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """This code and all before it are used up."""
        user.tf_last_counter = tmatch.counter


class RecoveryCodes(MfRecoveryCodesUtil):
    """Codes on paper for the day the phone is lost: shown once, kept as digests, each good for one sign-in."""

    def create_recovery_codes(self, user: UserMixin) -> list[str]:
        """New codes, which replace all earlier ones."""
        codes = [_spaced(secrets.token_hex(8)) for _ in range(8)]
        user.mf_recovery_codes = [_digest(code) for code in codes]
        return codes

    def get_recovery_codes(self, user: UserMixin) -> list[str]:
        """Nothing: what was shown once cannot be shown again."""
        return []

    def check_recovery_code(self, user: UserMixin, code: str) -> bool:
        """Whether the code is one of those not used yet."""
        return _digest(code) in (user.mf_recovery_codes or [])

    def delete_recovery_code(self, user: UserMixin, code: str) -> bool:
        """The code is used up."""
        left = [kept for kept in user.mf_recovery_codes or [] if kept != _digest(code)]
        user.mf_recovery_codes = left
        return True


def _spaced(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def _digest(code: str) -> str:
    # 64 random bits need no slow hash.
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).hexdigest()
