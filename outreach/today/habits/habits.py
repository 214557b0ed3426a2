"""What each person chose about their week: the budget of touches, the Monday digest, the plan of the day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice.models import Person
from outreach.screen import LOGGERS, WRITERS
from outreach.today.models import DayHabit
from outreach.today.rules import MOST_A_WEEK, WEEK_GOAL

CLINICIANS_GOAL = 5
"""Somebody who treats clients all day has time for about one call a day."""


@dataclass(frozen=True)
class Habit:
    """One person's week. `week_goal` is in touches; 0 for those who only read."""

    person_id: int
    name: str
    email: str
    role: str
    week_goal: int
    digest: bool
    morning: bool
    """The plan of the day by email."""

    @property
    def logs(self) -> bool:
        """Whether the person may log touches, and so has a budget."""
        return self.role in LOGGERS


def habits_of(session: Session) -> list[Habit]:
    """Everybody who works here now, by name: as they chose, else by role (20 touches and a digest for who runs it)."""
    own = {row.person_id: row for row in session.scalars(select(DayHabit))}
    people = session.scalars(select(Person).where(Person.active).order_by(Person.name, Person.id))
    return [_habit(person, own.get(person.id)) for person in people]


def week_goals(session: Session) -> dict[int, int]:
    """{person id: touches a week} of everybody active who may log."""
    return {one.person_id: one.week_goal for one in habits_of(session) if one.logs}


def choose(
    session: Session,
    person_id: int,
    *,
    now: datetime,
    week_goal: int | None = None,
    digest: bool | None = None,
    morning: bool | None = None,
) -> Habit | Refusal:
    """The person's week is as given; what is None stays. Idempotent. Refusals: `unknown-person`, `no-goal`."""
    person = session.get(Person, person_id)
    if person is None or not person.active:
        return Refusal("unknown-person", "This person does not work here any more.")
    if week_goal is not None and not 0 <= week_goal <= MOST_A_WEEK:
        return Refusal("no-goal", f"Give between 0 and {MOST_A_WEEK} touches a week.")
    before = _habit(person, session.get(DayHabit, person_id))
    row = DayHabit(
        person_id=person_id,
        week_goal=before.week_goal if week_goal is None else week_goal,
        digest=before.digest if digest is None else digest,
        morning=before.morning if morning is None else morning,
        set_at=now,
    )
    kept = session.merge(row)
    session.flush()
    return _habit(person, kept)


def _habit(person: Person, own: DayHabit | None) -> Habit:
    usual = WEEK_GOAL if person.role in WRITERS else CLINICIANS_GOAL
    goal = own.week_goal if own else usual
    return Habit(
        person_id=person.id,
        name=person.name,
        email=person.email,
        role=person.role,
        week_goal=goal if person.role in LOGGERS else 0,
        digest=own.digest if own else person.role in WRITERS,
        morning=own.morning if own else True,
    )
