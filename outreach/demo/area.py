"""The demo's surroundings: where its ZIPs lie, which it serves, and what is known of its offices and families."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.contacts.record_models import FamilyLink
from outreach.practice import service_area
from outreach.practice.area_models import ZipPlace
from outreach.practice.models import Location

# Where the towns lie, to a hundredth of a degree: enough for a demo. A real practice loads the file of the Census.
_TOWNS = """
    12545 41.79 -73.67 | 12601 41.70 -73.91 | 12603 41.68 -73.87 | 12569 41.76 -73.80 | 12538 41.79 -73.91
    12501 41.85 -73.55 | 12572 41.93 -73.89 | 12581 41.89 -73.70 | 12567 41.98 -73.65 | 12508 41.50 -73.96
    12540 41.65 -73.74 | 12590 41.59 -73.90 | 12546 41.95 -73.52 | 12524 41.53 -73.89 | 12585 41.73 -73.70
    12522 41.73 -73.58 | 12207 42.66 -73.75
"""
SERVED_MILES = 25
OFFICES = {
    "Lakeside Orthopedics": {
        "front_desk": "Denise Ortiz",
        "referral_coordinator": "Hana Castillo",
        "preferred_channel": "fax",
        "channel_contact": "Hana Castillo",
        "visit_rules": "Sign in at the desk. One visitor at a time, never on Mondays.",
        "weeks_between_lunches": 8,
        "booking_window": "Six months ahead, by phone",
        "parking": "Behind the house, no charge",
        "physicians": 3,
        "advanced_providers": 2,
        "staff": 9,
        "diets": "2 vegetarian, 1 without gluten",
    },
    "Northgate Clinic": {
        "front_desk": "Moses",
        "preferred_channel": "portal",
        "physicians": 2,
        "advanced_providers": 1,
        "staff": 5,
        "weeks_between_lunches": 12,
    },
    "Westside Pediatrics": {
        "preferred_channel": "direct",
        "visit_rules": "Before nine or after four: the waiting room is full between.",
        "physicians": 4,
    },
}


def furnish_area(session: Session) -> None:
    """The ZIPs of the demo have their place, distances are known, and the service area is 25 miles."""
    for town in _TOWNS.replace("\n", "|").split("|"):
        if town.strip():
            zip5, latitude, longitude = town.split()
            session.add(ZipPlace(zip5=zip5, latitude=float(latitude), longitude=float(longitude)))
    session.flush()
    service_area.measure(session, session.scalars(select(Location)).all())
    service_area.serve_around(session, SERVED_MILES)


def describe_offices(session: Session) -> None:
    """A few offices have their profile, one physician sends elsewhere too, and two former clients are family."""
    for place in session.scalars(select(Organization).where(Organization.name.in_(OFFICES))):
        for name, value in OFFICES[place.name].items():
            setattr(place, name, value)
    physicians = session.scalars(select(Contact).where(Contact.kind == "physician").order_by(Contact.id).limit(6)).all()
    if physicians:
        physicians[-1].therapy_relationship = "Mostly Motion Lab PT, three doors away"
    clients = session.scalars(
        select(Contact).where(Contact.kind.in_(("former-client", "family"))).order_by(Contact.id).limit(2)
    ).all()
    if len(clients) == 2:
        session.add(FamilyLink(contact_id=clients[0].id, relative_id=clients[1].id, relation="partner"))
    session.flush()
