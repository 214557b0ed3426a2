"""The forms of the six first-run pages, each with defaults that fit most practices."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, PasswordField, SelectField, SelectMultipleField, StringField, TelField
from wtforms import SelectChoice as Choice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from outreach.practice.rules import WEEKDAYS

COUNTRIES = (
    ("US", "United States"),
    ("CA", "Canada"),
    ("GB", "United Kingdom"),
    ("IE", "Ireland"),
    ("AU", "Australia"),
    ("NZ", "New Zealand"),
)
DISCIPLINE_WORDS = (("PT", "Physical therapy"), ("OT", "Occupational therapy"), ("SLP", "Speech therapy"))
REQUIRED = "Please fill this in."


def clock_words(minute: int) -> str:
    """480 is "8:00 am"."""
    hour, rest = divmod(minute, 60)
    return f"{hour % 12 or 12}:{rest:02d} {'am' if hour < 12 else 'pm'}"


def half_hours(first: int, last: int) -> list[Any]:
    """Choices from `first` to `last` minutes after midnight."""
    return [Choice(minute, clock_words(minute)) for minute in range(first, last + 1, 30)]


class CheckListField(SelectMultipleField):
    """Several of a few choices, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class CodeForm(FlaskForm):
    """The code from the terminal."""

    code = StringField("One-time code", [InputRequired(REQUIRED), Length(max=40)])


class PracticeForm(FlaskForm):
    """Who the practice is."""

    name = StringField("Name of the practice", [InputRequired(REQUIRED), Length(max=200)])
    disciplines = CheckListField("What you treat", choices=[Choice(*pair) for pair in DISCIPLINE_WORDS])
    phone = TelField("Phone", [Optional(), Length(max=40)])


class AddressForm(FlaskForm):
    """Where mail about mail can be sent."""

    street = StringField("Street", [InputRequired(REQUIRED), Length(max=200)])
    city = StringField("City", [InputRequired(REQUIRED), Length(max=100)])
    state = StringField("State", [InputRequired(REQUIRED), Length(max=40)])
    zip5 = StringField("ZIP", [InputRequired(REQUIRED), Length(max=10)])
    country = SelectField("Country", choices=[Choice(*pair) for pair in COUNTRIES])


class ZoneForm(FlaskForm):
    """Whose clock counts."""

    time_zone = StringField("Time zone", [InputRequired(REQUIRED), Length(max=60)])


class SenderForm(FlaskForm):
    """From whom mail comes, and where its links lead."""

    sender_name = StringField("Sender's name", [InputRequired(REQUIRED), Length(max=200)])
    sender_email = EmailField("Sender's email", [InputRequired(REQUIRED), Length(max=255)])
    reply_to_email = EmailField("Answers go to", [Optional(), Length(max=255)])
    public_url = StringField("Public address of Outreach", [Optional(), Length(max=255)])


class HoursForm(FlaskForm):
    """When mail may leave."""

    from_minute = SelectField("From", coerce=int, choices=half_hours(8 * 60, 20 * 60))
    until_minute = SelectField("Until", coerce=int, choices=half_hours(9 * 60, 21 * 60))
    weekdays = CheckListField("On", coerce=int, choices=[Choice(day, name) for day, name in enumerate(WEEKDAYS)])
    holidays = BooleanField("Send nothing on public holidays")


class AdministratorForm(FlaskForm):
    """The first person who may sign in."""

    person_name = StringField("Your name", [InputRequired(REQUIRED), Length(max=200)])
    person_email = EmailField("Your email", [InputRequired(REQUIRED), Length(max=255)])
    password = PasswordField("Password", [InputRequired(REQUIRED)])
    again = PasswordField("Password again", [InputRequired(REQUIRED)])


class PasswordForm(FlaskForm):
    """A password of one's own, by a link."""

    password = PasswordField("Password", [InputRequired(REQUIRED)])
    again = PasswordField("Password again", [InputRequired(REQUIRED)])
