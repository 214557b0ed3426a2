"""What is typed into the builder, as WTForms: shape only; meaning is checked by the verbs and before publishing."""

from datetime import time
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from outreach.campaigns import asking, saying, steps
from outreach.campaigns.rules import FIRST_MINUTE
from outreach.campaigns.setup import ENTRIES, MOST_DAYS_AFTER, MOST_HELD_OUT_PCT, ON_REPLY, TOPICS, topic_said
from outreach.campaigns.steps import Step
from outreach.contacts.forms import options
from outreach.deliveries.caps.cap_rules import MATTERS

WHEN_LATE = {
    "": "Send it as soon as it may leave",
    **{str(days): f"Leave it out when that makes it more than {days} days late" for days in (3, 7, 14, 30)},
}
"""What becomes of an email that has to wait for its person's sake; the number is a step's `latest_days`."""
DAYS = options((str(number), name) for number, name in enumerate(steps.WEEKDAYS))


class CheckListField(SelectMultipleField):
    """A few boxes, any of which may be ticked."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class EditForm(FlaskForm):
    """What every form of the builder carries: the revision that was shown."""

    rev = HiddenField()


class SetupForm(EditForm):
    """Who it is for, and how people get in."""

    name = StringField("Name", [DataRequired("Give it a name, for you only."), Length(max=200)])
    group_id = SelectField("Group", coerce=str)
    entry = SelectField("Who gets in", choices=options(ENTRIES.items()))
    days_after = IntegerField(
        "Days after that",
        [Optional(), NumberRange(0, MOST_DAYS_AFTER, "Between 0 and 3650 days.")],
        description="Only where an event lets them in. 0: on the same day.",
    )
    topic = SelectField("What kind of mail it is", choices=options((key, topic_said(key)) for key in TOPICS))
    weekdays = CheckListField("First step on", choices=DAYS, description="None means any weekday on which you send.")
    at = TimeField("First step at", [Optional()])
    again_days = IntegerField(
        "Let people in again after",
        [Optional(), NumberRange(1, 3650, "Between 1 and 3650 days.")],
        description="Days after their way ended. Empty: once only.",
    )
    holdout_pct = IntegerField(
        "Kept out by lot",
        [Optional(), NumberRange(0, MOST_HELD_OUT_PCT, "Between 0 and 50 percent.")],
        description="Percent of the group that gets nothing, to see what the campaign really brings. 20 is usual.",
    )
    matters = SelectField(
        "When somebody’s mail limit binds",
        choices=options((key, words) for key, (words, _) in MATTERS.items()),
        default="usual",
    )
    own_share = BooleanField("Keep a share of everybody’s mail limit for it")
    on_reply = SelectField("When they write back", choices=options(ON_REPLY.items()), default="hold")
    letters = BooleanField("People whom no email may reach get a letter to print")


class WaitForm(EditForm):
    """Days, then a weekday and a time."""

    days = IntegerField("Days to wait", [NumberRange(0, 730, "Between 0 and 730 days.")])
    weekdays = CheckListField("Then on", choices=DAYS, description="None means the next weekday on which you send.")
    at = TimeField("At", [Optional()])


class ConditionForm(EditForm):
    """A question with two lanes. What belongs to one question alone is asked once that question stands."""

    question = SelectField(
        "Question",
        choices=options((key, words) for key, (words, _) in steps.QUESTIONS.items()),
        description="After Save you choose the group, the answer or the field where the question needs one.",
    )
    group_id = SelectField("Group", coerce=str)
    outcome = SelectField("They say yes when it ended with", choices=options(saying.OUTCOME_WORDS.items()))
    fact = SelectField("What about them", coerce=str, validate_choice=False)
    op = SelectField("How", coerce=str, validate_choice=False)
    value = StringField("Value", [Optional(), Length(max=200)])


class TaskForm(EditForm):
    """A duty for a person."""

    task = SelectField("Kind", choices=options(saying.TASK_WORDS.items()))
    title = StringField("What to do", [DataRequired("Say what to do."), Length(max=200)])
    script = TextAreaField("Script", [Optional(), Length(max=4000)], description="What to say or bring.")
    owner_id = SelectField("For whom", coerce=str)
    has_value = BooleanField("It offers something of value: a meal, a gift, a drop-off")


class GroupForm(EditForm):
    """On a list, or off it."""

    change = SelectField("Do what", choices=options([("add", "Put on the list"), ("remove", "Take off the list")]))
    group_id = SelectField("List", coerce=str, description="Only fixed lists can be changed by a campaign.")


class StopForm(EditForm):
    """Watch for something, or end here."""

    on = CheckListField(
        "Stop early when",
        choices=options(steps.STOPS.items()),
        description="Watched from the first day on. None ticked: the campaign ends here for whoever gets here.",
    )
    then_id = SelectField("Then start", coerce=str)
    tell = BooleanField("Tell the owner on Today")


class StartForm(EditForm):
    """Another campaign."""

    campaign_id = SelectField("Campaign to start", coerce=str)


STEP_FORMS = {
    "wait": WaitForm,
    "condition": ConditionForm,
    "task": TaskForm,
    "group": GroupForm,
    "stop": StopForm,
    "start": StartForm,
}


def step_form(step: Step, names: dict[str, dict[int, str]], *, campaign_id: int, submitted: bool) -> EditForm:
    """The form of a step that is no email, filled with the step unless it was submitted."""
    form = STEP_FORMS[step["kind"]]() if submitted else STEP_FORMS[step["kind"]](data=_shown(step))
    choices = {
        "owner_id": ("Whoever looks after them", names["people"]),
        "then_id": ("Nothing", _without(names["campaigns"], campaign_id)),
        "campaign_id": ("Choose a campaign", _without(names["campaigns"], campaign_id)),
        "group_id": ("Choose a group", names["lists" if step["kind"] == "group" else "groups"]),
    }
    for name, (empty, known) in choices.items():
        if name in form:
            form[name].choices = offered(empty, known, step.get(name))
    if step["kind"] == "condition":
        asking.shape(form, step)
    return form


def offered(empty: str, known: dict[int, str], chosen: Any) -> list[Any]:
    """The choices, with what was chosen before even when it is gone: an edit never changes it unseen."""
    pairs = [("", empty), *((str(key), name) for key, name in known.items())]
    if chosen and chosen not in known:
        pairs.append((str(chosen), "The one chosen before (gone)"))
    return options(pairs)


def fields_of(form: EditForm, kind: str) -> dict[str, Any]:
    """The fields of the step as the form has them."""
    match kind:
        case "wait":
            return {
                "days": form["days"].data,
                "weekdays": sorted(map(int, form["weekdays"].data)),
                "minute": minute_in(form["at"].data),
            }
        case "condition":
            return {"question": form["question"].data, **asking.details_of(form)}
        case "task":
            return {
                "task": form["task"].data,
                "title": form["title"].data.strip(),
                "script": form["script"].data or "",
                "owner_id": number_in(form["owner_id"].data),
                "has_value": form["has_value"].data,
            }
        case "group":
            return {"change": form["change"].data, "group_id": number_in(form["group_id"].data)}
        case "stop":
            return {"on": form["on"].data, "then_id": number_in(form["then_id"].data), "tell": form["tell"].data}
    return {"campaign_id": number_in(form["campaign_id"].data)}


def number_in(text: str | None) -> int | None:
    """A typed or chosen id, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def minute_in(at: Any) -> int:
    """A typed time of day in minutes, 9:00 when there is none."""
    return at.hour * 60 + at.minute if at else FIRST_MINUTE


def _shown(step: Step) -> dict[str, Any]:
    shown = {name: "" if value is None else value for name, value in step.items()}
    shown["weekdays"] = [str(day) for day in step.get("weekdays") or ()]
    for name in ("owner_id", "then_id", "campaign_id", "group_id"):
        shown[name] = str(step.get(name) or "")
    shown["at"] = time_of(int(step.get("minute") or FIRST_MINUTE))
    return shown


def time_of(minute: int) -> Any:
    """The minute of a day as the time field wants it."""
    return time(minute // 60, minute % 60)


def _without(known: dict[int, str], campaign_id: int) -> dict[int, str]:
    return {key: name for key, name in known.items() if key != campaign_id}
