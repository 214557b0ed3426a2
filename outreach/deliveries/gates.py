"""What a delivery must pass to leave: each gate is one condition on the ledger, used when planned and in the fence.

A gate's condition is never NULL, so that `NOT (gate)` inside one UPDATE means what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, false, func, literal, or_, select

from outreach.contacts.consent import EVERYTHING, Authorization, Consent, Suppression
from outreach.contacts.models import Contact
from outreach.content.models import MessageAuthorization
from outreach.deliveries.models import Delivery, Hold, TransportState
from outreach.deliveries.rules import PRINT, Way
from outreach.practice.models import Practice

NO_SUPPRESSION_KINDS = ("system",)
"""Mail to our own staff about their account is no outreach: nothing else passes a suppression."""
TO_AN_ADDRESS = ("test",)
"""Commercial in form, and for a typed address: nobody who could stop it gets it unasked."""
ABOUT_EMAIL = ("bounced", "invalid-address")
"""These say something of an email address and nothing of the person: a letter still arrives."""


@dataclass(frozen=True)
class Gate:
    """A named "no": the state that follows, the reason that is stored, and when it applies.

    `of_contact`: a condition on the contact of the delivery; all of these together cost one look at the contact.
    """

    state: str
    reason: ColumnElement[str]
    condition: ColumnElement[bool]
    of_contact: bool = False

    @property
    def closed(self) -> ColumnElement[bool]:
        """When it applies, as a condition on the ledger."""
        return _contact(self.condition) if self.of_contact else self.condition


def lasting(*, now: datetime, today: date, ways: Sequence[Way]) -> tuple[Gate, ...]:
    """What stops a delivery whenever it is looked at, in the order of telling. `today` is the practice's local day."""
    return (
        Gate("expired", _word("too-late"), and_(Delivery.not_after_at.is_not(None), Delivery.not_after_at <= now)),
        Gate("suppressed", _why_suppressed(), and_(Delivery.kind.not_in(NO_SUPPRESSION_KINDS), exists(_suppression()))),
        Gate("suppressed", _word("unsubscribed"), and_(_on_paper(), exists(_suppression_of_contact()))),
        Gate("suppressed", _word("erased"), _nobody_left()),
        Gate("suppressed", _word("deceased"), Contact.deceased_on.is_not(None), of_contact=True),
        Gate("suppressed", _word("do-not-contact"), Contact.do_not_contact_at.is_not(None), of_contact=True),
        Gate("suppressed", _word("removed"), Contact.deleted_at.is_not(None), of_contact=True),
        Gate("suppressed", _word("recovery-hold"), _commercial(Contact.recovery_hold_at.is_not(None)), of_contact=True),
        Gate("suppressed", _word("no-permission"), _commercial(_without_permission()), of_contact=True),
        Gate("held", _word("contact-changed"), _changed(), of_contact=True),
        Gate("held", _word("no-authorization"), story_not_live(today)),
        Gate("held", _word("no-authorization"), and_(_on_paper(), story_not_live(today, PRINT))),
        Gate("held", _word("no-allowed-transport"), _client_without_agreement(today, ways)),
        Gate("held", _word("no-transport"), _unknown_transport(ways)),
    )


def passing(*, now: datetime) -> tuple[Gate, ...]:
    """What stops a delivery for the moment only: it stays scheduled."""
    outside = or_(Delivery.window_from_at > now, Delivery.window_until_at <= now)
    windowed = Delivery.window_from_at.is_not(None)
    return (
        Gate("scheduled", _word("on-hold"), on_hold()),
        Gate("scheduled", _word("transport-paused"), transport_paused(now)),
        Gate("scheduled", _word("outside-hours"), and_(windowed, outside)),
        Gate("scheduled", _word("other-zone"), and_(windowed, _moved()), of_contact=True),
    )


def other_zone() -> ColumnElement[bool]:
    """Its window was reckoned for another zone than the contact has now: it is planned again before it leaves."""
    return and_(Delivery.window_from_at.is_not(None), _contact(_moved()))


def story_not_live(today: date, scope: str = "") -> ColumnElement[bool]:
    """The message quotes a story whose authorization is not live in the scope that it needs, or in that one."""
    wanted = literal(scope) if scope else MessageAuthorization.scope
    live = and_(
        Authorization.state == "signed",
        Authorization.revoked_at.is_(None),
        Authorization.expires_on.is_not(None),
        Authorization.expires_on >= today,
        cast(Authorization.scopes, String).like(literal('%"') + wanted + literal('"%')),
    )
    # Asked once for a whole statement, not once per row: few messages quote a story.
    quoted = (
        select(MessageAuthorization.message_id)
        .join(Authorization, Authorization.id == MessageAuthorization.authorization_id)
        .where(~live)
        .correlate(None)
    )
    return Delivery.message_id.in_(quoted)


def on_hold() -> ColumnElement[bool]:
    """A person (or the house itself) holds everything, this source or this transport."""
    scopes = (
        literal("all"),
        Delivery.source + literal(":") + cast(Delivery.source_id, String),
        literal("transport:") + func.coalesce(Delivery.transport, ""),
    )
    held = select(Hold.scope).where(Hold.lifted_at.is_(None)).correlate(None)
    return or_(*(scope.in_(held) for scope in scopes))


