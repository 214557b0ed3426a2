"""What is checked of a list of cards: who is on it, the words on paper, and whether mail and post come in time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.cards import listing
from outreach.cards.editing import occasion_of
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.occasions import PERSONAL_GRACE
from outreach.cards.wishing.wish_models import CardWish
from outreach.contacts.models import Contact
from outreach.content import linting, preflight
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries import pacing
from outreach.deliveries.house import House, house_of
from outreach.deliveries.moved_words import why_not_then
from outreach.screen import World

SEND_MINUTE = 9 * 60
"""Cards leave at nine in the morning of whoever gets them."""
POST_DAYS = 5
"""First-Class Mail takes one to five days (USPS, Service Standards): a card that is posted later may be late."""


@dataclass(frozen=True)
class Asked:
    """What the checks of one run look at. `by_email` and `on_paper` are audience classes."""

    session: Session
    run: CardRun
    now: datetime
    world: World
    house: House
    counts: dict[str, int]
    to_fix: int
    by_email: tuple[str, ...]
    on_paper: tuple[str, ...]

    @property
    def personal(self) -> bool:
        """Whether everybody has a day of their own."""
        return bool(occasion_of(self.run).personal)

    def edit(self, anchor: str) -> str:
        """The address of a place in the composer."""
        return f"/cards/{self.run.id}/edit#{anchor}"

    def people(self, view: str) -> str:
        """The address of a part of the list."""
        return f"/cards/{self.run.id}/list?view={view}#people"


def asked_of(session: Session, run: CardRun, *, now: datetime, world: World) -> Asked:
    """The run with all that is counted once: eight statements."""
    broken = select(func.count()).where(CardRecipient.run_id == run.id, CardRecipient.reason == "address-to-fix")
    return Asked(
        session=session,
        run=run,
        now=now,
        world=world,
        house=house_of(session, now=now, transports=world.transports, settings=world.settings),
        counts=listing.counts_of(session, run.id),
        to_fix=session.scalar(broken) or 0,
        by_email=classes_of(session, run, "email"),
        on_paper=classes_of(session, run, "print"),
    )


def own(asked: Asked) -> list[Finding]:
    """The findings of this room; each that does not pass links to its fix."""
    found = [*_list(asked), *_paper(asked), *_addresses(asked)]
    if asked.counts["email"]:
        found += [*(_own_days(asked) if asked.personal else _day(asked)), *_test(asked)]
    return found + (_post(asked) if asked.counts["print"] else [])


def classes_of(session: Session, run: CardRun, way: str = "email") -> tuple[str, ...]:
    """The audience classes of those who get the email, or the card on paper."""
    found = (
        select(Contact.audience_class)
        .join(CardRecipient, CardRecipient.contact_id == Contact.id)
        .where(CardRecipient.run_id == run.id, CardRecipient.way == way)
        .distinct()
    )
    return tuple(sorted(session.scalars(found)))


def first_at(run: CardRun, house: House) -> datetime:
    """The instant before which no email of the run leaves."""
    return pacing.resolved(run.send_on, SEND_MINUTE, house.zone)


def ends_at(run: CardRun, house: House) -> datetime:
    """The instant after which a card is too late: the midnight after the occasion's last local day."""
    return pacing.resolved(run.last_on + timedelta(days=1), 0, house.zone)


def last_on(asked: Asked) -> date:
    """The last local day on which a card of the run may leave: what it quotes must be permitted until then."""
    return asked.run.last_on + PERSONAL_GRACE if asked.personal else asked.run.last_on


def _list(asked: Asked) -> list[Finding]:
    run, counts = asked.run, asked.counts
    found = []
    if not run.group_ids:
        found.append(Finding("blocker", "No group is chosen yet.", asked.edit("groups")))
    elif not counts["email"] + counts["print"]:
        found.append(Finding("blocker", "Nobody on the list gets a card.", asked.edit("groups")))
    if run.listed_at is None or run.listed_at < run.edited_at:
        found.append(Finding("blocker", "The run changed after the list was made. Make the list again.", "#again"))
    elif joined := _joined(asked):
        who = "1 person has joined" if joined == 1 else f"{joined} people have joined"
        text = f"{who} the groups since the list was made. Make it again, and they are on it."
        found.append(Finding("warning", text, "#again"))
    if run.listed_at is not None and (wished := _wished_since(asked, run.listed_at)):
        who = "1 person on it has" if wished == 1 else f"{wished} people on it have"
        text = f"{who} other wishes about cards since the list was made. Make it again, and it goes by them."
        found.append(Finding("warning", text, "#again"))
    return found


def _wished_since(asked: Asked, listed_at: datetime) -> int:
    later = (
        select(func.count()).select_from(CardWish).join(CardRecipient, CardRecipient.contact_id == CardWish.contact_id)
    )
    return asked.session.scalar(later.where(CardRecipient.run_id == asked.run.id, CardWish.since_at > listed_at)) or 0


def _joined(asked: Asked) -> int:
    """How many of the groups are not on the list. Whose day is known by touches only is not looked for."""
    run, session = asked.run, asked.session
    chosen = listing.groups_of(session, run.group_ids)
    if not chosen or occasion_of(run).personal == "first-referral":
        return 0
    day = listing.day_column(run)
    listed = select(CardRecipient.contact_id).where(CardRecipient.run_id == run.id)
    new = select(func.count()).where(
        listing.in_any(chosen, now=asked.now, world=asked.world, house=asked.house),
        Contact.id.not_in(listed),
        *(() if day is None else (day.is_not(None),)),
    )
    return session.scalar(new) or 0


