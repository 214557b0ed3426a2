"""The calendar: a month, one person's day and week, the file of a month, and the feeds."""

from collections import Counter
from datetime import date, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from sqlalchemy import select

from outreach import screen
from outreach.events import standing_in
from outreach.practice.models import Person
from outreach.practice.queries import practice_of
from outreach.today import agenda, feeding, months
from outreach.today.agenda import Entry
from outreach.today.dates import own

today_dates = Blueprint("dates", __name__)
PLACE = "/calendar"
FILTERS = {"event": ("event",), "send": ("send",), "task": ("task",), "off": ("quiet", "away")}
AGENDA_SHOWN, LATE_SHOWN = 200, 10
FEED_WORDS = {
    "open": "The feed is ready. Subscribe with its address.",
    "renew": "The old address shows nothing any more. Subscribe with the new one.",
    "close": "Closed. Its address shows nothing any more.",
}


@today_dates.get(PLACE)
def calendar() -> ResponseReturnValue:
    month = months.month_of(request.args.get("month", ""), today=screen.today())
    weeks = months.weeks_of(month)
    everything = agenda.entries(screen.session(), weeks[0][0], weeks[-1][-1], zone=screen.zone())
    only = _only()
    found = [entry for entry in everything if not only or entry.kind in FILTERS[only]]
    listed = [entry for entry in found if _touches(entry, month)]
    return screen.page(
        "today/calendar.html",
        month=month,
        weeks=weeks,
        by_day=months.by_day(found),
        listed=listed[:AGENDA_SHOWN],
        more=max(len(listed) - AGENDA_SHOWN, 0),
        counts=Counter(entry.kind for entry in everything if _touches(entry, month)),
        only=only,
        earlier=months.shifted(month, -1),
        later=months.shifted(month, 1),
        now=screen.now().astimezone(screen.zone()),
        today=screen.today(),
    )


@today_dates.get(f"{PLACE}/month.ics")
def download() -> ResponseReturnValue:
    month = months.month_of(request.args.get("month", ""), today=screen.today())
    last = months.shifted(month, 1) - timedelta(days=1)
    only = _only()
    found = agenda.entries(screen.session(), month, last, zone=screen.zone())
    kept = [entry for entry in found if not only or entry.kind in FILTERS[only]]
    body = feeding.month_file(screen.session(), kept, month, last, zone=screen.zone())
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"calendar-{month:%Y-%m}.ics")
    return answer


@today_dates.get(f"{PLACE}/mine")
def mine() -> ResponseReturnValue:
    session, today = screen.session(), screen.today()
    week = request.args.get("span") == "week"
    chosen = _day(request.args.get("day", "")) or today
    first = chosen - timedelta(days=chosen.weekday()) if week else chosen
    days = [first + timedelta(days=number) for number in range(7 if week else 1)]
    working = select(Person.id, Person.name).where(Person.active).order_by(Person.name, Person.id)
    people = [(row[0], row[1]) for row in session.execute(working)]
    asked = screen.row_id(request.args.get("who")) or 0
    who = asked if asked in dict(people) else screen.actor().id
    plan = own.plans_of(session, [who], first, days[-1])[who]
    around = [*agenda.quiet_days(session, first, days[-1]), *_away(who, first, days[-1])]
    writes = screen.actor().role in screen.WRITERS and who == screen.actor().id
    sends = agenda.sends(session, first, days[-1], zone=screen.zone()) if writes else []
    return screen.page(
        "today/mine.html",
        days=days,
        week=week,
        step=timedelta(days=len(days)),
        by_day=months.by_day([*around, *plan.meetings, *plan.due, *sends]),
        late=own.overdue(session, who, before=min(first, today), limit=LATE_SHOWN) if today in days else [],
        late_total=plan.late,
        who=who,
        whose=dict(people)[who],
        people=[(str(one), name) for one, name in people],
        me=screen.actor().id,
        now=screen.now().astimezone(screen.zone()),
        today=today,
        may_log=screen.actor().role in screen.LOGGERS,
    )


@today_dates.get(f"{PLACE}/feeds")
def feeds() -> ResponseReturnValue:
    session, key = screen.session(), screen.world().key
    tokens = [feeding.address_of(session, key, whose) for whose in (screen.actor().id, feeding.OF_PRACTICE)]
    own_feed, practice_feed = (_feed_address(token) if token else "" for token in tokens)
    return screen.page(
        "today/feeds.html",
        own_feed=own_feed,
        practice_feed=practice_feed,
        practice=practice_of(session).name,
        may_write=screen.actor().role in screen.WRITERS,
    )


@today_dates.post(f"{PLACE}/feeds/mine/<any(open,renew,close):what>")
def change_my_feed(what: str) -> ResponseReturnValue:
    """Everybody has a feed of their own, whatever their role."""
    return _change_feed(what, screen.actor().id)


@today_dates.post(f"{PLACE}/feeds/practice/<any(open,renew,close):what>")
@screen.needs(*screen.WRITERS)
def change_practice_feed(what: str) -> ResponseReturnValue:
    return _change_feed(what, feeding.OF_PRACTICE)


def _change_feed(what: str, whose: int) -> ResponseReturnValue:
    session, key = screen.session(), screen.world().key
    if what == "close":
        feeding.close_feed(session, whose)
    else:
        (feeding.renew_feed if what == "renew" else feeding.open_feed)(session, key, whose)
    kind = "practice" if whose == feeding.OF_PRACTICE else "person"
    screen.record(f"{what}-feed", kind, whose or 1)
    return screen.done(f"{PLACE}/feeds", FEED_WORDS[what])


def _only() -> str:
    asked = request.args.get("only", "")
    return asked if asked in FILTERS else ""


def _touches(entry: Entry, month: date) -> bool:
    return entry.on < months.shifted(month, 1) and (entry.until_on or entry.on) >= month


def _away(who: int, first: date, last: date) -> list[Entry]:
    """Absences of these days in which the person is away or stands in."""
    theirs = {line.absence.id for line in standing_in.lines(screen.session(), person_id=who)}
    return [one for one in agenda.away(screen.session(), first, last, zone=screen.zone()) if one.id in theirs]


def _day(text: str) -> date | None:
    try:
        return min(max(date.fromisoformat(text), months.EARLIEST), months.LATEST)
    except ValueError:
        return None


def _feed_address(token: str) -> str:
    base = practice_of(screen.session()).public_url or screen.world().settings.public_url or request.host_url
    return f"{base.rstrip('/')}/cal/{token}.ics"
