"""Inviting on screen: whom, with which words, the exact number, and answers that came by telephone."""

from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Group
from outreach.contacts.queries import cards_for, find
from outreach.content import editing, preflight, previewing
from outreach.content.drafts import Draft
from outreach.errors import Refusal
from outreach.events import choosing, inviting, over_limit, queries, rsvping, rules, saying, wording
from outreach.events.event_views import event_or_404, events, local_now
from outreach.events.models import CalendarAnswer, Event, Invitation
from outreach.practice.queries import practice_of

SHOWN = 10


@events.route("/<int:event_id>/invite", methods=["GET", "POST"])
@screen.needs_right("send")
def invite(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    group_id, picked = request.values.get("group", 0, int) or None, _picked()
    if request.method == "GET":
        return _invite_page(event, group_id, picked)
    made = inviting.invite(
        screen.session(),
        event,
        now=screen.now(),
        world=screen.world(),
        by_id=screen.actor_id(),
        group_id=group_id,
        contact_ids=picked,
        expected=request.form.get("expected", None, int),
    )
    if isinstance(made, Refusal):
        return screen.refused(made, _back(event, group_id, picked))
    screen.record("invited", "event", event.id, invited=made.invited, group_id=group_id)
    not_sent = sum(made.not_sent.values())
    more = f" {not_sent} could not be sent: see the list." if not_sent else ""
    people = "1 invitation is" if made.invited == 1 else f"{made.invited} invitations are"
    return screen.done(f"/events/{event.id}", f"{people} in the outbox.{more}")


@events.route("/<int:event_id>/words/<kind>", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def words(event_id: int, kind: str) -> ResponseReturnValue:
    event = event_or_404(event_id)
    screen.or_404(wording.KIND_LABELS.get(kind))
    draft, action = words_of(event, kind), None
    here = f"/events/{event.id}/words/{kind}"
    if request.method == "POST":
        draft, action = editing.read_form(cast(editing.FormData, request.form), screen.world().content_blocks)
        if request.form.get("act") == "standard":
            event.drafts = {name: kept for name, kept in event.drafts.items() if name != kind}
            return screen.done(here, "The standard words are back.")
        event.drafts = {**event.drafts, kind: draft.to_json()}
        event.updated_at = screen.now()
        screen.record("edited-words", "event", event.id, kind=kind)
        if action is None:
            return screen.done(here, "Saved.")
        return screen.done(f"{here}#block-{action.place}")
    return screen.page("events/words.html", event=event, kind=kind, **_words_of(event, kind, draft, here))


@events.get("/<int:event_id>/words/<kind>/preview")
def words_preview(event_id: int, kind: str) -> ResponseReturnValue:
    event = event_or_404(event_id)
    screen.or_404(wording.KIND_LABELS.get(kind))
    body, headers = previewing.document(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=words_of(event, kind),
        kind=wording.message_kind(kind),
        asked=request.args,
        values=_facts(event),
    )
    return body, 200, headers


def words_of(event: Event, kind: str) -> Draft:
    """What the event says in that kind of message, as it stands now."""
    return wording.draft_for(screen.session(), event, kind)


@events.post("/<int:event_id>/answer")
@screen.needs(*screen.WRITERS)
def answer(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    invitation = screen.or_404(screen.session().get(Invitation, request.form.get("invitation", 0, int)))
    if invitation.event_id != event.id:
        return screen.refused(Refusal("no-invitation", "This person belongs to another event."), f"/events/{event.id}")
    said = rsvping.answer(
        screen.session(),
        invitation,
        now=screen.now(),
        answer=request.form.get("answer", ""),
        guests=request.form.get("guests", 0, int),
        source="staff",
        by_id=screen.actor_id(),
    )
    if isinstance(said, Refusal):
        return screen.refused(said, f"/events/{event.id}#guests")
    screen.record("answered", "invitation", invitation.id, answer=said.answer)
    return screen.done(f"/events/{event.id}#guests", "The answer is noted.")


@events.post("/<int:event_id>/by-phone")
@screen.needs(*screen.WRITERS)
def by_phone(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    added = inviting.add_by_phone(
        screen.session(),
        event,
        request.form.get("contact", 0, int),
        now=screen.now(),
        answer=request.form.get("answer", ""),
        guests=request.form.get("guests", 0, int),
        by_id=screen.actor_id(),
    )
    if isinstance(added, Refusal):
        picked = [request.form.get("contact", 0, int)] if added.reason == "over-limit" else []
        return screen.refused(added, _back(event, None, picked))
    screen.record("added", "invitation", added.id)
    return screen.done(f"/events/{event.id}#guests", "On the list, without an email.")


@events.get("/answers")
@screen.writes_on_get
def answers() -> ResponseReturnValue:
    found = queries.unread_answers(screen.session())
    screen.record("viewed", "calendar-answer", many=len(found))
    return screen.page("events/answers.html", found=found, now=local_now())


@events.post("/answers/<int:mail_id>/looked")
@screen.needs(*screen.WRITERS)
def looked(mail_id: int) -> ResponseReturnValue:
    row = screen.or_404(screen.session().get(CalendarAnswer, mail_id))
    row.looked_at = row.looked_at or screen.now()
    screen.record("looked-at", "calendar-answer", mail_id)
    return screen.done("/events/answers", "Done.")


def _invite_page(event: Event, group_id: int | None, picked: list[int]) -> ResponseReturnValue:
    chosen = choosing.choose(
        screen.session(),
        event,
        now=screen.now(),
        world=screen.world(),
        zone=screen.zone(),
        group_id=group_id,
        contact_ids=picked,
    )
    choice = choosing.Choice() if isinstance(chosen, Refusal) else chosen
    cards = cards_for(screen.session(), {*choice.ids[:SHOWN], *picked})
    asked = request.args.get("q", "")
    found = find(screen.session(), asked) if asked.strip() else None
    stops = [no for no in (inviting.refuse_inviting(event, now=screen.now()), chosen) if isinstance(no, Refusal)]
    return screen.page(
        "events/invite.html",
        event=event,
        when=saying.when(event, now=screen.now()),
        groups=[(group.id, group.name) for group in _groups()],
        group_id=group_id,
        picked=[cards[each] for each in picked if each in cards],
        picked_ids=picked,
        asked=asked,
        found=found,
        choice=choice,
        first=[cards[each] for each in choice.ids[:SHOWN] if each in cards],
        reasons=choosing.WORDS,
        stops=stops,
        limits=over_limit.of_the_chosen(
            screen.session(),
            event,
            now=screen.now(),
            world=screen.world(),
            zone=screen.zone(),
            group_id=group_id,
            contact_ids=picked,
        ),
        may_pass=screen.may("override"),
        checks=_checks(event, words_of(event, "invitation"), "invitation") if choice.ids else [],
        back=_back(event, group_id, picked),
        answers=rules.ANSWERS,
    )


def _groups() -> list[Group]:
    return choosing.offered_groups(screen.session(), screen.world().group_facts)


def _picked() -> list[int]:
    typed = request.values.getlist("add")
    ids = [int(each) for each in typed if each.isascii() and each.isdigit() and len(each) < 12]
    return list(dict.fromkeys(ids))[:200]


def _back(event: Event, group_id: int | None, picked: list[int]) -> str:
    parts = [f"group={group_id}"] if group_id else []
    parts += [f"add={each}" for each in picked]
    return f"/events/{event.id}/invite" + (f"?{'&'.join(parts)}" if parts else "")


def _words_of(event: Event, kind: str, draft: Draft, here: str) -> dict[str, Any]:
    editor = editing.editor_for(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=draft,
        kind=wording.message_kind(kind),
        focus=request.args.get("at", type=int),
    )
    preview = previewing.preview_of(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=draft,
        kind=wording.message_kind(kind),
        asked=request.args,
        preview_url=f"{here}/preview",
        page_url=here,
        values=_facts(event),
    )
    return {
        "view": editor,
        "shown": preview,
        "labels": wording.KIND_LABELS,
        "edited": kind in event.drafts,
        "checks": _checks(event, draft, kind),
    }


def _checks(event: Event, draft: Draft, kind: str) -> list[dict[str, str]]:
    last = event.starts_on or screen.today()
    found = preflight.check(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        draft=draft,
        kind=wording.message_kind(kind),
        first_send_at=screen.now(),
        last_send_on=last,
    )
    return [finding.at(f"/events/{event.id}/words/{kind}").as_item() for finding in found]


def _facts(event: Event) -> dict[str, str]:
    practice = practice_of(screen.session())
    return {
        "event_title": event.title,
        "event_when": saying.when(event, now=screen.now()),
        "event_where": saying.where(screen.session(), event) or practice.name,
        "event_host": saying.host(screen.session(), event),
    }
