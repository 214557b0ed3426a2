"""What is typed while an EMR report is brought in: shape only, meaning is checked by the verbs."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import RadioField, SelectField

from outreach.referrals.forms import options


class EmrUploadForm(FlaskForm):
    """A report to bring in."""

    file = FileField("Referral report (CSV)")


class EmrMatchForm(FlaskForm):
    """How the report is to be read; its columns are asked for beside it."""

    day_first = RadioField(
        "In this file 3/2/2026 means", choices=options([("no", "March 2"), ("yes", "February 3")]), default="no"
    )
    discipline = SelectField(
        "Rows that name no service are",
        choices=options(
            [("", "Left out, with the reason"), ("PT", "Physical"), ("OT", "Occupational"), ("SLP", "Speech")]
        ),
    )
