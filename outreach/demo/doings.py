"""What the people of the demo did: each doing calls the verbs that a click in the web pages would call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.campaigns import enrolling, publishing, recipes
from outreach.campaigns.drafting import version_in
from outreach.campaigns.models import Campaign, Enrollment
from outreach.cards import approving as card_approving
from outreach.cards import editing as card_editing
from outreach.cards import listing
from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.contacts import group_editing, tasks
from outreach.contacts.models import Contact, Group, Organization
from outreach.content.drafts import Draft
from outreach.deliveries import clicks
from outreach.deliveries.models import Delivery, LinkClick
from outreach.errors import OutreachError, Refusal
from outreach.events import attending, inviting, planning, rsvping
from outreach.events.models import Event, Invitation
from outreach.newsletters import approving, editing
from outreach.newsletters.layouts import PHYSICIANS
from outreach.newsletters.models import Issue
from outreach.practice.models import Person, Practice
from outreach.runtime import Runtime

LUNCH_GROUP = "Family doctors and orthopedists nearby"
NEWS_GROUP = "Physicians and providers"
CARD_GROUP = "Offices, partners and former clients"
PAST, COMING = "Knee replacement: the first six weeks", "Dizziness: who needs vestibular therapy"


LAST_ISSUE = Draft(
    subject="Same-week evaluations, and one question to ask about falls",
    preview_line="Two minutes from Cedar Lane Therapy.",
    blocks=[
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {"type": "heading", "text": "What is new"},
        {
            "type": "text",
            "html": "<p>Sofia Marin has joined us for <strong>swallowing and voice</strong>. New referrals are "
            "seen within the week, in Millbrook and in Rhinebeck.</p>",
        },
        {"type": "heading", "text": "One question about falls"},
        {
            "type": "text",
            "html": "<p>“Have you changed how you walk because you are afraid of falling?” A yes is a good "
            "reason for a balance evaluation, even without a fall.</p>",
        },
        {"type": "button", "label": "How to refer", "url": "https://cedarlane.example/refer"},
        {"type": "signature", "person_id": ""},
    ],
)
NEXT_ISSUE = Draft(
    subject="Thank you for this year",
    preview_line="Opening hours over the holidays, and what changes in January.",
    blocks=[
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {
            "type": "text",
            "html": "<p>Thank you for working with us this year. Between the holidays we see new referrals on Monday "
            "and Tuesday; the other days the phone is answered.</p>",
        },
        {"type": "heading", "text": "In January"},
        {"type": "text", "html": "<p>Hand therapy opens a second morning in Rhinebeck.</p>"},
        {"type": "signature", "person_id": ""},
    ],
)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Scene:
    """One moment: the session and instant of its turn, the installation, and the dice."""

    session: Session
    now: datetime
    runtime: Runtime
    chance: Random
    ends_on: date
    """The demo's own today: what is past and what is to come is counted from it."""

    @property
    def zone(self) -> ZoneInfo:
        """The practice's zone."""
        return ZoneInfo(self.session.get_one(Practice, 1).time_zone)

    @property
    def today(self) -> date:
        """The local day on which this happens."""
        return self.now.astimezone(self.zone).date()

    def person(self, name: str) -> int:
        """The id of somebody at the practice, by first name."""
        return self.session.scalars(select(Person.id).where(Person.name.startswith(name))).one()


def worked(result: Result | Refusal) -> Result:
    """The result; a refusal would mean that the demo and the program have drifted apart."""
    if isinstance(result, Refusal):
        raise OutreachError(f"The demo practice could not be furnished: {result.text} {' '.join(result.details)}")
    return result


def group(scene: Scene, name: str, rules: dict[str, object]) -> Group:
    """The group of that name, made the first time."""
    known = scene.session.scalar(select(Group).where(Group.name == name))
    if known is not None:
        return known
    return worked(
        group_editing.save_group(
            scene.session,
            None,
            name=name,
            rules=rules,
            now=scene.now,
            zone=scene.zone,
            facts=scene.runtime.group_facts,
            by_id=scene.person("Maya"),
        )
    )


def kinds(*names: str) -> dict[str, object]:
    """The rule for contacts of these kinds."""
    return {"fact": "kind", "op": "is", "value": list(names)}


