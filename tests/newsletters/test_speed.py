"""Lists cost the same number of statements however long they are."""

from contextlib import contextmanager

from sqlalchemy import event

from outreach.cards import listing
from outreach.newsletters import audience
from tests.cards.runs import run
from tests.newsletters.issues import approve, group, issue


@contextmanager
def counted(runtime):
    said = []

    def note(_connection, _cursor, statement, _parameters, _context, _many):
        said.append(statement)

    for engine in (runtime.reading_engine, runtime.engine):
        event.listen(engine, "before_cursor_execute", note)
    yield said
    for engine in (runtime.reading_engine, runtime.engine):
        event.remove(engine, "before_cursor_execute", note)


def statements(runtime, look):
    look()
    with counted(runtime) as said:
        look()
    return len(said)


def test_the_list_of_issues_asks_the_same_number_of_questions(maya, runtime, cast):
    def make(many):
        with runtime.turn() as turn:
            people = group(turn, f"People {many}", cast.raman, cast.okafor)
            for number in range(many):
                approve(turn, runtime, issue(turn, runtime, people, title=f"Issue {number}"), 2)

    make(1)
    before = statements(runtime, lambda: maya.get("/newsletters/"))
    make(12)
    assert statements(runtime, lambda: maya.get("/newsletters/")) == before


def test_the_list_of_cards_asks_the_same_number_of_questions(maya, runtime, cast):
    with runtime.turn() as turn:
        run(turn, runtime, cast.raman)
    before = statements(runtime, lambda: maya.get("/cards/"))
    with runtime.turn() as turn:
        for occasion in ("new-year", "doctors-day", "ot-month", "pa-week"):
            run(turn, runtime, cast.raman, cast.okafor, occasion=occasion)
    assert statements(runtime, lambda: maya.get("/cards/")) == before


def test_people_are_reckoned_and_listed_by_the_database(turn, runtime, cast):
    few = group(turn, "Few", cast.raman)
    many = group(turn, "Many", cast.raman, cast.okafor, cast.denise, cast.greta, cast.tom, cast.silent)

    def reckoned(one):
        with counted(runtime) as said:
            audience.reckon(turn.session, [one.id], now=turn.now, world=runtime)
        return len(said)

    assert reckoned(few) == reckoned(many)
    made = run(turn, runtime, cast.raman)
    with counted(runtime) as said:
        listing.prepare(turn.session, made, now=turn.now, world=runtime)
    small = len(said)
    made.group_ids = [many.id]
    with counted(runtime) as said:
        listing.prepare(turn.session, made, now=turn.now, world=runtime)
    assert len(said) <= small + 1
