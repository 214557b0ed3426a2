"""Fetches mail that came back from an IMAP mailbox. Nothing here keeps a turn open while a server is asked.

Each mail is committed together with the mark of how far we are, and only then marked as read: a crash between the two
brings the same bytes again, which are the same row.
"""

import hashlib
import logging
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.deliveries import steering
from outreach.deliveries.returns import imap_line, inbound
from outreach.deliveries.returns.imap_line import Box, Line, Trouble
from outreach.deliveries.returns.mailbox_models import MailboxMark
from outreach.deliveries.ways import way_settings
from outreach.errors import SettingsError
from outreach.screen import World

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50
"""Mails per tick; a mailbox with more is read on in the next minute."""
UNSEEN_FOR = timedelta(days=14)
"""How old unread mail may be that lay there before we first looked."""
MARGIN_SECONDS = 5.0
PORTS = {"tls": 993, "starttls": 143, "plain": 143}
Stopping = Callable[[], bool]


def read(door: World, *, stopping: Stopping = lambda: False) -> int:
    """New mail of the mailbox is stored and committed, each on its own; answers how many. Opens its own turns.

    A mailbox that cannot be read is told on the transports screen, and the next tick tries again.
    """
    try:
        with door.turn(write=False) as turn:
            box = box_of(turn.session, door.settings)
            mark = turn.session.get(MailboxMark, _name(box)) if box else None
            known = (mark.uid_validity, mark.last_uid) if mark else None
            today = turn.now.date()
        return _read(door, box, known, today, stopping) if box else 0
    except (Trouble, SettingsError) as trouble:
        _note(door, str(trouble))
    except Exception as broken:
        # Servers answer anything and hang up anywhere; imaplib raises what it likes then. Nothing is lost by it.
        log.warning("The mailbox could not be read (%s)", type(broken).__name__)
        _note(door, f"The mail server did not answer as it should ({type(broken).__name__}).")
    return 0


def box_of(session: Session, settings: Settings) -> Box | None:
    """The mailbox that the environment names, else the one that an administrator set; None when there is none.

    Errors: Trouble when its kept password cannot be read.
    """
    if settings.imap_url:
        return _box_from(settings.imap_url, settings.imap_token_file)
    way = way_settings.way_of(session, settings, "inbound")
    if way is None:
        return None
    if way.lost:
        raise Trouble("The kept password of the mailbox cannot be read: type it once more.")
    facts, secret = way.facts, way.secrets.get("inbound.password", "")
    by_token = facts.get("sign_in") == "token"
    return Box(
        host=str(facts["host"]),
        port=int(facts["port"]),
        tls=str(facts["tls"]),
        user=str(facts["user"]),
        folder=str(facts.get("folder") or "INBOX"),
        password="" if by_token else secret,
        token=(lambda: secret) if by_token else None,
    )


def _box_from(url: str, token_file: Path | None) -> Box:
    parts = urlsplit(url)
    tls = "tls" if parts.scheme == "imaps" else "plain"
    return Box(
        host=parts.hostname or "localhost",
        port=parts.port or PORTS[tls],
        tls=tls,
        user=unquote(parts.username or ""),
        folder=unquote(parts.path.lstrip("/")) or "INBOX",
        password=unquote(parts.password or ""),
        token=partial(_token_in, token_file) if token_file else None,
    )


def _token_in(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def _name(box: Box) -> str:
    return hashlib.sha256(f"{box.host}|{box.user}|{box.folder}".encode()).hexdigest()


def _read(door: World, box: Box, known: tuple[int, int] | None, today: date, stopping: Stopping) -> int:
    done = 0
    with imap_line.opened(box) as line:
        last = known[1] if known and known[0] == line.validity else None
        if last is None:
            # Met for the first time, or the server has numbered everything anew.
            last = line.next_uid - 1 if line.next_uid else max(line.after(0), default=0)
        older = line.unseen(until_uid=last, since=today - UNSEEN_FOR) if line.may_mark else []
        wanted = [*line.after(last), *older][:MOST_AT_ONCE]
        sizes = line.sizes(wanted) if wanted else {}
        for uid in (uid for uid in wanted if uid in sizes):
            if stopping() or line.seconds_left < MARGIN_SECONDS:
                break
            raw = line.fetch(uid, sizes[uid])
            last = max(last, uid)
            _keep(door, box, line, last, raw)
            line.mark_seen(uid)
            done += raw is not None
        _keep(door, box, line, last, None)
    return done


def _keep(door: World, box: Box, line: Line, last: int, raw: bytes | None) -> None:
    """One turn: the mail, and how far we are."""
    with door.turn() as turn:
        if raw is not None:
            inbound.receive(turn.session, now=turn.now, key=door.key, raw=raw)
        values: dict[str, Any] = {"uid_validity": line.validity, "last_uid": last, "read_at": turn.now}
        turn.session.merge(MailboxMark(name=_name(box), **values))
        steering.transport_state(turn.session, "inbound").last_trouble = ""


def _note(door: World, trouble: str) -> None:
    with door.turn() as turn:
        state = steering.transport_state(turn.session, "inbound")
        state.last_trouble, state.last_trouble_at = trouble[:500], turn.now
