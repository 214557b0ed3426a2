"""Forms of the picture library."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length


class UploadForm(FlaskForm):
    """A new picture."""

    file = FileField(
        "Picture",
        validators=[FileRequired("Choose a file.")],
        description="JPEG, PNG, GIF or WebP. We make it small enough for mail.",
    )
    title = StringField("Title", validators=[InputRequired("Give it a name you will find it by."), Length(max=200)])
    alt = StringField(
        "What it shows",
        validators=[InputRequired("Describe it in a few words."), Length(max=300)],
        description="Read aloud to people who cannot see it.",
    )
    shows_client = BooleanField("It shows or quotes a client")
    authorization_id = SelectField(
        "Their permission", default="", description="Only needed when it shows or quotes a client."
    )


class DescribeForm(FlaskForm):
    """Title and description of a picture."""

    title = StringField("Title", validators=[InputRequired("Give it a name you will find it by."), Length(max=200)])
    alt = StringField("What it shows", validators=[Length(max=300)])
