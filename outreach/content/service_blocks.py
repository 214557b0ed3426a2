"""A service of the catalogue as it is when the message is published: ages, places, payers, when to refer, figures."""

from collections.abc import Sequence
from datetime import date, datetime
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.blocks import Block, Context, Data, Field, Paragraph
from outreach.content.mjml import text_row
from outreach.content.problems import Problem, blocker, warning
from outreach.practice.catalogue_models import ServiceOutcome
from outreach.practice.cataloguing import is_stale, outcomes_of
from outreach.practice.models import Location, Participation, Payer, Service

FIGURES = (("yes", "Show the figures"), ("no", "Leave the figures out"))
HEAD = 'style="margin:0 0 6px;font-size:17px;line-height:23px"'
MOST_FIGURES = 3


class ServiceCard(Block):
    """One service with what a referrer asks about it."""

    name, label, icon = "service", "Service", "heart-handshake"
    fields = (
        Field("service_id", "Service", "choice", help="From Settings, Services. It shows what stands there."),
        Field("figures", "How clients did", "choice", default="yes", choices=FIGURES),
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """Name, words and a list of facts."""
        service = _service(data, context.session)
        if service is None:
            return ""
        head = f"<b>{_slot(service.name, context)}</b>"
        parts = [f"<p {HEAD}>{head}</p>" if context.plain else f"<h3 {HEAD}>{_slot(service.name, context)}</h3>"]
        if service.summary:
            parts.append(f'<p style="margin:0 0 8px">{_slot(service.summary, context)}</p>')
        items = "".join(
            f'<li style="margin:0 0 4px"><b>{label}:</b> {_slot(said, context)}</li>'
            for label, said in facts_of(service, data, context)
        )
        parts.append(f'<ul style="margin:0 0 16px;padding-left:24px">{items}</ul>' if items else "")
        return text_row("".join(parts))

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The same, each fact with a dash."""
        service = _service(data, context.session)
        if service is None:
            return []
        head = [Paragraph([" ".join(service.name.split())])]
        if service.summary:
            head.append(Paragraph([" ".join(service.summary.split())], close=True))
        facts = facts_of(service, data, context)
        return [*head, *(Paragraph([f"{label}: {said}"], first="- ", rest="  ", close=True) for label, said in facts)]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """No service, one that is not offered any more, or a text that nobody confirmed for twelve months."""
        service = _service(data, context.session)
        if service is None:
            return [blocker("no-service", "A service block shows no service. Choose one, or remove the block.")]
        if service.retired_on is not None and service.retired_on <= context.today:
            return [blocker("service-retired", f"“{service.name}” is not offered any more: remove the block.")]
        if is_stale(service, today=context.today):
            text = f"Nobody has confirmed the text about “{service.name}” for twelve months."
            return [warning("service-stale", text, fix=f"/settings/services/{service.id}")]
        return []

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """What is offered today."""
        offered = select(Service.id, Service.name).where(Service.retired_on.is_(None)).order_by(Service.name)
        return [("", "Choose a service"), *((str(row.id), row.name) for row in session.execute(offered))]


def facts_of(service: Service, data: Data, context: Context) -> list[tuple[str, str]]:
    """(label, words) of what is known about the service."""
    session, figures = context.session, data.get("figures") != "no"
    shown = outcomes_of(session, service.id)[:MOST_FIGURES] if figures else []
    said = [
        ("Ages", service.ages),
        ("When to refer", service.referral_criteria),
        ("Where", ", ".join(_places(session, service.location_ids))),
        ("Payers", ", ".join(_payers(session, service.payer_ids, on=context.today))),
        ("Video visits", "yes" if service.telehealth else ""),
        *(("How clients did", figure_said(each)) for each in shown),
    ]
    return [(label, " ".join(words.split())) for label, words in said if words.strip()]


def figure_said(outcome: ServiceOutcome) -> str:
    """ "87% could climb stairs (our own records, Jan 2025 to Dec 2025, n = 120)". A figure never stands alone."""
    months = [f"{day:%b %Y}" for day in (outcome.from_on, outcome.until_on)]
    period = months[0] if months[0] == months[1] else " to ".join(months)
    return f"{outcome.finding.rstrip('.')} ({outcome.source.rstrip('.')}, {period}, n = {outcome.people})"


def _service(data: Data, session: Session) -> Service | None:
    chosen = str(data.get("service_id") or "")
    known = chosen.isascii() and chosen.isdigit() and len(chosen) < 10
    return session.get(Service, int(chosen)) if known else None


def _places(session: Session, ids: Sequence[int]) -> list[str]:
    opened = select(Location.name).where(Location.closed_on.is_(None)).order_by(Location.name)
    return list(session.scalars(opened.where(Location.id.in_(ids)) if ids else opened))


def _payers(session: Session, ids: Sequence[int], *, on: date) -> list[str]:
    """The names of those that are in network that day; the latest row that has begun counts."""
    rows = session.execute(
        select(Payer.id, Payer.name, Participation.status)
        .join(Participation, Participation.payer_id == Payer.id)
        .where(Participation.since_on <= on, Participation.until_on.is_(None) | (Participation.until_on >= on))
        .order_by(Payer.name, Participation.since_on)
    )
    present = {row.id: row for row in rows if not ids or row.id in ids}
    return [row.name for row in present.values() if row.status == "in-network"]


def _slot(text: str, context: Context) -> str:
    """What stands in the catalogue is text: braces in it are no details."""
    return context.slot([escape(" ".join(text.split()))])
