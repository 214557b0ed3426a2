"""The form of a condition: which details a question needs, and a question about a field in the words of groups."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField

from outreach import screen
from outreach.campaigns.steps import Step
from outreach.contacts.forms import options
from outreach.contacts.group_rules import OPERATOR_LABELS, WITHOUT_VALUE, GroupFact, in_words

DETAILS = {"group": ("group_id",), "outcome": ("outcome",), "field": ("fact", "op", "value")}
MOST_CHOICES = 400


def shape(form: Any, step: Step) -> None:
    """The form shows only what the question needs, with the choices that the field has."""
    wanted = DETAILS.get(str(step.get("question")), ())
    facts: Sequence[GroupFact] = screen.world().group_facts
    form.fact.choices = options([("", "Choose"), *sorted(((f.name, f.label) for f in facts), key=lambda each: each[1])])
    fact = next((fact for fact in facts if fact.name == step.get("fact")), None)
    operators = fact.operators if fact else ()
    form.op.choices = options([("", "Choose"), *((name, OPERATOR_LABELS[name]) for name in operators)])
    choices = list(fact.choices(screen.session()))[:MOST_CHOICES] if fact else []
    if choices:
        _choose_value(form, choices, step)
    for name in ("group_id", "outcome", "fact", "op", "value"):
        hidden = name not in wanted or (name in ("op", "value") and fact is None)
        if hidden or (name == "value" and step.get("op") in WITHOUT_VALUE):
            del form[name]


def details_of(form: Any) -> dict[str, Any]:
    """The details as the form has them; those that it did not show stay as they were."""
    found: dict[str, Any] = {}
    if "group_id" in form:
        text = form["group_id"].data or ""
        found["group_id"] = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
    if "outcome" in form:
        found["outcome"] = form["outcome"].data
    if "fact" in form:
        found |= {name: (form[name].data or None) if name in form else None for name in ("fact", "op", "value")}
        found["said"] = _said(found)
    return found


def _choose_value(form: Any, choices: Sequence[tuple[str, str]], step: Step) -> None:
    # A fresh field in the place of the typed one: what it can be is known.
    typed = form.value.data
    field = SelectField("Value", coerce=str, validate_choice=False, choices=options([("", "Choose"), *choices]))
    bound = field.bind(form, "value", prefix="", translations=None)
    bound.data = typed or str(step.get("value") or "")
    bound.id = "value"
    form._fields["value"] = bound


def _said(found: dict[str, Any]) -> str:
    facts = screen.world().group_facts
    fact = next((fact for fact in facts if fact.name == found["fact"]), None)
    if fact is None or not found["op"]:
        return ""
    return in_words({"all": [dict(found)]}, facts, {fact.name: dict(fact.choices(screen.session()))})
