"""Settings of one installation, read once from the environment and frozen."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from outreach.errors import SettingsError

Mode = Literal["run", "demo", "test"]

DEFAULT_PORT = 8000
SENDGRID_URL = "https://api.sendgrid.com"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Settings:
    """What the doors (web, worker, commands) need to know before the database is open."""

    mode: Mode
    home: Path
    database_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    sendgrid_api_key: str | None = field(default=None, repr=False)
    sendgrid_base_url: str = SENDGRID_URL
    sendgrid_webhook_key: str | None = None
    sendgrid_sandbox: bool = False
    """SendGrid checks every request and delivers nothing."""
    inbound_key: str | None = None
    """The public key of Inbound Parse's security policy, as SendGrid shows it."""
    imap_url: str | None = field(default=None, repr=False)
    """The mailbox where answers and bounces arrive: imaps://user:password@host/FOLDER."""
    imap_token_file: Path | None = None
    """Holds the access token for signing in with OAuth instead of a password; read anew at each sign-in."""
    preview_inbox: bool = False
    second_factor_required: bool = True
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    """Mail over SMTP is signed with this RSA key (PEM) under the selector; None: the relay signs, or nobody."""
    secrets_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Data keys for the kept keys of transports, the newest first; none: those in the data folder are used."""

    @property
    def outbox_folder(self) -> Path:
        """Where the folder transport writes .eml files."""
        return self.home / "outbox"

    @property
    def https(self) -> bool:
        """Whether the public address is https: decides cookie prefixes and one-click headers."""
        return bool(self.public_url and self.public_url.startswith("https://"))


def settings_from(environ: Mapping[str, str] | None = None, *, mode: Mode = "run") -> Settings:
    """Settings read from the environment, checked; the data folder exists and can be written.

    Refusals: SettingsError with one sentence that names the variable.
    """
    env = os.environ if environ is None else environ
    home = _home(env, mode)
    public_url = _url(env, "OUTREACH_PUBLIC_URL", ("http", "https"))
    if mode == "demo" and public_url is None:
        # Links in the demo's mails can be pressed on this machine; a real practice names its own address.
        public_url = f"http://127.0.0.1:{_port(env)}"
    smtp_url = _url(env, "OUTREACH_SMTP_URL", ("smtp", "smtps"))
    sendgrid_url = _url(env, "SENDGRID_BASE_URL", ("http", "https")) or SENDGRID_URL
    sendgrid_api_key = env.get("SENDGRID_API_KEY") or None
    if mode == "demo" and smtp_url and not _is_here(smtp_url):
        raise SettingsError(
            "No mail of the demo leaves this machine: OUTREACH_SMTP_URL must name a server on it, or be left out."
        )
    if mode == "demo" and not _is_here(sendgrid_url):
        # A key that lies about in somebody's environment is not meant for the demo.
        sendgrid_api_key = None
    dkim_selector, dkim_key_file = _dkim(env)
    return Settings(
        mode=mode,
        home=home,
        database_url=_database_url(env, home),
        secret_key=_secret_key(env, home),
        host=env.get("OUTREACH_HOST", "127.0.0.1"),
        port=_port(env),
        public_url=public_url,
        smtp_url=smtp_url,
        sendgrid_api_key=sendgrid_api_key,
        sendgrid_base_url=sendgrid_url,
        sendgrid_webhook_key=env.get("SENDGRID_WEBHOOK_KEY") or None,
        sendgrid_sandbox=_yes(env, "OUTREACH_SENDGRID_SANDBOX", default=False),
        inbound_key=env.get("OUTREACH_INBOUND_KEY") or None,
        imap_url=_imap_url(env, mode),
        imap_token_file=Path(env["OUTREACH_IMAP_TOKEN_FILE"]) if env.get("OUTREACH_IMAP_TOKEN_FILE") else None,
        preview_inbox=_yes(env, "OUTREACH_PREVIEW_INBOX", default=mode != "run"),
        second_factor_required=_yes(env, "OUTREACH_SECOND_FACTOR", default=mode == "run"),
        dkim_selector=dkim_selector,
        dkim_key_file=dkim_key_file,
        secrets_keys=_secrets_keys(env),
    )


def _home(env: Mapping[str, str], mode: Mode) -> Path:
    home = Path(env.get("OUTREACH_HOME") or ("var/demo" if mode == "demo" else "var/practice")).absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as broken:
        raise SettingsError(
            f"The data folder {home} cannot be written ({broken.strerror}). Choose another with OUTREACH_HOME."
        ) from broken
    return home


def _database_url(env: Mapping[str, str], home: Path) -> str:
    url = env.get("DATABASE_URL") or f"sqlite:///{home / 'outreach.db'}"
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError(
            "DATABASE_URL must start with sqlite:/// or postgresql+psycopg://, for example "
            "postgresql+psycopg://user:password@host/outreach."
        )
    if url.startswith("postgresql") and find_spec("psycopg") is None:
        raise SettingsError("DATABASE_URL names PostgreSQL, but its driver is not installed here: run make scale.")
    return url


def _secret_key(env: Mapping[str, str], home: Path) -> bytes:
    given = env.get("OUTREACH_SECRET_KEY")
    if given:
        if len(given) < 32:
            raise SettingsError("OUTREACH_SECRET_KEY must have at least 32 characters.")
        return given.encode()
    kept = home / "secret.key"
    try:
        # Two doors may start at once: whoever creates the file wins, the other one reads it.
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
    except FileExistsError:
        pass
    key = kept.read_bytes()
    if len(key) < 32:
        raise SettingsError(
            f"The key file {kept} is damaged: restore it from a backup, or links already sent will stop working."
        )
    return key


def _secrets_keys(env: Mapping[str, str]) -> tuple[bytes, ...]:
    keys = tuple(part.strip().encode() for part in env.get("OUTREACH_SECRETS_KEY", "").split(",") if part.strip())
    if any(len(key) < 32 for key in keys):
        raise SettingsError("OUTREACH_SECRETS_KEY must have at least 32 characters (several: with commas between).")
    return keys


def _port(env: Mapping[str, str]) -> int:
    text = env.get("OUTREACH_PORT", str(DEFAULT_PORT))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"OUTREACH_PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _url(env: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    text = env.get(name, "").strip().rstrip("/")
    if not text:
        return None
    try:
        parts = urlsplit(text)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        # A password may stand in it, and this sentence goes to logs.
        said = f", not {text!r}" if "http" in schemes and "@" not in text else ""
        raise SettingsError(f"{name} must be an address such as {schemes[-1]}://host{said}.")
    return text


def _dkim(env: Mapping[str, str]) -> tuple[str, Path | None]:
    selector, file = env.get("OUTREACH_DKIM_SELECTOR", "").strip(), env.get("OUTREACH_DKIM_KEY", "").strip()
    if bool(selector) != bool(file):
        raise SettingsError("OUTREACH_DKIM_KEY (a file) and OUTREACH_DKIM_SELECTOR belong together: set both, or none.")
    if file and not Path(file).is_file():
        raise SettingsError(f"OUTREACH_DKIM_KEY names {file}, which is no file that can be read.")
    return selector, Path(file).absolute() if file else None


def _imap_url(env: Mapping[str, str], mode: Mode) -> str | None:
    url = _url(env, "OUTREACH_IMAP_URL", ("imap", "imaps"))
    if url and url.startswith("imap:") and not _is_here(url):
        raise SettingsError("OUTREACH_IMAP_URL must start with imaps://: a password is not sent unencrypted.")
    # A mailbox that lies about in somebody's environment is not meant for the demo.
    return None if url and mode == "demo" and not _is_here(url) else url


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in THIS_MACHINE


def _yes(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(name, "").strip().lower()
    if text not in ("", "1", "0", "yes", "no", "true", "false", "on", "off"):
        raise SettingsError(f"{name} must be yes or no, not {text!r}.")
    return default if not text else text in ("1", "yes", "true", "on")
