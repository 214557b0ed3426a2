"""What is typed about a reason for losses: shape only."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length


class FixForm(FlaskForm):
    """What the practice does about it."""

    what = StringField("What we do about it", [DataRequired("Say in a few words what you do."), Length(max=500)])
