"""Forms of the settings screens."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms import SelectChoice as Choice
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from outreach import screen
from outreach.practice import setup_forms
from outreach.practice.models import PAYER_STATUSES
from outreach.practice.offering import PAYER_CLASSES
from outreach.practice.rules import WEEKDAYS
from outreach.practice.setup_forms import DISCIPLINE_WORDS, REQUIRED

ROLE_WORDS = (
    ("coordinator", "Coordinator: contacts, campaigns, events, sending"),
    ("clinician", "Clinician: reads, logs touches and referrals"),
    ("read-only", "Reads only"),
    ("administrator", "Administrator: everything, and these settings"),
)
STATUS_WORDS = {"in-network": "In network", "out-of-network": "Out of network", "pending": "Pending"}


def words(name: str) -> str:
    """ "self-pay" is "Self pay"."""
    return name.replace("-", " ").capitalize()


class PracticeForm(setup_forms.PracticeForm, setup_forms.AddressForm, setup_forms.ZoneForm):
    """Name, disciplines, ways to reach it, address and zone."""

    tagline = StringField("Tagline", [Optional(), Length(max=200)])
    fax = StringField("Fax", [Optional(), Length(max=40)])
    website = StringField("Website", [Optional(), Length(max=255)])


class SenderForm(setup_forms.SenderForm):
    """The sender, and where mail to us arrives."""

    inbound_domain = StringField("Domain for incoming mail", [Optional(), Length(max=255)])


class HoursForm(FlaskForm):
    """When mail may leave."""

    from_minute = SelectField("From", coerce=int, choices=setup_forms.half_hours(8 * 60, 20 * 60))
    until_minute = SelectField("Until", coerce=int, choices=setup_forms.half_hours(9 * 60, 21 * 60))
    weekdays = setup_forms.CheckListField(
        "On", coerce=int, choices=[Choice(day, name) for day, name in enumerate(WEEKDAYS)]
    )
    holidays = BooleanField("Send nothing on public holidays")


class QuietDayForm(FlaskForm):
    """A day of our own on which nothing goes out."""

    on = DateField("Day", [InputRequired(REQUIRED)])
    name = StringField("Why", [Optional(), Length(max=200)])


class NewPersonForm(FlaskForm):
    """Somebody who shall be able to sign in."""

    name = StringField("Name", [InputRequired(REQUIRED), Length(max=200)])
    email = EmailField("Email", [InputRequired(REQUIRED), Length(max=255)])
    title = StringField("What they do", [Optional(), Length(max=200)])
    role = SelectField("May", choices=[Choice(*pair) for pair in ROLE_WORDS])
    discipline = SelectField("Discipline", choices=[Choice("", "None"), *(Choice(*pair) for pair in DISCIPLINE_WORDS)])


class PersonForm(FlaskForm):
    """What can be changed about somebody."""

    name = StringField("Name", [InputRequired(REQUIRED), Length(max=200)])
    title = StringField("What they do", [Optional(), Length(max=200)])
    role = SelectField("May", choices=[Choice(*pair) for pair in ROLE_WORDS])


class PayerForm(FlaskForm):
    """A plan or insurer."""

    name = StringField("Name", [InputRequired(REQUIRED), Length(max=200)])
    payer_class = SelectField("Kind", choices=[Choice(name, words(name)) for name in PAYER_CLASSES])


class ParticipationForm(FlaskForm):
    """Whether we take it, from a day on."""

    status = SelectField("Status", choices=[Choice(name, STATUS_WORDS[name]) for name in PAYER_STATUSES])
    since_on = DateField("Since", [InputRequired(REQUIRED)])
    until_on = DateField("Until", [Optional()])


class CheckListField(SelectMultipleField):
    """Several choices as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ServiceForm(FlaskForm):
    """Something we treat."""

    name = StringField("Name", [InputRequired(REQUIRED), Length(max=200)])
    discipline = SelectField("Discipline", choices=[Choice(*pair) for pair in DISCIPLINE_WORDS])
    ages = StringField("Ages", [Optional(), Length(max=200)])
    summary = TextAreaField("In one or two sentences", [Optional(), Length(max=1000)])
    referral_criteria = TextAreaField("When to refer", [Optional(), Length(max=1000)])
    location_ids = CheckListField("Where", [Optional()], coerce=screen.whole_number)
    payer_ids = CheckListField("Who pays for it", [Optional()], coerce=screen.whole_number)
    telehealth = BooleanField("Also by video")


class OutcomeForm(FlaskForm):
    """A figure over many clients."""

    finding = StringField("What was found", [InputRequired(REQUIRED), Length(max=500)])
    source = StringField("Source", [InputRequired(REQUIRED), Length(max=500)])
    from_on = DateField("From", [InputRequired(REQUIRED)])
    until_on = DateField("To", [InputRequired(REQUIRED)])
    people = IntegerField("Number of people", [InputRequired(REQUIRED), NumberRange(1, 1_000_000)])


class AreaForm(FlaskForm):
    """The ZIPs that the practice serves."""

    zips = TextAreaField("ZIPs you serve", [Optional(), Length(max=60_000)])


class AroundForm(FlaskForm):
    """The same, said as a distance."""

    miles = IntegerField("Miles around your clinics", [InputRequired(REQUIRED), NumberRange(1, 200)])


class PlacesForm(FlaskForm):
    """The file with the middle of every ZIP."""

    file = FileField("ZIP file of the US Census", [FileRequired("Choose the file first.")])


class LocationForm(FlaskForm):
    """One clinic."""

    name = StringField("Name", [InputRequired(REQUIRED), Length(max=200)])
    street = StringField("Street", [Optional(), Length(max=200)])
    city = StringField("City", [Optional(), Length(max=100)])
    state = StringField("State", [Optional(), Length(max=40)])
    zip5 = StringField("ZIP", [Optional(), Length(max=10)])
    phone = StringField("Phone", [Optional(), Length(max=40)])
