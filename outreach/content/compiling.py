"""A draft becomes a compiled message: blocks to MJML to HTML, the same blocks to text, both split once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from outreach.config import Settings
from outreach.content import mjml
from outreach.content.basic_blocks import links_in_text
from outreach.content.blocks import Block, Context, Data, Paragraph, Quoted
from outreach.content.details import fixed_values
from outreach.content.drafts import GROUP_FIELD, Draft, blocks_by_name
from outreach.content.kinds import MESSAGE_KINDS, PROVIDERS
from outreach.content.languages import MAIN, by_language, words_in
from outreach.content.look import brand, lighter
from outreach.content.looking import look_of
from outreach.content.picture_blocks import path_of, picture_of
from outreach.content.problems import Problem
from outreach.content.segments import HTML, TEXT, Segments, given, joined, only_for, walk
from outreach.content.writing import text_of
from outreach.practice.models import Practice

WHY = {
    "provider": "You get this because your practice and ours care for people in the same area.",
    "organization": "You get this because your organization and ours serve the same community.",
    "peer": "You get this because we are colleagues in the same field.",
    "client": "You get this because you agreed to hear from us.",
}
WHY_RELATIONSHIP = "You get this because it is about something you asked for or take part in."
WHY_MIXED = "You get this because you are in touch with us."
VIEWABLE = ("newsletter", "card")
MARK = re.compile(r"~~(\d+|g\d+|end)~~")


@dataclass(frozen=True)
class Compiled:
    """A message in segments: merging one person is joining strings."""

    kind: str
    subject: Segments
    html: Segments
    text: Segments
    links: tuple[str, ...]

    @property
    def details(self) -> tuple[str, ...]:
        """Names of the details it needs per person, in alphabetical order; own addresses are among them."""
        return tuple(sorted({s[1].lstrip("!") for part in self._parts for s in walk(part) if s[0] in "dv"}))

    @property
    def groups(self) -> tuple[int, ...]:
        """Ids of the groups that some block is only for."""
        return tuple(sorted({s[1] for part in self._parts for s in walk(part) if s[0] == "g"}))

    @property
    def _parts(self) -> tuple[Segments, Segments, Segments]:
        return self.subject, self.html, self.text

    def to_json(self) -> dict[str, Any]:
        """As kept in `Message.segments`."""
        return {"subject": self.subject, "html": self.html, "text": self.text}


def context_for(
    session: Session,
    *,
    now: datetime,
    settings: Settings,
    kind: str,
    audiences: Sequence[str] = PROVIDERS,
    layout: str = "designed",
) -> Context:
    """What blocks of such a message may use. Errors: KeyError for an unknown kind."""
    practice = session.get_one(Practice, 1)
    return Context(
        session=session,
        now=now,
        practice=practice,
        kind=MESSAGE_KINDS[kind],
        audiences=tuple(audiences),
        base_url=base_url(settings, practice),
        layout=layout,
        colour=brand(practice.brand_colour),
        look=look_of(session),
        fixed=fixed_values(practice),
    )


def base_url(settings: Settings, practice: Practice) -> str:
    """The address under which readers reach us; without one, the local address (a demo)."""
    return (practice.public_url or settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")


def compile_draft(draft: Draft, context: Context, offered: Iterable[Block] = ()) -> Compiled:
    """The draft in segments, each language for those who read it. Blocks of an unknown sort are left out (preflight and
    keep stop them before)."""
    known = blocks_by_name(offered)
    made = {
        code: _compiled(each, replace(context, language=code or MAIN), known) for code, each in draft.versions().items()
    }
    main = made.pop("")
    if not made:
        return main
    return Compiled(
        kind=main.kind,
        subject=by_language(main.subject, {code: each.subject for code, each in made.items()}),
        html=by_language(main.html, {code: each.html for code, each in made.items()}),
        text=by_language(main.text, {code: each.text for code, each in made.items()}),
        links=tuple(context.links),
    )


def _compiled(draft: Draft, context: Context, known: Mapping[str, Block]) -> Compiled:
    blocks = [(data, known[data["type"]]) for data in draft.blocks if data["type"] in known]
    subject = context.slot(context.parsed(draft.subject, HTML))
    source = mjml.layout(
        draft.layout,
        c=context,
        subject=subject,
        preview_line=context.words(draft.preview_line) if draft.preview_line else "",
        light_colour=lighter(context.colour),
        practice_name=context.words("{{ practice_name }}"),
        logo=_logo(context),
        tagline=context.slot(_tagline(context)),
        sections=_sections(blocks, context),
        **_footer(context),
    )
    return Compiled(
        kind=context.kind.name,
        subject=joined(context.parsed(draft.subject)),
        html=joined(_expand(mjml.to_html(source), context.slots)),
        text=joined(_text(blocks, context)),
        links=tuple(context.links),
    )


def problems_of(draft: Draft, context: Context, offered: Iterable[Block] = ()) -> list[Problem]:
    """What the blocks of the main language have to say, with their places."""
    known = blocks_by_name(offered)
    return [
        replace(problem, block=place)
        for place, data in enumerate(draft.blocks)
        if data["type"] in known
        for problem in (*known[data["type"]].problems(data, context), *links_in_text(known[data["type"]], data))
    ]


def quotes_of(draft: Draft, context: Context, offered: Iterable[Block] = ()) -> list[tuple[int, Quoted]]:
    """(place of the block, story) for every story that the draft quotes or shows, in any language."""
    known = blocks_by_name(offered)
    return [
        (place, quoted)
        for version in draft.versions().values()
        for place, data in enumerate(version.blocks)
        if data["type"] in known
        for quoted in known[data["type"]].quotes(data, context)
    ]


def _sections(blocks: Sequence[tuple[Data, Block]], context: Context) -> list[str]:
    """Neighbouring blocks share one section with one column; blocks that are sections stand alone."""
    sections: list[str] = []
    rows: list[str] = []

    def close() -> None:
        if rows:
            sections.append(
                '<mj-section css-class="sheet" background-color="#ffffff" padding="0 28px">'
                f"<mj-column>{''.join(rows)}</mj-column></mj-section>"
            )
            rows.clear()

    for data, block in blocks:
        made = block.to_mjml(data, context)
        if made and data.get(GROUP_FIELD):
            made = f"<mj-raw>~~g{data[GROUP_FIELD]}~~</mj-raw>{made}<mj-raw>~~end~~</mj-raw>"
        if block.section:
            close()
            sections.append(made)
        else:
            rows.append(made)
    close()
    return sections


def _logo(context: Context) -> dict[str, Any] | None:
    """The practice's own logo; in its place stands the name, which is also what is read aloud."""
    asset = picture_of(context.look.logo_id, context.session) if context.look else None
    if asset is None or context.look is None:
        return None
    width = min(context.look.logo_width, asset.width)
    return {"src": context.slot([context.base_url + path_of(asset)]), "width": width}


