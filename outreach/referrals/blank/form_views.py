"""The blank referral form as a PDF."""

from datetime import date

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach import screen
from outreach.practice.models import DISCIPLINES, Location, Service
from outreach.practice.queries import practice_of
from outreach.referrals.blank.sheet import FormWords, referral_form

blank_form = Blueprint("blank_form", __name__, url_prefix="")
FULL = {"PT": "Physical therapy", "OT": "Occupational therapy", "SLP": "Speech therapy"}


@blank_form.get("/form.pdf")
def pdf() -> ResponseReturnValue:
    practice = practice_of(screen.session())
    colour = practice.brand_colour.lstrip("#")
    made = referral_form(
        form_words(screen.session(), today=screen.today()),
        colour=(int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)),
    )
    disposition = {"Content-Disposition": 'inline; filename="referral-form.pdf"'}
    return Response(made, mimetype="application/pdf", headers=disposition)


def form_words(session: Session, *, today: date) -> FormWords:
    """What the form says: the practice as it stands today, without services and places that are over."""
    practice = practice_of(session)
    services = session.execute(
        select(Service.discipline, Service.name)
        .where(or_(Service.retired_on.is_(None), Service.retired_on > today))
        .order_by(Service.name)
    ).all()
    places = session.scalars(
        select(Location.name)
        .where(or_(Location.closed_on.is_(None), Location.closed_on > today))
        .order_by(Location.name)
        .limit(6)
    ).all()
    town = ", ".join(filter(None, (practice.street, practice.city, f"{practice.state} {practice.zip5}".strip())))
    reach = ", ".join(
        filter(None, (f"Phone {practice.phone}" if practice.phone else "", _without_scheme(practice.website)))
    )
    return FormWords(
        name=practice.name,
        lines=(town, reach),
        fax=practice.fax,
        phone=practice.phone,
        services=tuple((FULL[one], tuple(name for kind, name in services if kind == one)) for one in DISCIPLINES),
        places=tuple(places) if len(places) > 1 else (),
    )


def _without_scheme(address: str) -> str:
    """The address as people write it on paper."""
    return address.removeprefix("https://").removeprefix("http://").rstrip("/")
