"""What is chosen about yields, and what a referral was worth: shape only."""

from flask_wtf import FlaskForm
from wtforms import FloatField, SelectField
from wtforms.validators import InputRequired, NumberRange

from outreach.referrals.forms import options

SHARES = (
    ("0.1", "Early: 1 in 10 ordinary silences raises an alert"),
    ("0.05", "Usual: 1 in 20"),
    ("0.02", "Late: 1 in 50"),
)
VALUES = (("nothing", "No value, referrals only"), ("visits", "Visits"), ("dollars", "Dollars"))
MOST = 1_000_000


class SettingsForm(FlaskForm):
    """How early a silence is told about, and what a referral's value is counted in."""

    alert_share = SelectField(
        "Tell me about a silence",
        choices=options(SHARES),
        description="Earlier alerts find a lapse sooner and are wrong more often.",
    )
    value_of = SelectField(
        "Count the value of a referral in",
        choices=options(VALUES),
        description="With a value typed at each referral, the yield also says what it is worth.",
    )


class ValueForm(FlaskForm):
    """What one referral brought."""

    value = FloatField("Value", [InputRequired("Type a number."), NumberRange(min=0, max=MOST)])
