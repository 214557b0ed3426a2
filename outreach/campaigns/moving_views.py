"""A step dropped somewhere else in the drawn flow. The buttons beside the step do the same, one place at a time."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.campaigns import editing
from outreach.campaigns.frame_views import campaigns, edit_page, known, rev_in, turn
from outreach.errors import Refusal


@campaigns.post("/<int:campaign_id>/steps/<key>/to")
@screen.needs(*screen.WRITERS)
def move_to(campaign_id: int, key: str) -> ResponseReturnValue:
    """The step stands at the place of the plus on which it was dropped."""
    campaign = known(campaign_id)
    answer = editing.relocate_step(
        screen.session(),
        campaign=campaign,
        rev=rev_in(),
        key=key[:20],
        after=request.form.get("after", "")[:20],
        parent=request.form.get("parent", "")[:20],
        lane=request.form.get("lane", "")[:20],
        **turn(),
    )
    if isinstance(answer, Refusal):
        return screen.refused(answer, edit_page(campaign))
    screen.record("changed", "campaign", campaign.id, what=f"move {key}")
    return screen.done(edit_page(campaign, key), "Moved.", undo=f"/campaigns/{campaign.id}/undo")
