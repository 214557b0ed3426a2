"""Analytics on one page, the file of its referrals, all sources, and the owner's month."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts.csvfile import write_csv
from outreach.practice.models import DISCIPLINES, Location
from outreach.referrals.models import Referral
from outreach.referrals.views import row_id
from outreach.reports import charts, education, monthly, queries
from outreach.reports.lift import lifts
from outreach.reports.rules import PERIODS, month_before, month_span, span_of
from outreach.reports.scope import Scope

reports = Blueprint("reports", __name__, url_prefix="/reports")

PERIOD_LABELS = (("30", "30 days"), ("90", "90 days"), ("365", "12 months"))
SERVICE_LABELS = {"PT": "Physical therapy", "OT": "Occupational therapy", "SLP": "Speech therapy"}
FILE_HEAD = (
    "Received", "Source", "Kind", "Place", "Service", "Payer", "Network", "Stage", "Close reason", "Client number",
)  # fmt: skip
MOST_SOURCES = 500
LEAST_TO_SHOW = 10


@reports.get("/")
def analytics() -> ResponseReturnValue:
    if screen.is_fragment():
        # A filter changes all of the page, the file's address and the dates on top too: load it anew.
        return screen.done(request.full_path.rstrip("?"))
    session, scope = screen.session(), _scope()
    now, before = queries.totals(session, scope), queries.totals(session, scope.before)
    months = queries.by_month(session, scope)
    quiet = queries.lapsing(session)
    lifted = lifts(session, today=screen.today(), zone=screen.zone())
    return screen.page(
        "reports/analytics.html",
        scope=scope,
        period=_period(),
        periods=_periods(scope),
        services=SERVICE_LABELS,
        series=queries.SERIES,
        locations=session.scalars(select(Location).where(Location.closed_on.is_(None)).order_by(Location.name)).all(),
        kpis=charts.kpis(session, scope, now=now, before=before, quiet=quiet, sources=_address("sources")),
        totals=now,
        enough=now.received >= LEAST_TO_SHOW,
        months=charts.months_chart(scope, months, lifted=charts.starts(session, scope.span, zone=screen.zone())),
        top=queries.top_sources(session, scope),
        funnel=charts.funnel(scope, now),
        payers=charts.payers_chart(scope, queries.payer_mix(session, scope)),
        reasons=charts.reasons(scope, queries.closed_by(session, scope, Referral.close_reason), "reason"),
        barriers=charts.reasons(scope, queries.closed_by(session, scope, Referral.barrier), "barrier"),
        quiet=quiet,
        lifts=lifted,
        lines=charts.lift_lines(lifted),
        sources_address=_address("sources"),
        file_address=_address("download"),
        today=screen.today(),
        may_write=screen.actor().role in screen.WRITERS,
    )


@reports.get("/sources")
def sources() -> ResponseReturnValue:
    scope = _scope()
    if request.args.get("active"):
        scope = queries.last_ninety(scope)
    found = queries.top_sources(screen.session(), scope, limit=MOST_SOURCES)
    return screen.page(
        "reports/sources.html",
        scope=scope,
        found=found,
        total=queries.totals(screen.session(), scope).sources,
        back=_address(""),
        today=screen.today(),
    )


@reports.get("/education")
def after_education() -> ResponseReturnValue:
    found = education.look_backs(screen.session(), today=screen.today())
    return screen.page(
        "reports/education.html",
        found=found,
        none_yet=not any(one.events + one.running for one in found),
        least=education.LEAST_OFFICES,
    )


@reports.get("/download")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def download() -> ResponseReturnValue:
    scope = _scope()
    text = "".join(write_csv(FILE_HEAD, queries.log_rows(screen.session(), scope)))
    screen.record("exported", "referral", None, first=str(scope.span.first), last=str(scope.span.last))
    name = f"referrals-{scope.span.first}-{scope.span.last}.csv"
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@reports.get("/monthly")
def month() -> ResponseReturnValue:
    span = month_span(request.args.get("month", ""), today=screen.today())
    scope, before = Scope(span), month_before(span)
    return screen.page(
        "reports/monthly.html",
        span=span,
        before=before,
        lines=monthly.lines(screen.session(), span, before, today=screen.today(), zone=screen.zone()),
        top=queries.top_sources(screen.session(), scope),
        reasons=charts.reasons(scope, queries.closed_by(screen.session(), scope, Referral.close_reason), "reason"),
        quiet=queries.lapsing(screen.session()),
        today=screen.today(),
        partial=span.last >= screen.today(),
        later=span.last + timedelta(days=1),
    )


def _period() -> str:
    wanted = request.args.get("period", "365")
    return wanted if wanted in PERIODS or wanted == "custom" else "365"


def _scope() -> Scope:
    args = request.args
    span = span_of(
        _period(),
        today=screen.today(),
        first=args.get("from", type=date.fromisoformat),
        last=args.get("until", type=date.fromisoformat),
    )
    return Scope(
        span=span,
        discipline=args.get("service", "") if args.get("service") in DISCIPLINES else "",
        source_class=args.get("source", "") if args.get("source") in queries.SERIES else "",
        location_id=row_id("location"),
    )


def _address(page: str, **changed: str) -> str:
    kept = {key: value for key, value in request.args.items() if value} | changed
    return f"/reports/{page}" + (f"?{urlencode(kept)}" if kept else "")


def _periods(scope: Scope) -> list[dict[str, Any]]:
    chosen = _period()
    items = [
        {"label": label, "href": _address("", period=name), "current": name == chosen} for name, label in PERIOD_LABELS
    ]
    days = {"from": scope.span.first.isoformat(), "until": scope.span.last.isoformat()}
    custom = {"label": "Custom", "href": _address("", period="custom", **days), "current": chosen == "custom"}
    return [*items, custom]
