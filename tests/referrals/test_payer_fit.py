"""Payer fit and leakage, the page per office, peers both ways, and the blank form."""

import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from outreach.contacts.models import Contact, ContactPayer, ContactTag
from outreach.contacts.tasks import add
from outreach.errors import Refusal
from outreach.practice.models import Participation, Payer, Practice
from outreach.referrals import peers
from outreach.referrals.logging import NewReferral, log_referral, move
from outreach.referrals.models import Referral
from outreach.referrals.payers import leakage
from outreach.referrals.payers.leakage import Scope
from outreach.referrals.rules import Move
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post

TODAY = date(2026, 3, 2)
YEAR = Scope(TODAY - timedelta(days=365), TODAY)


def payer(turn: Turn, name: str) -> int:
    return turn.session.scalars(select(Payer.id).where(Payer.name == name)).one()


def log(turn: Turn, contact_id: int, payer_id: int | None, ago: int = 10, **what: object) -> Referral:
    made = log_referral(
        turn.session,
        NewReferral(
            received_on=TODAY - timedelta(days=ago),
            discipline="PT",
            contact_id=contact_id,
            payer_id=payer_id,
            **what,  # type: ignore[arg-type]
        ),
        now=turn.now,
        today=TODAY,
        by_id=None,
    )
    assert isinstance(made, Referral)
    return made


def lose(turn: Turn, referral: Referral, reason: str, barrier: str | None = None) -> None:
    move(turn.session, referral, Move("closed", TODAY, reason, barrier), now=turn.now, today=TODAY, by_id=None)


def six_of_raman(turn: Turn, cast: Cast) -> None:
    """Six referrals of Dr. Raman: four out of network, three lost, one without a payer."""
    acme, medicare = payer(turn, "Acme Health"), payer(turn, "Medicare")
    lose(turn, log(turn, cast.raman, acme), "out-of-network", "insurance")
    lose(turn, log(turn, cast.raman, acme), "never-scheduled", "transport")
    lose(turn, log(turn, cast.raman, medicare), "unreachable")
    for one in (acme, acme, medicare, None):
        log(turn, cast.raman, one)


def test_the_share_out_of_network_counts_those_with_a_known_payer_on_their_day(turn: Turn, cast: Cast) -> None:
    six_of_raman(turn, cast)
    (one,) = leakage.misfits(turn.session, YEAR)
    assert (one.id, one.part, one.whole, one.text) == (cast.raman, 4, 6, "67% (4 of 6)")
    turn.session.add(
        Participation(payer_id=payer(turn, "Acme Health"), status="in-network", since_on=TODAY - timedelta(days=10))
    )
    turn.session.flush()
    assert leakage.misfits(turn.session, YEAR) == []


def test_reasons_and_barriers_are_counted_by_source_and_payer(turn: Turn, cast: Cast) -> None:
    six_of_raman(turn, cast)
    lose(turn, log(turn, cast.okafor, None), "never-scheduled", "transport")
    counted = {(one.cause, one.is_barrier): one.number for one in leakage.causes(turn.session, YEAR)}
    assert counted == {
        ("never-scheduled", False): 2,
        ("out-of-network", False): 1,
        ("unreachable", False): 1,
        ("insurance", True): 1,
        ("transport", True): 2,
    }
    numbers = leakage.loss(turn.session, YEAR)
    assert (numbers.received, numbers.closed, numbers.leaked, numbers.known_payer, numbers.outside) == (8, 4, 3, 6, 4)
    medicare = Scope(YEAR.since, YEAR.until, payer_id=payer(turn, "Medicare"))
    assert [one.cause for one in leakage.causes(turn.session, medicare)] == ["unreachable"]
    okafor = Scope(YEAR.since, YEAR.until, contact_id=cast.okafor)
    assert leakage.loss(turn.session, okafor).leaked == 1


def test_a_fix_stands_beside_its_reason_for_those_it_was_chosen_for(turn: Turn, cast: Cast) -> None:
    six_of_raman(turn, cast)
    common = {"now": turn.now, "today": TODAY, "by_id": cast.maya}
    words = {"cause": "never-scheduled", "is_barrier": False, "payer_id": None}
    fix = leakage.choose_fix(turn.session, what=" Call within  a day ", contact_id=cast.raman, **words, **common)  # type: ignore[arg-type]
    assert not isinstance(fix, Refusal)
    raman = Scope(YEAR.since, YEAR.until, contact_id=cast.raman)
    shown = {one.cause: [each.what for each in one.fixes] for one in leakage.causes(turn.session, raman)}
    assert shown["never-scheduled"] == ["Call within a day"]
    assert shown["unreachable"] == []
    leakage.end_fix(fix, today=TODAY)
    assert all(not one.fixes for one in leakage.causes(turn.session, raman))
    empty = leakage.choose_fix(turn.session, what="  ", contact_id=None, **words, **common)  # type: ignore[arg-type]
    assert isinstance(empty, Refusal)
    barrier = words | {"cause": "transport"}
    wrong = leakage.choose_fix(turn.session, what="Ride", contact_id=None, **barrier, **common)  # type: ignore[arg-type]
    assert isinstance(wrong, Refusal)


