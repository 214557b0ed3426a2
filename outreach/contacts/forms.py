"""What is typed about contacts: shape only, meaning is checked by the verbs."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from outreach import screen
from outreach.contacts.imports import DUPLICATES, PERMISSIONS
from outreach.contacts.kinds import KIND_LABELS, ORGANIZATION_TYPES
from outreach.contacts.models import PREFERRED_CHANNELS
from outreach.contacts.record_models import RELATIONS
from outreach.contacts.tasks import TASK_KINDS
from outreach.practice.models import DISCIPLINES

LOGGED = {
    "call": "Call",
    "visit": "Visit",
    "drop-off": "Drop-off",
    "meeting": "Meeting",
    "note": "Note",
    "thank-you": "Thank-you",
}


LANGUAGES = {
    "en": "English",
    "es": "Spanish",
    "zh": "Chinese",
    "vi": "Vietnamese",
    "ko": "Korean",
    "tl": "Tagalog",
    "ru": "Russian",
    "ar": "Arabic",
    "fr": "French",
    "ht": "Haitian Creole",
    "pt": "Portuguese",
    "pl": "Polish",
    "de": "German",
    "it": "Italian",
    "hi": "Hindi",
    "uk": "Ukrainian",
}
"""Languages in which contacts may want to be written to, by ISO 639-1 code."""


def options(pairs: Iterable[tuple[object, str]]) -> list[SelectChoice]:
    """(value, label) pairs as WTForms wants them."""
    return [SelectChoice(value, label) for value, label in pairs]


def said(word: str) -> str:
    """A word of a closed vocabulary as people read it."""
    return word.replace("-", " ").capitalize()


class CheckListField(SelectMultipleField):
    """Several choices as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ContactForm(FlaskForm):
    """A contact, new or changed. `version` is the one that was shown."""

    kind = SelectField("Kind", choices=options(KIND_LABELS.items()))
    prefix = StringField("Prefix", [Optional(), Length(max=40)], description="Dr., Ms. …")
    first_name = StringField("First name", [Length(max=200)])
    last_name = StringField("Last name or name of the desk", [Length(max=200)])
    credentials = StringField("Credentials", [Optional(), Length(max=60)], description="MD, NP, OTR/L …")
    title = StringField("Role", [Optional(), Length(max=200)])
    specialty = StringField("Specialty", [Optional(), Length(max=200)])
    taxonomy = StringField(
        "Taxonomy code", [Optional(), Length(max=10)], description="Filled in by itself for the usual specialties."
    )
    stark_physician = SelectField(
        "Counts as a physician for the yearly gift limit",
        choices=options([("", "By specialty"), ("yes", "Yes"), ("no", "No")]),
        validate_choice=False,
    )
    organization_id = SelectField("Organization", coerce=screen.whole_number, validate_choice=False)
    email = StringField("Email", [Optional(), Length(max=320)])
    phone = StringField("Phone", [Optional(), Length(max=40)])
    fax = StringField("Fax", [Optional(), Length(max=40)])
    street = StringField("Street", [Optional(), Length(max=500)])
    city = StringField("City", [Optional(), Length(max=200)])
    state = StringField("State", [Optional(), Length(max=40)])
    zip5 = StringField("ZIP", [Optional(), Length(max=10)])
    npi = StringField("NPI", [Optional()], description="Ten digits; the last one is checked.")
    discipline = SelectField(
        "Discipline",
        choices=options([("", "–"), *((name, name) for name in DISCIPLINES)]),
        validate_choice=False,
    )
    refers_for = StringField("Refers for", [Optional(), Length(max=500)])
    ask_for = StringField("Ask for", [Optional(), Length(max=200)], description="For example Denise, front desk.")
    best_time = StringField("Best time", [Optional(), Length(max=200)])
    owner_id = SelectField("Looked after by", coerce=screen.whole_number, validate_choice=False)
    therapy_relationship = StringField(
        "Therapists they send clients to now",
        [Optional(), Length(max=500)],
        description="For example: mostly Riverside PT, her brother works there.",
    )
    language = SelectField("Written to in", choices=options(LANGUAGES.items()), validate_choice=False)
    languages = StringField("Also speaks", [Optional(), Length(max=500)], description="Separated by commas.")
    time_zone = StringField("Time zone", [Optional()], description="Only if it is not yours: America/Chicago.")
    payer_ids = CheckListField(
        "Payers their clients carry", [Optional()], coerce=screen.whole_number, validate_choice=False
    )
    birthday_on = DateField("Birthday", [Optional()], description="Day and month are kept, the year is not.")
    discharged_on = DateField("Discharged on", [Optional()])
    deceased_on = DateField("Deceased on", [Optional()])
    tags = StringField("Tags", [Optional(), Length(max=500)], description="Separated by commas.")
    advocate = BooleanField("Advocate: recommends us to others")
    version = HiddenField()
    anyway = HiddenField()


