"""What is typed about a story: shape only, meaning is checked by the verbs."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from outreach.contacts.forms import options
from outreach.stories.rules import AUTHORITIES, DEFAULT_PURPOSE, IDENTITIES, MOST_WORDS_CHARS, SCOPE_LABELS


class StoryForm(FlaskForm):
    """The words."""

    title = StringField("What we call it", [DataRequired("Give it a short name."), Length(max=200)])
    words = TextAreaField(
        "The words, exactly as they would be shown",
        [DataRequired("Write down the words."), Length(max=MOST_WORDS_CHARS)],
        description="Only what the person wants to say. No names of others, no more about health than they chose.",
    )


class CheckListField(SelectMultipleField):
    """Several ticks."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class AskForm(FlaskForm):
    """What the person is asked to allow."""

    scopes = CheckListField("Where the words may be used", choices=options(SCOPE_LABELS.items()))
    identity = SelectField("How they are shown", choices=options(IDENTITIES.items()), default="first-name")
    purpose = StringField("Purpose", [DataRequired("Say what it is for."), Length(max=500)], default=DEFAULT_PURPOSE)
    expires_on = DateField("Ends on", [DataRequired("A permission needs an end.")])


class VouchedScan(FlaskForm):
    """The scan of a signed paper, and the word of whoever enters it."""

    scan = FileField(
        "Scan or photo of the signed paper",
        description="A PDF of up to 5 MB, or a JPEG or PNG picture. Only people who write stories can open it.",
    )
    vouched = BooleanField("I looked at the paper: the words, places, dates, name and signature are as entered here")


class ScanForm(VouchedScan):
    """The scan alone."""

    scan = FileField(
        "Scan or photo of the signed paper",
        [FileRequired("Choose the scan.")],
        description="A PDF of up to 5 MB, or a JPEG or PNG picture.",
    )


class PaperForm(AskForm, VouchedScan):
    """A signature that is on paper already."""

    signed_on = DateField("Signed on", [DataRequired("Say on which day.")])
    signer = StringField("Name on the paper", [DataRequired("Type the name."), Length(max=200)])
    authority = SelectField("For whom", [Optional()], choices=options(AUTHORITIES.items()))
    picture = BooleanField("The paper allows the picture too")
    document = StringField("Where the paper is kept", [Length(max=500)], description="Not needed when you add a scan.")


class PictureForm(FlaskForm):
    """The picture that the client is asked about."""

    file = FileField(
        "Picture",
        [FileRequired("Choose a picture.")],
        description="A JPEG, PNG, GIF or WebP picture of up to 25 MB. Place and camera are taken out of it.",
    )
    alt = StringField(
        "What it shows",
        [DataRequired("Say in a few words what it shows."), Length(max=300)],
        description="Read aloud to people who cannot see it, and part of what is signed.",
    )


class OutsideForm(FlaskForm):
    """A place outside of this program where the words stand."""

    scope = SelectField("What kind of place", choices=options(SCOPE_LABELS.items()), default="print")
    place = StringField(
        "Where exactly",
        [DataRequired("Say where the words stand."), Length(max=500)],
        description="For example “Poster in the waiting room” or the address of a post.",
    )
    used_on = DateField("Since", [DataRequired("Say since which day.")])
