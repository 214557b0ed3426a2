"""The screens of sources: all of them with status and effort, one with its 24 months, and who never referred."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.referrals.judging import listing, overview, settings
from outreach.referrals.judging.forms import SettingsForm
from outreach.referrals.judging.status_words import NEVER, STATUSES, WORDS
from outreach.referrals.judging.value_views import values
from outreach.referrals.looking_back import keeping
from outreach.referrals.yield_explained import amount
from outreach.referrals.yield_params import QUARTER_DAYS

sources = Blueprint("sources", __name__, url_prefix="/sources")
sources.register_blueprint(values)


@sources.get("/")
def index() -> ResponseReturnValue:
    status = request.args.get("status", "")
    if status == NEVER:
        return _never()
    status = status if status in STATUSES else ""
    session, today = screen.session(), screen.today()
    seen = overview.overview(session, today=today)
    page = listing.sources(
        session, today=today, zone=screen.zone(), status=status, after=request.args.get("after", "")[:60]
    )
    return screen.page(
        "referrals/sources.html",
        found=page,
        seen=seen,
        kpis=_kpis(seen),
        months=_months(seen, overview.months_of(session, today=today)),
        tabs=_tabs(seen, status),
        about=WORDS.get(status),
        quiet_places=overview.quiet_places(session) if status in ("lapsing", "stopped") else [],
        next_page=f"/sources/?{urlencode({'status': status, 'after': page.after})}" if page.after else None,
        today=today,
    )


@sources.get("/<int:contact_id>")
@screen.writes_on_get
def one(contact_id: int) -> ResponseReturnValue:
    session, today = screen.session(), screen.today()
    found = session.get(Contact, contact_id)
    contact = screen.or_404(found if found is not None and found.deleted_at is None else None)
    if contact.audience_class == "client":
        screen.record("viewed", "contact", contact.id)
    line = listing.line_of(session, contact.id, today=today, zone=screen.zone())
    months = listing.two_years(session, contact.id, today=today)
    return screen.page(
        "referrals/source.html",
        contact=contact,
        line=line,
        chart=_two_years_chart(contact, months),
        average=_average(line, today),
        minutes=listing.typical_minutes(session, today=today, zone=screen.zone()),
        today=today,
    )


@sources.get("/back-test")
def back_test() -> ResponseReturnValue:
    report, may_write = keeping.latest(screen.session()), screen.actor().role in screen.WRITERS
    return screen.page("referrals/back_test.html", report=report, finding=_caught(report), may_write=may_write)


@sources.post("/back-test")
@screen.needs(*screen.WRITERS)
def look_back() -> ResponseReturnValue:
    made = keeping.look_back_now(screen.session(), now=screen.now(), today=screen.today())
    if isinstance(made, Refusal):
        return screen.refused(made, "/sources/back-test")
    screen.record("looked back", "yield", None, as_of=str(made.as_of))
    return screen.done("/sources/back-test", "Looked back from today.")


@sources.get("/settings")
@screen.needs(*screen.WRITERS)
def setting_page() -> ResponseReturnValue:
    chosen = settings.settings_of(screen.session())
    return _settings_page(SettingsForm(alert_share=str(chosen.alert_share), value_of=chosen.value_of))


@sources.post("/settings")
@screen.needs(*screen.WRITERS)
def choose() -> ResponseReturnValue:
    form = SettingsForm()
    if not form.validate_on_submit():
        return _settings_page(form, status=422)
    share = float(form.alert_share.data)
    made = settings.choose(
        screen.session(), alert_share=share, value_of=form.value_of.data, now=screen.now(), by_id=screen.actor_id()
    )
    if isinstance(made, Refusal):
        return screen.refused(made, "/sources/settings")
    screen.record("changed", "yield settings", None, alert_share=share, value_of=made.value_of)
    return screen.done("/sources/", "Saved. The numbers follow with the next refresh, tonight at the latest.")


def _settings_page(form: SettingsForm, *, status: int = 200) -> ResponseReturnValue:
    return screen.page("referrals/yield_settings.html", status=status, form=form)


def _caught(report: Any) -> str:
    """How the three lists did on average over the look-backs that can be judged."""
    judged = [one for one in report.origins if one.judged] if report else []
    if not judged:
        return ""
    by_yield, by_quarter, by_count = (
        f"{sum(getattr(one, name) for one in judged) / len(judged):.0%}"
        for name in ("caught_yield", "caught_quarter", "caught_lifetime")
    )
    return (
        f"On average the top fifth caught {by_yield} by yield, {by_quarter} by last quarter "
        f"and {by_count} by all-time count."
    )


def _never() -> ResponseReturnValue:
    session, today = screen.session(), screen.today()
    return screen.page(
        "referrals/never.html",
        lines=listing.prospect_lines(session, today=today),
        total=listing.never_count(session),
        tabs=_tabs(overview.overview(session, today=today), NEVER),
        about=WORDS[NEVER],
        amount=amount,
    )


def _tabs(seen: overview.Overview, current: str) -> list[dict[str, Any]]:
    named = [("", "All", sum(seen.by_status.values()))]
    named += [(name, WORDS[name].label, seen.by_status.get(name, 0)) for name in STATUSES]
    tabs = [
        {
            "label": f"{label} {count:,}" if count else label,
            "href": "/sources/" + (f"?status={name}" if name else ""),
            "current": name == current,
        }
        for name, label, count in named
        if count or not name or name == current
    ]
    return [*tabs, {"label": "Never referred", "href": f"/sources/?status={NEVER}", "current": current == NEVER}]


def _kpis(seen: overview.Overview) -> list[dict[str, Any]]:
    top = seen.top
    quiet = seen.by_status.get("lapsing", 0) + seen.by_status.get("stopped", 0)
    judged = seen.received >= overview.LEAST_TO_SHARE
    return [
        {
            "label": "Biggest source",
            "value": seen.concentration if judged else "–",
            "note": f"{top[1]}, 12 months" if top and judged else "too few to judge",
            "href": f"/sources/{top[0]}" if top else None,
        },
        {
            "label": "Biggest five together",
            "value": f"{seen.top_five} of {seen.received}" if judged else "–",
            "note": f"{seen.sources} sources in 12 months" if judged else "too few to judge",
        },
        {
            "label": "New sources",
            "value": f"{seen.new:,}",
            "note": "first client in 90 days",
            "href": "/sources/?status=new",
        },
        {
            "label": "A usual month",
            "value": f"{seen.monthly:g}" if seen.monthly is not None else "–",
            "note": f"most months within {seen.swing:g} of it" if seen.swing is not None else "too few months to say",
        },
        {
            "label": "Unusually quiet",
            "value": f"{quiet:,}",
            "note": "by their own rhythm",
            "alert": bool(quiet),
            "href": "/sources/?status=lapsing" if seen.by_status.get("lapsing") else "/sources/?status=stopped",
        },
    ]


def _months(seen: overview.Overview, months: list[tuple[Any, int]]) -> dict[str, Any] | None:
    if len(months) < 2:
        return None
    finding = f"{months[-2][1]} referrals from contacts in {months[-2][0]:%B}."
    if seen.monthly is not None:
        finding += f" A usual month has {seen.monthly:g}."
    return {"rows": [[f"{first:%b %y}", number] for first, number in months], "finding": finding}


def _two_years_chart(contact: Contact, months: list[tuple[Any, int, int]]) -> dict[str, Any]:
    now, then = sum(row[1] for row in months), sum(row[2] for row in months)
    rows = []
    for first, this, before in months:
        days = _days(first)
        address = "/referrals/?" + urlencode({"view": "all", "contact": contact.id, **days})
        rows.append([{"value": f"{first:%b}"}, {"value": this, "href": address if this else None}, before])
    return {"rows": rows, "finding": f"{now} in the last twelve months, {then} in the same months the year before."}


def _days(first: Any) -> dict[str, str]:
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return {"from": first.isoformat(), "until": type(first).fromordinal(following.toordinal() - 1).isoformat()}


def _average(line: listing.SourceLine, today: Any) -> str:
    """The last 90 days against the own average of a quarter before them, in words; empty without a quarter before."""
    facts = line.facts
    if facts.first_on is None:
        return ""
    days = (today - facts.first_on).days - QUARTER_DAYS
    if days < QUARTER_DAYS:
        return ""
    usual = (facts.received - facts.quarter) / days * QUARTER_DAYS
    return f"{facts.quarter} in the last 90 days; their own average is {amount(usual)} a quarter."
