"""Forms of the picture library."""

from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField, SelectField, StringField
from wtforms import SelectChoice as Choice
from wtforms.validators import InputRequired, Length, Optional

NAMED = "Give it a name you will find it by."
ANSWERS = [
    Choice("", "Choose"),
    Choice("no", "No, nobody in it is or was a client"),
    Choice("yes", "Yes, it shows or quotes a client"),
]


class PermissionFields(FlaskForm):
    """The question that is asked of every picture and file."""

    shows_client = SelectField(
        "Does it show or quote a client?",
        choices=ANSWERS,
        default="",
        validators=[InputRequired("Say whether it shows or quotes a client.")],
        description="A face, a name, a voice, words or handwriting.",
    )
    authorization_id = SelectField(
        "Their permission", default="", description="Only needed when it shows or quotes a client."
    )


class FileFields(PermissionFields):
    """A file, and the question."""

    file = FileField(
        "File",
        validators=[FileRequired("Choose a file.")],
        description="A JPEG, PNG, GIF or WebP picture; we make it small enough for mail. Or a PDF of up to 5 MB.",
    )


class UploadForm(FileFields):
    """A new picture or file."""

    title = StringField("Title", validators=[InputRequired(NAMED), Length(max=200)])
    alt = StringField(
        "What it shows",
        validators=[InputRequired("Describe it in a few words."), Length(max=300)],
        description="Read aloud to people who cannot see it.",
    )


class VersionForm(FileFields):
    """The next version of one that is there. It stands on a page with another form, so its ids begin with "newer-"."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        for each in self:
            each.id = f"newer-{each.name}"


class DescribeForm(PermissionFields):
    """Title and description of a picture, and the question once more."""

    title = StringField("Title", validators=[InputRequired(NAMED), Length(max=200)])
    alt = StringField("What it shows", validators=[Length(max=300)])


class LookForm(FlaskForm):
    """Logo, colour and signature of the practice's mail."""

    colour = StringField(
        "Color",
        [InputRequired("Choose a color."), Length(max=7)],
        description="For your name, links and buttons. White words on it must be readable: we check.",
    )
    logo_id = SelectField("Logo", default="", description="Stands where your name would; your name is read aloud.")
    logo_width = IntegerField("Width of the logo in pixels", [InputRequired("Say how wide.")], default=160)
    sign_off = StringField("Above the name", [Optional(), Length(max=100)], description="Such as: Warm regards,")
    signer_id = SelectField("Who signs", default="", description="Where a message names nobody else.")

    @staticmethod
    def as_choices(offered: Sequence[tuple[str, str]], nothing: str) -> list[Choice]:
        """Offered (value, label) pairs as choices; the first stands for nothing."""
        return [Choice("", nothing), *(Choice(*each) for each in offered[1:])]
