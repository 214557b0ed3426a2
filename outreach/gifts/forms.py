"""What is typed about a gift: shape only, meaning is checked by the verbs."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, DecimalField, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from outreach.contacts.forms import options
from outreach.gifts.rules import KIND_LABELS, REFUSED_LABELS


class GiftForm(FlaskForm):
    """Something that somebody got."""

    kind = SelectField("What kind", choices=options([*KIND_LABELS.items(), *REFUSED_LABELS.items()]))
    what = StringField("What it was", [DataRequired("Say what it was."), Length(max=500)])
    amount = DecimalField(
        "Worth in dollars",
        [DataRequired("Enter what it was worth, for example 14.50."), NumberRange(min=0.01, max=10_000)],
        places=2,
    )
    given_on = DateField("Given on", [DataRequired("Say on which day.")])
    solicited = BooleanField("Somebody asked for it")
    receipt_note = StringField("Receipt", [Optional(), Length(max=500)], description="Where the receipt is kept.")
    reason = StringField(
        "Reason to pass the limit",
        [Optional(), Length(max=500)],
        description="Only for administrators, and only when the limit would be passed.",
    )


class LimitForm(FlaskForm):
    """The limit of one year."""

    year = IntegerField("Year", [DataRequired("Which year?"), NumberRange(min=2021, max=2100)])
    limit = DecimalField(
        "Limit in dollars", [DataRequired("Enter the limit, for example 535."), NumberRange(min=1, max=10_000)]
    )
    source = StringField("Where it was published", [Optional(), Length(max=500)])


class PaybackForm(FlaskForm):
    """What came back of an excess."""

    amount = DecimalField(
        "What came back, in dollars",
        [DataRequired("Enter what came back, for example 14.50."), NumberRange(min=0.01, max=10_000)],
        places=2,
    )
    paid_on = DateField("On", [DataRequired("Say on which day.")])
    how = StringField(
        "How it came back",
        [DataRequired("Say how it came back."), Length(max=200)],
        description="For example a check with its number, or a book returned.",
    )
    proof = StringField("Where the proof is kept", [DataRequired("Say where the proof is kept."), Length(max=200)])