def test_prospects_are_those_who_never_referred_and_share_our_payers(turn: Turn, cast: Cast) -> None:
    medicare, acme = payer(turn, "Medicare"), payer(turn, "Acme Health")
    log(turn, cast.raman, medicare)
    turn.session.add_all(
        [
            ContactPayer(contact_id=cast.okafor, payer_id=medicare),
            ContactPayer(contact_id=cast.okafor, payer_id=acme),
            ContactPayer(contact_id=cast.silent, payer_id=acme),
        ]
    )
    turn.session.flush()
    assert [(one.id, shared) for one, _, shared in peers.prospects(turn.session, on=TODAY)] == [(cast.okafor, 1)]


def test_peers_stand_with_both_directions_and_how_we_work_together(turn: Turn, cast: Cast) -> None:
    log(turn, cast.tom, None)
    for _ in range(2):
        log(turn, cast.tom, None, direction="out")
    for _ in range(2):
        made = peers.relate(turn.session, cast.tom, "co-treats", since_on=TODAY, today=TODAY, by_id=None)
        assert not isinstance(made, Refusal)
    (tom,) = peers.reciprocity(turn.session, since=YEAR.since)
    assert (tom.contact.id, tom.sent, tom.received, tom.relations) == (cast.tom, 1, 2, ("co-treats",))
    peers.part(made, today=TODAY)
    assert peers.relations_of(turn.session, cast.tom) == []
    again = peers.relate(turn.session, cast.tom, "co-treats", since_on=TODAY, today=TODAY, by_id=None)
    assert not isinstance(again, Refusal)
    future = peers.relate(
        turn.session, cast.tom, "co-treats", since_on=TODAY + timedelta(days=1), today=TODAY, by_id=None
    )
    assert isinstance(future, Refusal)


@pytest.mark.parametrize(
    ("what", "near", "prefix", "taken", "found"),
    [
        ("hand", None, "", "Medicare", True),
        ("HAND splint", None, "", None, True),
        ("feeding", None, "", None, False),
        ("hand", {"12545": 0.0}, "", None, True),
        ("hand", {"10001": 0.0}, "", None, False),
        ("hand", None, "125", None, True),
        ("hand", None, "", "Acme Health", False),
    ],
)
def test_who_treats_something_near_a_place_and_takes_a_payer(
    turn: Turn, cast: Cast, what: str, near: dict[str, float] | None, prefix: str, taken: str | None, found: bool
) -> None:
    turn.session.get_one(Contact, cast.tom).zip5 = "12545"
    turn.session.add_all(
        [
            ContactTag(contact_id=cast.tom, tag="Hand and splints"),
            ContactPayer(contact_id=cast.tom, payer_id=payer(turn, "Medicare")),
        ]
    )
    turn.session.flush()
    wanted = payer(turn, taken) if taken else None
    ids = [
        one.contact.id for one in peers.who_treats(turn.session, what=what, near=near, prefix=prefix, payer_id=wanted)
    ]
    assert (cast.tom in ids) is found


def test_the_page_of_an_office_tells_what_to_talk_about_and_no_client(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        six_of_raman(turn, cast)
        log(turn, cast.raman, None, ago=1, client_number="77031")
        place = turn.session.get_one(Contact, cast.raman).organization_id
        add(turn.session, now=turn.now, kind="send", title="Send the knee guide", due_on=TODAY, contact_id=cast.raman)
    page = maya.get(f"/referrals/offices/{place}").get_data(as_text=True)
    for words in ("Never scheduled", "Transport", "Acme Health", "Send the knee guide", "Acknowledge the referral"):
        assert words in page
    assert "77031" not in page
    assert maya.get("/referrals/offices/99999").status_code == 404


def test_a_fix_is_chosen_and_ended_on_the_page(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert "Payer fit shows here" in maya.get("/referrals/payers").get_data(as_text=True)
    with runtime.turn() as turn:
        six_of_raman(turn, cast)
    typed = {"cause": "never-scheduled", "barrier": "no", "what": "Call within a day", "contact": "", "payer": ""}
    post(maya, "/referrals/payers/fixes", typed, form_at="/referrals/payers")
    page = maya.get("/referrals/payers").get_data(as_text=True)
    assert "Call within a day" in page
    assert "67% (4 of 6)" in page
    post(maya, "/referrals/payers/fixes/1/end", form_at="/referrals/payers")
    assert "Call within a day" not in maya.get(f"/referrals/payers?contact={cast.raman}").get_data(as_text=True)


def test_peer_pages_answer_and_a_relation_is_typed(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    where = f"/referrals/peers/{cast.tom}"
    post(maya, where, {"relation": "we-refer-to", "since_on": "2026-01-05"}, form_at=where)
    assert "We refer to them" in maya.get("/referrals/peers").get_data(as_text=True)
    assert "Nobody in your contacts fits" in maya.get("/referrals/peers/who-treats?what=zzz").get_data(as_text=True)
    assert maya.get(f"/referrals/peers/{cast.marisol}").status_code == 303


def test_the_blank_form_holds_our_services_and_fax_on_one_page(maya: FlaskClient, runtime: Runtime) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).fax = "(555) 014-7711"
    answer = maya.get("/referrals/form.pdf")
    assert answer.mimetype == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.get_data())).pages
    text = pages[0].extract_text()
    assert len(pages) == 1
    for words in ("Cedar Lane Therapy", "Fax to (555) 014-7711", "Shoulder and knee", "Hand therapy", "Signature"):
        assert words in text
