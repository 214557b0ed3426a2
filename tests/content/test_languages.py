"""One message in several languages: everybody reads their own, and the editor keeps them all."""

from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from outreach.contacts.models import Contact
from outreach.content.details import values_for
from outreach.content.drafts import Draft, clean
from outreach.content.editing import editor_for, read_form
from outreach.content.kinds import PROVIDERS
from outreach.content.previewing import preview_of, rendered
from outreach.content.rendering import render
from outreach.content.segments import conditions, shape
from outreach.errors import Refusal
from outreach.newsletters.models import Issue
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.content.letters import ADDRESSES, kept, message, text_draft
from tests.content.test_preflight import findings
from tests.people import Cast, post

SPANISH = Draft(
    subject="Un equipo cerca de usted",
    preview_line="Citas esta semana",
    blocks=[
        {"type": "greeting", "word": "Hola", "fallback": "colega"},
        {"type": "text", "html": "<p>Vea <a href='https://cedarlane.example/es'>nuestra página</a>.</p>"},
    ],
)
BOTH = Draft(
    subject="A team near you",
    preview_line="Visits this week",
    blocks=[{"type": "text", "html": "<p>See <a href='https://cedarlane.example/en'>our page</a>.</p>"}],
    variants={"es": SPANISH},
)


def test_everybody_reads_the_language_of_their_page(runtime: Runtime, turn: Turn, cast: Cast) -> None:
    made = message(runtime, turn, BOTH, "newsletter")
    turn.session.get_one(Contact, cast.raman).language = "es"
    turn.session.get_one(Contact, cast.okafor).language = "ko"
    turn.session.flush()
    values = values_for(turn.session, [cast.raman, cast.okafor], only=made.details)
    spanish, other = (render(made, {**ADDRESSES, **values[each]}) for each in (cast.raman, cast.okafor))
    assert spanish.subject == "Un equipo cerca de usted"
    assert 'lang="es"' in spanish.html
    assert "Hola Dr. Raman," in spanish.text
    assert "cancele la suscripción</a>" in spanish.html
    assert "Cancele la suscripción:\nhttps://" in spanish.text
    assert "our page" not in spanish.html + spanish.text
    assert other == render(made, ADDRESSES)
    assert 'lang="en"' in other.html
    assert "nuestra" not in other.html + other.text
    assert made.links == ["https://cedarlane.example/en", "https://cedarlane.example/es"]
    shapes = {shape(conditions(made.segments["html"]), values[each]) for each in (cast.raman, cast.okafor)}
    assert len(shapes) == 2


def test_a_variant_is_held_to_the_same_checks(runtime: Runtime, turn: Turn) -> None:
    bad = replace(SPANISH, subject="RE: usted", blocks=[{"type": "text", "html": "<p>{{ nombre }} MRN 4412</p>"}])
    found = [each for each in findings(runtime, turn, replace(BOTH, variants={"es": bad})) if each.level == "blocker"]
    assert len(found) == 3
    assert all(each.text.startswith("Spanish: ") and each.fix == "#languages" for each in found)
    for wrong, reason in (
        (bad, "unknown-detail"),
        (replace(SPANISH, subject=""), "no-subject"),
        (replace(SPANISH, blocks=[{"type": "button", "label": "Ir", "url": "http://x.example"}]), "broken-link"),
    ):
        refused = kept(runtime, turn, replace(BOTH, variants={"es": wrong}))
        assert isinstance(refused, Refusal)
        assert refused.reason == reason


def test_only_the_longest_language_counts_for_the_size(runtime: Runtime, turn: Turn) -> None:
    long = text_draft("<p>" + "word " * 10_000 + "</p>")
    assert message(runtime, turn, replace(long, variants={"es": replace(long, subject="Hola")}))


def form_of(runtime: Runtime, turn: Turn, draft: Draft, **more: str) -> "MultiDict[str, str]":
    """The form of the editor as a browser sends it."""
    view = editor_for(turn.session, now=turn.now, world=runtime, draft=draft, kind="drip", audiences=PROVIDERS)
    fields = [("subject", view.draft.subject), ("preview_line", view.draft.preview_line), ("layout", "designed")]
    fields += [("language", view.draft.shown), ("other_languages", view.other_languages)]
    for place, block in enumerate(view.blocks):
        fields += [("block", str(place)), (f"block-{place}-type", block.type)]
        fields += [(f"block-{place}-{field.name}", field.value) for field in block.fields]
    return MultiDict([*[(k, v) for k, v in fields if k not in more], *more.items()])


def test_the_editor_shows_one_language_and_keeps_the_others(runtime: Runtime, turn: Turn) -> None:
    start = clean(replace(BOTH, variants={}).to_json())[0]
    added, _ = read_form(form_of(runtime, turn, start, act="language:es"))
    assert added.shown == "es"
    assert added.variants["es"].blocks == start.blocks
    typed, _ = read_form(form_of(runtime, turn, added, subject="Un equipo", act="add:divider"))
    assert (typed.subject, typed.variants["es"].subject) == ("A team near you", "Un equipo")
    assert [block["type"] for block in typed.variants["es"].blocks] == ["text", "divider"]
    assert typed.blocks == start.blocks
    third, _ = read_form(form_of(runtime, turn, typed, act="language:fr"))
    back, _ = read_form(form_of(runtime, turn, third, act="language:"))
    assert (back.shown, list(back.variants), back.subject) == ("", ["es", "fr"], "A team near you")
    assert Draft.from_json(back.to_json()) == back
    dropped, _ = read_form(form_of(runtime, turn, back, act="drop-language:fr"))
    assert dropped.variants == {"es": typed.variants["es"]}
    hostile, _ = read_form(form_of(runtime, turn, back, other_languages='{"": [1], "es": "x", "xx": {}}'))
    assert (hostile.subject, hostile.variants) == ("A team near you", {})


def test_the_preview_begins_with_the_language_that_is_written(runtime: Runtime, turn: Turn) -> None:
    shown = preview_of(
        turn.session,
        now=turn.now,
        world=runtime,
        draft=replace(BOTH, shown="es"),
        kind="drip",
        asked={},
        preview_url="/p",
        page_url="/e",
    )
    assert (shown.who, shown.subject, shown.preview_line) == (
        "reads_es",
        "Un equipo cerca de usted",
        "Citas esta semana",
    )
    again = rendered(turn.session, now=turn.now, world=runtime, draft=BOTH, kind="drip", who="nobody")
    assert again.subject == "A team near you"


def test_maya_writes_an_issue_in_two_languages(maya: FlaskClient, runtime: Runtime) -> None:
    page = post(maya, "/newsletters/new", {"layout": "physicians"}).headers["Location"]
    typed = {"version": "1", "title": "May", "subject": "News", "layout": "designed", "act": "language:es"}
    assert "Another language" in maya.get(page).get_data(as_text=True)
    assert post(maya, page, typed).status_code == 303
    shown = maya.get(page).get_data(as_text=True)
    assert 'name="language" value="es"' in shown
    assert "Remove this language" in shown
    assert "Someone who reads Spanish" in shown
    with runtime.turn(write=False) as turn:
        issue = turn.session.scalars(select(Issue)).one()
        assert issue.draft["variants"]["es"]["subject"] == "News"
