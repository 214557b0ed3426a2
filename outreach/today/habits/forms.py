"""What is typed about intervals and weeks."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from outreach.referrals.rhythms import LONGEST_DAYS, SHORTEST_DAYS
from outreach.today.rules import MOST_A_WEEK

BETWEEN = f"Between {SHORTEST_DAYS} and {LONGEST_DAYS} days."


class RhythmForm(FlaskForm):
    """Days between two touches, per tier."""

    A = IntegerField("Tier A, days", [InputRequired(BETWEEN), NumberRange(SHORTEST_DAYS, LONGEST_DAYS, BETWEEN)])
    B = IntegerField("Tier B, days", [InputRequired(BETWEEN), NumberRange(SHORTEST_DAYS, LONGEST_DAYS, BETWEEN)])
    C = IntegerField("Tier C, days", [InputRequired(BETWEEN), NumberRange(SHORTEST_DAYS, LONGEST_DAYS, BETWEEN)])


class HabitForm(FlaskForm):
    """One person's week."""

    week_goal = IntegerField(
        "Touches a week",
        [InputRequired("Give a number, 0 for none."), NumberRange(0, MOST_A_WEEK, f"Between 0 and {MOST_A_WEEK}.")],
    )
    digest = BooleanField("Monday digest by email")
    morning = BooleanField("Plan of the day by email")
