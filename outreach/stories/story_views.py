"""Testimonials on screen: the list, one story, asking, a paper signature, withdrawing. Views of a story are audited."""

from datetime import date
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.contacts.queries import cards_for, find
from outreach.content import assets
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.stories import asking, outside, pictures, queries, rules, scanning, signing, website, withdrawing
from outreach.stories.asking import Wish
from outreach.stories.forms import AskForm, OutsideForm, PaperForm, PictureForm, StoryForm
from outreach.stories.models import Story

stories = Blueprint("stories", __name__, url_prefix="/stories")

VIEWS = {
    "all": "All",
    "live": "Live",
    "expiring": "End soon",
    "asked": "Asked",
    "ended": "Expired or withdrawn",
    "closed": "Closed",
}


@stories.get("/")
def overview() -> ResponseReturnValue:
    view = request.args.get("view", "all")
    view = view if view in VIEWS else "all"
    page = max(request.args.get("page", 1, int), 1)
    found = queries.lines(screen.session(), view, on=screen.today(), page=page)
    tabs = [
        {"label": label, "href": f"/stories/?view={name}", "current": name == view} for name, label in VIEWS.items()
    ]
    return screen.page(
        "stories/overview.html",
        view=view,
        tabs=tabs,
        lines=found[: queries.PAGE],
        page=page,
        more=len(found) > queries.PAGE,
        states=rules.STATES,
    )


@stories.get("/website")
def on_website() -> ResponseReturnValue:
    """What the public feed shows today, and how it comes onto a website."""
    shown = website.shown(screen.session(), on=screen.today())
    now = screen.now().astimezone(screen.zone())
    return screen.page("stories/website.html", shown=shown, feed=f"{_base()}/testimonials", now=now)


@stories.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    contact = screen.session().get(Contact, request.values.get("contact", 0, screen.whole_number))
    if contact is not None and contact.deleted_at is not None:
        contact = None
    form = StoryForm()
    if contact is not None and form.validate_on_submit():
        made = asking.start(
            screen.session(),
            now=screen.now(),
            contact_id=contact.id,
            title=form.title.data or "",
            words=form.words.data or "",
            by_id=screen.actor_id(),
        )
        if not isinstance(made, Refusal):
            screen.record("started", "story", made.id)
            return screen.done(f"/stories/{made.id}", "Kept as a draft. Nobody may use it yet.")
        form.form_errors.append(made.text)
    asked = request.args.get("q", "")
    return screen.page(
        "stories/new.html",
        422 if form.is_submitted() else 200,
        form=form,
        contact=cards_for(screen.session(), [contact.id])[contact.id] if contact else None,
        asked=asked,
        found=_clients(asked) if asked.strip() else None,
    )


