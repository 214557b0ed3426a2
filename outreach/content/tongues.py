"""The languages of a message in its editor: which one is shown, and the others that the form carries along."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from outreach.content.drafts import Draft
from outreach.content.languages import ENGLISH, LANGUAGES

SHOW, DROP = "language", "drop-language"
"""Buttons: "language:es" shows Spanish (a copy of the main text at first), "drop-language:es" takes it away."""


def shown_of(draft: Draft) -> Draft:
    """The language that stands in the editor, as a draft with the settings of the whole."""
    if not draft.shown:
        return draft
    return replace(draft.variants[draft.shown], sponsored=draft.sponsored, shown=draft.shown, variants=draft.variants)


def carried(draft: Draft) -> str:
    """The languages that are not shown, for a hidden field; "" when there is only one."""
    if not draft.variants:
        return ""
    others = {code: each.to_json() for code, each in draft.versions().items() if code != draft.shown}
    return json.dumps(others, ensure_ascii=False)


def put_together(typed: Draft, shown: str, carried: str) -> dict[str, Any]:
    """The whole draft as JSON from what was typed in one language and what was carried; not yet cleaned."""
    others = _read(carried)
    rest = {code: each for code, each in others.items() if code}
    main = others.get("")
    if shown not in LANGUAGES or not isinstance(main, Mapping):
        return {**typed.to_json(), "variants": rest}
    whole = {"layout": typed.layout, "sponsored": typed.sponsored}
    return {**main, **whole, "variants": {**rest, shown: typed.to_json()}, "shown": shown}


def _read(carried: str) -> Mapping[str, Any]:
    try:
        found = json.loads(carried) if carried else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def pressed(draft: Draft, act: str) -> Draft:
    """The draft after a button of the languages; anything else changes nothing."""
    verb, _, code = act.partition(":")
    if verb == SHOW and code in ("", *LANGUAGES):
        variants = dict(draft.variants)
        if code:
            variants.setdefault(code, replace(draft, variants={}, shown="", sponsored=""))
        return replace(draft, variants=variants, shown=code)
    if verb == DROP and code in draft.variants:
        variants = {each: kept for each, kept in draft.variants.items() if each != code}
        return replace(draft, variants=variants, shown="")
    return draft


def tabs(draft: Draft) -> list[tuple[str, str, bool]]:
    """(code, label, whether it is shown) of the languages that there are."""
    labels = {"": ENGLISH.label, **{code: LANGUAGES[code].label for code in draft.variants}}
    return [(code, label, code == draft.shown) for code, label in labels.items()]


def to_add(draft: Draft) -> list[tuple[str, str]]:
    """(code, label) of those that can be added."""
    return [(code, words.label) for code, words in LANGUAGES.items() if code not in draft.variants]
