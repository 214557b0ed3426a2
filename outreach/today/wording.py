"""The sentences of Today: why this person, in words that a coordinator can check against her own memory. Pure."""

from datetime import date

ACTION_OF_TASK = {"call": "Call", "visit": "Visit", "thank": "Thank", "write": "Write", "send": "Send"}
DONE_WORDS = {"Thank": "Thanked", "Call": "Called", "Visit": "Visited", "Send": "Sent", "Write": "Wrote"}
FIRST_BUTTONS = {
    "Thank": "Write thank-you note",
    "Call": "Call",
    "Visit": "Visit",
    "Send": "Send it",
    "Write": "Write a note",
}
ICONS = {"Thank": "heart-handshake", "Call": "phone", "Visit": "car", "Send": "send", "Write": "mail"}


ONE_TOUCH = {"Thank": "a thank-you", "Call": "a call", "Visit": "a visit", "Send": "something sent", "Write": "a note"}
MOSTLY = 0.5
"""From this share on, what our own people showed counts for more than the assumption."""


def lift(action: str, share: float, told: float, *, people: int, campaigns: int) -> str:
    """What one touch adds in the order of Today: `share` of what a contact sends, `told` (0-1) of that measured."""
    percent = f"{100 * abs(share):.1f}".removesuffix(".0") + "%"
    touch = ONE_TOUCH[action]
    if percent == "0%":
        adds = f"We reckon that {touch} adds nothing"
    elif share < 0:
        adds = f"We reckon that {touch} takes {percent} away, so it counts for nothing"
    else:
        adds = f"We reckon that {touch} adds {percent}"
    if not people:
        return f"{adds} (assumed: no campaign with such a step has measured it)."
    seen = f"{people:,} {'person' if people == 1 else 'people'} in {_count(campaigns, 'finished hold-out')}"
    return f"{adds} ({'measured on' if told >= MOSTLY else 'mostly assumed, too little seen yet of'} {seen})."


def thanks(count: int, days: int, *, first_ever: bool) -> tuple[str, str]:
    """The row's sentence and the reason behind it for `count` referrals in the last `days` days without a thank-you."""
    when = _days_ago(days)
    if first_ever:
        return (
            f"First referral ever, {when}. No thank-you yet.",
            "This is the first client from here. A prompt, personal thank-you is what turns one referral into a habit.",
        )
    sent = f"Sent a client {when}" if count == 1 else f"Sent {count} clients {_span(days)}"
    return (
        f"{sent}. No thank-you yet.",
        "Nobody has said thank you since. A short note or call within ten days, without naming a client.",
    )


def lapse(gap_days: int, usual_gap_days: float, p_active: float, *, share: float = 0.05) -> tuple[str, str]:
    """For a silence that is unusual by the contact's own rhythm (yield paper, section 9); `share` is the setting."""
    rhythm = max(1, round(usual_gap_days))
    words = "Has probably stopped." if p_active < 0.2 else "Worth a check-in."
    return (
        f"No referral for {gap_days} days; usually every {rhythm}.",
        f"Usually sends one about every {_count(rhythm, 'day')} and has now been quiet for {gap_days}. "
        f"Fewer than 1 in {round(1 / share)} ordinary silences get this far. {words}",
    )


def task(title: str, due_on: date, today: date, *, owner: str = "") -> tuple[str, str]:
    """For a dated duty that has come."""
    late = (today - due_on).days
    when = "Due today." if late == 0 else f"Due {_days_ago(late)}."
    whose = f", for {owner}" if owner else ""
    return f"{title.rstrip('.')}. {when}", f"A task for {due_on:%B} {due_on.day}{whose}."


def promise(title: str, due_on: date, today: date) -> tuple[str, str]:
    """For something that was promised."""
    kept = "for today" if due_on == today else f"for {due_on:%B} {due_on.day}"
    what = title[:1].lower() + title[1:].rstrip(".")
    return f"You promised: {what}.", f"Promised {kept}. A kept promise is worth more than another visit."


def new_referrer(days: int, started: int) -> tuple[str, str]:
    """For somebody whose first referrals came lately and who was not met since."""
    why = "The weeks after a first referral decide whether a second one follows. Say how it went, in general words."
    if started:
        return "The first referral became a client. No visit since.", why
    return f"First referral {_days_ago(days)}. No visit since.", why


def rhythm(tier: str, every_days: int, since_days: int | None) -> tuple[str, str]:
    """For a tier contact past the interval that the practice keeps."""
    every = f"Tier {tier} is met every {every_days} days."
    if since_days is None:
        return "No touch on record yet.", every
    return f"Last touch {_days_ago(since_days)}.", f"{every} The last touch was {_days_ago(since_days)}."


def after_event(what: str, days: int) -> tuple[str, str]:
    """For a guest whom nobody has called since."""
    return (
        f"Came to your event {_days_ago(days)}. Not followed up yet.",
        f"{what or 'Attended your event'}. Ask what would help their clients, while the talk is fresh.",
    )


def anniversary(days: int) -> tuple[str, str]:
    """For a former client a year after discharge; `days` counts from the anniversary, negative before it."""
    when = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days, f"{days} days ago" if days > 0 else "this week")
    return (
        f"One year since discharge {when}." if days in (-1, 0, 1) else "One year since discharge this week.",
        "A card or a call to ask how life is going. It asks for nothing.",
    )


def welcome(days: int) -> tuple[str, str]:
    """For somebody new whom nobody has greeted."""
    return (
        "New here, not greeted yet." if days < 1 else f"Added {_days_ago(days)}, not greeted yet.",
        "Everyone new gets one personal welcome in the first two months, whatever the numbers say.",
    )


def by_chance() -> tuple[str, str]:
    """For the tenth of the places that is drawn."""
    return (
        "Drawn by chance today.",
        "One place in ten is drawn by chance, so that nobody is forgotten because they were never asked.",
    )


def expected(value: float) -> str:
    """What the next 90 days may bring, as a sentence; empty for next to nothing."""
    if value < 0.05:
        return ""
    return f"About {value:.1f} referrals that start care are expected in the next 90 days."


def _span(days: int) -> str:
    return "in the last week" if days <= 7 else "in the last two weeks"


def _days_ago(days: int) -> str:
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    if days < 21:
        return f"{days} days ago"
    if days < 70:
        return f"{round(days / 7)} weeks ago"
    return f"{round(days / 30.44)} months ago"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
