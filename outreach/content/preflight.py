"""The checks before a message goes: what content can know, and what other rooms add (ui-guide 5.4)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.contacts.models import Group
from outreach.content import linting
from outreach.content.blocks import Context
from outreach.content.compiling import compile_draft, context_for, problems_of, quotes_of
from outreach.content.details import DETAILS, EVENT_DETAILS, URL_DETAILS, used
from outreach.content.drafts import GROUP_FIELD, Draft, blocks_by_name, clean
from outreach.content.kinds import PROVIDERS, story_scopes
from outreach.content.languages import LANGUAGES
from outreach.content.markup import plain_text
from outreach.content.problems import Problem, blocker, warning
from outreach.content.publishing import MAX_HTML_BYTES, SPONSORED_TO_CLIENTS, size_bytes
from outreach.practice.models import Person, Practice
from outreach.screen import World

SUBJECT_CHARS = 60
ASKED_KINDS = ("drip", "newsletter", "card")
"""Those that people write and send to groups; all others follow from something that the client did."""
EQUAL_KINDS = ("card", "invitation")
PRACTICE_PAGE, SENDER_PAGE = "/settings/practice", "/settings/sender"
ORDER = {"blocker": 0, "warning": 1, "pass": 2}


@dataclass(frozen=True)
class Finding:
    """One line of the checklist. level: pass, warning, blocker. `fix`: the address or anchor where to put it right."""

    level: str
    text: str
    fix: str = ""

    def at(self, page: str) -> "Finding":
        """The same with an address that opens the place on the owner's editor `page`, with the block unfolded
        ("/x/edit?at=2#block-2")."""
        if not self.fix.startswith("#"):
            return self
        place = self.fix.removeprefix("#block-")
        opened = f"{'&' if '?' in page else '?'}at={place}" if place.isdigit() else ""
        return replace(self, fix=f"{page}{opened}{self.fix}")

    def as_item(self) -> dict[str, str]:
        """As the `checklist` macro takes it."""
        return {"state": self.level, "text": self.text, "href": self.fix}


class PreflightCheck(Protocol):
    """What another room offers in `contributes.PREFLIGHT_CHECKS`."""

    def __call__(
        self,
        session: Session,
        *,
        now: datetime,
        world: World,
        draft: Draft,
        kind: str,
        audiences: Collection[str],
        first_send_at: datetime,
        last_send_on: date,
    ) -> list[Finding]:
        """The findings of that room."""


def check(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    first_send_at: datetime,
    last_send_on: date,
    audiences: Collection[str] = PROVIDERS,
) -> list[Finding]:
    """Every check of one draft, blockers first, then warnings, then what is in order. Nothing is written."""
    draft, found = clean(draft.to_json(), world.content_blocks)
    classes = tuple(sorted(set(audiences)))
    context = context_for(session, now=now, settings=world.settings, kind=kind, audiences=classes, layout=draft.layout)
    findings = [
        *_block_findings(found),
        *_words_findings(draft.versions()[""], context, world),
        *_other_languages(draft, context, world),
        *_story_findings(draft, context, world, last_send_on),
        *_sponsor_findings(draft, context),
        *_group_findings(draft, context),
        *_sender_findings(context, world),
        *_size_findings(draft, context, world),
    ]
    for contributed in world.preflight_checks:
        findings += contributed(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=kind,
            audiences=classes,
            first_send_at=first_send_at,
            last_send_on=last_send_on,
        )
    return sorted(dict.fromkeys(findings), key=lambda finding: ORDER[finding.level])


def blocked(findings: Iterable[Finding]) -> bool:
    """Whether publishing must wait."""
    return any(finding.level == "blocker" for finding in findings)


def _finding(problem: Problem) -> Finding:
    place = "#subject" if problem.block is None else f"#block-{problem.block}"
    return Finding(problem.level, problem.text, problem.fix or place)


def _block_findings(problems: Iterable[Problem]) -> list[Finding]:
    return [_finding(problem) for problem in problems]


def _words_findings(draft: Draft, context: Context, world: World) -> list[Finding]:
    """What can be said of the message in one language."""
    return [
        *_subject_findings(draft),
        *_detail_findings(draft, context, world),
        *_link_findings(draft, context, world),
        *_word_findings(draft, context, world),
    ]


def _other_languages(draft: Draft, context: Context, world: World) -> list[Finding]:
    same = [code for code, version in draft.variants.items() if version.blocks == draft.blocks]
    return [
        Finding("warning", f"{LANGUAGES[code].label}: the text is still that of the main language.", "#languages")
        for code in same
    ] + [
        Finding(finding.level, f"{LANGUAGES[code].label}: {finding.text}", "#languages")
        for code, version in draft.variants.items()
        for finding in _words_findings(version, context, world)
        if finding.level != "pass"
    ]


def _sponsor_findings(draft: Draft, context: Context) -> list[Finding]:
    return sponsor_findings(draft, context.audiences) if context.kind.name in ASKED_KINDS else []


def sponsor_findings(draft: Draft, audiences: Collection[str]) -> list[Finding]:
    """Paid mail to clients is marketing that each of them has to authorize (45 CFR 164.508(a)(3))."""
    if "client" not in audiences:
        return []
    if draft.sponsored == "yes":
        return [Finding("blocker", SPONSORED_TO_CLIENTS, "#sponsored")]
    if not draft.sponsored:
        return [Finding("blocker", "It goes to clients. Say whether anybody outside pays for it.", "#sponsored")]
    return [Finding("pass", "Nobody pays for this message")]


def _group_findings(draft: Draft, context: Context) -> list[Finding]:
    """Blocks for a group that is gone; in cards and invitations also for one that rests on who refers."""
    findings = []
    for code, version in draft.versions().items():
        for place, data in enumerate(version.blocks):
            if not data.get(GROUP_FIELD):
                continue
            group = context.session.get(Group, data[GROUP_FIELD])
            fix = "#languages" if code else f"#block-{place}"
            if group is None or group.deleted_at is not None:
                findings.append(Finding("warning", "A block is for a group that is gone: nobody will see it.", fix))
            elif group.from_yield and context.kind.name in EQUAL_KINDS:
                text = f"A block is for “{group.name}”, which rests on who refers. Everybody gets the same here."
                findings.append(Finding("blocker", text, fix))
    return findings


def _or_pass(findings: list[Finding], text: str) -> list[Finding]:
    return findings or [Finding("pass", text)]


def _subject_findings(draft: Draft) -> list[Finding]:
    found = linting.lint_subject(draft.subject)
    if not draft.subject:
        found.append(blocker("no-subject", "The subject is empty."))
    elif len(draft.subject) > SUBJECT_CHARS:
        length = len(draft.subject)
        found.append(
            warning("long-subject", f"The subject has {length} characters; a phone shows about {SUBJECT_CHARS}.")
        )
    findings = [_finding(problem) for problem in found]
    if not draft.preview_line:
        line = "There is no preview line: the inbox shows the first words of the text instead."
        findings.append(Finding("warning", line, "#preview_line"))
    if not any(data["type"] for data in draft.blocks):
        findings.append(Finding("blocker", "The message has no content yet.", "#blocks"))
    return _or_pass(findings, "Subject and preview line fit")


def _texts(draft: Draft, world: World) -> list[tuple[int | None, str, bool]]:
    """(place, typed text, whether it is HTML) of everything a person typed."""
    texts: list[tuple[int | None, str, bool]] = [(None, draft.subject, False), (None, draft.preview_line, False)]
    known = blocks_by_name(world.content_blocks)
    for place, data in enumerate(draft.blocks):
        for field in known[data["type"]].fields if data["type"] in known else ():
            if field.kind in ("line", "html", "url") and data.get(field.name):
                text = str(data[field.name])
                texts.append((place, plain_text(text) if field.kind == "html" else text, field.kind == "html"))
    return texts


def _detail_findings(draft: Draft, context: Context, world: World) -> list[Finding]:
    offered = {name for block in world.content_blocks for name in block.details}
    others = {*URL_DETAILS, *EVENT_DETAILS, *offered}
    found = []
    for place, text, _ in _texts(draft, world):
        details = used(text)
        if text.count("{{") != len(details):
            found.append(blocker("unknown-detail", f"“{_around(text)}” is not a detail we know.", place))
        for name, fallback in details:
            known = DETAILS.get(name)
            if known is None and name not in others:
                found.append(blocker("unknown-detail", f"“{name}” is not a detail we know.", place))
            elif known and "client" in context.audiences and not known.client:
                words = f"“{known.label}” may not stand in mail to clients and families."
                found.append(blocker("detail-not-allowed", words, place))
            elif known and not known.always and not fallback:
                words = f"“{known.label}” has no fallback. Say what stands there when we do not know it."
                found.append(blocker("no-fallback", words, place))
            elif known and known.always and not context.fixed.get(name) and not fallback:
                found.append(blocker("no-fallback", f"“{known.label}” is not filled in under Settings.", place))
    return _or_pass([_finding(problem) for problem in found], "Every detail has a fallback")


def _around(text: str) -> str:
    start = text.find("{{")
    return text[start : start + 30]


def _link_findings(draft: Draft, context: Context, world: World) -> list[Finding]:
    found = problems_of(draft, context, world.content_blocks)
    findings = [_finding(problem) for problem in found]
    if any(problem.reason == "broken-link" for problem in found):
        return findings
    compiled = compile_draft(draft, context, world.content_blocks)
    number = len(compiled.links)
    text = "No links" if not number else "The link works" if number == 1 else f"Links work, {number} of {number}"
    return [*findings, Finding("pass", text)]


def our_names(session: Session, practice: Practice) -> list[str]:
    """Names that may stand beside a health word: they are ours."""
    return [practice.name, practice.city, *session.scalars(select(Person.name))]


def _word_findings(draft: Draft, context: Context, world: World) -> list[Finding]:
    ours = our_names(context.session, context.practice)
    to_clients = "client" in context.audiences
    found = [
        Problem(problem.level, problem.reason, problem.text, place)
        for place, text, _ in _texts(draft, world)
        for problem in linting.lint_text(text, to_clients=to_clients, known_names=ours)
    ]
    return _or_pass([_finding(problem) for problem in found], "No health details, no promises")


def _story_findings(draft: Draft, context: Context, world: World, last_send_on: date) -> list[Finding]:
    quoted = quotes_of(draft, context, world.content_blocks)
    scopes = story_scopes(context.kind.name, context.audiences)
    findings = []
    for place, quote in quoted:
        story = context.session.get(Authorization, quote.authorization_id)
        last = max(last_send_on, context.today)
        if story is None or not all(is_live(story, scope, on=day) for scope in scopes for day in (context.today, last)):
            findings.append(Finding("blocker", _story_trouble(quote.line, story, scopes, last), f"#block-{place}"))
    return _or_pass(findings, "Permissions last until the last send") if quoted else []


def _story_trouble(line: str, story: Authorization | None, scopes: Iterable[str], last: date) -> str:
    if story is None or story.state in ("draft", "requested"):
        return f"{line} has no signed permission."
    if story.revoked_at or story.state == "revoked":
        return f"{line}: the permission was withdrawn."
    if story.expires_on and story.expires_on < last:
        ends, sends = f"{story.expires_on:%b %-d, %Y}", f"{last:%b %-d, %Y}"
        return f"{line}: the permission ends on {ends}, before the last send on {sends}."
    missing = ", ".join(scope.replace("-", " to ") for scope in scopes if scope not in story.scopes)
    return f"{line}: the permission does not cover {missing}."


def _sender_findings(context: Context, world: World) -> list[Finding]:
    practice, settings = context.practice, world.settings
    findings = []
    if not (practice.street and practice.city and practice.zip5):
        findings.append(
            Finding("blocker", "The practice's postal address is missing; the law asks for it.", PRACTICE_PAGE)
        )
    if not practice.sender_email:
        findings.append(Finding("blocker", "The sender's address is missing.", SENDER_PAGE))
    if settings.mode != "demo" and not context.base_url.startswith("https://"):
        text = "The public https address is missing: links and one-click unsubscribe would not work."
        findings.append(Finding("blocker", text, SENDER_PAGE))
    return _or_pass(findings, "Sender, postal address and unsubscribe are there")


def _size_findings(draft: Draft, context: Context, world: World) -> list[Finding]:
    compiled = compile_draft(draft, context, world.content_blocks)
    if size_bytes(compiled) > MAX_HTML_BYTES:
        return [Finding("blocker", "The message is too large: mail programs would cut it off.", "#blocks")]
    return []