def publish_the_welcome(scene: Scene) -> None:
    """The drip for new physicians goes live."""
    campaign = recipes.start(
        scene.session,
        now=scene.now,
        world=scene.runtime,
        zone=scene.zone,
        recipe=recipes.RECIPES["welcome"],
        by_id=scene.person("Maya"),
    )
    draft = version_in(scene.session, campaign.id, "draft")
    if draft is None:
        raise OutreachError("The recipe made no draft.")
    worked(
        publishing.publish(
            scene.session,
            now=scene.now,
            world=scene.runtime,
            campaign=campaign,
            rev=draft.rev,
            by_id=scene.person("Maya"),
        )
    )


def welcome_some_more(scene: Scene) -> None:
    """Physicians met meanwhile are put into the running drip by hand."""
    campaign = scene.session.scalars(select(Campaign)).one()
    inside = select(Enrollment.contact_id).where(Enrollment.campaign_id == campaign.id)
    met = scene.session.scalars(
        select(Contact.id)
        .where(Contact.kind == "physician", Contact.email.is_not(None), Contact.id.not_in(inside))
        .order_by(Contact.id.desc())
        .limit(3)
    ).all()
    for contact_id in met:
        # A refusal is an answer here: whoever opted out is not written to, in a demo neither.
        enrolling.enroll_contact(
            scene.session,
            now=scene.now,
            world=scene.runtime,
            campaign=campaign,
            contact_id=contact_id,
            by_id=scene.person("Maya"),
        )


def send_the_newsletter(scene: Scene) -> None:
    """An issue goes to everybody who refers."""
    issue = _write_issue(scene, f"{scene.now:%B} news", LAST_ISSUE)
    seen = approving.review(scene.session, issue, now=scene.now, world=scene.runtime)
    worked(
        approving.approve(
            scene.session,
            issue,
            now=scene.now,
            world=scene.runtime,
            by_id=scene.person("Maya"),
            version=issue.version,
            people=seen.reckoning.people,
        )
    )


def draft_the_next_newsletter(scene: Scene) -> None:
    """The next issue is written and waits for somebody to look it over."""
    _write_issue(scene, "Year-end letter", NEXT_ISSUE)


def _write_issue(scene: Scene, title: str, draft: Draft) -> Issue:
    everybody = group(scene, NEWS_GROUP, {"all": [kinds("physician", "provider")]})
    issue = editing.start(scene.session, now=scene.now, by_id=scene.person("Maya"), layout=PHYSICIANS.key, title=title)
    worked(
        editing.save(
            scene.session,
            issue,
            now=scene.now,
            world=scene.runtime,
            by_id=scene.person("Maya"),
            version=issue.version,
            title=issue.title,
            draft=draft,
            group_ids=[everybody.id],
        )
    )
    return issue


def plan_the_past_lunch(scene: Scene) -> None:
    """A lunch-and-learn that has taken place by today."""
    _plan_lunch(scene, PAST, "Lakeside Family Medicine", on=_working_day(scene.ends_on - timedelta(days=12)))


def plan_the_coming_lunch(scene: Scene) -> None:
    """A lunch-and-learn of next week."""
    _plan_lunch(scene, COMING, "Lakeside Orthopedics", on=_working_day(scene.ends_on + timedelta(days=9)))


def answer_the_past_lunch(scene: Scene) -> None:
    """Most of the invited answer."""
    _answers(scene, PAST)


def answer_the_coming_lunch(scene: Scene) -> None:
    """Some of the invited answer."""
    _answers(scene, COMING)


def hold_the_past_lunch(scene: Scene) -> None:
    """Whoever said yes signs in, and the meal is shared over everyone in the value ledger."""
    event = _event(scene, PAST)
    for contact_id in scene.session.scalars(
        select(Invitation.contact_id).where(Invitation.event_id == event.id, Invitation.answer == "yes")
    ):
        worked(
            attending.sign_in(scene.session, event, now=scene.now, by_id=scene.person("Theo"), contact_id=contact_id)
        )
    worked(attending.take_place(scene.session, event, now=scene.now, by_id=scene.person("Maya"), cost_cents=16_400))