def transport_paused(now: datetime) -> ColumnElement[bool]:
    """The way out is paused, or asked us to wait."""
    waits = and_(TransportState.not_before_at.is_not(None), TransportState.not_before_at > now)
    return _way_is(or_(TransportState.paused_at.is_not(None), waits))


def any_closed(gates: Sequence[Gate]) -> ColumnElement[bool]:
    """At least one of the gates is closed: the same as asking each, with one look at the contact."""
    alone = [gate.condition for gate in gates if not gate.of_contact]
    together = [gate.condition for gate in gates if gate.of_contact]
    return or_(*alone, _contact(or_(*together))) if together else or_(*alone)


def verdict(gates: Sequence[Gate]) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """(state, reason) that the first closed gate gives; scheduled and "" when all are open."""
    return (
        case(*((gate.closed, literal(gate.state)) for gate in gates), else_=literal("scheduled")),
        case(*((gate.closed, gate.reason) for gate in gates), else_=literal("")),
    )


def _word(text: str) -> ColumnElement[str]:
    return literal(text)


def _why_suppressed() -> ColumnElement[str]:
    return func.coalesce(_suppression().limit(1).scalar_subquery(), "unsubscribed")


def _suppression() -> Select[str]:
    return (
        select(Suppression.reason)
        .where(
            Suppression.address_hash == Delivery.address_hash,
            Suppression.topic.in_((literal(EVERYTHING), Delivery.topic)),
            Suppression.lifted_at.is_(None),
            or_(Suppression.reason.not_in(ABOUT_EMAIL), ~_on_paper()),
        )
        .correlate(Delivery)
    )


def _suppression_of_contact() -> Select[str]:
    """What the person said under the address that they have now: a letter does not go by the one it was planned for."""
    return (
        select(Suppression.reason)
        .join(Contact, Contact.address_hash == Suppression.address_hash)
        .where(
            Contact.id == Delivery.contact_id,
            Suppression.topic.in_((literal(EVERYTHING), Delivery.topic)),
            Suppression.lifted_at.is_(None),
            Suppression.reason.not_in(ABOUT_EMAIL),
        )
        .correlate(Delivery)
    )


def _on_paper() -> ColumnElement[bool]:
    return func.coalesce(Delivery.transport, "") == PRINT


def _contact(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """As a value and not as EXISTS: PostgreSQL would make a join of that, and compare every delivery with every contact
    as long as it does not know how many there are."""
    asked = select(condition).where(Contact.id == Delivery.contact_id).correlate(Delivery).scalar_subquery()
    return func.coalesce(asked, false())


def _commercial(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(Delivery.mail_class == "commercial", condition)


def _way_is(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    chosen = select(TransportState.name).where(condition).correlate(None)
    return func.coalesce(Delivery.transport, "").in_(chosen)


def _changed() -> ColumnElement[bool]:
    """The class or the address is another than the one that was planned for; a letter goes to no email address."""
    other = func.coalesce(Contact.address_hash, "") != func.coalesce(Delivery.address_hash, "")
    return or_(Contact.audience_class != Delivery.audience_class, and_(other, ~_on_paper()))


def _moved() -> ColumnElement[bool]:
    ours = select(Practice.time_zone).limit(1).correlate(None).scalar_subquery()
    return func.coalesce(func.nullif(Contact.time_zone, ""), ours) != Delivery.zone


def _without_permission() -> ColumnElement[bool]:
    """Clients must have said yes (last), anybody else must not have said no."""
    said = (
        select(Consent.granted)
        .where(Consent.contact_id == Delivery.contact_id, Consent.topic.in_((literal(EVERYTHING), Delivery.topic)))
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .correlate(Delivery)
        .scalar_subquery()
    )
    return case((Delivery.audience_class == "client", said.is_not(True)), else_=said.is_(False))


def _nobody_left() -> ColumnElement[bool]:
    """Its contact is gone from the database, and with it the link by which they could stop it."""
    return and_(Delivery.contact_id.is_(None), Delivery.mail_class == "commercial", Delivery.kind.not_in(TO_AN_ADDRESS))


def _unknown_transport(ways: Sequence[Way]) -> ColumnElement[bool]:
    return func.coalesce(Delivery.transport, "").not_in([PRINT, *(way.name for way in ways)])


def _client_without_agreement(today: date, ways: Sequence[Way]) -> ColumnElement[bool]:
    if not ways:
        return false()
    signing = [way.name for way in ways if way.name != "sendgrid" and way.baa_signed_on is not None]
    agreed = _way_is(
        and_(
            TransportState.name.in_(signing),
            TransportState.baa_signed_on.is_not(None),
            TransportState.baa_signed_on <= today,
        )
    )
    harmless = [PRINT, *(way.name for way in ways if way.leaves_nothing)]
    leaves = func.coalesce(Delivery.transport, "").not_in(harmless)
    return and_(Delivery.audience_class == "client", leaves, ~agreed)
