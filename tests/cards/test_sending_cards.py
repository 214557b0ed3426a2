"""Emails on their day, paper through the same gates, and nothing after the occasion."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from jobs import runner
from outreach.cards import approving, mailing, printing, sheets, stopping
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from tests.cards.runs import NOVEMBER, approve, changed, dispatch, housed, on, run
from tests.people import to_others


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def ready(runtime, *contact_ids, paper=(), **columns):
    """The id of an approved run; those in `paper` have an address, and no email goes to anybody without one."""
    with runtime.turn() as turn:
        housed(turn, *paper)
        made = run(turn, runtime, *contact_ids, **columns)
        assert approve(turn, runtime, made) is made
        return made.id


def later(clock, at):
    clock.advance(at - clock.now())


def states(runtime):
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(select(Delivery.contact_id, Delivery.state, Delivery.reason))
        return {contact: (state, reason) for contact, state, reason in rows}


def drawn(runtime, run_id):
    with runtime.turn() as turn:
        made = turn.session.get(CardRun, run_id)
        batch = printing.draw(turn.session, made, now=turn.now, world=runtime)
        if isinstance(batch, Refusal):
            return batch
        practice = practice_of(turn.session)
        paper = printing.paper_cards(batch, made, practice, "All of us")
        pages = PdfReader(BytesIO(sheets.cards_pdf(paper))).pages
        return batch, " ".join(page.extract_text() for page in pages)


def test_nothing_leaves_before_its_day_and_at_nine_on_it(runtime, cast, clock):
    ready(runtime, cast.raman)
    assert dispatch(runtime) == 0
    later(clock, on(11, 24, hour=13))
    assert dispatch(runtime) == 1
    assert dispatch(runtime) == 0
    runner.run_everything(runtime)
    assert not to_others(runtime), "it is eight in New York"
    clock.advance(timedelta(hours=1, minutes=1))
    runner.run_everything(runtime)
    [mail] = to_others(runtime)
    assert mail.subject == "Thankful for you"
    assert "Dear Dr. Raman," in mail.text


def test_on_the_day_itself_an_approval_can_be_undone_for_a_minute_and_sent_again(runtime, cast, clock):
    later(clock, on(11, 24))
    made = ready(runtime, cast.raman)
    assert dispatch(runtime) == 0, "the minute for Undo"
    with runtime.turn() as turn:
        one = turn.session.get(CardRun, made)
        assert approving.take_back(turn.session, one)
        one.draft = {**one.draft, "subject": "Thankful, once more"}
        assert approve(turn, runtime, one) is one
    clock.advance(timedelta(seconds=61))
    assert [dispatch(runtime), dispatch(runtime)] == [1, 0]
    runner.run_everything(runtime)
    assert [mail.subject for mail in to_others(runtime)] == ["Thankful, once more"]
    with runtime.turn() as turn:
        assert not approving.take_back(turn.session, turn.session.get(CardRun, made))


def test_a_card_that_is_too_late_expires_and_is_seen(runtime, cast, clock):
    made = ready(runtime, cast.raman)
    later(clock, on(11, 27))
    dispatch(runtime)
    runner.run_everything(runtime)
    assert states(runtime) == {cast.raman: ("expired", "too-late")}
    assert not to_others(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.get(CardRun, made).status == "done"


def test_a_birthday_card_leaves_on_the_birthday_and_not_before(runtime, cast, clock):
    with runtime.turn() as turn:
        changed(turn, cast.raman, birthday_on=date(1970, 12, 24))
        changed(turn, cast.okafor, birthday_on=date(1980, 11, 18))
    ready(runtime, cast.raman, cast.okafor, occasion="birthday")
    later(clock, on(11, 18))
    runner.run_everything(runtime)
    assert [mail.to_email for mail in to_others(runtime)] == ["s.okafor@northgate.example"]


def test_who_opts_out_after_approval_gets_no_email_and_no_paper(runtime, cast, clock):
    made = ready(runtime, cast.raman, cast.silent, cast.greta, paper=(cast.silent, cast.raman))
    with runtime.turn() as turn:
        raman = turn.session.get(Contact, cast.raman)
        consent.suppress(turn.session, now=turn.now, hashed=raman.address_hash, reason="unsubscribed", source="page")
        changed(turn, cast.silent, deceased_on=date(2026, 11, 17))
    later(clock, on(11, 24))
    runner.run_everything(runtime)
    assert states(runtime)[cast.raman] == ("suppressed", "unsubscribed")
    refused = drawn(runtime, made)
    assert refused.reason == "nothing-to-print"
    with runtime.turn(write=False) as turn:
        row = turn.session.get(CardRecipient, (made, cast.silent))
        assert (row.way, row.reason) == ("skip", "deceased")


def test_paper_names_the_right_people_and_only_them(runtime, cast, clock):
    made = ready(runtime, cast.raman, cast.silent, cast.marisol, cast.tom, paper=(cast.silent, cast.marisol))
    with runtime.turn() as turn:
        changed(turn, cast.marisol, deceased_on=date(2026, 11, 17))
    batch, text = drawn(runtime, made)
    assert "Dear Dr. Marsh," in text
    assert "Marisol" not in text
    assert "Raman" not in text
    assert [card.lines for card in batch.cards] == [("Dr. Elena Marsh", "5 Oak Street", "Millbrook, NY 12545")]


def test_before_approval_nothing_is_printed(runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.silent)
        made = run(turn, runtime, cast.silent).id
    assert drawn(runtime, made).reason == "not-approved"


def test_a_table_for_a_mail_merge_holds_no_formula(runtime, cast, clock):
    with runtime.turn() as turn:
        changed(turn, cast.silent, first_name="=HYPERLINK(1)", prefix="")
    made = ready(runtime, cast.silent, paper=(cast.silent,))
    with runtime.turn() as turn:
        batch = printing.draw(turn.session, turn.session.get(CardRun, made), now=turn.now, world=runtime)
        table = "".join(printing.merge_file(batch))
    assert "'=HYPERLINK(1)" in table
    assert table.startswith("\ufeffName,Organization,Street")


def test_mailed_cards_are_told_on_the_timeline_once_and_can_be_taken_back(runtime, cast, clock):
    made = ready(runtime, cast.silent, paper=(cast.silent,))
    drawn(runtime, made)
    for _ in range(2):
        with runtime.turn() as turn:
            mailing.mark_mailed(
                turn.session,
                turn.session.get(CardRun, made),
                now=turn.now,
                world=runtime,
                mailed_on=date(2026, 11, 16),
                by_id=cast.maya,
            )
    told = select(Touch.text).where(Touch.kind == "card-mailed", Touch.contact_id == cast.silent)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(told).all() == ["Thanksgiving card mailed on November 16"]
    with runtime.turn() as turn:
        assert mailing.take_back(turn.session, turn.session.get(CardRun, made), now=turn.now) == 1
        assert turn.session.scalars(told).all() == []


def test_cards_cannot_be_mailed_tomorrow_or_before_they_are_printed(runtime, cast, clock):
    made = ready(runtime, cast.silent, paper=(cast.silent,))
    with runtime.turn() as turn:
        card_run = turn.session.get(CardRun, made)
        facts = {"now": turn.now, "world": runtime, "by_id": None}
        assert (
            mailing.mark_mailed(turn.session, card_run, mailed_on=date(2026, 11, 17), **facts).reason == "in-the-future"
        )
        assert (
            mailing.mark_mailed(turn.session, card_run, mailed_on=date(2026, 11, 16), **facts).reason
            == "nothing-printed"
        )


def test_hold_keeps_the_emails_and_cancel_ends_them(runtime, cast, clock):
    made = ready(runtime, cast.raman, cast.okafor)
    later(clock, on(11, 24))
    dispatch(runtime)
    with runtime.turn() as turn:
        assert stopping.hold(turn.session, turn.session.get(CardRun, made), now=turn.now, by_id=None) == 2
    runner.run_everything(runtime)
    assert not to_others(runtime)
    with runtime.turn() as turn:
        assert stopping.cancel(turn.session, turn.session.get(CardRun, made), now=turn.now, by_id=None) == 2
    runner.run_everything(runtime)
    assert not to_others(runtime)


def test_a_run_is_done_when_emails_left_and_paper_was_mailed(runtime, cast, clock):
    made = ready(runtime, cast.raman, cast.silent, paper=(cast.silent,))
    later(clock, on(11, 24))
    runner.run_everything(runtime)
    runner.run_everything(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.get(CardRun, made).status == "going-out"
    drawn(runtime, made)
    with runtime.turn() as turn:
        mailing.mark_mailed(
            turn.session,
            turn.session.get(CardRun, made),
            now=turn.now,
            world=runtime,
            mailed_on=date(2026, 11, 24),
            by_id=None,
        )
    dispatch(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.get(CardRun, made).status == "done"
