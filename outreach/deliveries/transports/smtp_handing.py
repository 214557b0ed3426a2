"""One call's walk through its messages: which session carries them, and what a lost line means for the rest."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from outreach.deliveries.mail import mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    AccountProblem,
    GoOn,
    NotHandedOver,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
)
from outreach.deliveries.transports.smtp_opening import Refused
from outreach.deliveries.transports.smtp_session import LAST_DOT, Gone, Mail, Session, dotted
from outreach.deliveries.transports.smtp_wire import Deadline

ENOUGH = 0.75
"""Of its seconds a message needs this much when the one before it has been answered; else it starts anew, if it may."""
AFTER_A_LOST_LINE = NotHandedOver("The line to the mail server was lost before it was this message's turn.")

Signer = Callable[[bytes, OutgoingMessage], bytes]
"""The mail with its signature in front. Pure."""


class Sessions(Protocol):
    """What a walk asks of the transport."""

    answer_seconds: float

    def deadline(self, seconds: float | None = None) -> Deadline: ...
    def written(self, message: OutgoingMessage) -> bytes: ...
    def sender(self, message: OutgoingMessage) -> str: ...
    def no_own_return_path(self) -> None: ...
    def session(self) -> Session: ...
    def new_session(self, deadline: Deadline | None = None) -> Session: ...
    def has_room(self, session: Session, more: int = 1) -> bool: ...
    def give_back(self, session: Session) -> None: ...


class Handing:
    """The messages of one `send_many`. At most one session at a time is held."""

    def __init__(self, sessions: Sessions, messages: Sequence[OutgoingMessage], go_on: GoOn) -> None:
        """Nothing was begun."""
        self._sessions = sessions
        self._go_on = go_on
        self._outcomes: list[Outcome | None] = [None] * len(messages)
        self._mails = self._begun(messages)
        self._session: Session | None = None

    def run(self) -> list[Outcome]:
        """The answer to each, in their order."""
        mail = next(self._mails, None)
        try:
            while mail is not None:
                mail = self._step(mail)
        finally:
            self._let_go()
        return [NOT_BEGUN if outcome is None else outcome for outcome in self._outcomes]

    def _begun(self, messages: Sequence[OutgoingMessage]) -> Iterator[Mail]:
        """The messages as mails, each made when its turn comes; those that must not leave are answered here."""
        for index, message in enumerate(messages):
            if not self._go_on():
                return
            deadline = self._sessions.deadline()
            try:
                raw = self._sessions.written(message)
                # Looking through a mail for dots at line starts takes longer than building it.
                data = raw + LAST_DOT if mime.dotless(message) else dotted(raw)
                sender = self._sessions.sender(message)
            except ValueError as broken:
                self._outcomes[index] = Permanent(str(broken))
                continue
            yield Mail(
                index=index,
                sender=sender,
                recipient=message.to_email,
                envelope_id=message.message_id.partition("@")[0],
                data=data,
                deadline=deadline,
                plain_sender=message.from_email,
            )

    def _step(self, mail: Mail) -> Mail | None:
        """One message is answered, or prepared to be tried on another session; answers the next, None at the end."""
        try:
            session = self._session or self._open(mail)
        except Refused as refused:
            return self._ended(mail, refused.outcome, rest=refused.outcome)
        try:
            no = session.ready(mail)
        except Gone as gone:
            return self._again(session, mail, gone.outcome)
        if no is not None:
            return self._refused(session, mail, no)
        if mail.fell_back:
            self._sessions.no_own_return_path()
        following = next(self._mails, None) if self._sessions.has_room(session, more=2) else None
        outcome = session.deliver(mail, following)
        return self._after(session, mail, outcome, following)

    def _open(self, mail: Mail) -> Session:
        """A new one for a mail that a kept session has lost already, so that it is not tried for ever."""
        if mail.tried:
            self._session = self._sessions.new_session(mail.deadline)
        else:
            self._session = self._sessions.session()
            mail.deadline = self._sessions.deadline()
        return self._session

    def _refused(self, session: Session, mail: Mail, no: Outcome) -> Mail | None:
        """The server took the message's envelope for a no."""
        if isinstance(no, AccountProblem) and mail.sender != mail.plain_sender:
            mail.sender, mail.fell_back = mail.plain_sender, True
            return mail
        if isinstance(no, AccountProblem):
            return self._ended(mail, no, rest=no)
        self._outcomes[mail.index] = no
        if not self._sessions.has_room(session):
            self._let_go()
        return next(self._mails, None)

    def _again(self, session: Session, mail: Mail, outcome: Outcome) -> Mail | None:
        """The line ended before the body: a session that has carried mail may have been closed, a fresh one decides."""
        self._let_go()
        if session.used and not mail.tried:
            mail.tried = True
            return mail
        return self._ended(mail, outcome, rest=outcome)

    def _after(self, session: Session, mail: Mail, outcome: Outcome, following: Mail | None) -> Mail | None:
        """The message was answered, or its answer was lost: then nothing else is risked in this call."""
        if isinstance(outcome, Unknown | NotHandedOver):
            return self._ended(mail, outcome, rest=AFTER_A_LOST_LINE)
        if isinstance(outcome, RefusedForNow) and not session.usable:
            return self._ended(mail, outcome, rest=outcome)
        self._outcomes[mail.index] = outcome
        if not session.usable or (following is None and not self._sessions.has_room(session)):
            self._let_go()
        if following is None:
            return next(self._mails, None)
        if not following.deadline.has(ENOUGH * self._sessions.answer_seconds):
            if not self._go_on():
                # Its envelope may stand open, and a dot would hand over an empty mail: only the end of the line helps.
                session.usable = False
                return None
            following.deadline = self._sessions.deadline()
        return following

    def _ended(self, mail: Mail, outcome: Outcome, *, rest: Outcome) -> Mail | None:
        """This is the answer to the mail, and that to all that were not begun."""
        self._outcomes[mail.index] = outcome
        for index in range(mail.index + 1, len(self._outcomes)):
            self._outcomes[index] = rest
        return None

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._sessions.give_back(session)
