"""Lunches and gifts must not depend on who refers (42 CFR 411.357(k)): which steps offer something, and which of them
only some people reach because of referrals. Pure, but for what the caller looked up."""

import re
from collections.abc import Callable, Iterator

from outreach.campaigns import steps
from outreach.campaigns.steps import Step, Steps

FENCE = (
    "Lunches and gifts must not depend on who refers (42 CFR 411.357(k)). "
    "Use a group without referral facts, or plan it under Events."
)
VALUE_WORDS = re.compile(r"\b(?:lunch|meal|dinner|breakfast|food|coffee|cake|gift|basket|drop.?off|treats?)\b", re.I)
OFFERED = re.compile(r"\b(?:lunch(?:es)?|catered|dinner|breakfast|gifts?|gift.?cards?|baskets?|treats for)\b", re.I)
"""In an email, where "food" may be what a therapist helps somebody to swallow, fewer words tell an offer."""


def offers_value(step: Step) -> bool:
    """Whether the step says, or sounds as if, it offers a meal, a gift or a drop-off."""
    if step["kind"] == "task":
        return bool(step.get("has_value") or VALUE_WORDS.search(f"{step.get('title')} {step.get('script', '')}"))
    return step["kind"] == "email" and bool(OFFERED.search(words_of(step)))


def has_value_steps(tree: Steps) -> bool:
    """Whether any step offers something of value: then nothing of the campaign may rest on referrals or yield."""
    return any(offers_value(place.step) for place in steps.walk(tree))


def words_of(step: Step) -> str:
    """What an email says: subject, preview line and the words of its blocks."""
    draft = step.get("draft") or {}
    parts = [draft.get("subject"), draft.get("preview_line")]
    for block in draft.get("blocks") or ():
        parts += [block.get(name) for name in ("html", "text", "label", "title")]
    return re.sub(r"<[^>]*>", " ", " ".join(str(part) for part in parts if part))


def chosen_by_referrals(tree: Steps, *, all_of_them: bool, rests: Callable[[Step], bool]) -> Iterator[Step]:
    """The steps of value that people get, or miss, because of referrals: all of them when the group or the entry rests
    on referrals (`all_of_them`) or the campaign stops when they refer; else those in a lane of such a question, and
    those after it when a lane ends the way. `rests` tells whether a question rests on referrals."""
    fenced = all_of_them or any("referred" in step.get("on", ()) for step in steps.watched(tree))
    for step in tree:
        if fenced and offers_value(step):
            yield step
        if step["kind"] != "condition":
            continue
        asked = rests(step)
        for lane in steps.LANES:
            inside = step.get(lane, ())
            yield from (each for each in inside if (fenced or asked) and offers_value(each))
        ends = (each for lane in steps.LANES for each in step.get(lane, ()))
        fenced = fenced or (asked and any(each["kind"] == "stop" and not steps.is_watch(each) for each in ends))
