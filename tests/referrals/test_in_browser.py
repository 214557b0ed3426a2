"""The rooms around the referral log in Chromium: clean at both widths."""

from io import BytesIO

import pytest

from outreach.referrals.logging import NewReferral, log_referral
from tests.browser.chromium import open_browser
from tests.newsletters.browsing import Screens, served
from tests.people import csrf_of, sign_in

pytestmark = pytest.mark.browser
REPORT = (
    "Patient Name,MRN,Referral Date,Referring Provider,Discipline,Insurance,Status\n"
    'Ana Lopez,77120,2/10/2026,"Wong, Lee, MD",PT,Aetna Gold,New\nBert Quimby,88231,soon,Dr. Okafor,PT,,New\n'
)


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def base(app):
    with served(app) as address:
        yield address


@pytest.fixture
def furnished(app, runtime, cast):
    """A few referrals, one unmatched, one late, and a report that waits for its check; answers the report's page."""
    with runtime.turn() as turn:
        today = turn.now.date()
        for who, kind in ((cast.raman, "contact"), (cast.tom, "contact"), (None, "unmatched"), (None, "website")):
            facts = NewReferral(
                received_on=today.replace(month=2),
                discipline="PT",
                contact_id=who,
                source_type=kind,
                unmatched_source="W",
            )
            log_referral(turn.session, facts, now=turn.now, today=today, by_id=None)
    maya = sign_in(app, runtime, "maya@cedarlane.example")
    token = csrf_of(maya.get("/referrals/emr").get_data(as_text=True))
    data = {"file": (BytesIO(REPORT.encode()), "report.csv"), "csrf_token": token}
    return maya.post("/referrals/emr", data=data, content_type="multipart/form-data").headers["Location"]


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_screen_is_clean(browser, base, app, runtime, cast, furnished, size):
    screens = Screens(browser, base, app, runtime, size)
    for path, name in (
        ("/referrals/", "referrals"),
        ("/referrals/new", "referral-new"),
        ("/referrals/1", "referral"),
        ("/referrals/1/edit", "referral-correct"),
        ("/referrals/inbox", "referral-inbox"),
        ("/referrals/owed", "referral-owed"),
        ("/referrals/payers", "payer-fit"),
        ("/referrals/offices/1", "office-page"),
        ("/referrals/peers", "peers"),
        (f"/referrals/peers/{cast.tom}", "peer"),
        ("/referrals/peers/who-treats?what=ot", "who-treats"),
        ("/referrals/emr", "emr"),
        (furnished, "emr-match"),
        (f"{furnished}/check", "emr-check"),
    ):
        screens.is_clean(path, name)
    screens.close()


def test_a_payer_out_of_network_is_told_before_the_referral_is_saved(browser, base, app, runtime, cast):
    screens = Screens(browser, base, app, runtime, "desk")
    page = screens.open("/referrals/new")
    page.get_by_label("Payer").select_option(label="Acme Health")
    page.get_by_text("counts as out of network").wait_for()
    page.get_by_label("Payer").select_option(label="Medicare")
    page.get_by_text("You take Medicare").wait_for()
    screens.close()
