"""What is owed after referrals: the list, marking it sent, and what starts by itself."""

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.referrals.duties import late, owing, thanking
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.forms import SentForm, ThanksForm
from outreach.referrals.duties.speed import PERIOD_DAYS, speed

duties = Blueprint("duties", __name__, url_prefix="/owed")
TABS = (
    ("reports", "Late reports"),
    ("thanks", "Late thanks"),
    ("contact", "Not called yet"),
    ("appointment", "No appointment yet"),
    ("coming", "Coming up"),
)


@duties.get("")
def owed() -> ResponseReturnValue:
    tab = request.args.get("tab", "reports")
    tab = tab if tab in dict(TABS) else "reports"
    session, sources = screen.session(), screen.world().thanks_sources
    rows: list[Any] = _late_thanks() if tab == "thanks" else _rows(tab)
    counts = late.late_counts(session, today=screen.today())
    counts["thanks"] = thanking.late_count(session, now=screen.now(), sources=sources)
    return screen.page(
        "referrals/owed.html",
        tab=tab,
        tabs=[_tab(name, label, tab, counts) for name, label in TABS],
        rows=rows[: late.PAGE],
        next_page=_next(tab, rows) if len(rows) > late.PAGE else None,
        took=speed(session, today=screen.today(), zone=screen.zone(), thanks_sources=sources),
        days=PERIOD_DAYS,
        thanks=_thanks_form(),
        thanked_by=thanking.running(session, sources),
        now=screen.now().astimezone(screen.zone()),
        may_write=screen.actor().role in screen.WRITERS,
        may_log=screen.actor().role in screen.LOGGERS,
        today=screen.today(),
        targets=late,
    )


@duties.post("/<int:duty_id>/sent")
@screen.needs(*screen.LOGGERS)
def sent(duty_id: int) -> ResponseReturnValue:
    duty, form = screen.or_404(screen.session().get(ReferralDuty, duty_id)), SentForm()
    back = request.form.get("back", "")
    where = f"/referrals/{duty.referral_id}" if back == "referral" else "/referrals/owed"
    if not form.validate_on_submit() or form.on.data is None:
        return screen.refused(Refusal("bad-day", "Say on which day it was sent."), where)
    refusal = owing.close(
        screen.session(), duty, on=form.on.data, now=screen.now(), today=screen.today(), by_id=screen.actor_id()
    )
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("sent", "referral-duty", duty.id, kind=duty.kind)
    return screen.done(where, f"{owing.DUTY_DONE[duty.kind]}.", undo=f"/referrals/owed/{duty.id}/reopen")


@duties.post("/<int:duty_id>/reopen")
@screen.needs(*screen.LOGGERS)
def reopen(duty_id: int) -> ResponseReturnValue:
    duty = screen.or_404(screen.session().get(ReferralDuty, duty_id))
    owing.reopen(screen.session(), duty)
    screen.record("reopened", "referral-duty", duty.id, kind=duty.kind)
    return screen.done("/referrals/owed", "It is owed again.")


@duties.post("/thanks")
@screen.needs(*screen.WRITERS)
def thanks() -> ResponseReturnValue:
    form = ThanksForm()
    if not form.validate_on_submit():
        return screen.refused(Refusal("bad-hours", "Say a number of hours between 1 and 336."), "/referrals/owed")
    refusal = thanking.set_rule(
        screen.session(),
        starts=form.starts.data,
        by_campaign=form.how.data == "campaign",
        within_hours=form.within_hours.data or 0,
        sources=screen.world().thanks_sources,
    )
    if refusal is not None:
        return screen.refused(refusal, "/referrals/owed")
    screen.record("set-thanks", "practice", 1, starts=form.starts.data, by=form.how.data)
    return screen.done("/referrals/owed", "Saved, for referrals logged from now on.")


def _rows(tab: str) -> list[late.Owed]:
    session, today = screen.session(), screen.today()
    day, number = request.args.get("day", type=date.fromisoformat), screen.row_id(request.args.get("after"))
    after = (day, number) if day is not None and number is not None else None
    if tab in ("reports", "coming"):
        return late.reports(session, today=today, late=tab == "reports", after=after)
    return late.waiting_clients(session, tab, today=today, after=after)


def _late_thanks() -> list[thanking.Unthanked]:
    at, number = request.args.get("day", type=datetime.fromisoformat), screen.row_id(request.args.get("after"))
    after = (at, number) if at is not None and at.tzinfo is not None and number is not None else None
    return thanking.late_thanks(screen.session(), now=screen.now(), sources=screen.world().thanks_sources, after=after)


def _next(tab: str, rows: list[Any]) -> str:
    last = rows[late.PAGE - 1]
    if isinstance(last, thanking.Unthanked):
        at = last.logged_at.isoformat()
        return "/referrals/owed?" + urlencode({"tab": tab, "day": at, "after": last.contact_id})
    return "/referrals/owed?" + urlencode({"tab": tab, "day": last.due_on.isoformat(), "after": last.id})


def _tab(name: str, label: str, current: str, counts: dict[str, int]) -> dict[str, Any]:
    count = {"count": counts[name]} if counts.get(name) else {}
    return {"label": label, "href": f"/referrals/owed?tab={name}", "current": name == current, **count}


def _thanks_form() -> ThanksForm:
    rule = thanking.rule_of(screen.session())
    return ThanksForm(
        formdata=None,
        data={
            "starts": thanking.starts_for(rule),
            "how": "campaign" if rule.by_campaign else "task",
            "within_hours": rule.within_hours,
        },
    )
