"""Pictures and scans of a story on screen: choosing them, putting them aside, looking at them."""

from flask import Response, abort
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.content import assets
from outreach.errors import Refusal
from outreach.stories import pictures, scanning
from outreach.stories.file_models import StoryFile
from outreach.stories.forms import PictureForm, ScanForm
from outreach.stories.serving_views import served
from outreach.stories.story_views import permission_of, stories, story_or_404, story_page


@stories.post("/<int:story_id>/picture")
@screen.needs(*screen.WRITERS)
def add_picture(story_id: int) -> ResponseReturnValue:
    story, form = story_or_404(story_id), PictureForm()
    if not form.validate_on_submit():
        return story_page(story, 422, picture_form=form)
    made = pictures.attach(
        screen.session(),
        story,
        now=screen.now(),
        content=form.file.data.read(assets.MAX_FILE_BYTES + 1),
        alt=form.alt.data or "",
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return story_page(story, 422, picture_form=form)
    screen.record("added-picture", "story", story.id, file_id=made.id)
    return screen.done(f"/stories/{story.id}#picture", "The picture is beside the words. Nobody may use it yet.")


@stories.post("/<int:story_id>/picture/remove")
@screen.needs(*screen.WRITERS)
def remove_picture(story_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    refusal = pictures.put_aside(screen.session(), story, now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/stories/{story.id}")
    screen.record("removed-picture", "story", story.id)
    return screen.done(f"/stories/{story.id}", "The picture is put aside. Only the words are asked for.")


@stories.route("/<int:story_id>/scan", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def add_scan(story_id: int) -> ResponseReturnValue:
    """A further page of the paper, or the scan of one that was recorded without."""
    story, form = story_or_404(story_id), ScanForm()
    permission = screen.or_404(permission_of(story))
    if form.validate_on_submit():
        scan = scanning.read(form.scan.data.read(assets.MAX_FILE_BYTES + 1), vouched=bool(form.vouched.data))
        made: StoryFile | Refusal = (
            scan
            if isinstance(scan, Refusal)
            else scanning.keep(screen.session(), permission, scan, now=screen.now(), by_id=screen.actor().id)
        )
        if isinstance(made, StoryFile):
            screen.record("added-scan", "authorization", permission.id, file_id=made.id)
            return screen.done(f"/stories/{story.id}", "The scan is kept with the permission.")
        form.form_errors.append(made.text)
    status = 422 if form.is_submitted() else 200
    return screen.page("stories/scan.html", status, story=story, form=form, permission=permission)


@stories.get("/<int:story_id>/files/<int:file_id>")
@screen.writes_on_get
def file(story_id: int, file_id: int) -> Response:
    """The picture, or the scan of the paper for those who may write; looking at a scan is in the record of changes."""
    found = screen.or_404(screen.session().get(StoryFile, file_id))
    screen.or_404(found if found.story_id == story_or_404(story_id).id else None)
    if found.use == "scan":
        if screen.actor().role not in screen.WRITERS:
            abort(403)
        screen.record("viewed-scan", "authorization", found.authorization_id, file_id=found.id)
    return served(found)
