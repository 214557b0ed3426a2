"""The dated timeline of each kind of event: who does what, and which mail goes to whom, counted from its day. Pure.

Domain 6.3 for lunches; the other kinds keep of it what fits them, and have duties of their own (S11, S19, S56).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta


@dataclass(frozen=True)
class Step:
    """One line of the timeline. `days` from the day of the event, or working days when `working`.

    A message names its `audience`: none (no answer), maybe (not sure), yes, or attended. A task names its kind, and the
    `page` of the event on which it is done. `meal`: only where a meal is served.
    """

    name: str
    days: int
    title: str
    task: str = ""
    audience: str = ""
    meal: bool = False
    working: bool = False
    page: str = ""

    @property
    def is_message(self) -> bool:
        """Whether it writes to people; otherwise a person does something."""
        return bool(self.audience)


@dataclass(frozen=True)
class Dated:
    """A step with its day."""

    step: Step
    on: date


OFFER = Step("offer", -42, "Call the office: offer dates and a topic", task="call")
"""While an event is an idea: by the day on which the earliest date that the office allows is six weeks ahead."""
HEAR_BACK = Step("hear-back", -28, "Ask which of the dates suits the office", task="call")
"""While dates are offered."""

_INVITE = Step("invite", -21, "Send the invitations", task="send", page="invite")
_ASK_14 = Step("ask-14", -14, "Reminder to those who have not answered", audience="none")
_REMIND_7 = Step("remind-7", -7, "Reminder to those who are coming", audience="yes")
_ASK_7 = Step("ask-7", -7, "Last reminder to those who have not answered", audience="none")
_UNSURE_7 = Step("unsure-7", -7, "Reminder to those who are not sure", audience="maybe")
_HEADS = Step("heads", -7, "Ask the office for head count and diets", task="call", page="edit")
_ORDER = Step("order", -5, "Close the answers and order the food", task="prepare", meal=True, working=True)
_BRIEF = Step("brief", -3, "Brief the presenter", task="prepare", page="brief")
_PACK = Step("pack", -3, "Pack the materials", task="prepare", page="packing")
_CONFIRM = Step("confirm", -1, "Call the office: are the clinicians coming?", task="call")
_REMIND_1 = Step("remind-1", -1, "Reminder to those who are coming", audience="yes")
_SHEET = Step("sheet", 0, "Print the sign-in sheet", task="prepare", page="sheet")
_SIGN_IN = Step("sign-in", 1, "Enter who came and what it cost", task="other", page="sign-in")
_THANKS = Step("thanks", 1, "Thank-you to everyone who came", audience="attended")
_QUESTIONS = Step("questions", 7, "Answer the open questions", task="write")
_FOLLOW_UP = Step("follow-up", 10, "Follow-up call", task="call")

_LUNCH = (
    *(_INVITE, _ASK_14, _REMIND_7, _ASK_7, _UNSURE_7, _HEADS, _ORDER, _BRIEF, _PACK, _CONFIRM, _REMIND_1, _SHEET),
    *(_SIGN_IN, _THANKS, _QUESTIONS, _FOLLOW_UP),
)
_IN_SERVICE = (
    Step("room", -14, "Settle the room, the screen and who unlocks the door", task="call"),
    replace(_INVITE, days=-14),
    replace(_ASK_7, title="Reminder to those who have not answered"),
    *(_UNSURE_7, replace(_HEADS, title="Ask the office how many will be there"), _ORDER, _BRIEF, _PACK),
    replace(_CONFIRM, title="Call the office: does the time still suit?"),
    *(_REMIND_1, _SHEET, replace(_SIGN_IN, title="Enter who came and what was asked")),
    *(_THANKS, _QUESTIONS, _FOLLOW_UP),
)
_CASE_DISCUSSION = (
    replace(_INVITE, days=-14),
    replace(_ASK_7, title="Reminder to those who have not answered"),
    *(_UNSURE_7, _ORDER),
    Step("case", -5, "Check the case: no name, age, date or place of a client", task="prepare", working=True),
    replace(_BRIEF, title="Brief who leads the discussion"),
    *(_REMIND_1, _SHEET, replace(_SIGN_IN, title="Enter who came and what was agreed"), _THANKS),
    replace(_QUESTIONS, title="Send what was promised in the discussion"),
    _FOLLOW_UP,
)
_ONE_TO_ONE = (
    replace(_INVITE, days=-7, title="Send the invitation"),
    Step("ask-3", -3, "Reminder to whoever has not answered", audience="none"),
    Step("unsure-3", -3, "Reminder to whoever is not sure", audience="maybe"),
    _ORDER,
    Step("read-up", -2, "Read their story and choose one thing to ask and one to bring", task="prepare", working=True),
    _REMIND_1,
    Step("agreed", 1, "Note what was said and what was promised", task="other", page="sign-in"),
    Step("thank-by-hand", 2, "Write a thank-you by hand", task="write"),
    replace(_QUESTIONS, title="Send what was promised"),
    replace(_FOLLOW_UP, days=30, title="Call: how is it going?"),
)
_COMMUNITY_TALK = (
    Step("host", -28, "Settle room, chairs and notice with the host", task="call"),
    Step("public-page", -28, "Open the public sign-up and give its address to the host", task="send", page="sign-ups"),
    _INVITE,
    Step("tell-about-it", -14, "Put it into the newsletter and on the host's board", task="send", page="sign-ups"),
    *(replace(_ASK_14, title="Reminder to those who have not answered"), _REMIND_7, _UNSURE_7),
    *(_ORDER, _BRIEF, _PACK),
    replace(_CONFIRM, title="Call the host: room, door and parking"),
    *(_REMIND_1, replace(_SHEET, title="Print the list of who signed up")),
    replace(_SIGN_IN, title="Enter who came"),
    _THANKS,
    Step("ask-to-be-called", 2, "Call those who asked to be called", task="call", page="sign-ups"),
    Step("thank-host", 2, "Thank the host by hand", task="thank"),
    replace(_FOLLOW_UP, days=30, title="Ask the host about another date"),
)
_CONFERENCE = (
    Step("register", -42, "Register, and book the table and the way there", task="prepare"),
    Step("whom-to-meet", -14, "Choose whom to meet and write to them before", task="write", page="invite"),
    *(_REMIND_1, replace(_PACK, title="Pack cards, brochures and the phone charger")),
    Step("meet", 0, "Note whom you meet, card by card", task="other", page="met"),
    Step("met-all", 1, "Note the last cards and write the first lines by hand", task="write", page="met"),
    Step("promised", 5, "Send what you promised", task="send", page="met", working=True),
    Step("follow-up", 21, "Call who answered: ten minutes, at their place or here", task="call", page="met"),
)
TIMELINES: dict[str, tuple[Step, ...]] = {
    "lunch-and-learn": _LUNCH,
    "in-service": _IN_SERVICE,
    "case-discussion": _CASE_DISCUSSION,
    "one-to-one": _ONE_TO_ONE,
    "community-talk": _COMMUNITY_TALK,
    "conference": _CONFERENCE,
}
"""Look-backs after 30 and 90 days live in reports."""
MESSAGES = {step.name: step for steps in TIMELINES.values() for step in steps if step.is_message}
"""Every mail by its name: it goes to the same people whatever the kind of event."""
STEP_NAMES = frozenset(step.name for steps in (*TIMELINES.values(), (OFFER, HEAR_BACK)) for step in steps)
BEFORE_THE_DAY = tuple(
    dict.fromkeys(
        step.name
        for steps in (*TIMELINES.values(), (OFFER, HEAR_BACK))
        for step in steps
        if step.days <= 0 and not step.is_message
    )
)


def step_of(event_type: str, name: str) -> Step | None:
    """That line of the timeline of that kind of event, or None."""
    lines = (*TIMELINES[event_type], OFFER, HEAR_BACK)
    return next((step for step in lines if step.name == name), None)


def pages_of(event_type: str, origins: Iterable[str | None]) -> dict[str, str]:
    """{origin of a task: page of the event on which it is done}, of those that have one."""
    found = {}
    for origin in origins:
        step = step_of(event_type, origin.rpartition(":")[2]) if origin else None
        if origin and step and step.page:
            found[origin] = step.page
    return found


def timeline(
    day: date,
    *,
    event_type: str,
    meal: bool,
    today: date,
    weekdays: Collection[int] = range(5),
    quiet: Collection[date] = (),
) -> Iterator[Dated]:
    """The steps of an event on `day` that can still happen, with their days, in order.

    Mail that would leave on a closed day leaves on the open day before (after, for thanks); mail whose day is over is
    left out; a task whose day is over is due today, unless it is about inviting and the event is over.
    """
    for step in TIMELINES[event_type]:
        if step.meal and not meal:
            continue
        on = day_of(step, day, weekdays=weekdays, quiet=quiet)
        if step.is_message:
            late = on < today or (step.days < 0 and on >= day)
            if not late:
                yield Dated(step, on)
        elif on >= today or day >= today:
            yield Dated(step, max(on, today))


def day_of(step: Step, day: date, *, weekdays: Collection[int], quiet: Collection[date]) -> date:
    """The local day of a step: working days are counted, mail keeps off closed days."""
    if step.working:
        return _working_days_from(day, step.days, weekdays=weekdays, quiet=quiet)
    on = day + timedelta(days=step.days)
    return _open_day(on, -1 if step.days <= 0 else 1, weekdays, quiet) if step.is_message else on


def said(step: Step) -> str:
    """How far from the day it lies, for people: "21 days before", "on the day", "5 working days before"."""
    if step.days == 0:
        return "on the day"
    many = abs(step.days)
    unit = ("working day" if step.working else "day") + ("" if many == 1 else "s")
    return f"{many} {unit} {'before' if step.days < 0 else 'after'}"


def _working_days_from(day: date, count: int, *, weekdays: Collection[int], quiet: Collection[date]) -> date:
    """The day that lies `count` open days after `day` (before it, when negative); at most a year away."""
    left, way = abs(count), 1 if count > 0 else -1
    for away in range(1, 366):
        on = day + timedelta(days=way * away)
        left -= on.weekday() in weekdays and on not in quiet
        if left <= 0:
            return on
    return day


def _open_day(on: date, step: int, weekdays: Collection[int], quiet: Collection[date]) -> date:
    for away in range(30):
        day = on + timedelta(days=step * away)
        if day.weekday() in weekdays and day not in quiet:
            return day
    return on
