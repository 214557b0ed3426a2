"""Counts of groups, who is left out, list pages and search, at 1,000,000 contacts and at 10,000.

`python -m bench.groups DATABASE` asks every question of one database in a process of its own and prints the medians.
"""

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import book
from bench.book import NOW
from bench.measuring import Goal, Report, Series, Span, child, interleaved
from outreach.contacts import browsing, groups, queries
from outreach.contacts.models import Group
from outreach.db import make_reading_engine
from outreach.runtime import OFFERS

ZONE = ZoneInfo("America/New_York")
FACTS = tuple(fact for offers in OFFERS for fact in getattr(offers, "GROUP_FACTS", ()))
TIMES = 5
CPU, ROWS = "CPU of ", "rows of "
MS = {"selective": 100, "wide": 1000, "left-out": 2000}
PAGE_RATIO, PAGE_MS, SEARCH_MS = 2.0, 20, 20
SELECTIVE = {
    "kind": ("kind", "is", ["transport-partner"]),
    "town": ("city", "is", "Town 17"),
    "ZIP": ("zip", "starts-with", "10017"),
    "specialty": ("specialty", "is", ["Specialty 3"]),
    "tag": ("tag", "is", ["tag4"]),
    "owner": ("owner", "is", ["1"]),
    "added": ("added", "within-days", "30"),
    "called": ("called", "within-days", "14"),
    "referred": ("referred", "within-days", "30"),
    "lapsing": ("lapsing", "is", ["yes"]),
}
WIDE = {
    "kind is not": ("kind", "is-not", ["payer"]),
    "payer": ("payer", "is", ["4"]),
    "tier": ("tier", "is", ["A"]),
    "never touched": ("touched", "never", None),
    "permission": ("permission", "yes", None),
    "never referred": ("ever-referred", "is", ["no"]),
    "tag is not": ("tag", "is-not", ["tag4"]),
    "organization contains": ("organization", "contains", "9 of the"),
}
MIXED = [("kind", "is", ["physician"]), ("touched", "not-within-days", "90"), ("tier", "is", ["A", "B"])]
SEARCHED = ("last7799", "person12345@", "(555) 017-4567", "valley", "first12 last88", "nobody at all")
VIEWS = ("all", "top", "lapsing", "new", "never", "no-permission")


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: every question five times at either size, in processes of their own; medians."""
    sizes = (2_000, 20_000) if small else (10_000, 1_000_000)
    books = {size: book.build(folder / f"book-{size}.db", size) for size in sizes}
    asked: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    series = {size: Series(f"{size:,} contacts, all questions") for size in sizes}

    def once(size: int) -> dict[str, float]:
        figures = child("bench.groups", books[size])
        asked[size].append(figures["questions"])
        return figures["all"]

    interleaved(rounds, [(series[size], lambda size=size: once(size)) for size in sizes])
    few, many = (
        {name: statistics.median(one[name] for one in asked[size]) for name in asked[size][0]} for size in sizes
    )
    at = f"ms at {sizes[1]:,}"
    notes = [
        f"{name}: {few[name]:.1f} ms at {sizes[0]:,}, {many[name]:.1f} ({many[CPU + name]:.1f} of CPU) {at}"
        for name in many
        if CPU + name in many
    ]
    return Report("groups", "counts, list pages and search", list(series.values()), _goals(few, many), notes)


def _goals(few: dict[str, float], many: dict[str, float]) -> list[Goal]:
    def slowest(kind: str, of: dict[str, float] = many) -> float:
        return max(value for name, value in of.items() if name.startswith(f"{kind}: "))

    full = [name for name in many if name.startswith("page: ") and few[ROWS + name] == many[ROWS + name]]
    ratios = [many[name] / few[name] for name in full]
    return [
        *(Goal(f"slowest {kind}, ms", slowest(kind), bound) for kind, bound in MS.items()),
        Goal("slowest page with as many rows, times that of the small book", max(ratios), PAGE_RATIO),
        Goal("slowest page, ms", slowest("page"), PAGE_MS),
        Goal("slowest search, ms", slowest("search"), SEARCH_MS),
    ]


def _questions(session: Session) -> dict[str, Callable[[], object]]:
    asking = browsing.Asking(session, NOW, ZONE, FACTS)
    known: dict[str, Any] = {"now": NOW, "zone": ZONE, "facts": FACTS}

    def counted(rules: list[Any]) -> Callable[[], object]:
        group = _group(rules)
        return lambda: groups.count(session, group, **known)

    def left_out(rules: list[Any]) -> Callable[[], object]:
        group = _group(rules)
        return lambda: groups.reach(session, group, **known, topic="education")

    found: dict[str, Callable[[], object]] = {}
    found |= {f"selective: {name}": counted([rule]) for name, rule in SELECTIVE.items()}
    found |= {f"wide: {name}": counted([rule]) for name, rule in WIDE.items()}
    found |= {"wide: three rules": counted(MIXED), "left-out: of three rules": left_out(MIXED)}
    found |= {"left-out: of everybody": left_out([WIDE["kind is not"]])}
    found |= {"left-out: of a town": left_out([SELECTIVE["town"]])}
    for view in VIEWS:
        found[f"page: {view}"] = lambda view=view: browsing.listing(asking, browsing.Wanted(view=view))
    for name, wanted in _further(asking).items():
        found[f"page: {name}"] = lambda wanted=wanted: browsing.listing(asking, wanted)
    found |= {f"search: {said}": lambda said=said: queries.find(session, said) for said in SEARCHED}
    return found


def _further(asking: browsing.Asking) -> dict[str, browsing.Wanted]:
    middle = asking.session.scalar(text("SELECT max(id) FROM contact")) // 2
    return {
        "half-way by yield": browsing.Wanted(after=f"y:0.97:{middle}"),
        "half-way by name": browsing.Wanted(sort="name", after=f"n:{middle}"),
        "physicians": browsing.Wanted(kind="physician"),
        "office staff by name": browsing.Wanted(kind="office-staff", sort="name"),
        "a tag": browsing.Wanted(tag="tag4"),
        "a frequent word": browsing.Wanted(text="valley"),
        "a rare word": browsing.Wanted(text="last7799"),
    }


def _group(rules: list[Any]) -> Group:
    parts = [{"fact": fact, "op": operator, "value": value} for fact, operator, value in rules]
    return Group(name="Asked", rules={"all": parts}, fixed=False)


def ask(path: Path) -> dict[str, Any]:
    """{"questions": {question: ms, "CPU of " question: ms}, "all": the figures of the whole run}."""
    engine = make_reading_engine(f"sqlite:///{path}")
    took: dict[str, float] = {}
    with Session(engine) as session:
        questions = _questions(session)
        whole = Span()
        for name, question in questions.items():
            rounds = []
            for _ in range(TIMES):
                span = Span()
                answer = question()
                rounds.append(span.figures())
            took[name] = 1000 * statistics.median(one["seconds"] for one in rounds)
            took[f"{ROWS}{name}"] = len(answer.rows) if isinstance(answer, browsing.Listing) else 0
            took[f"{CPU}{name}"] = 1000 * statistics.median(one["cpu"] for one in rounds)
    engine.dispose()
    return {"questions": took, "all": {**whole.figures(), "count": len(questions) * TIMES}}


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]))))