@stories.get("/<int:story_id>")
@screen.writes_on_get
def one(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    screen.record("viewed", "story", story.id)
    return story_page(story)


@stories.post("/<int:story_id>/words")
@screen.needs(*screen.WRITERS)
def words(story_id: int) -> ResponseReturnValue:
    story, form = story_or_404(story_id), StoryForm()
    if not form.validate_on_submit():
        return story_page(story, 422, words=form)
    refusal = asking.reword(
        screen.session(), story, now=screen.now(), title=form.title.data or "", words=form.words.data or ""
    )
    if refusal is not None:
        return screen.refused(refusal, f"/stories/{story.id}")
    screen.record("edited", "story", story.id)
    return screen.done(f"/stories/{story.id}", "Saved.")


@stories.post("/<int:story_id>/ask")
@screen.needs(*screen.WRITERS)
def ask(story_id: int) -> ResponseReturnValue:
    story, form = story_or_404(story_id), AskForm()
    if not form.validate_on_submit():
        return story_page(story, 422, asking_form=form)
    made = asking.ask(
        screen.session(),
        story,
        _wish(form),
        now=screen.now(),
        key=screen.world().key,
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return story_page(story, 422, asking_form=form)
    screen.record("asked", "authorization", made.id)
    return screen.done(f"/stories/{story.id}", "The page is open. Mail the link, hand it over or print the form.")


@stories.post("/<int:story_id>/mail")
@screen.needs(*screen.WRITERS)
def mail(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    permission = screen.or_404(permission_of(story))
    sent = asking.mail(screen.session(), permission, now=screen.now(), world=screen.world(), by_id=screen.actor_id())
    if isinstance(sent, Refusal):
        return screen.refused(sent, f"/stories/{story.id}")
    screen.record("mailed", "authorization", permission.id)
    return screen.done(f"/stories/{story.id}", "The request is in the outbox.")


@stories.get("/<int:story_id>/form")
@screen.writes_on_get
def paper_form(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    practice = practice_of(screen.session())
    picture = pictures.current(screen.session(), story.id)
    screen.record("printed", "story", story.id)
    return screen.page(
        "stories/paper_form.html",
        story=story,
        permission=permission_of(story),
        picture=picture,
        practice=practice,
        statements=rules.statements(
            practice.name, practice.phone, what=rules.PICTURE_IF_TICKED if picture else rules.WORDS_ALONE
        ),
        rules=rules,
    )


@stories.route("/<int:story_id>/paper", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def paper(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    form = PaperForm() if request.form else PaperForm(formdata=None, data=_defaults(story))
    if form.validate_on_submit():
        made = _recorded(story, form)
        if not isinstance(made, Refusal):
            screen.record("recorded-paper", "authorization", made.id, scanned=bool(form.scan.data))
            return screen.done(f"/stories/{story.id}", "The permission is recorded. The words may be used.")
        form.form_errors.append(made.text)
    picture = pictures.current(screen.session(), story.id)
    status = 422 if form.is_submitted() else 200
    return screen.page("stories/paper.html", status, story=story, form=form, picture=picture)


def _recorded(story: Story, form: PaperForm) -> Authorization | Refusal:
    scan: scanning.Scan | None = None
    if form.scan.data:
        content = form.scan.data.read(assets.MAX_FILE_BYTES + 1)
        found = scanning.read(content, vouched=bool(form.vouched.data))
        if isinstance(found, Refusal):
            return found
        scan = found
    made = signing.record_paper(
        screen.session(),
        story,
        _wish(form),
        now=screen.now(),
        signed_on=form.signed_on.data or screen.today(),
        signer=form.signer.data or "",
        authority=form.authority.data or "",
        document=form.document.data or ("The scan kept here" if scan is not None else ""),
        by_id=screen.actor_id(),
        picture=bool(form.picture.data),
    )
    if scan is not None and not isinstance(made, Refusal):
        scanning.keep(screen.session(), made, scan, now=screen.now(), by_id=screen.actor().id)
    return made


@stories.route("/<int:story_id>/withdraw", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def withdraw(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    permission = screen.or_404(permission_of(story))
    if request.method == "GET":
        uses = queries.used_in(screen.session(), permission.id)
        standing = [one for one in outside.places(screen.session(), story) if one.taken_down_at is None]
        return screen.page("stories/withdraw.html", story=story, uses=uses, standing=standing)
    gone = withdrawing.withdraw(
        screen.session(),
        permission,
        now=screen.now(),
        world=screen.world(),
        channel=request.form.get("channel", "phone"),
        by_id=screen.actor_id(),
    )
    screen.record("withdrawn", "authorization", permission.id, messages=gone.messages, held=gone.held)
    held = f" {gone.held} emails were stopped." if gone.held else ""
    held += " Take them down outside too: the list is below." if gone.outside else ""
    return screen.done(f"/stories/{story.id}", f"Withdrawn. The words are used no more.{held}")


@stories.post("/<int:story_id>/close")
@screen.needs(*screen.WRITERS)
def close(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    asking.close(story, now=screen.now())
    screen.record("closed", "story", story.id)
    return screen.done("/stories/", "Put away.", undo=f"/stories/{story.id}/reopen")


@stories.post("/<int:story_id>/reopen")
@screen.needs(*screen.WRITERS)
def reopen(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    asking.reopen(story, now=screen.now())
    screen.record("reopened", "story", story.id)
    return screen.done(f"/stories/{story.id}", "Back on the list.")


def story_page(
    story: Story,
    status: int = 200,
    *,
    words: StoryForm | None = None,
    asking_form: AskForm | None = None,
    picture_form: PictureForm | None = None,
    outside_form: OutsideForm | None = None,
) -> ResponseReturnValue:
    """The page of one story, with the form that has something wrong in place of a fresh one."""
    permission = permission_of(story)
    state = _state(permission)
    return screen.page(
        "stories/one.html",
        status,
        story=story,
        contact=cards_for(screen.session(), [story.contact_id])[story.contact_id],
        permission=permission,
        state=state,
        states=rules.STATES,
        uses=queries.used_in(screen.session(), permission.id) if permission else [],
        earlier=queries.earlier(screen.session(), story),
        link=asking.link(_base(), screen.world().key, permission.id) if permission else "",
        words=words or StoryForm(formdata=None, obj=story),
        asking_form=asking_form or AskForm(formdata=None, data=_defaults(story)),
        picture=pictures.asked_about(screen.session(), permission)
        if permission and state != "revoked"
        else pictures.current(screen.session(), story.id),
        may_picture=state in ("draft", "revoked") and story.closed_at is None,
        picture_form=picture_form or PictureForm(formdata=None),
        scans=scanning.scans(screen.session(), permission.id) if permission else [],
        places=outside.places(screen.session(), story),
        outside_form=outside_form or (OutsideForm(formdata=None, used_on=screen.today())),
        may_write=screen.actor().role in screen.WRITERS,
        may_ask=state not in ("requested", "live") and story.closed_at is None,
        rules=rules,
        now=screen.now().astimezone(screen.zone()),
    )


def _base() -> str:
    return (screen.world().settings.public_url or practice_of(screen.session()).public_url).rstrip("/")


def story_or_404(story_id: int) -> Story:
    """The story of the address."""
    return screen.or_404(screen.session().get(Story, story_id))


def permission_of(story: Story) -> Authorization | None:
    """The permission that counts for it."""
    return screen.session().get(Authorization, story.authorization_id) if story.authorization_id else None


def _state(permission: Authorization | None) -> str:
    if permission is None:
        return "draft"
    return rules.state_of(permission.state, permission.expires_on, on=screen.today())


def _defaults(story: Story) -> dict[str, Any]:
    permission = permission_of(story)
    ends: date = rules.in_years(screen.today(), rules.DEFAULT_YEARS)
    if permission is not None and permission.state == "requested":
        ends = permission.expires_on or ends
    return {
        "scopes": list(permission.scopes) if permission else list(rules.SCOPE_LABELS),
        "identity": permission.identity if permission else "first-name",
        "purpose": permission.purpose if permission else rules.DEFAULT_PURPOSE,
        "expires_on": ends,
        "signed_on": screen.today(),
    }


def _wish(form: AskForm) -> Wish:
    return Wish(
        scopes=tuple(form.scopes.data or ()),
        expires_on=form.expires_on.data or screen.today(),
        identity=form.identity.data,
        purpose=form.purpose.data or "",
    )


def _clients(asked: str) -> list[Any]:
    return [card for card in find(screen.session(), asked) if card.audience_class in asking.STORY_CLASSES]
