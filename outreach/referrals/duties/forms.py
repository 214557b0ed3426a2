"""What is typed about duties and thanks: shape only."""

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import DataRequired, NumberRange

from outreach.referrals.forms import options

STARTS = (
    ("first", "The first referral ever of a source"),
    ("every", "Every referral"),
    ("off", "Nothing by itself"),
)
HOW = (("task", "A task for whoever looks after them"), ("campaign", "The thank-you campaign that is live"))


class SentForm(FlaskForm):
    """The day on which something was sent."""

    on = DateField("Sent on", [DataRequired("Say on which day.")])


class ThanksForm(FlaskForm):
    """What starts when a referral comes in."""

    starts = SelectField("Thank for", choices=options(STARTS))
    how = SelectField("By", choices=options(HOW))
    within_hours = IntegerField("Within hours", [NumberRange(1, 336, "Say a number of hours between 1 and 336.")])
