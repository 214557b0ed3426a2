"""Who is signed in where: the cookie carries a random id, the table its digest and all that the session holds.

A browser in which nobody has typed a password yet has no row: its few words (the CSRF token) travel in a signed
cookie, so that a visitor's GET never writes.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.datastructures import CallbackDict

from outreach.practice.models import Person, WebSession

log = logging.getLogger(__name__)

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
"""ASVS 5.0 chapter 7: idle and absolute limits of a session."""
SEEN_EVERY = timedelta(minutes=5)
PEOPLE_KEYS = ("_user_id", "tf_user_id")
"""Whoever is named by one of these has typed a password: from then on the session lives on the server."""


class BrowserSession(CallbackDict[str, Any], SessionMixin):
    """What one browser holds; `kept` is its row as it was when the request began."""

    def __init__(self, data: MutableMapping[str, Any] | None = None, kept: WebSession | None = None) -> None:
        """Knows whether anything in it was changed."""

        def changed(session: "BrowserSession") -> None:
            session.modified = True

        super().__init__(data, changed)
        self.kept = kept
        self.modified = False
        self.belongs_to = (data or {}).get("_user_id")


class TableSessions(SessionInterface):
    """Sessions over the table WebSession; every write is a short turn of its own, after the request's turn."""

    def __init__(self, runtime: Any, *, always_secure: bool) -> None:
        """`runtime` gives turns, the reading engine and the machine's clock: a demo's pushed clock ends no session."""
        self.idle, self.absolute = IDLE, ABSOLUTE
        self._turn: Callable[..., Any] = runtime.turn
        self._reading: Engine = runtime.reading_engine
        self._now: Callable[[], datetime] = runtime.clock.now
        self._always_secure = always_secure
        self._signer = URLSafeTimedSerializer(runtime.key, salt="outreach-visitor")

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        """The session of the cookie; a fresh one when there is none, or it is over, altered or revoked."""
        cookie = request.cookies.get(self._cookie(request), "")
        if cookie.startswith("v."):
            return BrowserSession(self._visitor(cookie[2:]))
        if cookie:
            with Session(self._reading, expire_on_commit=False) as session:
                kept = session.get(WebSession, digest_of(cookie))
            if kept and not self._over(kept):
                return BrowserSession(dict(kept.data), kept)
        return BrowserSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """The browser and the table know what the request left behind."""
        from flask import request

        assert isinstance(session, BrowserSession)
        kept = session.kept
        if kept is None and not session.modified:
            return
        if not any(session.get(key) for key in PEOPLE_KEYS):
            if kept is not None:
                self._forget(kept.digest)
            self._give_visitor(request, response, session)
        elif kept is None or session.get("_user_id") != session.belongs_to:
            self._give(request, response, self._start(session, request.user_agent.string))
        elif session.modified or self._now() - kept.seen_at >= SEEN_EVERY:
            self._keep(kept.digest, session)

    def _visitor(self, signed: str) -> dict[str, Any] | None:
        try:
            data = self._signer.loads(signed, max_age=int(self.absolute.total_seconds()))
        except BadSignature:
            return None
        return data if isinstance(data, dict) and not any(key in data for key in PEOPLE_KEYS) else None

    def _give_visitor(self, request: Request, response: Response, session: BrowserSession) -> None:
        if session:
            self._give(request, response, "v." + str(self._signer.dumps(dict(session))))
        else:
            response.delete_cookie(self._cookie(request), path="/", secure=self._secure(request), httponly=True)

    def _over(self, kept: WebSession) -> bool:
        now = self._now()
        return now - kept.seen_at >= self.idle or now - kept.started_at >= self.absolute

    def _start(self, session: BrowserSession, user_agent: str) -> str:
        # A new id at every change of who is signed in: an id planted beforehand is worth nothing.
        session.pop("csrf_token", None)
        cookie, now = secrets.token_urlsafe(32), self._now()
        with self._turn() as turn:
            if session.kept is not None:
                turn.session.execute(delete(WebSession).where(WebSession.digest == session.kept.digest))
            owner = session.get("_user_id") or session.get("tf_user_id")
            turn.session.add(
                WebSession(
                    digest=digest_of(cookie),
                    person_id=turn.session.scalar(select(Person.id).where(Person.fs_uniquifier == owner)),
                    data=dict(session),
                    started_at=now,
                    seen_at=now,
                    user_agent=user_agent[:200],
                )
            )
        return cookie

    def _keep(self, digest: str, session: BrowserSession) -> None:
        # A row that was revoked meanwhile stays gone: an UPDATE never brings it back.
        kept = update(WebSession).where(WebSession.digest == digest).values(data=dict(session), seen_at=self._now())
        try:
            with self._turn() as turn:
                turn.session.execute(kept)
        except OperationalError:
            # What the person did is committed by now: a busy database must not turn the answer into an error.
            log.warning("A session could not be kept up to date")

    def _forget(self, digest: str) -> None:
        with self._turn() as turn:
            turn.session.execute(delete(WebSession).where(WebSession.digest == digest))

    def _give(self, request: Request, response: Response, cookie: str) -> None:
        response.set_cookie(
            self._cookie(request), cookie, path="/", secure=self._secure(request), httponly=True, samesite="Lax"
        )

    def _secure(self, request: Request) -> bool:
        return self._always_secure or request.is_secure

    def _cookie(self, request: Request) -> str:
        return "__Host-outreach" if self._secure(request) else "outreach"


def digest_of(cookie: str) -> str:
    """What the table keeps of a cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


def revoke(session: Session, person_id: int, *, keep: str | None = None) -> int:
    """The person is signed out everywhere (but in the session with the digest `keep`); answers how many ended."""
    ended = session.scalars(
        delete(WebSession)
        .where(WebSession.person_id == person_id, WebSession.digest != (keep or ""))
        .returning(WebSession.digest)
    )
    return len(ended.all())


def purge(session: Session, *, now: datetime) -> int:
    """Sessions that are over are forgotten; idempotent. `now` is the machine's, not a demo's."""
    over = (WebSession.seen_at < now - IDLE) | (WebSession.started_at < now - ABSOLUTE)
    return len(session.scalars(delete(WebSession).where(over).returning(WebSession.digest)).all())
