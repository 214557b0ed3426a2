"""The digest in words: one sentence, seven lines, one link."""

from datetime import timedelta
from html import escape

from outreach.content.drafts import Draft
from outreach.today.digest.numbers import Change, Named, Numbers
from outreach.today.figures.rules import changed
from outreach.ui import amount, count, plural

BEFORE = "the week before"


def draft_of(numbers: Numbers, *, address: str) -> Draft:
    """The message, the same for everybody. `address`: where Outreach is reached, without a slash at its end."""
    week = numbers.week
    subject = (
        f"Your week: {count(week['referrals'].now, 'referral')}, {amount(numbers.quiet.total)} newly quiet, "
        f"{amount(numbers.overdue.now)} overdue"
    )
    lines = [
        _line("Referrals", week["referrals"]),
        _line("Became clients", week["clients"]),
        _line("New sources", week["new-sources"], _names(numbers.new_sources)),
        _line("Unusually quiet now", week["lapsing"], _names(numbers.quiet, "Noticed last week")),
        _line("Out of network", week["out-of-network"]),
        _line("Overdue for a touch", numbers.overdue, _coverage(numbers)),
        _line("Calls, visits, notes and meetings", numbers.touches),
    ]
    html = (
        f"<p>Good morning. This was last week, {_days(numbers)}, beside {BEFORE}.</p>"
        f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
        f"<p>{_where(address)}</p>"
        "<p>No client is named in this mail. To stop it: Settings, Rhythm and digest.</p>"
    )
    return Draft(subject, "", [{"type": "text", "html": html}], "plain")


def _where(address: str) -> str:
    # Mail carries https only; an installation without it is opened by hand.
    if not address.startswith("https://"):
        return "Open Today in Outreach to see whom to reach first, and who is overdue."
    here = escape(address)
    return f'<a href="{here}/">See whom to reach first</a> or <a href="{here}/today/overdue">who is overdue</a>.'


def _line(label: str, change: Change, more: str = "") -> str:
    said, _ = changed(change.now, change.before, when=BEFORE)
    return f"{label}: <strong>{amount(change.now)}</strong>, {said}.{f' {more}' if more else ''}"


def _names(named: Named, head: str = "") -> str:
    if not named.total:
        return ""
    parts = [_plain(name) for name in named.names]
    if named.others:
        others = plural(named.others, "other") if parts else "not named here"
        parts.append(f"{amount(named.others)} {others}")
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{head}: {listed}." if head else f"{listed}."


def _coverage(numbers: Numbers) -> str:
    met = numbers.coverage
    return (
        f"{amount(met.reached)} of {count(met.of_all, 'contact')} with a tier were met in time." if met.of_all else ""
    )


def _days(numbers: Numbers) -> str:
    first, last = numbers.monday - timedelta(days=7), numbers.monday - timedelta(days=1)
    return f"{first:%B} {first.day} to {last:%B} {last.day}"


def _plain(name: str) -> str:
    """A name can hold no mark-up and no detail to fill in: a bracket more in an address book stops no digest."""
    return escape(name.replace("{", "(").replace("}", ")"))