class OrganizationForm(FlaskForm):
    """A place that people belong to."""

    name = StringField("Name", [DataRequired("An organization needs a name."), Length(max=200)])
    type = SelectField("What kind of place", choices=options((name, said(name)) for name in ORGANIZATION_TYPES))
    street = StringField("Street", [Optional(), Length(max=500)])
    city = StringField("City", [Optional(), Length(max=200)])
    state = StringField("State", [Optional(), Length(max=40)])
    zip5 = StringField("ZIP", [Optional(), Length(max=10)])
    phone = StringField("Phone", [Optional(), Length(max=40)])
    fax = StringField("Fax", [Optional(), Length(max=40)])
    website = StringField("Website", [Optional(), Length(max=500)])
    npi = StringField("NPI", [Optional()])
    owner_id = SelectField("Looked after by", coerce=screen.whole_number, validate_choice=False)
    front_desk = StringField("Front desk", [Optional(), Length(max=200)], description="Who answers the phone.")
    referral_coordinator = StringField("Referral coordinator", [Optional(), Length(max=200)])
    channel_contact = StringField("To whom", [Optional(), Length(max=200)], description="By the way they prefer.")
    booking_window = StringField(
        "Booking window", [Optional(), Length(max=200)], description="For example: opens in May for the second half."
    )
    weeks_between_lunches = StringField("Weeks between lunches", [Optional(), Length(max=10)])
    visitors_allowed = StringField("Visitors allowed", [Optional(), Length(max=10)])
    parking = StringField("Parking", [Optional(), Length(max=500)])
    physicians = StringField("Physicians", [Optional(), Length(max=10)])
    advanced_providers = StringField("NPs and PAs", [Optional(), Length(max=10)])
    staff = StringField("Staff", [Optional(), Length(max=10)])
    diets = StringField("Diets", [Optional(), Length(max=500)], description="As counts, without names: 2 vegetarian.")
    preferred_channel = SelectField(
        "Prefers",
        choices=options([("", "–"), *((name, said(name)) for name in PREFERRED_CHANNELS)]),
        validate_choice=False,
    )
    lunch_hour = StringField("Lunch hour", [Optional(), Length(max=200)])
    visit_rules = TextAreaField("Visiting rules", [Optional(), Length(max=10_000)])
    notes = TextAreaField("Notes", [Optional(), Length(max=10_000)])
    version = HiddenField()
    anyway = HiddenField()


class TouchForm(FlaskForm):
    """What happened, from any screen."""

    who = StringField("With whom?", [Length(max=200)])
    contact_id = HiddenField()
    kind = RadioField("What was it?", choices=options(LOGGED.items()), default="call")
    text = TextAreaField("What happened?", [Length(max=5000)])
    minutes = IntegerField("Minutes", [Optional(), NumberRange(min=0, max=600, message="0 to 600 minutes.")])
    on = DateField("Day", [DataRequired("Say on which day.")])
    next_step = StringField("Promised next step", [Optional(), Length(max=200)])
    next_on = DateField("By", [Optional()])
    cost = DecimalField(
        "Cost in dollars",
        [Optional(), NumberRange(min=0, max=10_000, message="0 to 10,000 dollars.")],
        description="Printing, mileage, parking. Meals and gifts go into the value ledger, never here.",
    )

    @property
    def cost_cents(self) -> int | None:
        """The cost in whole cents."""
        return None if self.cost.data is None else int((self.cost.data * 100).to_integral_value())


class LineForm(FlaskForm):
    """One line on a profile; the button that is pressed says what it was."""

    text = StringField("What happened?", [Length(max=5000)])
    kind = HiddenField()
    contact_id = SelectField("With whom", coerce=screen.whole_number, validate_choice=False)
    minutes = IntegerField("Minutes", [Optional(), NumberRange(min=0, max=600, message="0 to 600 minutes.")])
    next_step = StringField("Promised next step", [Optional(), Length(max=200)])
    next_on = DateField("By", [Optional()])


class StayForm(FlaskForm):
    """A place that a person belongs to, or did."""

    organization_id = SelectField("Organization", coerce=screen.whole_number, validate_choice=False)
    role = StringField("As what", [Optional(), Length(max=200)])
    since_on = DateField("Since", [Optional()])
    until_on = DateField("Until", [Optional()])


class FamilyForm(FlaskForm):
    """Somebody of the family, by the relation alone."""

    who = StringField("Who", [Length(max=200)])
    relation = SelectField("They are the", choices=options(RELATIONS.items()))


class TaskForm(FlaskForm):
    """A dated duty about a contact."""

    title = StringField("What is to be done", [DataRequired("Say what is to be done."), Length(max=200)])
    kind = SelectField("How", choices=options((name, said(name)) for name in TASK_KINDS), default="call")
    due_on = DateField("By", [DataRequired("Say by which day.")])
    owner_id = SelectField("Whose task", coerce=screen.whole_number, validate_choice=False)


class WhyForm(FlaskForm):
    """A decision that needs its reason."""

    why = StringField("Why", [DataRequired("Say in a few words why."), Length(max=500)])


class PermissionForm(FlaskForm):
    """What a person told us they agree to."""

    topic = SelectField("To what", choices=[])
    how = SelectField(
        "How they said it",
        choices=options([("in person", "In person"), ("by phone", "By phone"), ("in writing", "In writing")]),
    )
    words = StringField("In which words", [Optional(), Length(max=500)])


class UploadForm(FlaskForm):
    """A file to bring in."""

    file = FileField("File")


class CheckForm(FlaskForm):
    """How a file is to be read."""

    default_kind = SelectField("These are", choices=[])
    duplicates = RadioField(
        "Contacts that are in the book already", choices=options(DUPLICATES.items()), default="fill"
    )
    permission = RadioField(
        "Where did permission to write to them come from?", choices=options(PERMISSIONS.items()), validate_choice=False
    )
    permission_words = StringField(
        "In which words, or where can it be looked up?", [Optional(), Length(max=500)], description="For the record."
    )


class GroupForm(FlaskForm):
    """A group's name; its rules are read by `group_forms`."""

    name = StringField("Name of the group", [DataRequired("A group needs a name."), Length(max=200)])
