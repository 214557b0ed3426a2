"""Keys that recognise a case or a client again and tell nothing of either. Pure."""

import hashlib
import hmac


def one_way(key: bytes, purpose: str, value: str) -> str:
    """A keyed hash in 64 hex signs: equal for the same value, and nobody without the key can go back."""
    plain = " ".join(value.casefold().split())
    return hmac.new(key, f"outreach-emr-{purpose}|{plain}".encode(), hashlib.sha256).hexdigest()
