"""The demo practice: as believable as the papers ask, the same for the same day, and nobody real in it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.kinds import KINDS
from outreach.contacts.models import Contact, Organization
from outreach.db import make_engine
from outreach.demo.seeding import furnish
from outreach.practice.models import Person, Practice
from outreach.referrals.models import LapseAlert, Referral
from outreach.schema import load_all
from tests.conftest import KEY, MONDAY


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.db'}")
    load_all().metadata.create_all(engine)
    with Session(engine) as session:
        furnish(session, now=MONDAY, key=KEY)
        yield session
    engine.dispose()


def test_there_are_about_120_contacts_of_every_kind_in_40_places(demo: Session) -> None:
    kinds = dict(demo.execute(select(Contact.kind, func.count()).group_by(Contact.kind)).all())
    assert set(kinds) == set(KINDS)
    assert 115 <= sum(kinds.values()) <= 125
    assert demo.scalar(select(func.count(Organization.id))) == 40


def test_two_years_hold_about_400_referrals_of_all_three_disciplines(demo: Session) -> None:
    by_discipline = dict(demo.execute(select(Referral.discipline, func.count()).group_by(Referral.discipline)).all())
    assert set(by_discipline) == {"PT", "OT", "SLP"}
    assert min(by_discipline.values()) >= 20
    assert 360 <= sum(by_discipline.values()) <= 480
    first = demo.scalars(select(func.min(Referral.received_on))).one()
    assert timedelta(days=650) < MONDAY.date() - first <= timedelta(days=731)


def test_somebody_is_lapsing_and_two_referrals_wait_for_a_source(demo: Session) -> None:
    assert demo.scalar(select(func.count(LapseAlert.id)).where(LapseAlert.ended_on.is_(None))) >= 1
    assert demo.scalar(select(func.count(Referral.id)).where(Referral.source_type == "unmatched")) == 2


def test_every_address_is_an_example_and_every_number_a_555(demo: Session) -> None:
    addresses = [*demo.scalars(select(Contact.email)), *demo.scalars(select(Person.email))]
    assert all(address is None or address.endswith(".example") for address in addresses)
    phones = [*demo.scalars(select(Contact.phone)), *demo.scalars(select(Organization.phone))]
    assert all(re.fullmatch(r"\(555\) 01\d-\d{4}", phone) for phone in phones)


def test_the_same_day_makes_the_same_practice(demo: Session, tmp_path) -> None:  # type: ignore[no-untyped-def]
    engine = make_engine(f"sqlite:///{tmp_path / 'again.db'}")
    load_all().metadata.create_all(engine)
    with Session(engine) as again:
        furnish(again, now=MONDAY, key=KEY)
        wanted = select(Contact.sort_name, Contact.phone, Contact.email).order_by(Contact.id)
        assert again.execute(wanted).all() == demo.execute(wanted).all()
        log = select(Referral.received_on, Referral.stage, Referral.contact_id).order_by(Referral.id)
        assert again.execute(log).all() == demo.execute(log).all()
    engine.dispose()


def test_it_is_marked_as_a_demo(demo: Session) -> None:
    assert demo.get_one(Practice, 1).is_demo
