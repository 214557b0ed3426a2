"""A campaign that is or was live: results, the people in it, hold and resume, end, putting one contact in by hand."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.campaigns import drafting, enrolling, holding, results
from outreach.campaigns.forms import number_in
from outreach.campaigns.frame_views import STATUS_WORDS, campaigns, known, local_now, may_write, page_of, turn
from outreach.contacts.queries import find
from outreach.errors import Refusal


@campaigns.get("/<int:campaign_id>")
def one(campaign_id: int) -> ResponseReturnValue:
    """Results per step; who is where; what comes next."""
    campaign = known(campaign_id)
    session = screen.session()
    shown = drafting.shown_version(session, campaign.id)
    live = drafting.version_in(session, campaign.id, "published") or shown
    return screen.page(
        "campaigns/results.html",
        campaign=campaign,
        version=live,
        draft=shown if shown.state == "draft" and campaign.status != "draft" else None,
        found=results.results_of(session, campaign, live.steps),
        left=holding.left_in(session, campaign, now=screen.now()),
        why_held=holding.why_held(session, campaign) if campaign.status == "held" else "",
        states=results.STATES,
        status_words=STATUS_WORDS,
        may_write=may_write(),
        now=local_now(),
    )


@campaigns.get("/<int:campaign_id>/people")
def people(campaign_id: int) -> ResponseReturnValue:
    """Everybody in it, where they are and what comes when."""
    campaign = known(campaign_id)
    session = screen.session()
    version = drafting.version_in(session, campaign.id, "published") or drafting.shown_version(session, campaign.id)
    state, step = request.args.get("state", ""), request.args.get("step", "")[:20]
    number = max(request.args.get("page", 1, type=int), 1)
    rows = results.people_in(
        session, campaign, version.steps, state=state, step=step, offset=(number - 1) * results.PAGE
    )
    return screen.page(
        "campaigns/people.html",
        campaign=campaign,
        rows=rows[: results.PAGE],
        has_more=len(rows) > results.PAGE,
        number=number,
        state=state,
        step=step,
        states=results.STATES,
        may_write=may_write(),
        now=local_now(),
    )


@campaigns.post("/<int:campaign_id>/hold")
@screen.needs(*screen.WRITERS)
def hold(campaign_id: int) -> ResponseReturnValue:
    """Nothing of it leaves and nobody moves on."""
    campaign = known(campaign_id)
    left = holding.hold(screen.session(), campaign=campaign, **turn())
    if isinstance(left, Refusal):
        return screen.refused(left, page_of(campaign))
    screen.record("held", "campaign", campaign.id)
    return screen.done(
        f"/campaigns/{campaign.id}", f"On hold. {_waiting(left.people)}", undo=f"/campaigns/{campaign.id}/resume"
    )


@campaigns.post("/<int:campaign_id>/resume")
@screen.needs_right("send")
def resume(campaign_id: int) -> ResponseReturnValue:
    """The people who are left go on."""
    campaign = known(campaign_id)
    overdue = "send" if request.form.get("overdue") == "send" else "skip"
    left = holding.resume(screen.session(), campaign=campaign, overdue=overdue, **turn())
    if isinstance(left, Refusal):
        return screen.refused(left, page_of(campaign))
    screen.record("resumed", "campaign", campaign.id, overdue=overdue)
    return screen.done(
        f"/campaigns/{campaign.id}", f"Live again. {_waiting(left.people)}", undo=f"/campaigns/{campaign.id}/hold"
    )


@campaigns.get("/<int:campaign_id>/end")
@screen.needs(*screen.WRITERS)
def ask_end(campaign_id: int) -> ResponseReturnValue:
    """The question before it ends for everybody inside."""
    campaign = known(campaign_id)
    left = holding.left_in(screen.session(), campaign, now=screen.now())
    return screen.page("campaigns/end.html", campaign=campaign, left=left)


@campaigns.post("/<int:campaign_id>/end")
@screen.needs(*screen.WRITERS)
def end(campaign_id: int) -> ResponseReturnValue:
    """It is over; what people got stays."""
    campaign = known(campaign_id)
    number = holding.end(screen.session(), campaign=campaign, **turn())
    if isinstance(number, Refusal):
        return screen.refused(number, page_of(campaign))
    screen.record("ended", "campaign", campaign.id, people=number)
    return screen.done(f"/campaigns/{campaign.id}", f"“{campaign.name}” has ended for {_people(number)}.")


@campaigns.get("/<int:campaign_id>/enroll")
@screen.needs_right("send")
def ask_enroll(campaign_id: int) -> ResponseReturnValue:
    """Find the contact to put in."""
    typed = request.args.get("who", "").strip()
    return screen.page(
        "campaigns/enroll.html",
        campaign=known(campaign_id),
        typed=typed,
        found=find(screen.session(), typed) if len(typed) > 1 else [],
    )


@campaigns.post("/<int:campaign_id>/enroll")
@screen.needs_right("send")
def enroll(campaign_id: int) -> ResponseReturnValue:
    """One contact is in it, by hand."""
    campaign = known(campaign_id)
    contact_id = number_in(request.form.get("contact_id")) or 0
    back = f"/contacts/{contact_id}" if request.form.get("back") == "contact" else f"/campaigns/{campaign.id}/people"
    done = enrolling.enroll_contact(
        screen.session(), world=screen.world(), campaign=campaign, contact_id=contact_id, **turn()
    )
    if isinstance(done, Refusal):
        return screen.refused(done, back)
    screen.record("enrolled", "contact", contact_id, campaign=campaign.id)
    undo = f"/campaigns/{campaign.id}/people/{contact_id}/out"
    return screen.done(back, f"In “{campaign.name}” from now on.", undo=undo)


@campaigns.post("/<int:campaign_id>/people/<int:contact_id>/out")
@screen.needs(*screen.WRITERS)
def take_out(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """One contact is out of it."""
    campaign = known(campaign_id)
    done = holding.take_out(screen.session(), campaign=campaign, contact_id=contact_id, **turn())
    if isinstance(done, Refusal):
        return screen.refused(done, f"/campaigns/{campaign.id}/people")
    screen.record("took out", "contact", contact_id, campaign=campaign.id)
    return screen.done(f"/campaigns/{campaign.id}/people", "Taken out. Nothing more of this campaign reaches them.")


def _waiting(number: int) -> str:
    return "Nobody is inside." if not number else f"{_people(number)} {'is' if number == 1 else 'are'} inside."


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
