"""Pure decisions of campaigns: the tree, waiting, stopping, holding out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.campaigns import expecting, rules, steps
from outreach.campaigns.rules import Calendar, Facts
from outreach.campaigns.setup import Setup, weekdays_said
from outreach.campaigns.walking import walk as walk_way

NEW_YORK = ZoneInfo("America/New_York")
CALENDAR = Calendar(NEW_YORK)
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def step(key: str, kind: str = "email", **more: object) -> steps.Step:
    return {"key": key, "kind": kind, **more}


def fork(key: str, yes: list[steps.Step], no: list[steps.Step]) -> steps.Step:
    return step(key, "condition", question="clicked", yes=yes, no=no)


TREE = [step("a"), fork("b", [step("c"), step("d")], [step("e")]), step("f")]


def test_lanes_rejoin_behind_the_fork() -> None:
    assert steps.next_key(TREE, "a") == "b"
    assert (steps.next_key(TREE, "b", "yes"), steps.next_key(TREE, "b", "no")) == ("c", "e")
    assert [steps.next_key(TREE, key) for key in "cde"] == ["d", "f", "f"]
    assert steps.next_key(TREE, "f") == ""


def test_an_empty_lane_leads_straight_on() -> None:
    tree = [fork("b", [], [step("e")]), step("f")]
    assert steps.next_key(tree, "b", "yes") == "f"


def test_no_fork_stands_inside_a_fork() -> None:
    with pytest.raises(ValueError, match="second campaign"):
        steps.insert(TREE, fork("x", [], []), after="c")
    with pytest.raises(ValueError, match="second campaign"):
        steps.insert(TREE, fork("x", [], []), parent="b", lane="no")


def trees() -> st.SearchStrategy[list[steps.Step]]:
    return st.integers(0, 2**32).map(_tree)


def _tree(seed: int) -> list[steps.Step]:
    tree: list[steps.Step] = []
    for number in range(seed % 7 + 1):
        key = f"s{number * 10}"
        if (seed >> number) % 3 == 0:
            yes = [step(f"{key}y{each}") for each in range((seed >> number) % 4)]
            tree.append(fork(key, yes, [step(f"{key}n")]))
        else:
            tree.append(step(key))
    return tree


@given(trees(), st.data())
def test_a_move_loses_and_doubles_nothing_and_its_opposite_keeps_every_step(
    tree: list[steps.Step], data: st.DataObject
) -> None:
    keys = sorted(place.step["key"] for place in steps.walk(tree))
    moved = steps.move(tree, data.draw(st.sampled_from(keys)), data.draw(st.sampled_from([-1, 1])))
    assert sorted(place.step["key"] for place in steps.walk(moved)) == keys
    assert all(not place.parent or place.step["kind"] != "condition" for place in steps.walk(moved))


@given(trees(), st.lists(st.sampled_from(["yes", "no"]), min_size=9, max_size=9))
def test_every_way_ends_and_meets_no_step_twice(tree: list[steps.Step], lanes: list[str]) -> None:
    met: list[str] = []
    key = steps.first_key(tree)
    while key:
        met.append(key)
        key = steps.next_key(tree, key, lanes[len(met) % 9])
    assert len(met) == len(set(met))
    assert met[-1] == tree[-1]["key"] or met[-1].startswith(tree[-1]["key"])


@given(trees(), st.data())
def test_who_waits_at_a_removed_step_goes_on_at_the_next_one_that_is_left(
    tree: list[steps.Step], data: st.DataObject
) -> None:
    keys = [place.step["key"] for place in steps.walk(tree)]
    gone = data.draw(st.sampled_from(keys))
    new = steps.remove(tree, gone)
    found = steps.surviving_key(tree, new, gone)
    assert found == "" or steps.step_of(new, found) is not None
    for key in keys:
        if steps.step_of(new, key):
            assert steps.surviving_key(tree, new, key) == key


@given(
    st.integers(0, 2 * 365 * 24 * 60),
    st.integers(0, 60),
    st.sets(st.integers(0, 6)),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 6, 1)), max_size=20),
)
def test_a_wait_ends_on_an_allowed_open_day_and_never_too_early(
    after: int, days: int, weekdays: set[int], quiet: set[date]
) -> None:
    base = MONDAY + timedelta(minutes=after)
    calendar = Calendar(NEW_YORK, quiet=quiet)
    wait = {"days": days, "weekdays": sorted(weekdays), "minute": 540}
    until = rules.wait_until(base, wait, calendar)
    local = until.astimezone(NEW_YORK)
    allowed = set(calendar.weekdays) & weekdays or set(calendar.weekdays)
    assert until >= base
    assert (local.date() - base.astimezone(NEW_YORK).date()).days >= days
    assert local.weekday() in allowed
    assert local.date() not in quiet
    assert (local.hour, local.minute) == (9, 0)


@pytest.mark.parametrize(
    ("before", "minute", "expected"),
    [
        (datetime(2026, 3, 6, 15, tzinfo=UTC), 150, datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),  # 2:30 does not exist
        (datetime(2026, 10, 30, 15, tzinfo=UTC), 90, datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # 1:30 comes twice
    ],
)
def test_a_wait_that_ends_in_a_clock_change_has_one_instant(before: datetime, minute: int, expected: datetime) -> None:
    calendar = Calendar(NEW_YORK, weekdays=range(7))
    assert rules.wait_until(before, {"days": 2, "weekdays": [], "minute": minute}, calendar) == expected


def test_who_enters_within_the_day_starts_at_once_and_at_night_the_next_morning() -> None:
    assert rules.entry_at(MONDAY, CALENDAR, minute=540, weekdays=[]) == MONDAY
    night = MONDAY + timedelta(hours=12)
    assert rules.entry_at(night, CALENDAR, minute=540, weekdays=[]) == datetime(2026, 3, 3, 14, tzinfo=UTC)
    friday = rules.entry_at(MONDAY, CALENDAR, minute=540, weekdays=[4])
    assert friday == datetime(2026, 3, 6, 14, tzinfo=UTC)


def test_an_opt_out_comes_before_every_other_reason() -> None:
    watching = [step("x", "stop", on=["referred"])]
    both = Facts("unsubscribed", frozenset({"referred"}))
    assert rules.should_exit(watching, both) == rules.Exit("unsubscribed")
    assert rules.should_exit(watching, Facts("", frozenset({"referred"}))) == rules.Exit("referred", watching[0])
    assert rules.should_exit(watching, Facts("", frozenset({"clicked"}))) is None


def test_what_fell_due_during_a_hold_is_skipped_when_the_holder_chose_so() -> None:
    def done(kind: str, *, late: bool) -> str:
        asked = step("x", kind, question="clicked")
        return rules.decide(asked, Facts(), now=MONDAY, base_at=MONDAY, calendar=CALENDAR, late=late).kind

    assert [done("email", late=True), done("task", late=True)] == ["skip", "skip"]
    assert [done("email", late=False), done("task", late=False)] == ["send", "task"]
    assert done("condition", late=True) == "go"


@given(st.integers(0, 500), st.integers(1, 500), st.integers(0, 50), st.integers(0, 2**31))
@settings(max_examples=60)
def test_the_lot_is_the_same_whether_people_come_together_or_one_by_one(
    start: int, count: int, share: int, seed: int
) -> None:
    together = rules.assign_holdout(start, count, share_pct=share, seed=seed)
    alone = [rules.assign_holdout(start + n, 1, share_pct=share, seed=seed)[0] for n in range(count)]
    assert together == alone


@given(st.sampled_from([0, 5, 10, 20, 25, 50]), st.integers(0, 2**31))
def test_every_block_of_neighbours_holds_out_its_share(share: int, seed: int) -> None:
    drawn = rules.assign_holdout(0, 200, share_pct=share, seed=seed)
    blocks = [sum(drawn[at : at + 20]) for at in range(0, 200, 20)]
    assert blocks == [round(20 * share / 100)] * 10


@given(trees(), st.floats(0, 1000))
def test_nobody_is_expected_who_did_not_enter(tree: list[steps.Step], entering: float) -> None:
    found = expecting.expected(tree, entering)
    assert all(0 <= people <= entering + 1e-6 for people in found.people.values())
    assert found.people[tree[0]["key"]] == entering
    assert found.days[0] <= found.days[1]


def test_a_tried_way_keeps_two_weeks_between_emails_and_says_so() -> None:
    tree = [step("a", title="One"), {"key": "w", "kind": "wait", "days": 4, "minute": 540}, step("b", title="Two")]
    lines = walk_way(tree, Setup(), now=MONDAY, calendar=CALENDAR, answers={})
    assert [(line.at.date() - MONDAY.date()).days for line in lines] == [0, 14]
    assert [bool(line.moved) for line in lines] == [False, True]


def test_weekdays_are_said_as_people_say_them() -> None:
    assert weekdays_said([1, 2, 3]) == "Tue to Thu"
    assert weekdays_said([0, 2]) == "Mon, Wed"
    assert weekdays_said([]) == "a weekday"
