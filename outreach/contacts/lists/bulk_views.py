"""Many contacts at once: who they are and how many, then what is to be done, then it is done."""

from collections.abc import Callable

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import browsing, group_editing
from outreach.contacts.download_views import as_file, as_vcards
from outreach.contacts.exporting import lines_of
from outreach.contacts.lists import bulk, bulk_undoing
from outreach.contacts.lists.addresses import address, columns_of, fields_of, wanted_of
from outreach.contacts.models import Contact, ContactTag, Group
from outreach.contacts.queries import cards_for
from outreach.errors import Refusal
from outreach.practice.models import Person

bulks = Blueprint("bulks", __name__, url_prefix="/contacts/bulk")
NAMED, MOST_TICKED = 12, 500
NOBODY = Refusal("nobody", "Tick somebody first, or take the whole list.")
Done = int | Refusal


@bulks.post("/")
@screen.needs(*screen.WRITERS)
def choose() -> ResponseReturnValue:
    """What can be done with those who are chosen."""
    chosen = _chosen()
    count = chosen.count(_asking())
    return screen.refused(NOBODY, _back()) if count == 0 else _page(chosen, count)


@bulks.post("/do")
@screen.needs(*screen.WRITERS)
def do() -> ResponseReturnValue:
    """Does it, when it is still about as many people as the person was told."""
    chosen, asking = _chosen(), _asking()
    count = chosen.count(asking)
    if count == 0:
        return screen.refused(NOBODY, _back())
    if request.form.get("count") != str(count):
        return _page(chosen, count, Refusal("changed", f"The list has changed meanwhile: it is {count:,} now."))
    act = _act(request.form.get("do", ""))
    if act is None:
        return _page(chosen, count)
    done = act(asking, chosen)
    if isinstance(done, Refusal):
        return _page(chosen, count, done)
    return done


@bulks.post("/undo/<int:act_id>")
@screen.needs(*screen.WRITERS)
def undo(act_id: int) -> ResponseReturnValue:
    done = bulk_undoing.undo(screen.session(), act_id, now=screen.now(), by_id=screen.actor_id())
    if isinstance(done, Refusal):
        return screen.refused(done, "/contacts/")
    screen.record("undid", "contacts", None, act_id=act_id, count=done)
    return screen.done("/contacts/", f"Taken back for {_people(done)}.")


def _tag(asking: browsing.Asking, chosen: bulk.Chosen) -> ResponseReturnValue | Refusal:
    tag = bulk.cleaned(request.form.get("add-tag", ""))
    ids = bulk_undoing.would_change(asking, chosen, tag=tag)
    return _told("tagged", bulk.add_tag(asking, chosen, tag), "{} new with the tag.", tag=tag, ids=ids)


def _untag(asking: browsing.Asking, chosen: bulk.Chosen) -> ResponseReturnValue | Refusal:
    tag = request.form.get("remove-tag", "")
    ids = bulk_undoing.would_change(asking, chosen, tag=tag, off=True)
    return _told("untagged", bulk.remove_tag(asking, chosen, tag), "The tag is off {}.", tag=tag, ids=ids)


def _owner(asking: browsing.Asking, chosen: bulk.Chosen) -> ResponseReturnValue | Refusal:
    owner = screen.row_id(request.form.get("give-to"))
    if owner is None:
        return Refusal("unknown-owner", "Choose who looks after them.")
    before = bulk_undoing.owners_before(asking, chosen, owner or None)
    done = bulk.set_owner(asking, chosen, owner or None)
    return _told("gave", done, "{} changed hands.", owner_id=owner, owners=before)


def _list(asking: browsing.Asking, chosen: bulk.Chosen) -> ResponseReturnValue | Refusal:
    name, list_id = request.form.get("name", ""), screen.row_id(request.form.get("list"))
    group: Group | Refusal | None = asking.session.get(Group, list_id) if list_id else None
    if name.strip():
        group = _new_list(asking, name)
    if isinstance(group, Refusal):
        return group
    if group is None or group.deleted_at is not None:
        return Refusal("no-list", "Choose a list, or name a new one.")
    ids = bulk_undoing.would_change(asking, chosen, group_id=group.id)
    added = bulk.add_to_list(asking, chosen, group, now=asking.now)
    if isinstance(added, Refusal):
        return added
    screen.record("added-members", "group", group.id, count=added, ids=ids)
    return screen.done(f"/groups/{group.id}", f"{_people(added)} new on the list.", undo=_undo_path(ids))


