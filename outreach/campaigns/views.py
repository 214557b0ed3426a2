"""Signed-in screens of this room: the list, the gallery of recipes, copying, the trash, one contact's campaigns."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.campaigns import (
    builder_views,
    editing,
    life_views,
    moving_views,
    queries,
    recipes,
    replay_views,
    review_views,
)
from outreach.campaigns.forms import number_in
from outreach.campaigns.frame_views import (
    STATUS_WORDS,
    campaigns,
    edit_page,
    known,
    local_now,
    may_write,
    page_of,
    turn,
)
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import STATES
from outreach.contacts.models import Group
from outreach.errors import Refusal

__all__ = ["builder_views", "campaigns", "life_views", "moving_views", "replay_views", "review_views"]


@campaigns.get("/")
def index() -> ResponseReturnValue:
    """All campaigns by status; the gallery when there is none."""
    tab = request.args.get("view", "all")
    tab = tab if tab in queries.TABS else "all"
    number = max(request.args.get("page", 1, type=int), 1)
    counts = queries.tab_counts(screen.session())
    rows = queries.campaigns_in(screen.session(), tab, offset=(number - 1) * queries.PAGE)
    return screen.page(
        "campaigns/list.html",
        rows=rows[: queries.PAGE],
        has_more=len(rows) > queries.PAGE,
        number=number,
        tab=tab,
        tabs=[
            {"label": label, "href": f"/campaigns/?view={key}", "current": key == tab, "count": counts[key]}
            for key, (label, _) in queries.TABS.items()
        ],
        total=counts[tab],
        recipes=recipes.RECIPES.values(),
        status_words=STATUS_WORDS,
        page_of=page_of,
        may_write=may_write(),
        now=local_now(),
    )


@campaigns.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    """Start from a recipe; its group is made when it is not there yet."""
    if request.method == "GET":
        groups = screen.session().execute(
            select(Group.id, Group.name).where(Group.deleted_at.is_(None)).order_by(Group.name)
        )
        return screen.page(
            "campaigns/gallery.html",
            recipes=recipes.RECIPES.values(),
            groups=[(str(row.id), row.name) for row in groups],
            chosen=request.args.get("group", ""),
        )
    group_id = number_in(request.form.get("group_id"))
    if request.form.get("recipe") == "own":
        made = recipes.start_own(screen.session(), name=request.form.get("name", ""), group_id=group_id, **turn())
        screen.record("made", "campaign", made.id)
        return screen.done(edit_page(made, "group"))
    recipe = screen.or_404(recipes.RECIPES.get(request.form.get("recipe", "")))
    made = recipes.start(
        screen.session(),
        world=screen.world(),
        zone=screen.zone(),
        recipe=recipe,
        group_id=group_id,
        **turn(),
    )
    screen.record("made", "campaign", made.id, recipe=recipe.key)
    return screen.done(f"/campaigns/{made.id}/edit")


@campaigns.post("/<int:campaign_id>/copy")
@screen.needs(*screen.WRITERS)
def copy(campaign_id: int) -> ResponseReturnValue:
    """A new draft with the same steps."""
    made = editing.copy_of(screen.session(), campaign=known(campaign_id), **turn())
    screen.record("made", "campaign", made.id, copied=campaign_id)
    return screen.done(f"/campaigns/{made.id}/edit", "Copied. Nobody is in the copy.")


@campaigns.post("/<int:campaign_id>/delete")
@screen.needs(*screen.WRITERS)
def delete(campaign_id: int) -> ResponseReturnValue:
    """A draft goes into the trash."""
    campaign = known(campaign_id)
    gone = editing.delete(screen.session(), now=screen.now(), campaign=campaign)
    if isinstance(gone, Refusal):
        return screen.refused(gone, page_of(campaign))
    screen.record("trashed", "campaign", campaign.id)
    return screen.done("/campaigns/", f"“{campaign.name}” is in the trash.", undo=f"/campaigns/{campaign.id}/restore")


@campaigns.post("/<int:campaign_id>/restore")
@screen.needs(*screen.WRITERS)
def restore(campaign_id: int) -> ResponseReturnValue:
    """Out of the trash again."""
    campaign = screen.or_404(screen.session().get(Campaign, campaign_id))
    editing.restore(screen.session(), campaign=campaign)
    screen.record("restored", "campaign", campaign.id)
    return screen.done(page_of(campaign), f"“{campaign.name}” is back.")


@campaigns.get("/of/<int:contact_id>")
def of_contact(contact_id: int) -> ResponseReturnValue:
    """The campaigns of one contact: a piece for the profile, and a page of its own without script."""
    return screen.page(
        "campaigns/of_contact.html",
        contact_id=contact_id,
        ways=queries.of_contact(screen.session(), contact_id),
        offered=queries.can_take(screen.session(), contact_id) if may_write() else [],
        states=STATES,
        may_write=may_write(),
        now=local_now(),
    )