def _footer(context: Context) -> dict[str, Any]:
    commercial = context.kind.mail_class == "commercial"
    footer: dict[str, Any] = {
        "commercial": commercial,
        "practice_line": context.words("{{ practice_name }}, {{ practice_address }}"),
        "why": context.words(_why(context)),
        "said": words_in(context.language),
        "optional_view": "",
    }
    if commercial:
        footer["preferences"] = context.address("{{ preferences_url }}")
        footer["unsubscribe"] = context.address("{{ unsubscribe_url }}")
    if context.kind.name in VIEWABLE:
        style = f'" class="link" style="color:{context.colour};text-decoration:underline">'
        seen = ['<p style="margin:0 0 4px"><a href="', *context.link("{{ view_url }}", HTML), style]
        footer["optional_view"] = context.slot(
            [given("view_url", [*seen, f"{words_in(context.language).view}</a></p>"])]
        )
    return footer


def _why(context: Context) -> str:
    if context.language != MAIN:
        return words_in(context.language).why
    if context.kind.mail_class == "relationship":
        return WHY_RELATIONSHIP
    return WHY[context.audiences[0]] if len(context.audiences) == 1 else WHY_MIXED


def _tagline(context: Context) -> Segments:
    return context.parsed(context.practice.tagline, HTML)


def _expand(html: str, slots: Sequence[Segments]) -> Segments:
    """The finished HTML with every marker replaced by its segments; parts for one group only become one segment."""
    stack: list[Segments] = [[]]
    groups: list[int] = []
    last = 0
    for found in MARK.finditer(html):
        stack[-1].append(html[last : found.start()])
        last = found.end()
        mark = found[1]
        if mark == "end":
            inner = stack.pop()
            stack[-1].append(only_for(groups.pop(), inner))
        elif mark.startswith("g"):
            groups.append(int(mark[1:]))
            stack.append([])
        else:
            stack[-1].extend(slots[int(mark)])
    stack[-1].append(html[last:])
    return stack[0]


def _text(blocks: Sequence[tuple[Data, Block]], context: Context) -> Segments:
    result: Segments = []
    for data, block in blocks:
        made = text_of(block.to_text(data, context))
        if not made:
            continue
        made = [*made, "\n"]
        result.extend([only_for(data[GROUP_FIELD], made)] if data.get(GROUP_FIELD) else made)
    return [*result, "-- \n", *text_of(_text_footer(context))]


def _text_footer(context: Context) -> list[Paragraph]:
    lines = [context.paragraph("{{ practice_name }}, {{ practice_address }}"), context.paragraph(_why(context))]
    lines[1].close = True
    if context.kind.mail_class == "commercial":
        said = words_in(context.language)
        stop = said.unsubscribe[:1].upper() + said.unsubscribe[1:]
        for words, name in ((said.choose, "preferences_url"), (stop, "unsubscribe_url")):
            address = context.link(f"{{{{ {name} }}}}", TEXT)
            lines.append(Paragraph([f"{words}:\n", *address], close=True))
    return lines
