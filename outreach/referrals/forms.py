"""What is typed about a referral: shape only, meaning is checked by the verbs."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from outreach import screen
from outreach.referrals.rules import BARRIERS, CLOSE_REASONS, STAGE_LABELS, STAGES

OTHER_SOURCES = (
    ("contact", "A contact (the name above)"),
    ("unmatched", "Not known yet"),
    ("word-of-mouth", "Word of mouth"),
    ("event", "An event"),
    ("website", "Our website"),
    ("search", "A search engine"),
    ("review-site", "A review site"),
    ("social", "Social media"),
    ("directory", "A directory"),
    ("payer-list", "A payer's list"),
    ("self", "Came by themselves"),
)


def options(pairs: Iterable[tuple[object, str]]) -> list[SelectChoice]:
    """(value, label) pairs as WTForms wants them."""
    return [SelectChoice(value, label) for value, label in pairs]


def said(word: str) -> str:
    """A word of a closed vocabulary as people read it."""
    return word.replace("-", " ").capitalize()


class LogReferralForm(FlaskForm):
    """The fifteen-second log. The source is typed as a name; `contact_id` is set once it is certain."""

    source = StringField(
        "Who sent the client?",
        [Length(max=200)],
        description="A person or an organization. For an event, a website or the like: which one. For word of mouth: "
        "who recommended us.",
    )
    contact_id = HiddenField()
    source_type = SelectField("Or they heard of us by", choices=options(OTHER_SOURCES), default="contact")
    service_id = SelectField("Service", coerce=screen.whole_number)
    payer_id = SelectField("Payer", coerce=screen.whole_number)
    location_id = SelectField("Our location", coerce=screen.whole_number, default=0)
    client_number = StringField(
        "Client number", [Length(max=40)], description="Your own number, for example 2041. Never a name."
    )
    received_on = DateField("Received on", [DataRequired("Say on which day it came.")])
    stage = SelectField(
        "Stage", choices=options((name, STAGE_LABELS[name]) for name in STAGES[:-1]), default="received"
    )
    direction = RadioField("Direction", choices=options([("in", "Sent to us"), ("out", "Sent by us")]), default="in")


class CorrectForm(FlaskForm):
    """What can be put right about a referral."""

    service_id = SelectField("Service", coerce=screen.whole_number)
    payer_id = SelectField("Payer", coerce=screen.whole_number)
    location_id = SelectField("Our location", coerce=screen.whole_number)
    client_number = StringField(
        "Client number", [Length(max=40)], description="Your own number, for example 2041. Never a name."
    )
    received_on = DateField("Received on", [DataRequired("Say on which day it came.")])


class MoveForm(FlaskForm):
    """The next stage of a referral, with its day."""

    stage = SelectField("Stage", choices=options((name, STAGE_LABELS[name]) for name in STAGES))
    on = DateField("On", [DataRequired("Say on which day.")])
    close_reason = SelectField(
        "Why it closed",
        [Optional()],
        choices=options([("", "–"), *((word, said(word)) for word in CLOSE_REASONS)]),
        description="Only for Closed.",
    )
    barrier = SelectField(
        "What stood in the way", [Optional()], choices=options([("", "–"), *((word, said(word)) for word in BARRIERS)])
    )


class MatchForm(FlaskForm):
    """Who sent an unmatched referral."""

    source = StringField("Who sent the client?", [DataRequired("Type a part of the name."), Length(max=200)])
    contact_id = HiddenField()
