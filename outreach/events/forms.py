"""What is typed about an event: shape only, meaning is checked by the verbs."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from outreach.contacts.forms import CheckListField, options
from outreach.events.rules import TYPES

ZONES = (
    ("America/New_York", "Eastern"),
    ("America/Chicago", "Central"),
    ("America/Denver", "Mountain"),
    ("America/Phoenix", "Arizona"),
    ("America/Los_Angeles", "Pacific"),
    ("America/Anchorage", "Alaska"),
    ("Pacific/Honolulu", "Hawaii"),
    ("America/Puerto_Rico", "Puerto Rico"),
)


class FactsForm(FlaskForm):
    """What the event is about."""

    type = SelectField("What kind of event", choices=options(TYPES.items()))
    title = StringField("Name", [DataRequired("Give the event a name."), Length(max=200)])
    organization = StringField("Where: office or organization", [Optional(), Length(max=200)])
    topic = StringField("Topic", [Optional(), Length(max=500)])
    learning_points = TextAreaField("Learning points", [Optional(), Length(max=4000)], description="One per line.")
    presenter_id = SelectField("Who presents", coerce=int, default=0)
    backup_presenter_id = SelectField("Who stands in", coerce=int, default=0)
    content_minutes = IntegerField(
        "Minutes of content", [Optional(), NumberRange(min=0, max=720)], description="Without eating. At least 20."
    )
    host_id = SelectField("Who looks after it", coerce=int, default=0)
    meal = BooleanField("A meal or snack is served")
    budget = DecimalField(
        "Budget per head in dollars",
        [Optional(), NumberRange(min=0, max=500)],
        description="The same for every office.",
    )
    capacity = IntegerField(
        "Places", [Optional(), NumberRange(min=1, max=10_000)], description="Empty when there is no limit."
    )
    heads_note = TextAreaField(
        "What the office said",
        [Optional(), Length(max=4000)],
        description="Head count, parking, rules for visitors. Diets as numbers, without names.",
    )
    clinicians = TextAreaField(
        "Clinicians who will be there",
        [Optional(), Length(max=2000)],
        description="By name, as the office said. One per line.",
    )
    expected_clinicians = IntegerField(
        "Clinicians expected",
        [Optional(), NumberRange(min=0, max=500)],
        description="As the office said. The kitchen counts by it until people answer.",
    )
    expected_staff = IntegerField("Staff expected", [Optional(), NumberRange(min=0, max=500)])
    caterer = StringField("Caterer", [Optional(), Length(max=500)])
    credit = StringField(
        "Continuing education credit", [Optional(), Length(max=500)], description="Kind, hours and approval number."
    )
    materials = TextAreaField("Materials to bring", [Optional(), Length(max=4000)], description="One per line.")
    handouts = CheckListField(
        "Handouts",
        [Optional()],
        coerce=int,
        description="PDF files of the library. They are on the packing list and in the thank-you.",
    )


class WhenForm(FlaskForm):
    """When and where it is."""

    starts_on = DateField("Day", [DataRequired("Choose a day.")])
    starts_time = TimeField("Begins at", [InputRequired("Choose a time.")])
    minutes = IntegerField("Minutes", [DataRequired("How long does it take?"), NumberRange(min=5, max=720)])
    time_zone = SelectField("Time zone")
    place = StringField("Room or address", [Optional(), Length(max=500)])


class PlanForm(FactsForm):
    """A new event: the facts, and a date when there is one."""

    starts_on = DateField("Day", [Optional()], description="Empty for an idea without a date.")
    starts_time = TimeField("Begins at", [Optional()])
    minutes = IntegerField("Minutes", [Optional(), NumberRange(min=5, max=720)])
    time_zone = SelectField("Time zone")
    place = StringField("Room or address", [Optional(), Length(max=500)])


class LeftForm(FlaskForm):
    """What the event left behind."""

    questions = TextAreaField("Questions that were asked", [Optional(), Length(max=4000)])
    materials_left = TextAreaField(
        "Materials left there", [Optional(), Length(max=4000)], description="Remembered for the next visit there."
    )
    next_step = StringField("Next step", [Optional(), Length(max=400)], description="Becomes a task.")
    next_on = DateField("By", [Optional()], description="Empty: within a week.")


class CloseForm(LeftForm):
    """It took place: what it cost and what was asked."""

    cost = DecimalField(
        "What the meal cost in dollars",
        [Optional(), NumberRange(min=0, max=10_000)],
        description="Split over everyone who signed in.",
    )
