"""One session: transactions spoken over the wire, pipelined where the server offers it (RFC 5321, 2920).

What a lost line means depends on the step: until the last byte of the final dot is under way nothing was taken over,
afterwards a lost answer is unknown (RFC 1047). At most one message of a session stands between its dot and its answer.
"""

import re
from dataclasses import dataclass

from outreach.deliveries.transports import smtp_answers
from outreach.deliveries.transports.protocol import Accepted, NotHandedOver, Outcome, Unknown
from outreach.deliveries.transports.smtp_opening import Opened
from outreach.deliveries.transports.smtp_wire import CLOSING, Deadline, NotSmtp, Reply, Wire

LAST_WORDS_SECONDS = 1.0
TEST_SECONDS = 3.0
LAST_DOT = b".\r\n"
ENVELOPE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""RFC 3461 section 4.4, without the letters that xtext would have to encode."""
STEPS = ((2, smtp_answers.of_sender), (2, smtp_answers.of_recipient), (3, smtp_answers.of_message))
"""First digit of a "yes" and what a "no" means, for MAIL, RCPT and DATA."""


@dataclass(slots=True, eq=False)
class Mail:
    """One message as the wire needs it. `index` is its place in what was asked for."""

    index: int
    sender: str
    recipient: str
    envelope_id: str
    data: bytes
    """As it goes over the wire: dots doubled, the final dot behind it."""
    deadline: Deadline
    tried: bool = False
    """It was begun on a session that turned out to be closed, and is begun anew on a fresh one."""
    plain_sender: str = ""
    """Whom to name instead when the relay does not allow this message's own return path."""
    fell_back: bool = False


class Gone(Exception):
    """The session ended before the message was handed over."""

    def __init__(self, outcome: Outcome) -> None:
        """With what that means for the message."""
        super().__init__()
        self.outcome = outcome


def dotted(raw: bytes) -> bytes:
    """The mail with dots doubled at line starts (RFC 5321 section 4.5.2) and the final dot."""
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    data = raw.replace(b"\r\n.", b"\r\n..") + LAST_DOT
    return b"." + data if data.startswith(b".") else data


