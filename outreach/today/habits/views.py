"""Settings: intervals per tier, everybody's week; and the overdue list."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.referrals import rhythms
from outreach.today.habits import habits, overdue
from outreach.today.habits.forms import HabitForm, RhythmForm
from outreach.ui import plural

today_habits = Blueprint("habits", __name__)
PLACE = "/settings/rhythm"


@today_habits.get(PLACE)
def rhythm() -> ResponseReturnValue:
    return _page(RhythmForm(data=rhythms.rhythms_of(screen.session())))


@today_habits.post(PLACE)
@screen.needs(*screen.WRITERS)
def change_rhythm() -> ResponseReturnValue:
    form = RhythmForm()
    if not form.validate_on_submit():
        return _page(form, status=422)
    typed = {tier: form[tier].data for tier in rhythms.TIERS}
    changed = rhythms.set_rhythms(screen.session(), typed, now=screen.now(), by_id=screen.actor_id())
    if isinstance(changed, Refusal):
        form.form_errors.append(changed.text)
        return _page(form, status=422)
    if changed:
        screen.record("change-rhythm", "practice", 1, **changed)
    return screen.done(PLACE, "Saved. Today and the overdue list keep to it from now on.")


@today_habits.get(f"{PLACE}/people/<int:person_id>")
@screen.needs(*screen.WRITERS)
def person(person_id: int) -> ResponseReturnValue:
    one = _habit(person_id)
    return screen.page("today/habit.html", one=one, form=HabitForm(obj=one), place=PLACE)


@today_habits.post(f"{PLACE}/people/<int:person_id>")
@screen.needs(*screen.WRITERS)
def change_person(person_id: int) -> ResponseReturnValue:
    one, form = _habit(person_id), HabitForm()
    if not one.logs:
        form.week_goal.process_data(0)
    if not form.validate_on_submit():
        return screen.invalid("today/habit.html", one=one, form=form, place=PLACE)
    goal = form.week_goal.data if one.logs else None
    return _chosen(
        habits.choose(
            screen.session(),
            person_id,
            now=screen.now(),
            week_goal=goal,
            digest=form.digest.data,
            morning=form.morning.data,
        )
    )


@today_habits.post(f"{PLACE}/digest")
def my_digest() -> ResponseReturnValue:
    """One's own switch: everybody has it, whatever their role."""
    on = request.form.get("on") == "yes"
    return _chosen(habits.choose(screen.session(), screen.actor().id, now=screen.now(), digest=on))


@today_habits.post(f"{PLACE}/morning")
def my_morning() -> ResponseReturnValue:
    """One's own switch of the plan of the day: everybody has it, whatever their role."""
    on = request.form.get("on") == "yes"
    return _chosen(habits.choose(screen.session(), screen.actor().id, now=screen.now(), morning=on))


@today_habits.get("/today/overdue")
def overdue_list() -> ResponseReturnValue:
    session, today, zone = screen.session(), screen.today(), screen.zone()
    owned = overdue.owners(session, today=today, zone=zone)
    whose = _whose({one.key for one in owned})
    after = screen.row_id(request.args.get("after"))
    rows = overdue.late(session, whose, today=today, zone=zone, after=after)
    return screen.page(
        "today/overdue.html",
        owned=owned,
        whose=whose,
        rows=rows[: overdue.PAGE],
        more=rows[overdue.PAGE - 1].contact_id if len(rows) > overdue.PAGE else None,
        first=after is None,
        total=sum((one.total for one in owned if whose in (overdue.EVERYBODY, one.key)), rhythms.Coverage()),
        every=rhythms.rhythms_of(session),
        now=screen.now().astimezone(zone),
        may_log=screen.actor().role in screen.LOGGERS,
    )


def _whose(known: set[str]) -> str:
    wanted = request.args.get("whose", "")
    mine = str(screen.actor().id)
    if wanted in known or wanted == overdue.EVERYBODY:
        return wanted
    return mine if mine in known and not wanted else overdue.EVERYBODY


def _habit(person_id: int) -> habits.Habit:
    found = {one.person_id: one for one in habits.habits_of(screen.session())}
    return screen.or_404(found.get(person_id))


def _chosen(done: habits.Habit | Refusal) -> ResponseReturnValue:
    if isinstance(done, Refusal):
        return screen.refused(done, PLACE)
    screen.record(
        "change-week", "person", done.person_id, week_goal=done.week_goal, digest=done.digest, morning=done.morning
    )
    mails = [name for name, on in (("The digest", done.digest), ("The plan of the day", done.morning)) if on]
    said = f"{' and '.join(mails).replace(' and The', ' and the')} {plural(len(mails), 'comes', 'come')}"
    return screen.done(PLACE, f"Saved. {said if mails else 'No mail comes'} to {done.email}.")


def _page(form: RhythmForm, *, status: int = 200) -> ResponseReturnValue:
    session, today, zone = screen.session(), screen.today(), screen.zone()
    every = rhythms.rhythms_of(session)
    role = screen.actor().role
    return screen.page(
        "today/rhythm.html",
        status=status,
        form=form,
        rules=[rhythms.rule_of(tier, days) for tier, days in every.items()],
        coverage=rhythms.coverage(session, on=today, zone=zone),
        people=habits.habits_of(session),
        mine=screen.actor().id,
        may_write=role in screen.WRITERS,
        address=PLACE,
    )