def _paper(asked: Asked) -> list[Finding]:
    run, session = asked.run, asked.session
    if not asked.counts["print"]:
        return []
    words, place = f"{run.front}\n{run.inside}", asked.edit("inside")
    found = []
    if not run.inside:
        found.append(Finding("blocker", "There are no words inside the printed card.", place))
    if "{{" in words:
        text = "A detail in braces is printed as it stands. The name stands above the words by itself: take it out."
        found.append(Finding("blocker", text, place))
    ours = preflight.our_names(session, asked.house.practice)
    for problem in linting.lint_text(words, to_clients="client" in asked.on_paper, known_names=ours):
        found.append(Finding(problem.level, f"The printed card. {problem.text}", place))
    for finding in preflight.sponsor_findings(Draft.from_json(run.draft), asked.on_paper):
        found.append(finding.at(f"/cards/{run.id}/edit"))
    practice = asked.house.practice
    if not (practice.street and practice.city and practice.zip5):
        text = "Your postal address is missing: cards and letters would show no sender."
        found.append(Finding("warning", text, preflight.PRACTICE_PAGE))
    return found


def _addresses(asked: Asked) -> list[Finding]:
    if asked.to_fix:
        many = "1 postal address is" if asked.to_fix == 1 else f"{asked.to_fix} postal addresses are"
        return [Finding("warning", f"{many} not complete.", asked.people("fix"))]
    return [Finding("pass", "Every postal address is complete")] if asked.counts["print"] else []


def _test(asked: Asked) -> list[Finding]:
    if asked.run.tested_at is None or asked.run.tested_at < asked.run.edited_at:
        return [Finding("warning", "No test was sent since the last edit.", asked.edit("test"))]
    return [Finding("pass", "A test was sent since the last edit")]


def _day(asked: Asked) -> list[Finding]:
    """One day for everybody: does it leave then, or when?"""
    run, house, now, edit = asked.run, asked.house, asked.now, asked.edit("send_on")
    nine = first_at(run, house)
    slot = house.slot(max(nine, now), house.zone.key, SEND_MINUTE if now <= nine else None)
    if slot is None or slot.due_at >= ends_at(run, house):
        return [Finding("blocker", "No day is open for sending before the occasion ends. Choose an earlier day.", edit)]
    day = slot.due_at.astimezone(house.zone).date()
    if day == run.send_on:
        return [Finding("pass", "The emails leave inside your sending hours")]
    why = why_not_then(asked.session, house, max(nine, now)) or "The chosen day is outside your sending hours"
    return [Finding("warning", f"{why}: the email leaves {day:%A, %B} {day.day}.", edit)]


def _own_days(asked: Asked) -> list[Finding]:
    """A day for each: how many fall on a day without mail, and how many find no open one in time."""
    house, moved, never = asked.house, 0, 0
    days = (
        select(CardRecipient.send_on, func.count())
        .where(CardRecipient.run_id == asked.run.id, CardRecipient.way == "email", CardRecipient.send_on >= house.today)
        .group_by(CardRecipient.send_on)
    )
    for day, many in asked.session.execute(days):
        slot = house.slot(pacing.resolved(day, SEND_MINUTE, house.zone), house.zone.key, SEND_MINUTE)
        if slot is None or slot.due_at >= pacing.resolved(day + PERSONAL_GRACE + timedelta(days=1), 0, house.zone):
            never += many
        elif slot.due_at.astimezone(house.zone).date() != day:
            moved += many
    found = []
    if moved:
        who = "1 person has their day" if moved == 1 else f"{moved} people have their day"
        text = f"{who} on a quiet day or a day without mail: that card leaves on the next open day."
        found.append(Finding("warning", text, asked.people("email")))
    if never:
        who = "1 person has" if never == 1 else f"{never} people have"
        text = f"{who} no open day for sending within {PERSONAL_GRACE.days} days of their own: no card leaves for them."
        found.append(Finding("warning", text, asked.people("email")))
    return found


def _post(asked: Asked) -> list[Finding]:
    """Paper that the post may bring too late."""
    run, today = asked.run, asked.house.today
    if not asked.personal:
        if today > run.last_on:
            text = f"{run.last_on:%B} {run.last_on.day}, the last day of the occasion, is over. Nobody gets a card now."
            return [Finding("blocker", text, asked.edit("send_on"))]
        if today + timedelta(days=POST_DAYS) > run.last_on:
            text = (
                f"The post takes up to {POST_DAYS} days: cards posted today may come after {run.last_on:%B} "
                f"{run.last_on.day}, the last day of the occasion. An email comes in time."
            )
            return [Finding("warning", text, asked.people("print"))]
        post_by = run.last_on - timedelta(days=POST_DAYS)
        return [Finding("pass", f"Paper comes in time when it is posted by {post_by:%A, %B} {post_by.day}")]
    soon = select(func.count()).where(
        CardRecipient.run_id == run.id,
        CardRecipient.way == "print",
        CardRecipient.send_on >= today,
        CardRecipient.send_on < today + timedelta(days=POST_DAYS),
    )
    if late := asked.session.scalar(soon):
        who = "1 person’s day" if late == 1 else f"The day of {late} people"
        text = f"{who} is less than {POST_DAYS} days away, as long as the post takes: that card may come late."
        return [Finding("warning", text, asked.people("print"))]
    return []