class Session:
    """A session that is open. `usable`: another transaction may be begun. `used`: messages that it has answered."""

    def __init__(self, opened: Opened) -> None:
        """Nothing was sent yet."""
        self.wire: Wire = opened.wire
        self.pipelining = opened.pipelining
        self._dsn = opened.dsn
        self.used = 0
        self.usable = True
        self.idle_since = 0.0
        self._under_way: Mail | None = None
        """The mail whose envelope went out together with the body before it."""

    def ready(self, mail: Mail) -> Outcome | None:
        """None when the server waits for the body; else why it does not want it, and the session is free again.

        Errors: Gone; nothing of the message was handed over.
        """
        self.wire.deadline = mail.deadline
        try:
            replies = self._replies(mail)
        except OSError as broken:
            raise self._gone(NotHandedOver(smtp_answers.told(broken))) from broken
        no = _first_no(replies)
        if no is None:
            return None
        code, refused = no
        if code == CLOSING or isinstance(refused, NotHandedOver):
            raise self._gone(refused)
        self._clear(replies)
        self.used += 1
        return refused

    def deliver(self, mail: Mail, following: Mail | None) -> Outcome:
        """The body has gone out, with the envelope of the `following` mail where the server lets us, and its answer."""
        data = mail.data
        grouped = following is not None and self.pipelining
        if following is not None and grouped:
            data += self._envelope(following)
        try:
            self.wire.nothing_unasked()
            self.wire.write(data)
        except NotSmtp as broken:
            self.usable = False
            return NotHandedOver(smtp_answers.told(broken))
        except OSError as broken:
            self.usable = False
            if self.wire.written < len(mail.data):
                return self._cut_short(mail, broken)
        try:
            reply = self.wire.reply()
        except OSError as broken:
            self.usable = False
            return Unknown(f"No answer after the message was sent: {smtp_answers.told(broken)}")
        self._under_way = following if grouped and self.usable else None
        self.used += 1
        return self._answered(reply)

    def alive(self, deadline: Deadline) -> bool:
        """Whether the server still listens; asked of a session that has been idle."""
        self.wire.deadline = deadline
        try:
            self.wire.nothing_unasked()
            self.wire.write(b"RSET\r\n")
            return self.wire.reply().code == 250
        except OSError:
            return False

    def _replies(self, mail: Mail) -> list[Reply]:
        """To MAIL, RCPT and DATA; fewer after a "no" when they are asked one by one, or after 421."""
        if self._under_way is mail:
            self._under_way = None
            return self._pipelined()
        self.wire.nothing_unasked()
        if self.pipelining:
            self.wire.write(self._envelope(mail))
            return self._pipelined()
        replies = []
        for command in self._envelope(mail).splitlines(keepends=True):
            self.wire.write(command)
            replies.append(self.wire.reply())
            if replies[-1].code >= 400:
                break
        return replies

    def _pipelined(self) -> list[Reply]:
        replies: list[Reply] = []
        while len(replies) < 3 and not (replies and replies[-1].code == CLOSING):
            try:
                replies.append(self.wire.reply())
            except OSError:
                # A server that says no and hangs up has said no.
                if not replies or replies[-1].code < 400:
                    raise
                self.usable = False
                break
        return replies

    def _envelope(self, mail: Mail) -> bytes:
        if self._dsn and ENVELOPE_ID.fullmatch(mail.envelope_id):
            sender, recipient = f" RET=HDRS ENVID={mail.envelope_id}", " NOTIFY=FAILURE"
        else:
            sender = recipient = ""
        return f"MAIL FROM:<{mail.sender}>{sender}\r\nRCPT TO:<{mail.recipient}>{recipient}\r\nDATA\r\n".encode("ascii")

    def _clear(self, replies: list[Reply]) -> None:
        """The transaction that was refused is forgotten on both sides; where that is not sure the session ends."""
        if replies[-1].code == CLOSING:
            self.usable = False
        if not self.usable:
            return
        waits_for_body = len(replies) == 3 and replies[2].code < 400
        if waits_for_body and replies[1].code < 400:
            # It refused the sender and yet took recipient and DATA: a dot would hand over an empty mail.
            self.usable = False
            return
        try:
            if waits_for_body:
                # RFC 2920 section 3.1: no recipient, but it waits for the body. The dot is answered with a no.
                self.wire.write(b".\r\n")
                self.wire.reply()
            self.wire.write(b"RSET\r\n")
            self.usable = self.wire.reply().code == 250
        except OSError:
            self.usable = False

    def _cut_short(self, mail: Mail, broken: OSError) -> Outcome:
        """The final dot was not sent: not handed over. The server may have said why before it hung up."""
        try:
            self.wire.deadline = mail.deadline.within(LAST_WORDS_SECONDS)
            reply = self.wire.reply()
        except OSError:
            return NotHandedOver(smtp_answers.told(broken))
        return smtp_answers.of_message(reply) if reply.code >= 400 else NotHandedOver(smtp_answers.told(broken))

    def _answered(self, reply: Reply) -> Outcome:
        if reply.code < 300:
            return Accepted(text=smtp_answers.words(reply))
        if reply.code < 400:
            self.usable = False
            return Unknown("The mail server's answer after the message made no sense.")
        if reply.code == CLOSING:
            self.usable = False
        return smtp_answers.of_message(reply)

    def _gone(self, outcome: Outcome) -> Gone:
        self.usable = False
        return Gone(outcome)


def _first_no(replies: list[Reply]) -> tuple[int, Outcome] | None:
    """The first "no" decides; None when a body may follow. What fits no step at all is NotHandedOver."""
    for reply, (fits, meaning) in zip(replies, STEPS, strict=False):
        if reply.code >= 400:
            return reply.code, meaning(reply)
        if reply.code // 100 != fits:
            return reply.code, NotHandedOver(smtp_answers.told(NotSmtp()))
    return None
