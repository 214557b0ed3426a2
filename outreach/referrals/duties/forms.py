"""What is typed about duties and thanks: shape only."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, IntegerField
from wtforms.validators import DataRequired, NumberRange


class SentForm(FlaskForm):
    """The day on which something was sent."""

    on = DateField("Sent on", [DataRequired("Say on which day.")])


class ThanksForm(FlaskForm):
    """What starts when a referral comes in."""

    task_on_first = BooleanField("A task to thank for the first referral ever of a source")
    task_on_every = BooleanField("A task to thank for every referral")
    within_hours = IntegerField("Within hours", [NumberRange(1, 336, "Say a number of hours between 1 and 336.")])
