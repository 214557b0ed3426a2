"""What is typed when a row of Today is done."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from outreach.today.rules import ACTIONS
from outreach.today.wording import DONE_WORDS

OUTCOME_WORDS = {
    "done": "Done",
    "reached": "Reached them",
    "left-message": "Left a message",
    "no-answer": "No answer",
    "not-interested": "Not interested",
}


class ReachedForm(FlaskForm):
    """What happened, in one line; everything else may stay empty."""

    action = SelectField("What did you do?", choices=[SelectChoice(one, DONE_WORDS[one]) for one in ACTIONS])
    note = TextAreaField("What happened?", [Length(max=2000)], description="One sentence is enough. No client names.")
    outcome = SelectField(
        "Outcome", choices=[SelectChoice(name, label) for name, label in OUTCOME_WORDS.items()], default="done"
    )
    minutes = IntegerField("Minutes", [Optional(), NumberRange(0, 600, "Between 0 and 600 minutes.")])
    promised = StringField(
        "Anything promised?", [Length(max=200)], description="For example: the swallowing handout. It comes back here."
    )
    promised_on = DateField("By", [Optional()])
    task_id = HiddenField()


class SnoozeForm(FlaskForm):
    """A day to come back to."""

    until = DateField("Bring back on")


class SampleForm(FlaskForm):
    """One field of every kind, for the page that shows the kit."""

    name = StringField("Name", [DataRequired("Give a name, as it stands on the door.")])
    email = EmailField("Email", [Optional()])
    service = SelectField(
        "Service", choices=[SelectChoice("pt", "Physical therapy"), SelectChoice("ot", "Occupational therapy")]
    )
    stage = RadioField("Stage", choices=[SelectChoice("new", "New"), SelectChoice("booked", "Booked")])
    notes = TextAreaField("Notes", [Optional()], description="No health details, please.")
    agreed = BooleanField("She agreed to get email from us")
    body = TextAreaField("Text")
