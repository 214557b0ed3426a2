"""The practice itself and the forty places around it. All invented; addresses end in .example, phones are 555."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from outreach.contacts.models import Organization
from outreach.practice.models import ROLES, Location, Participation, Payer, Person, Practice, Role, Service

STAFF = (
    ("Maya Jensen", "maya@cedarlane.example", "coordinator", "Outreach coordinator", None),
    ("Olive Stone", "olive@cedarlane.example", "administrator", "Owner, PT, DPT", "PT"),
    ("Theo Park", "theo@cedarlane.example", "clinician", "Physical therapist", "PT"),
    ("Imani Wells", "imani@cedarlane.example", "clinician", "Occupational therapist, CHT", "OT"),
    ("Sofia Marin", "sofia@cedarlane.example", "clinician", "Speech-language pathologist", "SLP"),
    ("Rita Bloom", "rita@cedarlane.example", "read-only", "Billing", None),
)
SERVICES = (
    ("Shoulder and knee rehabilitation", "PT", "Adults", "Post-operative and overuse care, same-week evaluations."),
    ("Balance and fall prevention", "PT", "65 and older", "Balance testing and a home plan after two visits."),
    ("Pelvic health", "PT", "Adults", "One-to-one sessions in a private room."),
    ("Hand therapy", "OT", "All ages", "Certified hand therapist, custom splints on the day."),
    ("Pediatric fine motor skills", "OT", "3 to 12", "Handwriting, dressing, school readiness."),
    ("Speech and language for children", "SLP", "2 to 12", "Play-based sessions, parent coaching."),
    ("Swallowing and voice", "SLP", "Adults", "Works with the office's ENT on shared plans."),
)
PAYERS = (
    ("Medicare", "medicare", "in-network"),
    ("Blue Cross PPO", "commercial", "in-network"),
    ("Aetna", "commercial", "in-network"),
    ("Workers' compensation", "workers-comp", "in-network"),
    ("Medicaid", "medicaid", "in-network"),
    ("Summit HMO", "commercial", "out-of-network"),
    ("Valley Health Plan", "commercial", "out-of-network"),
    ("Self-pay", "self-pay", "in-network"),
)


@dataclass(frozen=True)
class Place:
    """One organization of the demo; `domain` makes its people's addresses."""

    name: str
    type: str
    town: str
    zip5: str

    @property
    def domain(self) -> str:
        """lakeside-orthopedics.example"""
        return "-".join(self.name.lower().replace("'", "").replace(".", "").replace("&", "and").split()) + ".example"


def _row(text: str) -> Place:
    name, kind, town, zip5 = (part.strip() for part in text.split("|"))
    return Place(name, kind, town, zip5)


PLACES = tuple(
    _row(line)
    for line in """
    Lakeside Orthopedics | medical-practice | Millbrook | 12545
    Northgate Clinic | medical-practice | Millbrook | 12545
    Lakeside Family Medicine | medical-practice | Millbrook | 12545
    Mercy Neuro Group | medical-practice | Poughkeepsie | 12601
    Westside Pediatrics | medical-practice | Pleasant Valley | 12569
    Harborview Sports Medicine | medical-practice | Hyde Park | 12538
    Dutchess Spine Center | medical-practice | Poughkeepsie | 12603
    Maple Street Internal Medicine | medical-practice | Amenia | 12501
    Hudson Valley Rheumatology | medical-practice | Rhinebeck | 12572
    Stanford Family Practice | medical-practice | Stanfordville | 12581
    Pine Plains Medical | medical-practice | Pine Plains | 12567
    Riverbend ENT | medical-practice | Poughkeepsie | 12601
    Beacon Pain and Rehab | medical-practice | Beacon | 12508
    Little Oaks Pediatrics | medical-practice | Lagrangeville | 12540
    Women's Health of Dutchess | medical-practice | Wappingers Falls | 12590
    Cornerstone Primary Care | medical-practice | Millerton | 12546
    Fishkill Hand Surgery | medical-practice | Fishkill | 12524
    Union Vale Family Health | medical-practice | Verbank | 12585
    Elm Park Senior Center | senior-center | Millbrook | 12545
    Brookside Village | senior-center | Rhinebeck | 12572
    Golden Years Club | senior-center | Hyde Park | 12538
    Dover Senior Residence | senior-center | Dover Plains | 12522
    Millbrook Elementary School | school | Millbrook | 12545
    Webutuck Central School | school | Amenia | 12501
    Oakwood Early Learning | school | Poughkeepsie | 12601
    Taconic Manufacturing | employer | Lagrangeville | 12540
    Hudson Logistics | employer | Fishkill | 12524
    Dutchess Runners | sports-club | Poughkeepsie | 12603
    Millbrook Rowing Club | sports-club | Millbrook | 12545
    St. Anne Parish | faith-group | Millbrook | 12545
    Beth Shalom Community | faith-group | Rhinebeck | 12572
    Parkinson's Support Circle | support-group | Poughkeepsie | 12601
    Stroke Survivors Hudson | support-group | Hyde Park | 12538
    Handworks OT | therapy-practice | Rhinebeck | 12572
    Clear Speech Studio | therapy-practice | Poughkeepsie | 12601
    Motion Lab PT | therapy-practice | Fishkill | 12524
    Bright Steps Pediatric Therapy | therapy-practice | Pleasant Valley | 12569
    County Dial-a-Ride | transport-partner | Poughkeepsie | 12601
    Summit HMO Provider Relations | payer | Albany | 12207
    Blue Cross Provider Desk | payer | Albany | 12207
    """.strip().splitlines()
)


