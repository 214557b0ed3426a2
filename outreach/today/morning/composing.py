"""The plan of the day in words: meetings, duties, what is late, one link."""

from collections.abc import Iterable
from datetime import date
from html import escape
from zoneinfo import ZoneInfo

from outreach.content.drafts import Draft
from outreach.today.agenda import Entry
from outreach.today.dates.own import Plan
from outreach.ui import amount, count, plural, time_of_day

MOST = 12
"""As many lines as one list has; the rest are counted."""


def draft_of(plan: Plan, day: date, *, name: str, zone: ZoneInfo, address: str) -> Draft:
    """The message to one person. `address`: where Outreach is reached, without a slash at its end."""
    told = [count(len(plan.meetings), "meeting")] * bool(plan.meetings) + [count(len(plan.due), "task")] * bool(
        plan.due
    )
    told = told or [f"{count(plan.late, 'task')} overdue"]
    first = _plain(name.split()[0] if name.split() else "")
    parts = [
        f"<p>Good morning{f', {first}' if first else ''}. This is your {day:%A}, {day:%B} {day.day}.</p>",
        _list("Meetings", (_meeting(one, zone) for one in plan.meetings)),
        _list("Tasks", (_task(one, day) for one in plan.due)),
        _late(plan.late),
        f"<p>{_where(address)}</p>",
        "<p>No client is named in this mail. To stop it: Settings, Rhythm and digest.</p>",
    ]
    return Draft(f"Your {day:%A}: {' and '.join(told)}", "", [{"type": "text", "html": "".join(parts)}], "plain")


def _list(head: str, lines: Iterable[str]) -> str:
    said = list(lines)
    if not said:
        return ""
    more = f"<li>and {amount(len(said) - MOST)} more</li>" if len(said) > MOST else ""
    return f"<p><strong>{head}</strong></p><ul>{''.join(f'<li>{line}</li>' for line in said[:MOST])}{more}</ul>"


def _meeting(one: Entry, zone: ZoneInfo) -> str:
    at = f"{time_of_day(one.at.astimezone(zone))} " if one.at else ""
    return f"{at}<strong>{_plain(one.title)}</strong>. {_plain(one.sub)}."


def _task(one: Entry, day: date) -> str:
    about = f": {_plain(one.sub)}" if one.sub else ""
    return f"{_plain(one.title)}{about}{'' if one.on == day else f' (since {one.on:%A})'}"


def _late(late: int) -> str:
    return f"<p>{count(late, 'task')} from earlier {plural(late, 'is', 'are')} overdue.</p>" if late else ""


def _where(address: str) -> str:
    # Mail carries https only; an installation without it is opened by hand.
    if not address.startswith("https://"):
        return "Open My day in Outreach for the rest."
    return f'<a href="{escape(address)}/calendar/mine">Open my day</a>.'


def _plain(text: str) -> str:
    """Text can hold no mark-up and no detail to fill in: a bracket in a title stops no mail."""
    return escape(text.replace("{", "(").replace("}", ")"))