def _new_list(asking: browsing.Asking, name: str) -> Group | Refusal:
    return group_editing.save_group(
        asking.session,
        None,
        name=name,
        rules={},
        now=asking.now,
        zone=asking.zone,
        facts=asking.facts,
        by_id=screen.actor_id(),
        fixed=True,
    )


def _export(asking: browsing.Asking, chosen: bulk.Chosen) -> ResponseReturnValue | Refusal:
    ids = list(
        asking.session.scalars(select(Contact.id).where(chosen.where(asking)).order_by(Contact.sort_name, Contact.id))
    )
    screen.record("exported", "contacts", None, count=len(ids))
    if request.form.get("do") == "cards":
        return as_vcards(ids, "contacts.vcf")
    return as_file(lines_of(asking.session, ids), "contacts.csv")


Act = Callable[[browsing.Asking, bulk.Chosen], ResponseReturnValue | Refusal]


def _act(name: str) -> Act | None:
    acts: dict[str, Act] = {
        "tag": _tag,
        "untag": _untag,
        "owner": _owner,
        "list": _list,
        "export": _export,
        "cards": _export,
    }
    return acts.get(name)


def _told(action: str, done: Done, words: str, **facts: object) -> ResponseReturnValue | Refusal:
    if isinstance(done, Refusal):
        return done
    screen.record(action, "contacts", None, count=done, **facts)
    undo = _undo_path(facts.get("ids") or facts.get("owners"))
    return screen.done(_back(), words.format(_people(done)), undo=undo)


def _undo_path(changed: object) -> str | None:
    """Where the act that was just recorded is taken back; None when nobody was changed, or too many to be kept."""
    return f"/contacts/bulk/undo/{bulk_undoing.last_act(screen.session(), screen.actor_id())}" if changed else None


def _people(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"


def _page(chosen: bulk.Chosen, count: int, refusal: Refusal | None = None) -> ResponseReturnValue:
    session, asking = screen.session(), _asking()
    some = chosen.some(asking, NAMED)
    cards = cards_for(session, some)
    lists = select(Group.id, Group.name).where(Group.fixed.is_(True), Group.deleted_at.is_(None)).order_by(Group.name)
    staff = select(Person.id, Person.name).where(Person.active.is_(True)).order_by(Person.name)
    tags = select(ContactTag.tag).where(ContactTag.contact_id.in_(some)).distinct().order_by(ContactTag.tag)
    if chosen.whole_list:
        tags = select(ContactTag.tag).distinct().order_by(ContactTag.tag)
    return screen.page(
        "contacts/bulk.html",
        status=422 if refusal is not None else 200,
        refusal=refusal,
        chosen=chosen,
        count=count,
        people=_people(count),
        first=[cards[id_] for id_ in some if id_ in cards],
        fields=fields_of(chosen.wanted, columns_of(request.form)),
        lists=[("", "Choose a list"), *((str(row.id), row.name) for row in session.execute(lists))],
        staff=[("", "Choose somebody"), ("0", "Nobody"), *((str(row.id), row.name) for row in session.execute(staff))],
        tags=[("", "Choose a tag"), *((tag, tag) for tag in session.scalars(tags.limit(500)))],
        marks=chosen.tells_of_yield(asking),
        back=_back(),
    )


def _chosen() -> bulk.Chosen:
    ids = tuple(id_ for text in request.form.getlist("id")[:MOST_TICKED] if (id_ := screen.row_id(text)) is not None)
    return bulk.Chosen(wanted_of(request.form), ids, request.form.get("whole") == "yes")


def _back() -> str:
    return address(fields_of(wanted_of(request.form), columns_of(request.form)))


def _asking() -> browsing.Asking:
    return browsing.Asking(screen.session(), screen.now(), screen.zone(), screen.world().group_facts)
