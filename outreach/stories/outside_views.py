"""Places outside of this program on screen: noting where the words stand, and that they were taken down."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.stories import outside
from outreach.stories.file_models import StoryUse
from outreach.stories.forms import OutsideForm
from outreach.stories.models import Story
from outreach.stories.story_views import permission_of, stories, story_or_404, story_page


@stories.post("/<int:story_id>/places")
@screen.needs(*screen.WRITERS)
def note_place(story_id: int) -> ResponseReturnValue:
    story, form = story_or_404(story_id), OutsideForm()
    permission = screen.or_404(permission_of(story))
    if not form.validate_on_submit():
        return story_page(story, 422, outside_form=form)
    made = outside.note(
        screen.session(),
        permission,
        now=screen.now(),
        scope=form.scope.data,
        place=form.place.data or "",
        used_on=form.used_on.data or screen.today(),
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return story_page(story, 422, outside_form=form)
    screen.record("noted-place", "story", story.id, place_id=made.id, scope=made.scope)
    return screen.done(f"/stories/{story.id}#places", "Noted. It is on the list when the permission ends.")


@stories.post("/<int:story_id>/places/<int:place_id>/taken-down")
@screen.needs(*screen.WRITERS)
def taken_down(story_id: int, place_id: int) -> ResponseReturnValue:
    story = story_or_404(story_id)
    place, undo = _place(story, place_id), request.form.get("undo") == "1"
    if undo:
        outside.put_back(place)
    else:
        outside.take_down(place, now=screen.now(), by_id=screen.actor_id())
    screen.record("put-back" if undo else "taken-down", "story", story.id, place_id=place.id)
    where = f"/stories/{story.id}#places"
    return screen.done(where, "It stands there after all." if undo else "Taken down. The line stays readable.")


def _place(story: Story, place_id: int) -> StoryUse:
    return screen.or_404(next((one for one in outside.places(screen.session(), story) if one.id == place_id), None))
