"""What is typed about a story: shape only, meaning is checked by the verbs."""

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, SelectMultipleField, StringField, TextAreaField
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


class PaperForm(AskForm):
    """A signature that is on paper already."""

    signed_on = DateField("Signed on", [DataRequired("Say on which day.")])
    signer = StringField("Name on the paper", [DataRequired("Type the name."), Length(max=200)])
    authority = SelectField("For whom", [Optional()], choices=options(AUTHORITIES.items()))
    document = StringField("Where the paper is kept", [DataRequired("Say where it is kept."), Length(max=500)])
