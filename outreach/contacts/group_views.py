"""Groups: the list with live counts, one group with who is left out and why, the rule builder, fixed lists."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from outreach import screen
from outreach.contacts import filing, group_drafts, group_editing, group_forms
from outreach.contacts import groups as grouping
from outreach.contacts.browsing import PAGE, rows_for
from outreach.contacts.consent import TOPIC_LABELS
from outreach.contacts.csvfile import write_csv
from outreach.contacts.download_views import as_vcards
from outreach.contacts.exporting import HEADER, lines_of
from outreach.contacts.group_rules import GROUP_FACT, GroupFact, in_words, is_filled, leaves, problem
from outreach.contacts.models import Contact, Group
from outreach.contacts.queries import cards_for, find
from outreach.contacts.ready_groups import BY_SPECIALTY, ready_groups
from outreach.errors import Refusal

groups = Blueprint("groups", __name__, url_prefix="/groups")
FIRST_NAMES = 8
COUNTED_AT_ONCE = 50_000
"""In a book of up to so many contacts counts stand on the page at once; in a larger one they come after it."""


@groups.get("/")
def index() -> ResponseReturnValue:
    session = screen.session()
    found = session.scalars(select(Group).where(Group.deleted_at.is_(None)).order_by(Group.name)).all()
    numbers = dict.fromkeys((group.id for group in found), None) if _is_large() else _numbers(found)
    taken = {group.name for group in found}
    words: dict[str, dict[str, str]] = {}
    return screen.page(
        "contacts/groups.html",
        groups=[(group, numbers[group.id], _said(group, words), problem(session, group, **_when())) for group in found],
        ready=[one for one in ready_groups(_facts()) if one.name not in taken],
        by_specialty=[(one.key, f"{one.name} ({one.text})") for one in BY_SPECIALTY if one.name not in taken],
        may_write=screen.actor().role in screen.WRITERS,
    )


@groups.get("/<int:group_id>/number")
def number(group_id: int) -> ResponseReturnValue:
    """How many are in the group: for the pages of a large book, which do not wait for it."""
    group = _group(group_id)
    return screen.page("contacts/group_number.html", group=group, number=_numbers([group])[group.id])


@groups.get("/<int:group_id>")
def one(group_id: int) -> ResponseReturnValue:
    session, group = screen.session(), _group(group_id)
    topic, after = _topic(), request.args.get("after", 0, type=int)
    inside = grouping.members(group, **_when(), seeking=True)
    ids = list(session.scalars(inside.where(Contact.id > after).order_by(Contact.id).limit(PAGE + 1)))
    typed = request.args.get("add", "").strip()
    return screen.page(
        "contacts/group.html",
        group=group,
        said=_said(group, {}),
        broken=problem(session, group, **_when()),
        rows=rows_for(session, ids[:PAGE], now=screen.now(), zone=screen.zone()),
        next_page=f"/groups/{group.id}?topic={topic}&after={ids[PAGE - 1]}" if len(ids) > PAGE else None,
        reach=None if _is_large() else grouping.reach(session, group, **_when(), topic=topic),
        words=grouping.LEFT_OUT_WORDS,
        topic=topic,
        topics=list(TOPIC_LABELS.items()),
        typed=typed,
        candidates=find(session, typed) if typed and group.fixed else None,
        may_write=screen.actor().role in screen.WRITERS,
        now=screen.now().astimezone(screen.zone()),
    )


@groups.get("/<int:group_id>/reach")
def reach(group_id: int) -> ResponseReturnValue:
    """Who can be written to and who is left out: for the page of a group in a large book, which does not wait."""
    group = _group(group_id)
    return screen.page(
        "contacts/group_reach.html",
        group=group,
        reach=grouping.reach(screen.session(), group, **_when(), topic=_topic()),
        words=grouping.LEFT_OUT_WORDS,
    )


def _topic() -> str:
    topic = request.args.get("topic", "education")
    return topic if topic in TOPIC_LABELS else "education"


def _is_large() -> bool:
    return (screen.session().scalar(select(func.max(Contact.id))) or 0) > COUNTED_AT_ONCE


def _numbers(found: Sequence[Group]) -> dict[int, int | None]:
    """How many are in each group, in one statement."""
    counted = [
        select(func.count()).select_from(grouping.members(group, **_when(), seeking=True).subquery()).scalar_subquery()
        for group in found
    ]
    numbers = list(screen.session().execute(select(*counted)).one()) if counted else []
    return {group.id: number for group, number in zip(found, numbers, strict=True)}


@groups.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    return _build(None)


@groups.route("/<int:group_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def edit(group_id: int) -> ResponseReturnValue:
    return _build(_group(group_id))


@groups.get("/count")
@screen.needs(*screen.WRITERS)
def live_count() -> ResponseReturnValue:
    """How many the rules match as they are typed, and who is left out."""
    return screen.page(
        "contacts/_count.html", **_counted(group_drafts.read(request.args), request.args.get("group", type=int))
    )


@groups.post("/copy")
@screen.needs(*screen.WRITERS)
def copy() -> ResponseReturnValue:
    offered = (*ready_groups(_facts()), *BY_SPECIALTY)
    ready = next((one for one in offered if one.key == request.form.get("key")), None)
    recipe = screen.or_404(ready)
    made = group_editing.save_group(
        screen.session(), None, name=recipe.name, rules=recipe.rules, by_id=screen.actor_id(), **_when()
    )
    if isinstance(made, Refusal):
        return screen.refused(made, "/groups/")
    screen.record("added", "group", made.id)
    return screen.done(f"/groups/{made.id}", "Copied. Change it as you like.", undo=f"/groups/{made.id}/trash")


@groups.post("/fixed")
@screen.needs(*screen.WRITERS)
def new_list() -> ResponseReturnValue:
    made = group_editing.save_group(
        screen.session(),
        None,
        name=request.form.get("name", ""),
        rules={},
        by_id=screen.actor_id(),
        fixed=True,
        **_when(),
    )
    if isinstance(made, Refusal):
        return screen.refused(made, "/groups/")
    screen.record("added", "group", made.id)
    return screen.done(f"/groups/{made.id}", "The list is empty. Search for people to put on it.")


@groups.post("/<int:group_id>/freeze")
@screen.needs(*screen.WRITERS)
def freeze(group_id: int) -> ResponseReturnValue:
    group = _group(group_id)
    name = request.form.get("name") or f"{group.name}, {screen.today():%B} {screen.today().day}"
    made = group_editing.freeze(screen.session(), group, name=name, by_id=screen.actor_id(), **_when())
    if isinstance(made, Refusal):
        return screen.refused(made, f"/groups/{group.id}")
    screen.record("froze", "group", made.id, source_id=group.id)
    return screen.done(f"/groups/{made.id}", "A fixed list of today's members.", undo=f"/groups/{made.id}/trash")


@groups.post("/<int:group_id>/members")
@screen.needs(*screen.WRITERS)
def members(group_id: int) -> ResponseReturnValue:
    group = _group(group_id)
    add, remove = screen.row_id(request.form.get("add")), screen.row_id(request.form.get("remove"))
    where = f"/groups/{group.id}"
    if not group.fixed:
        return screen.refused(Refusal("by-rules", "This group follows its rules: change them instead."), where)
    if add is not None and add in cards_for(screen.session(), [add]):
        group_editing.add_members(screen.session(), group, [add], now=screen.now())
        screen.record("added-member", "group", group.id, contact_id=add)
        return screen.done(where, "On the list.")
    if remove is not None:
        group_editing.remove_member(screen.session(), group, remove)
        screen.record("removed-member", "group", group.id, contact_id=remove)
    return screen.done(where, "Off the list.")


@groups.post("/<int:group_id>/trash")
@screen.needs(*screen.WRITERS)
def trash(group_id: int) -> ResponseReturnValue:
    group = _group(group_id)
    filing.trash_group(group, now=screen.now())
    screen.record("trashed", "group", group.id)
    return screen.done("/groups/", f"“{group.name}” is in the trash.", undo=f"/groups/{group.id}/restore")


@groups.post("/<int:group_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(group_id: int) -> ResponseReturnValue:
    group = screen.or_404(screen.session().get(Group, group_id))
    group.deleted_at = None
    screen.record("restored", "group", group.id)
    return screen.done(f"/groups/{group.id}", "Back.")


@groups.get("/<int:group_id>/export.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export(group_id: int) -> ResponseReturnValue:
    group, session = _group(group_id), screen.session()
    ids = list(session.scalars(grouping.members(group, **_when()).order_by(Contact.sort_name, Contact.id)))
    screen.record("exported", "group", group.id, count=len(ids))
    text = "".join(write_csv(HEADER, lines_of(session, ids)))
    disposition = {"Content-Disposition": f'attachment; filename="group-{group_id}.csv"'}
    return Response(text, mimetype="text/csv", headers=disposition)


@groups.get("/<int:group_id>/export.vcf")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export_cards(group_id: int) -> ResponseReturnValue:
    group, session = _group(group_id), screen.session()
    ids = list(session.scalars(grouping.members(group, **_when()).order_by(Contact.sort_name, Contact.id)))
    screen.record("exported", "group", group.id, count=len(ids))
    return as_vcards(ids, f"group-{group_id}.vcf")


def _build(group: Group | None) -> ResponseReturnValue:
    name = request.form.get("name", group.name if group else "")
    posted = request.method == "POST"
    draft = group_drafts.read(request.form) if posted else group_drafts.draft_of(group.rules if group else {})
    rules = group_forms.shown(screen.session(), draft, _facts(), group.id if group else None)
    refusal = None
    if draft.action == "save":
        made = _save(group, name, draft)
        if isinstance(made, Group):
            screen.record("edited" if group else "added", "group", made.id)
            return screen.done(f"/groups/{made.id}", "Saved.")
        refusal = made
    return screen.page(
        "contacts/group_builder.html",
        status=422 if refusal is not None else 200,
        group=group,
        name=name,
        rules=rules,
        joins=list(group_drafts.JOINS.items()),
        facts=group_forms.fact_choices(_facts()),
        refusal=refusal,
        action=f"/groups/{group.id}/edit" if group else "/groups/new",
        # Under htmx the count comes by a request of its own, so that nobody waits for it.
        **(_uncounted() if screen.is_fragment() else _counted(draft, group.id if group else None)),
    )


def _save(group: Group | None, name: str, draft: group_drafts.Draft) -> Group | Refusal:
    unfinished = draft.unfinished()
    if unfinished:
        text = f"Rule {unfinished[0]} has no value yet: choose one, or take the rule out."
        return Refusal("unfinished-rule", text)
    rules = group_drafts.rules_of(draft)
    return group_editing.save_group(screen.session(), group, name=name, rules=rules, by_id=screen.actor_id(), **_when())


def _counted(draft: group_drafts.Draft, own_id: int | None) -> dict[str, Any]:
    group_drafts.settle(draft, _facts())
    session, rules = screen.session(), group_drafts.rules_of(draft, finished=True)
    said = {**_uncounted(), "unfinished": draft.unfinished()}
    if not is_filled(rules):
        return said
    trial = Group(id=own_id, name="this group", rules=rules, fixed=False)
    broken = problem(session, trial, **_when())
    if broken is not None:
        return said | {"broken": broken}
    found = select(Contact.id).where(grouping.matching(session, trial, **_when(), seeking=True))
    ids = list(session.scalars(found.order_by(Contact.id).limit(FIRST_NAMES)))
    cards = cards_for(session, ids)
    reach = grouping.reach(session, trial, **_when(), topic="education")
    return said | {"reach": reach, "first": [cards[id_] for id_ in ids if id_ in cards]}


def _uncounted() -> dict[str, Any]:
    words = grouping.LEFT_OUT_WORDS
    return {"reach": None, "broken": "", "first": [], "words": words, "unfinished": []}


def _said(group: Group, words: dict[str, dict[str, str]]) -> str:
    """The rules in words; `words` remembers what values are called, so that a list of groups asks once."""
    if group.fixed:
        return "A fixed list"
    known = {fact.name: fact for fact in _facts()}
    for leaf in leaves(group.rules):
        name = str(leaf.get("fact"))
        if name in known and name not in words:
            words[name] = dict(known[name].choices(screen.session()))
        if name == GROUP_FACT and name not in words:
            words[name] = {str(row[0]): row[1] for row in screen.session().execute(select(Group.id, Group.name))}
    return in_words(group.rules, _facts(), words)


def _group(group_id: int) -> Group:
    found = screen.session().get(Group, group_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def _facts() -> tuple[GroupFact, ...]:
    return screen.world().group_facts


def _when() -> dict[str, Any]:
    return {"now": screen.now(), "zone": screen.zone(), "facts": _facts()}