def make_the_card_list(scene: Scene) -> None:
    """The list for the season's cards is made; approving it is left to whoever tries the demo."""
    circle = group(
        scene,
        CARD_GROUP,
        {"all": [kinds("office", "office-staff", "community-organization", "peer-therapist", "former-client")]},
    )
    run = card_editing.start(
        scene.session, OCCASIONS["holiday-season"], now=scene.now, world=scene.runtime, by_id=scene.person("Maya")
    )
    run.group_ids, run.by_email, run.on_paper = [circle.id], True, True
    scene.session.flush()
    worked(listing.prepare(scene.session, run, now=scene.now, world=scene.runtime))
    card_approving.review(scene.session, run, now=scene.now, world=scene.runtime)


def promise_something(scene: Scene) -> None:
    """Maya promised somebody a handout."""
    peer = scene.session.scalars(
        select(Contact).where(Contact.kind == "peer-therapist", Contact.email.is_not(None)).order_by(Contact.id)
    ).first()
    if peer is not None:
        tasks.add(
            scene.session,
            now=scene.now,
            kind="send",
            title="Send the swallowing handout you promised",
            due_on=scene.today + timedelta(days=2),
            owner_id=scene.person("Maya"),
            contact_id=peer.id,
        )


def read_the_mail(scene: Scene) -> None:
    """Of the people who got something in the last days, a few follow its link, as people do: hours later."""
    lately = scene.session.execute(
        select(Delivery.id, Delivery.sent_at)
        .where(
            Delivery.kind.in_(("drip", "newsletter")),
            Delivery.state.in_(("sent", "delivered")),
            Delivery.sent_at > scene.now - timedelta(hours=30),
            Delivery.sent_at < scene.now - timedelta(hours=2),
            Delivery.id.not_in(select(LinkClick.delivery_id)),
        )
        .order_by(Delivery.id)
    ).all()
    for delivery_id, _sent in lately:
        if scene.chance.random() < 0.06:
            target = clicks.Target(delivery_id=delivery_id, link_number=0, url="https://cedarlane.example/refer")
            clicks.record(scene.session, target, clicks.Asker(user_agent="Mozilla/5.0"), now=scene.now)


def _plan_lunch(scene: Scene, title: str, place: str, *, on: date) -> None:
    host = scene.session.scalars(select(Organization).where(Organization.name == place)).one()
    facts = planning.Facts(
        type="lunch-and-learn",
        title=title,
        topic=title,
        learning_points="What to look for\nWhen to refer\nWhat the first visit looks like",
        content_minutes=30,
        presenter_id=scene.person("Theo"),
        host_id=scene.person("Maya"),
        organization_id=host.id,
        meal=True,
        budget_cents=1_800,
        capacity=14,
    )
    when = planning.When(on=on, minute=12 * 60, minutes=60, zone=str(scene.zone), place=host.name)
    event = worked(planning.plan_event(scene.session, facts, when, now=scene.now, by_id=scene.person("Maya")))
    worked(planning.set_status(scene.session, event, "confirmed", now=scene.now))
    # Neutral criteria only: who may come to a meal never depends on referrals.
    nearby = group(
        scene,
        LUNCH_GROUP,
        {"all": [kinds("physician", "provider"), {"fact": "zip", "op": "is", "value": "12545"}]},
    )
    worked(
        inviting.invite(
            scene.session,
            event,
            now=scene.now,
            world=scene.runtime,
            by_id=scene.person("Maya"),
            group_id=nearby.id,
        )
    )


def _answers(scene: Scene, title: str) -> None:
    event = _event(scene, title)
    invited: Sequence[Invitation] = scene.session.scalars(
        select(Invitation).where(Invitation.event_id == event.id).order_by(Invitation.id)
    ).all()
    for number, invitation in enumerate(invited):
        said = ("yes", "yes", "no", "yes", "maybe", "none")[number % 6]
        if said == "none" or invitation.state != "invited":
            continue
        diets = {"vegetarian": 1} if number % 4 == 1 else {}
        rsvping.answer(scene.session, invitation, now=scene.now, answer=said, diets=diets, source="page")


def _event(scene: Scene, title: str) -> Event:
    return scene.session.scalars(select(Event).where(Event.title == title)).one()


def _working_day(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