def furnish_practice(session: Session, *, now: datetime) -> None:
    """The practice, its staff, locations, services and payers are there."""
    opened = now - timedelta(days=800)
    session.add(
        Practice(
            id=1,
            name="Cedar Lane Therapy",
            tagline="Physical, occupational and speech therapy",
            disciplines=["PT", "OT", "SLP"],
            street="12 Cedar Lane, Suite 100",
            city="Millbrook",
            state="NY",
            zip5="12545",
            phone="(555) 014-7710",
            fax="(555) 014-7711",
            website="https://cedarlane.example",
            time_zone="America/New_York",
            sender_name="Maya at Cedar Lane Therapy",
            sender_email="maya@cedarlane.example",
            reply_to_email="maya@cedarlane.example",
            inbound_domain="in.cedarlane.example",
            public_url="",
            is_demo=True,
            created_at=opened,
        )
    )
    roles = {name: Role(name=name) for name in ROLES}
    session.add_all(roles.values())
    for name, email, role, title, discipline in STAFF:
        session.add(
            Person(
                name=name,
                email=email,
                title=title,
                phone="(555) 014-7710",
                discipline=discipline,
                created_at=opened,
                confirmed_at=opened,
                fs_uniquifier=f"demo-{email}",
                roles=[roles[role]],
            )
        )
    session.add_all(
        (
            Location(name="Millbrook", street="12 Cedar Lane, Suite 100", city="Millbrook", state="NY", zip5="12545"),
            Location(name="Rhinebeck", street="8 Garden Street", city="Rhinebeck", state="NY", zip5="12572"),
        )
    )
    session.add_all(Service(name=n, discipline=d, ages=a, summary=s) for n, d, a, s in SERVICES)
    for name, payer_class, status in PAYERS:
        payer = Payer(name=name, payer_class=payer_class)
        session.add(payer)
        session.flush()
        session.add(Participation(payer_id=payer.id, status=status, since_on=(now - timedelta(days=790)).date()))


def furnish_places(session: Session, *, now: datetime) -> dict[str, Organization]:
    """The forty organizations, by name."""
    made = {}
    for number, place in enumerate(PLACES):
        made[place.name] = Organization(
            name=place.name,
            type=place.type,
            street=f"{100 + 7 * number} {('Harbor Road', 'Main Street', 'Church Street', 'Mill Road')[number % 4]}",
            city=place.town,
            state="NY",
            zip5=place.zip5,
            phone=f"(555) 01{number % 10}-{2200 + 13 * number}",
            website=f"https://{place.domain}",
            lunch_hour="12:00 to 1:00" if place.type == "medical-practice" else "",
            created_at=now - timedelta(days=780 - 3 * number),
        )
    session.add_all(made.values())
    session.flush()
    return made
